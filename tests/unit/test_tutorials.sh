#!/bin/bash
# test_tutorials.sh DIR - the tutorials as far as they go without two machines:
# each command is one that there is, with options that it has; rules, profiles
# and configurations are good; CA, gateway and workstation are made, enrolled and
# taken back as it is printed there, and print what is printed there. In guests
# they are played from end to end.
# shellcheck disable=SC2317 # much of it is called by play.sh
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
bin=$(cd "${1:?directory of the programs}" && pwd) || exit 1
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
work=$(mktemp -d) || exit 1
server=
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"
export LC_ALL=C PATH=$bin:$PATH
n=0 bad=0

say() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		bad=1
		echo "not ok $n - $2"
		[ ! -s "$work/why" ] || sed 's/^/# /' "$work/why"
	fi
	: >"$work/why"
}

# shellcheck source=tests/docs/play.sh
. "$top/tests/docs/play.sh"

# ---------------------------------------------------------------------------
# Is it a command?

OTHERS='apt-get cp find groupadd groupdel jq ls lsblk modprobe mv rm sallyport
sallyctl sallyport-certs sallyport-policy sallyportd systemctl useradd userdel'

# help_of WORDS: what the help of that command says.
help_of() {
	case "$1 ${2:-}" in
	'sallyctl audit') sallyctl audit --help ;;
	'sallyctl '* | 'sallyportd '*) "$1" --help ;;
	*) "$1" "${2:-}" --help ;;
	esac 2>/dev/null
}

# known COMMAND: what is wrong with it.
known() {
	local part words word help
	while IFS= read -r part; do
		read -ra words <<<"$part"
		[ ${#words[@]} -gt 0 ] || continue
		grep -qwF -- "${words[0]}" <<<"$OTHERS" ||
			echo "$part: ${words[0]}: who is that?"
		[[ ${words[0]} == sally* ]] || continue
		help=$(help_of "${words[@]}") ||
			echo "$part: no help for that"
		if [[ ${words[1]:-} =~ ^[a-z]+$ ]]; then
			grep -qw -- "${words[1]}" <<<"$help" ||
				echo "$part: ${words[1]} is not in its help"
		fi
		for word in "${words[@]}"; do
			[[ $word == --?* ]] || continue
			grep -qE -- "(^|[^a-z-])${word%%=*}([^a-z-]|\$)" <<<"$help" ||
				echo "$part: $word is not in its help"
		done
	done < <(sed "s/'[^']*'/X/g; s/'[^']*\$//
		s/||*\\|&&\\|;/\\n/g; s/[<>][^ ]*//g" <<<"$1")
}

# ---------------------------------------------------------------------------
# Does it?

# Two machines in one directory.
here() {
	sed -e "s#/etc/sallyport#$work/$role/etc#g" \
		-e "s#/var/lib/sallyport-certs#$work/gateway/ca#g" \
		-e "s#/root/#$work/$role/root/#g"
}
# What this kernel or build is without is no part of a tutorial.
play_filter() {
	sed -e '/^sallyportd: sandbox: .*: this /d' \
		-e "s#$work/$role/etc#/etc/sallyport#g" \
		-e "s#$work/gateway/ca#/var/lib/sallyport-certs#g" \
		-e "s#$work/$role/root/#/root/#g"
}

serve() {
	local user=() i
	if [ "$(id -u)" = 0 ]; then
		chown -R nobody "$work/gateway/ca"
		user=(--user nobody)
	fi
	for port in $(seq $((20000 + $$ % 10000)) 7 40000); do
		sallyport-certs serve --dir "$work/gateway/ca" \
			--listen 127.0.0.1 --port "$port" "${user[@]}" \
			2>"$work/serve.log" &
		server=$!
		for ((i = 0; i < 100; i++)); do
			! grep -q ready "$work/serve.log" || return 0
			! grep -q 'choose another' "$work/serve.log" || break
			sleep 0.05
		done
		wait "$server"
	done
	return 1
}

# What this machine can do of it; else 2.
translate() {
	case $1 in
	'sallyport-policy check '*.profile)
		echo "$1 --stock $top/policy/profiles/stock" | here ;;
	'sallyport-certs '* | 'sallyport-policy '*) here <<<"$1" ;;
	'sallyport enroll '*)
		here <<<"$1 --tls $work/workstation/etc/tls" |
			sed "s#gw\.lab\.example#127.0.0.1:$port#" ;;
	'sallyportd --check-config')
		here <"$work/gateway/etc/gateway.conf" |
			sed 's/^user = .*/user = nobody/; s/= helpdesk/= nogroup/
				s/^state = .*//; s/^audit = .*//' \
			>"$work/gateway.conf"
		grep -q '^key = ' "$work/gateway.conf" ||
			printf '[tls]\nca = %s\ncert = %s\nkey = %s\n' \
				"$work"/gateway/etc/tls/{ca,cert,key}.pem \
				>>"$work/gateway.conf"
		echo "$1 -c $work/gateway.conf" ;;
	'cp /etc/sallyport/gateway.conf.example '*)
		echo "cp $top/docs/examples/gateway.conf ${1##* }" | here ;;
	'systemctl enable '*sallyport-certs*) echo serve ;;
	*) return 2 ;;
	esac
}

check_one() {
	local command status=0
	known "$1" >>"$work/why"
	commands=$((commands + 1))
	command=$(translate "$1") || return 0
	done=$((done + 1))
	if [ "$command" = serve ]; then
		serve || echo "serve: $(cat "$work/serve.log")" >>"$work/why"
		return 0
	fi
	[[ $play_words =~ exits\ ([0-9]+) ]] && status=${BASH_REMATCH[1]}
	play_one "$command" "$2" "$status" >"$work/one" ||
		{ echo "line $play_line: $1"; cat "$work/one"; } >>"$work/why"
	return 0
}
# shellcheck disable=SC2034 # for play.sh
PLAY_RUN=check_one

write_file() {
	local to
	to=$(here <<<"$2")
	mkdir -p "$(dirname "$to")"
	cp "$1" "$to"
	case $to in
	*workstation.conf)
		# it is read before anything is asked of 127.0.0.1
		sallyport list --config "$to" --tls "$work/workstation/etc/tls" \
			127.0.0.1:1 >"$work/one" 2>&1
		[ $? = 4 ] || cat "$work/one" >>"$work/why"
		;;
	*.rules | *.t | *.profile | *gateway.conf) ;;
	*) echo "$2: what is that?" >>"$work/why" ;;
	esac
}

for doc in docs/tutorials/*.md; do
	[ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null
	server='' commands=0 done=0
	rm -rf "$work/gateway" "$work/workstation" "$work/blocks"
	mkdir -p "$work"/{gateway,workstation}/{root,etc} "$work/blocks" \
		"$work"/gateway/etc/rules.d
	mkdir -m 700 "$work/gateway/ca" "$work"/{gateway,workstation}/etc/tls
	play_dir=$work/blocks
	tests/docs/blocks -v DIR="$play_dir" "$doc" 2>"$work/why"
	say $? "$doc"
	for id in "$play_dir"/*.kind; do
		id=${id%.kind}
		role=$(cat "$id.role")
		play_line=$(cat "$id.line") play_words=$(cat "$id.words")
		if [[ $play_words =~ ^carry\ ([^ ]+) ]]; then
			cp "$work"/{gateway,workstation}/root/"${BASH_REMATCH[1]##*/}"
		fi
		case $(cat "$id.kind") in
		console)
			play_commands "$id.body" ||
				echo "line $play_line: no command" >>"$work/why"
			;;
		file) write_file "$id.body" "$play_words" ;;
		plug) [ -n "$play_words" ] || echo "plug what?" >>"$work/why" ;;
		esac
	done
	[ ! -s "$work/why" ]
	say $? "  $commands commands, $done of them done here"
	awk '/^```[^ ]+ (gateway|workstation)/ {
		want = "*On the " $2 ", in `" $3 "`:*"
		if ($1 == "```console")
			want = "*On the " $2 ":*"
		if (said != want)
			print FNR ": not said above: " want
	}
	NF { said = $0 }' "$doc" >"$work/why" 2>&1
	[ ! -s "$work/why" ]
	say $? "  it says on which machine, and into which file"
	[ "$done" -ge 8 ] && [ -s "$work/workstation/etc/tls/cert.pem" ]
	say $? "  the workstation is enrolled"
	for want in 'apt-get install' 'sallyport enroll' 'apt-get purge'; do
		[ "$(grep -c "^# $want" "$doc")" -gt 0 ] || echo "no $want"
	done >"$work/why"
	[ ! -s "$work/why" ]
	say $? "  from packages to their purge"
done

# What the README begins with, on this machine.
role=gateway n_run=0
rm -rf "$work/gateway"
mkdir -p "$work/gateway/etc/rules.d"
cp docs/examples/gateway.conf "$work/gateway/etc/gateway.conf.example"
while IFS= read -r command; do
	n_run=$((n_run + 1))
	(cd "$work" && bash -c "$(here <<<"$command")") >"$work/one" 2>&1 || {
		echo "$command"
		cat "$work/one"
	} >>"$work/why"
done < <(sed -n 's/^    //p' README.md |
	grep -E '^(sallyport-certs|sallyport-policy|echo|cp /etc/sally)')
[ ! -s "$work/why" ] && [ "$n_run" -ge 6 ] &&
	grep -q '10-lab.rules: 1 rule, ok' "$work/one" &&
	[ -s "$work/pki/ws-01/cert.pem" ]
say $? "$n_run commands of the README are done"

# Commands of ours that stand in a line of any document.
for doc in README.md docs/*.md; do
	# messages are no commands
	sed '/^### /d; s/```/\n/g' "$doc" | tr '\n' ' ' |
		grep -oE '(^|[^`])`(sallyctl|sallyportd|sallyport(-certs|-policy)?) [a-z-][^`]*`' |
		sed 's/^[^`]*`//; s/`$//'
	grep -hE '^    (# )?(sallyctl|sallyportd|sallyport(-certs|-policy)?) [a-z-]' \
		"$doc" | sed 's/^    //; s/^# //; s/  *# .*//'
done | sort -u >"$work/commands"
while IFS= read -r command; do
	known "$command"
done <"$work/commands" >"$work/why"
[ ! -s "$work/why" ]
say $? "$(wc -l <"$work/commands") commands in the other documents"

# And of the examples in man pages, where a line may go on behind a backslash.
for page in proxy/*/*.[1-8] vhci-glue/*.[1-8] policy/*/*.[1-8] certs/*.[1-8]; do
	mandoc -Tascii -Owidth=200 "$page" | col -bx |
		sed -n '/^EXAMPLES/,/^[A-Z]/p' | sed 's/^ *//; s/^\$ //' |
		sed -e ':a' -e '/\\$/N; s/\\\n//; ta' |
		grep -E '^(sallyctl|sallyportd|sallyport(-certs|-policy)?) [a-z-]'
done | sort -u >"$work/commands"
while IFS= read -r command; do
	known "$command"
done <"$work/commands" >"$work/why"
[ ! -s "$work/why" ] && [ -s "$work/commands" ]
say $? "$(wc -l <"$work/commands") commands in man pages"

# What looks for all that finds it.
known 'sallyctl frobnicate' >"$work/found"
known 'sallyport list --nonsense gw' >>"$work/found"
known 'curl x' >>"$work/found"
[ "$(wc -l <"$work/found")" = 3 ]
say $? "a command, an option and a program that are not there are found"
printf 'a b\nc\nd\n' >"$work/got"
like() {
	printf '%b' "$1" >"$work/want"
	play_like "$work/want" "$work/got"
}
like 'a\n...\nd\n' && like 'a ...\nc\nd\n' && like '...\n' && like 'a b\n...\n' &&
	! like 'a\nc\n' && ! like 'b\n...\n' && ! like 'a\nd\n' &&
	! like '...\nx\n' && ! like 'a*\n...\nx\n'
say $? "and what is printed has to be like it is printed"
echo "1..$n"
exit $bad
