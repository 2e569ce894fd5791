# Bash completion for sallyport(1).

_sallyport()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words gateway='' word

	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
		    'list attach detach status watch agent tunnel enroll notify --help --version' -- "$cur")
		return
	fi
	case $prev in
	--tls)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--config | --log)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	--accept)
		mapfile -t COMPREPLY < <(compgen -W 'keyboard network none' \
		    -- "$cur")
		return
		;;
	--port | --name | --listen | --as | --seat)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		words='--help --json'
		case $command in
		list) words+=' --port --name --tls --config --first-use --require-sandbox' ;;
		watch) words+=' --port --name --tls --config --require-sandbox' ;;
		attach)
			words+=' --port --name --tls --config --foreground --log'
			words+=' --accept --user --seat --wait --first-use --as'
			words+=' --ask --require-sandbox'
			;;
		agent)
			words+=' --tls --config --keep --status --suspend --resume'
			words+=' --require-sandbox'
			;;
		enroll) words='--help --port --tls' ;;
		tunnel)
			words='--help --port --name --tls --config --listen'
			words+=' --user --require-sandbox'
			;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
	fi
	case $command in
	detach)
		words=$(sallyport status 2>/dev/null |
			awk '$1 ~ /^[0-9]+$/ { print $1 }')
		mapfile -t COMPREPLY < <(compgen -W "all $words" -- "$cur")
		;;
	attach)
		# The bus ids of the gateway that was typed before, if any.
		for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
			[[ $word == -* ]] || gateway=$word
		done
		if [[ -n $gateway ]]; then
			words=$(timeout 3 sallyport list "$gateway" \
			    2>/dev/null | awk 'NR > 1 { print $1 }')
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
		fi
		;;
	list | watch | tunnel | enroll)
		mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
		;;
	esac
}
complete -F _sallyport sallyport
