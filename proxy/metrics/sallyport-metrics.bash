# Bash completion for sallyport-metrics(8).

_sallyport_metrics()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words='--socket --listen --user --once --help --version'

	COMPREPLY=()
	case $prev in
	--socket | -s)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--listen | -l)
		words='127.0.0.1:3243 [::1]:3243'
		;;
	--user | -u)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _sallyport_metrics sallyport-metrics
