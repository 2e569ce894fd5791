#!/bin/sh
# test_relay_cli.sh DIR - `sallyport` in DIR, used wrongly: each time one line
# on standard error that says what to do, and the documented exit status.
bin=$(cd "${1:?directory of the programs}" && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
n=0
failed=0

# try NAME STATUS WORDS ARG...: runs sallyport with ARGs.
try() {
	name=$1 want=$2 words=$3
	shift 3
	"$bin/sallyport" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	n=$((n + 1))
	lines=$(wc -l <"$tmp/err")
	if [ "$got" = "$want" ] && [ "$lines" = 1 ] &&
	    grep -qF -- "$words" "$tmp/err"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# exit $got, not $want; it should say: $words"
		sed 's/^/# /' "$tmp/err"
		failed=1
	fi
}

# shows NAME WORDS ARG...: succeeds, on standard output.
shows() {
	name=$1 words=$2
	shift 2
	n=$((n + 1))
	if "$bin/sallyport" "$@" >"$tmp/out" 2>"$tmp/err" &&
	    [ ! -s "$tmp/err" ] && grep -qF -- "$words" "$tmp/out"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$tmp/err"
		failed=1
	fi
}

"$bin/sallyport-certs" init --dir "$tmp/ca" >/dev/null &&
"$bin/sallyport-certs" issue workstation kiosk --dir "$tmp/ca" \
	--out "$tmp/ws" >/dev/null &&
"$bin/sallyport-certs" issue workstation old --dir "$tmp/ca" \
	--out "$tmp/old" --valid-from 2020-01-01T00:00:00Z --days 9 >/dev/null &&
"$bin/sallyport-certs" issue gateway gw --dir "$tmp/ca" --out "$tmp/gw" \
	>/dev/null || exit 1
cp -r "$tmp/ws" "$tmp/open"
chmod 644 "$tmp/open/key.pem"
cp -r "$tmp/ws" "$tmp/mixed"
cp "$tmp/gw/key.pem" "$tmp/mixed/key.pem"
cp -r "$tmp/ws" "$tmp/junk"
echo junk >"$tmp/junk/cert.pem"
cp -r "$tmp/ws" "$tmp/big"
head -c 100000 /dev/zero >"$tmp/big/ca.pem"
printf '[tls]\nca = /a\nwhat = 1\n' >"$tmp/bad.conf"
none=127.0.0.1:9 # the discard port, where nobody listens

shows 'help' 'usage: sallyport COMMAND' --help
shows 'help of list' '--name NAME' list --help
shows 'help of attach' '--foreground' attach --help
shows 'help of detach' 'PORT|DEVICE|all' detach --help
shows 'help of status' 'attached here' status --help
shows 'help of watch' 'until interrupted' watch --help
shows 'help of agent' '--suspend' agent --help
shows 'help of tunnel' '--listen PORT' tunnel --help
shows 'version' 'sallyport ' --version

try 'unknown command' 2 'no such command; see `sallyport --help`' frob
try 'terminal escapes are escaped' 2 '\x1b[31m: no such command' "$(printf '\033[31m')"
try 'unknown option' 2 'see `sallyport list --help`' list --frob gw
try 'an option of another command' 2 'not an option of it' status --port 1
try 'no gateway' 2 'usage: sallyport list' list
try 'no bus id' 2 'usage: sallyport attach' attach gw
try 'too many arguments' 2 'too many' list a b c
try 'bad port' 2 '1 to 65535' list --port 0 gw
try 'bad gateway' 2 'give HOST, HOST:PORT or [IPv6]:PORT' list 'a b'
try 'bad bus id' 2 'neither a bus id' attach gw '../1'

try 'bad port to listen on' 2 '1 to 65535' tunnel --listen 65536 gw
try 'nobody of that name' 2 'there is none' tunnel --user no-such-user gw
try 'an option of the tunnel' 2 'not an option of it' list --user root gw
try 'watch without a gateway' 2 'usage: sallyport watch' watch

try 'no keys' 1 'ca.pem: no such file; name its directory with --tls' \
	list --tls "$tmp/nothing" $none
try 'no configuration' 1 'nothing.conf' list --config "$tmp/nothing.conf" $none
try 'bad configuration' 1 'bad.conf:3' list --config "$tmp/bad.conf" $none
try 'key that others may read' 1 'others may read it; run `chmod 600' \
	list --tls "$tmp/open" $none
try 'key of another certificate' 1 "not the certificate's key" \
	list --tls "$tmp/mixed" $none
try 'no certificate in the file' 1 'tls: certificate: ' \
	list --tls "$tmp/junk" $none
try 'huge file' 1 'larger than' list --tls "$tmp/big" $none
try 'expired certificate' 1 'it expired on 2020-01-10' \
	list --tls "$tmp/old" $none
try "a gateway's certificate" 1 'not made for a workstation' \
	list --tls "$tmp/gw" $none
try 'nobody listens' 4 'is sallyportd running there' list --tls "$tmp/ws" $none
try 'no such name' 4 'no-such-host.invalid' \
	list --tls "$tmp/ws" no-such-host.invalid

if [ ! -d /sys/devices/platform/vhci_hcd.0 ]; then
	try 'no vhci_hcd' 1 'run `modprobe vhci-hcd`' status
fi
if [ "$(id -u)" = 0 ]; then
	# somebody who is not root, by a copy that they can reach
	mkdir "$tmp/other"
	cp "$bin/sallyport" "$tmp/other/real"
	cat >"$tmp/other/sallyport" <<END
#!/bin/sh
exec setpriv --reuid 65534 --clear-groups "$tmp/other/real" "\$@"
END
	chmod 755 "$tmp" "$tmp/other" "$tmp/other/real" "$tmp/other/sallyport"
	bin=$tmp/other
fi
try 'attach, not root' 1 'only root may' attach gw 1-1
try 'detach, not root' 1 'only root may' detach all
echo "1..$n"
exit $failed
