#compdef sallyctl
# Zsh completion for sallyctl(1).

# What the gateway has, of one kind: PATTERN of a member, COMMAND.
_sallyctl_ask()
{
	local -a found
	found=(${(f)"$(sallyctl --json "${@:2}" 2>/dev/null |
		grep -o "$1" | cut -d: -f2- | tr -d '"')"})
	compadd -a found
}

_sallyctl_devices()
{
	_sallyctl_ask '"busid":"[^"]*"' devices
}

_sallyctl()
{
	local curcontext=$curcontext state line
	local -A opt_args
	local -a commands

	commands=(
		'status:what the gateway does and which rules are in force'
		'devices:each device, its state, its holder, and who may have it'
		'sessions:each connection'
		'sandbox:what holds each process of the gateway'
		'watch:what happens, as it happens'
		'top:what goes through, as it goes'
		'kick:take a device from its holder'
		'quarantine:devices that a profile put there'
		'capture:keep what passes between a device and its holder'
		'reload:load the rules again'
		'explain:why WHO may have a device'
		'approve:say yes to an ask'
		'deny:say no'
		'audit:the audit log'
		'policy:arm and disarm tokens'
		'verdict:programs that answer what rules ask'
	)

	_arguments -C '--json[JSON]' \
	    '(-s --socket)'{-s,--socket}'[control socket]:socket:_files' \
	    '(- *)'{-h,--help}'[explain]' '(- *)--version[which it is]' \
	    '1:command:->command' '*::argument:->argument' && return
	if [[ $state == command ]]; then
		_describe command commands
		return
	fi
	curcontext=${curcontext%:*}-$words[1]:
	case $words[1] in
	top)
		_arguments '--once[as text]'
		;;
	kick)
		_arguments '1:device:_sallyctl_devices' \
		    '--connection[the holder]:connection:{_sallyctl_ask "\"connection\":[0-9]*" sessions}'
		;;
	quarantine)
		_arguments '1:what:(clear)' '2:device:_sallyctl_devices'
		;;
	capture)
		_arguments '--stop[no more]' '1:device:_sallyctl_devices' \
		    '2:file:_files'
		;;
	reload)
		_arguments '--dry-run[only say what would change]' \
		    '--confirm-within[undo it unless it is confirmed]:duration: ' \
		    '--confirm[keep it]' '1:rules:_files'
		;;
	explain)
		_arguments '1:device:_sallyctl_devices' '2:who: '
		;;
	approve | deny)
		_arguments '1:ask:{_sallyctl_ask "\"id\":[0-9]*" approve}'
		;;
	policy)
		_arguments '1:what:(arm disarm status)' '2:token: ' \
		    '3:duration: '
		;;
	verdict)
		_arguments '1:what:(status serve)' '--name[of the server]:name: ' \
		    '*::command:_normal'
		;;
	audit)
		_sallyctl_audit
		;;
	esac
}

_sallyctl_audit()
{
	local -a json=('--json[JSON]') files=('*:audit log:_files')

	_arguments -C '1:what:(verify search key)' '*::argument:->more' && return
	case $words[1] in
	verify)
		_arguments $json $files '--key[what audit key printed]:file:_files' \
		    '--heads[those of the journal]:file:_files' \
		    '--save[the key of the next line]:file:_files' \
		    '--partial[these are not all of the files]'
		;;
	search)
		_arguments $json $files '--device[which]:pattern: ' \
		    '--identity[whose]:pattern: ' '--rule[by which]:pattern: ' \
		    '--event[EVENT or EVENT/OUTCOME]:pattern: ' \
		    '--since[from]:time: ' '--until[to]:time: '
		;;
	key)
		_arguments $json '--new[another chain begins]'
		;;
	esac
}

_sallyctl "$@"
