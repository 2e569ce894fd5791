#!/bin/sh
# test_external_ca.sh DIR - the OpenSSL commands of docs/CERTIFICATES.md, as they
# are printed there, and both halves' own TLS with what comes out: `sallyport
# list' and the session's code in simgw.
bin=$(cd "${1:?directory of the programs}" && pwd) || exit 1
doc=$(cd "$(dirname "$0")/../.." && pwd)/docs/CERTIFICATES.md
simgw=$bin/../vm/simgw
for tool in openssl jq; do
	command -v $tool >/dev/null ||
		{ echo "1..0 # skip $tool is missing"; exit 77; }
done
tmp=$(mktemp -d) || exit 1
gateway=
cleanup() {
	[ -z "$gateway" ] || kill "$gateway" 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"
cd "$tmp" || exit 1
LC_ALL=C
export LC_ALL
n=0
failed=0

report() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
		for f in out err gateway.log; do
			[ -s "$f" ] && sed "s/^/# $f: /" "$f"
		done
	fi
}
# block N: runs the Nth block of commands
block() {
	awk -v want="$1" '/^```sh$/ { at++; on = 1; next } /^```/ { on = 0 }
		on && at == want' "$doc" >block.sh
	[ -s block.sh ] && sh -e ./block.sh >out 2>err
	report $? "block $1: $2"
}
serve() {
	for port in $(seq $((20000 + $$ % 10000)) 7 40000); do
		: >gateway.out
		"$simgw" "$port" high "$@" >gateway.out 2>gateway.log &
		gateway=$!
		i=0
		while kill -0 $gateway 2>/dev/null && [ $i -lt 100 ]; do
			grep -q ready gateway.out && return 0
			i=$((i + 1))
			sleep 0.1
		done
	done
	return 1
}
list() {
	timeout 30 "$bin/sallyport" list --tls ws1 --port "$port" --name "$1" \
	    127.0.0.1 >out 2>err
}

block 1 "a CA"
block 2 "a gateway"
block 3 "a workstation"
block 4 "a list"
[ "$(grep -c '^```sh$' "$doc")" = 5 ]
report $? "there are five"
"$bin/sallyport-certs" show --json ws1/cert.pem >out 2>err &&
    [ "$(jq -r '.cn, .ou[0], .dns[0], .extended_key_usage[0]' out |
    tr '\n' ' ')" = "ws1 bench ws1.lab.example clientAuth " ] &&
    jq -r .identity out | grep -q '^[0-9a-f]\{64\}:ws1\.lab\.example$'
report $? "show tells who the workstation is"
"$bin/sallyport-certs" show --json gw/crl.pem >out 2>err &&
    [ "$(jq -r .state out)" = valid ]
report $? "and what the list says"
grep '^    openssl verify' "$doc" >verify.sh
[ "$(wc -l <verify.sh)" = 2 ] && sh -e verify.sh >out 2>err
report $? "openssl verifies both for their purpose"

serve gw/ca.pem gw/cert.pem gw/key.pem gw/crl.pem
report $? "a session starts with them"
list gw.lab.example && grep -q 0525:a4a0 out
report $? "the workstation is let in, by name"
list 127.0.0.1
report $? "and by address"
! list other.example && grep -q "other.example" err
report $? "not by another name"
block 5 "taken back"
list gw.lab.example
[ $? = 3 ]
report $? "and it is let in no more"

# As step-ca makes its lists.
cat >>ca/openssl.cnf <<'END'
[distribution]
issuingDistributionPoint = critical, @point
[point]
fullname = URI:https://ca.lab.example/1.0/crl
onlyuser = TRUE
END
openssl ca -config ca/openssl.cnf -crlexts distribution -gencrl \
    -out gw/crl.pem 2>/dev/null
NAMES='DNS:ws2.lab.example' openssl ca -config ca/openssl.cnf \
    -extfile ca/workstation.ext -batch -notext -in ws1.csr -out ws1/cert.pem \
    2>/dev/null
list gw.lab.example
[ $? != 0 ] && grep -q "CRL: " gateway.log
report $? "a list with a critical extension lets nobody in, and it is told"
echo "1..$n"
exit $failed
