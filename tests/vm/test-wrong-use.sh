#!/bin/bash
# vm: --guests 1 --timeout 200
#
# Wrong use answers well: one line that says what to do, and the documented exit
# code.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

# answers CODE PATTERN CMD...: exit code, one line (or a usage), what to do.
answers() {
	local code=$1 pattern=$2 out rc
	shift 2
	out=$("$@" 2>&1)
	rc=$?
	echo "    \$ $*"
	printf '%s\n' "$out" | sed 's/^/      /'
	[ $rc = "$code" ] || fail "exit $rc, not $code: $*"
	grep -qE -- "$pattern" <<<"$out" || fail "no '$pattern': $*"
	[ "$(wc -l <<<"$out")" -le 2 ] || fail "more than two lines: $*"
	say "ok: exit $code: $*"
}

pki_make || fail "pki"
hosts_add
T=$GW/tls-ws1

say "the gateway"
answers 1 'gateway.conf.*gateway.conf\(5\)' sallyportd
mkdir -p $GW/tls
echo "[gateway]" >$GW/gateway.conf
answers 1 'key.pem|cert.pem|ca.pem.*sallyport-certs' sallyportd
cp $PKI/gateway/{ca,cert,key}.pem $GW/tls/
chmod 0644 $GW/tls/key.pem
answers 1 'chmod 0600' sallyportd
chmod 0600 $GW/tls/key.pem
answers 1 'useradd' sallyportd
user_add sallyport
echo "colour = red" >>$GW/gateway.conf
answers 1 'gateway.conf:2' sallyportd
echo "[gateway]" >$GW/gateway.conf
answers 0 '^ok$' sallyportd --check-config
answers 2 'usage' sh -c 'sallyportd --nonsense 2>&1 | head -2; exit 2'
answers 4 'sallyportd running' sallyctl status

say "the workstation"
answers 1 'ca.pem|cert.pem|key.pem|sallyport-certs' \
	sallyport list --tls /nowhere gateway
mkdir -p "$T" && cp $PKI/ws1/{ca,cert,key}.pem "$T/"
chmod 0644 "$T/key.pem"
answers 1 'chmod' sallyport list --tls "$T" gateway
chmod 0600 "$T/key.pem"
answers 4 'gateway' sallyport list --tls "$T" gateway
answers 4 '.' sallyport list --tls "$T" no-such-host.invalid
answers 1 'modprobe vhci-hcd' sallyport attach --tls "$T" gateway 1-1
answers 2 'usage' sh -c 'sallyport attach 2>&1 | head -2; exit 2'

say "certificates"
gateway_config 'default to any' 'allow'
check "the gateway starts" gateway_start
sallyport-certs issue workstation old --dir $PKI \
	--valid-from 2020-01-01T00:00:00Z --days 10 >/dev/null
workstation_config old
answers 1 'expired' sallyport list --tls $GW/tls-old gateway
workstation_config stranger
answers 3 '.' sallyport list --tls $GW/tls-stranger gateway
workstation_config ws1
check "a good one gets a list" sallyport list --tls "$T" gateway
answers 3 '.' sallyport list --tls "$T" --name other.example gateway

say "attach"
answers 5 'sallyport list' sallyport attach --tls "$T" gateway 9-9
answers 1 'root' setpriv --reuid 65534 --clear-groups \
	sallyport attach gateway 1-1
answers 5 '.' sallyport detach 3
check "the gateway stops" gateway_stop

say "rules"
echo "allow id 1234:5678" >$GW/rules.d/10-bench.rules
check "a gateway with bad rules starts" gateway_start
check "and exports nothing" \
	eval "! sallyport list --tls $T --json gateway | grep -q busid"
expect_line 'none loaded; nothing is exported' sallyctl status
answers 1 '10-bench.rules:1' sallyctl reload
printf '%s\n' 'default to any' 'allow' >$GW/rules.d/10-bench.rules
check "mended rules load" sallyctl reload
echo "alow" >>$GW/rules.d/10-bench.rules
answers 1 '10-bench.rules:3:1' sallyctl reload
expect_line '1 in force' sallyctl status
check "the gateway stops" gateway_stop
