#compdef sallyport-certs
# Zsh completion for sallyport-certs(8).

# The names that the CA has a directory for.
_sallyport_certs_names()
{
	local dir=${opt_args[--dir]:-/etc/sallyport/pki}
	local -a names=(${~dir}/*/cert.pem(N:h:t))
	compadd -a names
}

_sallyport_certs()
{
	local curcontext=$curcontext state line
	local -A opt_args
	local -a commands dir json

	commands=(
		'init:make a new certificate authority'
		'issue:make a key and a certificate'
		'renew:make another certificate of the same names'
		'revoke:take a certificate back'
		'crl:make the list of what was taken back'
		'show:print the facts of a certificate or a CRL'
		'token:let somebody fetch one certificate'
		'serve:sign for those who come with a token'
	)
	dir=('--dir[the CA]:directory:_directories')
	json=('--json[JSON]')

	_arguments -C '(- *)--help[explain]' '(- *)--version[which it is]' \
	    '1:command:->command' '*::argument:->argument' && return
	if [[ $state == command ]]; then
		_describe command commands
		return
	fi
	curcontext=${curcontext%:*}-$words[1]:
	local -a help=('(- *)--help[explain]')
	local -a days=('--days[how long it is valid]:days: ')
	local -a from=('--valid-from[when it begins]:time: ')
	local -a out=('--out[where it goes]:directory:_directories')
	local -a which=(
		'--serial[that one]:number: '
		'--file[that one]:certificate:_files'
	)
	local -a names=(
		'*--san[another name]:name:(dns\: ip\: uri\:)'
		'*--ou[organizational unit]:unit: '
	)
	local -a subject=('1:kind:(gateway workstation)' '2:name: ')
	case $words[1] in
	init)
		_arguments $help $dir $days $from $json '--name[of the CA]:name: ' \
		    '--intermediates[an intermediate CA]' \
		    '--parent[the CA that signs it]:directory:_directories'
		;;
	issue)
		_arguments $help $dir $days $from $out $json $names $subject \
		    '--rsa[a key of RSA]:bits:(2048 3072 4096)'
		;;
	renew)
		_arguments $help $dir $which $days $out $json \
		    '--new-key[another key]' '1:name:_sallyport_certs_names'
		;;
	revoke)
		_arguments $help $dir $which $json \
		    '--reason[why]:reason:(unspecified keyCompromise cACompromise affiliationChanged superseded cessationOfOperation privilegeWithdrawn)' \
		    '1:name:_sallyport_certs_names'
		;;
	crl)
		_arguments $help $dir $days $json
		;;
	show)
		_arguments $help $json '*:file:_files'
		;;
	token)
		_arguments $help $dir $days $json $names $subject \
		    '--minutes[how long it may be used]:minutes: '
		;;
	serve)
		_arguments $help $dir '*--listen[address]:address: ' \
		    '--port[TCP port]:port: ' '--user[become that user]:user:_users'
		;;
	esac
}

_sallyport_certs "$@"
