# Bash completion for sallyctl(1).

_sallyctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local word command='' words=''

	COMPREPLY=()
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == -* || $word == /* ]] || {
			command=$word
			break
		}
	done
	case $prev in
	--socket | -s | --key | --heads | --save)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--name)
		words=$(sallyctl --json verdict status 2>/dev/null |
			grep -o '"name":"[^"]*"' | cut -d'"' -f4)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
		;;
	--)
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		return
		;;
	--connection)
		words=$(sallyctl --json sessions 2>/dev/null |
			grep -o '"connection":[0-9]*' | cut -d: -f2)
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
		;;
	esac
	case $command in
	'')
		words='status devices sessions sandbox watch top kick quarantine capture'
		words+=' reload explain approve deny policy audit verdict'
		words+=' --json --socket --help --version'
		;;
	top) words='--once' ;;
	kick) words="--connection $(_sallyctl_devices)" ;;
	capture) words="--stop $(_sallyctl_devices)" ;;
	explain) words=$(_sallyctl_devices) ;;
	quarantine) words="clear $(_sallyctl_devices)" ;;
	policy) words='arm disarm status' ;;
	verdict) words='status serve --name --' ;;
	audit)
		words='verify search key'
		case " ${COMP_WORDS[*]} " in
		*' verify '*) words='--key --heads --save --partial --json' ;;
		*' search '*)
			words='--device --identity --rule --event --since'
			words+=' --until --json'
			;;
		*' key '*) words='--new --json' ;;
		esac
		[[ $cur == -* || $words == verify* || $words == --new* ]] || {
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		}
		;;
	reload)
		words='--dry-run --confirm-within --confirm'
		[[ $cur == -* ]] || {
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
		}
		;;
	approve | deny)
		words=$(sallyctl --json approve 2>/dev/null |
			grep -o '"id":[0-9]*' | cut -d: -f2)
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

_sallyctl_devices()
{
	sallyctl --json devices 2>/dev/null |
		grep -o '"busid":"[^"]*"' | cut -d'"' -f4
}

complete -F _sallyctl sallyctl
