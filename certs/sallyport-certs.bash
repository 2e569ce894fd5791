# Bash completion for sallyport-certs(8).

_sallyport_certs()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words='' dir=/etc/sallyport/pki i

	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'init issue renew revoke crl
		    show token serve --help --version' -- "$cur")
		return
	fi
	case $prev in
	--dir | --out | --parent)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	--san)
		mapfile -t COMPREPLY < <(compgen -W 'dns: ip: uri:' -- "$cur")
		return
		;;
	--reason)
		mapfile -t COMPREPLY < <(compgen -W 'unspecified keyCompromise
		    cACompromise affiliationChanged superseded
		    cessationOfOperation privilegeWithdrawn' -- "$cur")
		return
		;;
	--name | --days | --valid-from | --rsa | --ou | --serial | --minutes | \
	    --listen | --port)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		case $command in
		init)
			words='--dir --name --days --valid-from --intermediates'
			words+=' --parent --json'
			;;
		issue)
			words='--dir --san --ou --days --valid-from --rsa --out'
			words+=' --json'
			;;
		renew)
			words='--dir --serial --file --days --out --new-key --json'
			;;
		revoke) words='--dir --serial --file --reason --json' ;;
		crl) words='--dir --days --json' ;;
		show) words='--json' ;;
		token) words='--dir --san --ou --days --minutes --json' ;;
		serve) words='--dir --listen --port --user' ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$words --help" -- "$cur")
		return
	fi
	case $command in
	issue | token)
		if [[ $COMP_CWORD -eq 2 ]]; then
			mapfile -t COMPREPLY < <(compgen -W \
			    'gateway workstation' -- "$cur")
		fi
		;;
	renew | revoke)
		# The names that the CA has a directory for.
		for ((i = 2; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} == --dir ]] &&
				dir=${COMP_WORDS[i + 1]}
		done
		words=$(cd "$dir" 2>/dev/null && printf '%s\n' */cert.pem)
		words=${words//\/cert.pem/}
		mapfile -t COMPREPLY < <(compgen -W "${words/\*/}" -- "$cur")
		;;
	show) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}
complete -F _sallyport_certs sallyport-certs
