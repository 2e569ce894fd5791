#compdef sallyport-policy
# Zsh completion for sallyport-policy(1).

_sallyport_policy()
{
	local curcontext=$curcontext state line
	local -A opt_args
	local -a commands

	commands=(
		'bundle:rules for many gateways'
		'check:are the rules right?'
		'explain:who may have a device, and why?'
		'fmt:print the canonical form'
		'import:rules of others as ours'
		'replay:what would a profile refuse of a capture?'
		'test:do rules do what they should?'
	)

	_arguments -C '(- *)--help[explain]' '(- *)--version[which it is]' \
	    '1:command:->command' '*::argument:->argument' && return
	if [[ $state == command ]]; then
		_describe command commands
		return
	fi
	curcontext=${curcontext%:*}-$words[1]:
	local -a help=('(- *)--help[explain]') json=('--json[JSON]')
	local -a stock=('--stock[the stock profiles]:directory:_directories')
	local -a to=('*--to[a workstation]:identity:_files')
	local -a at=('--at[at that time]:time: ')
	local -a zone=('--tz[time zone]:zone:_time_zone')
	local -a capture=(
		'--profile[by that profile]:profile: '
		'*--profiles[a file or a directory]:profiles:_files'
		'--device[that of a capture]:bus.device: '
		'--descriptors[in hex]:file:_files'
	)
	case $words[1] in
	check)
		_arguments $help $json $stock '--usbguard[rules of USBGuard]' \
		    '--each-line[judge each line by itself]' '*:rules:_files'
		;;
	explain)
		_arguments $help $json $stock $to $at $zone $capture \
		    '(--unlocked)--locked[the screen is]' \
		    '(--locked)--unlocked[the screen is]' \
		    '--user[who sits there]:user: ' '--seat[and where]:seat: ' \
		    '*--armed[an operator has armed that]:token: ' \
		    '1:device or capture:_files' '*:rules:_files'
		;;
	fmt)
		_arguments $help '1:file:_files'
		;;
	import)
		_arguments $help $to '--using[by which profile]:profile: ' \
		    '1:kind:(usbguard usbredir citrix)' '2:file:_files'
		;;
	replay)
		_arguments $help $json $stock $zone $capture '1:capture:_files'
		;;
	test)
		_arguments $help $stock '*:tests:_files'
		;;
	bundle)
		_arguments $help $json $stock $at $to '--serial[number]:number: ' \
		    '--not-before[valid from]:time: ' '--expires[until]:time: ' \
		    '--grace[and so long after]:duration: ' \
		    '--revision[its name]:text: ' \
		    '--delegate[gateways may add rules]' \
		    '--next-keys[the keys from then on]:file:_files' \
		    '--threshold[so many of the keys]:number: ' \
		    '--discovery[a list of bundles]:file:_files' \
		    '--no-test[do not run its tests]' \
		    '--key[sign with it]:file:_files' \
		    '--signer[a command that signs]:command:_command_names' \
		    '--public[the key of that]:file:_files' \
		    '--keys[who may have signed it]:file:_files' \
		    '*--devices[a list of devices]:file:_files' \
		    '-o[the bundle]:file:_files' \
		    '1:what:(create sign verify show diff test)' '*:file:_files'
		;;
	esac
}

_sallyport_policy "$@"
