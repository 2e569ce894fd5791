# Bash completion for sallyport-policy(1).

_sallyport_policy()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words='--help'

	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
		    'bundle check explain fmt import replay test --help --version' -- "$cur")
		return
	fi
	case $prev in
	--tz)
		mapfile -t COMPREPLY < <(compgen -W "$(awk \
		    '!/^#/ { print $3 }' /usr/share/zoneinfo/zone.tab \
		    2>/dev/null) UTC" -- "$cur")
		return
		;;
	--at | --armed | --using | --serial | --not-before | --expires | \
	--grace | --revision | --threshold | --signer)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		case $command in
		check) words+=' --json --usbguard --each-line --stock' ;;
		explain)
			words+=' --to --at --tz --locked --unlocked --user --seat --armed'
			words+=' --json --profile --profiles --stock --device'
			words+=' --descriptors'
			;;
		bundle)
			words+=' --serial --not-before --expires --grace'
			words+=' --revision --delegate --next-keys --threshold'
			words+=' --discovery --stock --no-test --key --signer'
			words+=' --public --keys --at --json --devices --to'
			;;
		import) words+=' --to --using' ;;
		test) words+=' --stock' ;;
		replay)
			words+=' --profile --profiles --stock --device --tz'
			words+=' --descriptors'
			words+=' --json'
			;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
	fi
	if [[ $command == bundle && $COMP_CWORD -eq 2 ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
		    'create sign verify show diff test' -- "$cur")
		return
	fi
	if [[ $command == import && $COMP_CWORD -eq 2 ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
		    'usbguard usbredir citrix' -- "$cur")
		return
	fi
	# Devices that are plugged in here, beside files.
	if [[ $command == explain && $COMP_CWORD -eq 2 ]]; then
		mapfile -t COMPREPLY < <(compgen -G \
		    '/sys/bus/usb/devices/*-*' | grep -v : |
			grep -F -- "$cur")
	fi
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
}
complete -o filenames -F _sallyport_policy sallyport-policy
