#compdef sallyport
# Zsh completion for sallyport(1).

_sallyport_ports()
{
	local -a ports
	ports=(all ${(f)"$(sallyport status 2>/dev/null |
		awk '$1 ~ /^[0-9]+$/ { print $1 }')"})
	compadd -a ports
}

# The bus ids of the gateway that was typed before.
_sallyport_devices()
{
	local -a devices
	devices=(${(f)"$(timeout 3 sallyport list "$line[1]" 2>/dev/null |
		awk 'NR > 1 { print $1 }')"})
	compadd -a devices
}

_sallyport()
{
	local curcontext=$curcontext state line
	local -A opt_args
	local -a commands tls required gateway json first

	commands=(
		'list:devices that this workstation may use'
		'attach:plug one of them in here'
		'detach:unplug'
		'status:what is plugged in'
		'agent:keep devices plugged in'
		'tunnel:let usbip(8) use it, at 127.0.0.1'
		'notify:tell who sits here what is attached'
		'watch:what its devices do, live'
		'enroll:get this machine a certificate'
	)
	tls=(
		'--tls[directory of ca.pem, cert.pem and key.pem]:directory:_directories'
		'--config[instead of /etc/sallyport/workstation.conf]:file:_files'
	)
	required=('--require-sandbox[not where a part of it is missing]')
	gateway=(
		'--port[port of the gateway]:port: '
		'--name[the name its certificate must carry]:name: '
		$tls $required
	)
	first=('--first-use[trust a key that is not known now, and note it]')
	json=('--json[JSON]')

	_arguments -C '(- *)--help[explain]' '(- *)--version[which it is]' \
	    '1:command:->command' '*::argument:->argument' && return
	if [[ $state == command ]]; then
		_describe command commands
		return
	fi
	curcontext=${curcontext%:*}-$words[1]:
	local -a help=('(- *)--help[explain]')
	case $words[1] in
	list)
		_arguments $help $gateway $first $json '1:gateway:_hosts'
		;;
	watch)
		_arguments $help $gateway $json '1:gateway:_hosts'
		;;
	attach)
		_arguments $help $gateway $first $json \
		    '--foreground[stay until the device is gone]' \
		    '--log[append the log of the connection]:file:_files' \
		    '--accept[take one though the list shows none]:words:_values -s , word keyboard network none' \
		    '--wait=-[if it needs an approval, wait for that]::seconds: ' \
		    '--user[whose its nodes are]:user:_users' \
		    '--seat[of which seat they are]:seat: ' \
		    '--as[the device of that stable name]:name: ' \
		    '--ask[try once, to ask for an approval]' \
		    '1:gateway:_hosts' '2:device:_sallyport_devices'
		;;
	detach)
		_arguments $help $json '1:port or device:_sallyport_ports'
		;;
	status | notify)
		_arguments $help $json
		;;
	agent)
		_arguments $help $tls $required $json '--keep[leave it plugged in]' \
		    '--status[show gateways and devices]' \
		    '--suspend[unplug everything]' '--resume[plug it in again]'
		;;
	tunnel)
		_arguments $help $gateway \
		    '--listen[port of 127.0.0.1]:port: ' \
		    '--user[who may use it, besides root]:user:_users' \
		    '1:gateway:_hosts'
		;;
	enroll)
		_arguments $help '--port[TCP port]:port: ' \
		    '--tls[where the certificate goes]:directory:_directories' \
		    '1:host:_hosts' '2:token: '
		;;
	esac
}

_sallyport "$@"
