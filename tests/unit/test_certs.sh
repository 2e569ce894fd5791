#!/bin/sh
# Tests of sallyport-certs, judged by openssl: test_certs.sh PROGRAM
# Prints `ok N - text` or `not ok N - text`; exit 0 if all are ok, 77 if a tool
# is missing.

prog=${1:?usage: test_certs.sh PROGRAM}
case $prog in
/*) ;;
*) prog=$PWD/$prog ;;
esac
command -v openssl >/dev/null || { echo "1..0 # skip openssl is missing"; exit 77; }

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
umask 022
LC_ALL=C
export LC_ALL

count=0
failed=0

# report STATUS TEXT
report() {
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=$((failed + 1))
		[ -s out ] && sed 's/^/# out: /' out
		[ -s err ] && sed 's/^/# err: /' err
	fi
	: >out
	: >err
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # skip $2"
}

# expect STATUS TEXT ARG...: run the program, compare its exit status
expect() {
	want=$1
	text=$2
	shift 2
	"$prog" "$@" >out 2>err
	got=$?
	[ "$got" -eq "$want" ] || echo "exit status $got, not $want" >>err
	[ "$got" -eq "$want" ]
	report $? "$text"
}

# refuse STATUS PATTERN TEXT ARG...: the same, with nothing on standard output
# and exactly one line on standard error, in the documented form
refuse() {
	want=$1
	pattern=$2
	text=$3
	shift 3
	"$prog" "$@" >out 2>err
	got=$?
	[ "$got" -eq "$want" ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
	    grep -q '^sallyport-certs: .*; .' err && grep -q -e "$pattern" err
	report $? "$text"
}

# has FILE PATTERN TEXT: openssl's view of a certificate, as one line
has() {
	openssl x509 -in "$1" -noout -text >out 2>err &&
	    tr '\n' ' ' <out | tr -s ' ' | grep -q -e "$2"
	report $? "$3"
}

has_not() {
	openssl x509 -in "$1" -noout -text >out 2>err &&
	    ! tr '\n' ' ' <out | tr -s ' ' | grep -q -e "$2"
	report $? "$3"
}

mode() {
	[ "$(stat -c %a "$1" 2>err)" = "$2" ]
	report $? "$1 has mode $2"
}

verify() {
	openssl verify -x509_strict -CAfile "$1" -purpose "$2" "$3" >out 2>err
}

same_key() {
	[ "$(openssl pkey -in "$1" -pubout 2>err)" = \
	    "$(openssl x509 -in "$2" -noout -pubkey 2>err)" ]
	report $? "$1 is the key of $2"
}

tree() {
	find "$1" -type f -exec sha256sum {} + | sort -k 2
	find "$1" -printf '%m %p\n' | sort
}

# --- init

expect 0 "init makes a CA" init --dir new/pki --name 'Hall A'
mode new 755
mode new/pki 700
mode new/pki/ca.pem 600
mode new/pki/ca-key.pem 600
has new/pki/ca.pem 'Basic Constraints: critical CA:TRUE, pathlen:0 ' \
    "the CA may sign, and no further CA, critically"
has new/pki/ca.pem 'Key Usage: critical Certificate Sign, CRL Sign ' \
    "the CA's key signs certificates and revocation lists"
has new/pki/ca.pem 'Subject Key Identifier: ' "the CA has a key identifier"
has new/pki/ca.pem 'prime256v1' "the CA's key is on P-256"
has new/pki/ca.pem 'Subject: CN *= *Hall A' "the CA has the name that was given"
same_key new/pki/ca-key.pem new/pki/ca.pem
openssl verify -x509_strict -check_ss_sig -CAfile new/pki/ca.pem \
    new/pki/ca.pem >out 2>err
report $? "openssl accepts the CA"

tree new >before
refuse 1 'exists already' "init refuses to overwrite" init --dir new/pki
tree new >after
cmp -s before after
report $? "and leaves every byte and mode as it was"

mkdir half && echo precious >half/ca.pem
refuse 1 'half/ca.pem: exists already' "init refuses half a CA as well" \
    init --dir half
[ "$(ls -A half)" = ca.pem ] && [ "$(cat half/ca.pem)" = precious ]
report $? "and leaves no key beside it"

mkdir link && ln -s "$tmp/stolen" link/ca-key.pem
refuse 1 'exists already' "init follows no link where a file should be" \
    init --dir link
[ ! -e stolen ] && [ "$(ls -A link)" = ca-key.pem ]
report $? "and writes nothing through it"

expect 0 "init without a name" init --dir other
openssl x509 -in other/ca.pem -noout -subject >out
grep -q 'Sallyport CA [0-9a-f]\{8\}$' out
report $? "gives the CA a name of its own"

# --- issue gateway

expect 0 "issue gateway" issue gateway gw1 --dir new/pki
for f in ca cert key; do
	mode new/pki/gw1/$f.pem 600
done
mode new/pki/gw1 700
[ "$(ls -A new/pki/gw1 | tr '\n' ' ')" = "ca.pem cert.pem key.pem " ]
report $? "and nothing else is there"
cmp -s new/pki/ca.pem new/pki/gw1/ca.pem
report $? "its ca.pem is the CA's"
same_key new/pki/gw1/key.pem new/pki/gw1/cert.pem
gw=new/pki/gw1/cert.pem
has $gw 'Subject: CN *= *gw1 ' "its common name is NAME"
has $gw 'Subject Alternative Name: DNS:gw1 ' "its name is dns:NAME"
has $gw 'Extended Key Usage: TLS Web Server Authentication X' "serverAuth only"
has $gw 'Basic Constraints: critical CA:FALSE ' "it is no CA"
has $gw 'Key Usage: critical Digital Signature ' "its key signs"
has $gw 'Authority Key Identifier: ' "it names the CA's key"
[ "$(openssl x509 -in $gw -noout -ext authorityKeyIdentifier | sed -n 2p |
    sed 's/.*keyid://; s/ //g')" = "$(openssl x509 -in new/pki/ca.pem -noout \
    -ext subjectKeyIdentifier | sed -n 2p | tr -d ' ')" ]
report $? "by the CA's own key identifier"
verify new/pki/ca.pem sslserver $gw
report $? "openssl verifies it as a TLS server"
verify new/pki/ca.pem sslclient $gw
[ $? -ne 0 ]
report $? "and not as a TLS client"
verify other/ca.pem sslserver $gw
[ $? -ne 0 ]
report $? "another CA does not vouch for it"
serial=$(openssl x509 -in $gw -noout -serial | sed 's/.*=//' | tr A-F a-f)
[ ${#serial} -ge 24 ] && [ ${#serial} -le 32 ]
report $? "its serial number has 128 random bits"
cmp -s $gw "new/pki/issued/$serial.pem"
report $? "the CA keeps a copy under the serial number"
mode "new/pki/issued/$serial.pem" 600
[ "$(openssl x509 -in $gw -noout -startdate | sed 's/.*=//' |
    xargs -0 date +%s -d)" -lt "$(($(date +%s) - 200))" ]
report $? "it was valid some minutes ago already"

tree new >before
refuse 1 'gw1/.*: exists already' "issue refuses to overwrite" \
    issue gateway gw1 --dir new/pki
tree new >after
cmp -s before after
report $? "and leaves every byte and mode as it was"

expect 0 "several names, v4 and v6 addresses" issue gateway gw2 \
    --dir new/pki --san dns:a.example --san dns:b_1.example \
    --san ip:10.0.0.1 --san ip:2001:db8::7
has new/pki/gw2/cert.pem 'Alternative Name: DNS:a.example, DNS:b_1.example, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:7 ' \
    "are in the certificate, in order"
expect 0 "a gateway named by its v4 address" issue gateway 10.0.0.1 \
    --dir new/pki
has new/pki/10.0.0.1/cert.pem 'Alternative Name: IP Address:10.0.0.1 ' \
    "has the address as its name"
expect 0 "a gateway named by its v6 address" issue gateway fe80::1 \
    --dir new/pki
has new/pki/fe80::1/cert.pem 'Alternative Name: IP Address:FE80:0:0:0:0:0:0:1 ' \
    "has the address as its name"
openssl verify -CAfile new/pki/ca.pem -verify_ip 2001:db8::7 \
    new/pki/gw2/cert.pem >out 2>err
report $? "openssl finds the v6 address"
openssl verify -CAfile new/pki/ca.pem -verify_hostname b_1.example \
    new/pki/gw2/cert.pem >out 2>err
report $? "openssl finds the second host name"

expect 0 "a gateway with a key of RSA" issue gateway gwr --dir new/pki --rsa 2048
same_key new/pki/gwr/key.pem new/pki/gwr/cert.pem
has new/pki/gwr/cert.pem 'Public-Key: (2048 bit) ' "has it"
has new/pki/gwr/cert.pem 'Key Usage: critical Digital Signature ' \
    "which signs and does nothing else"
verify new/pki/ca.pem sslserver new/pki/gwr/cert.pem
report $? "openssl verifies it as a TLS server"
expect 0 "--new-key is of the same kind" renew gwr --dir new/pki --new-key \
    --out fresh-rsa
has fresh-rsa/cert.pem 'Public-Key: (2048 bit) ' "of RSA as before"
refuse 2 '2048 to 4096' "--rsa of a short key" issue gateway gws \
    --dir new/pki --rsa 1024
refuse 2 'rsa is 1 to 4096' "--rsa of a long one" issue gateway gws \
    --dir new/pki --rsa 8192

# --- issue workstation

expect 0 "issue workstation with --ou twice, a URI, in a place of its own" \
    issue workstation ws-01 --dir=new/pki --ou Staff --ou 'Hall A, left' \
    --san uri:spiffe://corp.example/kiosk/7 --san dns:ws-01.hall-a.example \
    --days 30 --out deep/er/ws
ws=deep/er/ws/cert.pem
mode deep/er/ws 700
mode deep/er/ws/key.pem 600
same_key deep/er/ws/key.pem $ws
has $ws 'Alternative Name: URI:spiffe://corp.example/kiosk/7, DNS:ws-01.hall-a.example ' \
    "the URI and the host name are there"
has $ws 'Extended Key Usage: TLS Web Client Authentication X' "clientAuth only"
[ "$(openssl x509 -in $ws -noout -subject -nameopt RFC2253)" = \
    'subject=CN=ws-01,OU=Hall A\, left,OU=Staff' ]
report $? "both OUs are in the subject"
verify new/pki/ca.pem sslclient $ws
report $? "openssl verifies it as a TLS client"
verify new/pki/ca.pem sslserver $ws
[ $? -ne 0 ]
report $? "and not as a TLS server"
openssl x509 -in $ws -noout -checkend $((29 * 86400)) >out &&
    ! openssl x509 -in $ws -noout -checkend $((31 * 86400)) >out
report $? "it is valid for 30 days"

mkdir ready && chmod 755 ready && echo other >ready/notes
expect 0 "a directory that is there already" issue workstation ws-02 \
    --dir new/pki --out ready/
mode ready 755
[ "$(cat ready/notes)" = other ] && [ -f ready/key.pem ]
report $? "keeps what was in it"
has ready/cert.pem 'Alternative Name: DNS:ws-02 ' "the default name is dns:NAME"

name64=$(printf '%064d' 1)
expect 0 "a name of 64 bytes" issue workstation "$name64" --dir new/pki \
    --san dns:long.example
expect 0 "a name in UTF-8" issue workstation 'Küche 3' --dir new/pki \
    --san dns:kueche-3.example
expect 0 "8 OUs and 16 names" issue workstation full --dir new/pki \
    --ou 1 --ou 2 --ou 3 --ou 4 --ou 5 --ou 6 --ou 7 --ou 8 \
    --san dns:1.x --san dns:2.x --san dns:3.x --san dns:4.x \
    --san dns:5.x --san dns:6.x --san dns:7.x --san dns:8.x \
    --san dns:9.x --san dns:10.x --san dns:11.x --san dns:12.x \
    --san dns:13.x --san dns:14.x --san dns:15.x --san dns:16.x
verify new/pki/ca.pem sslclient new/pki/full/cert.pem
report $? "openssl verifies it"

# --- validity

expect 0 "an expired certificate can be made" issue workstation old \
    --dir new/pki --valid-from 2020-02-29T12:00:00+01:00 --days 10
openssl x509 -in new/pki/old/cert.pem -noout -dates >out
grep -q 'notBefore=Feb 29 11:00:00 2020' out &&
    grep -q 'notAfter=Mar 10 11:00:00 2020' out
report $? "with exactly the dates that were asked for"
verify new/pki/ca.pem sslclient new/pki/old/cert.pem
grep -q 'has expired' err
report $? "openssl calls it expired"
"$prog" show new/pki/old/cert.pem >out 2>err && grep -q EXPIRED out
report $? "and show does, too"
expect 0 "a certificate of the future" issue workstation soon --dir new/pki \
    --valid-from 2030-01-01T00:00:00Z --days 10
"$prog" show new/pki/soon/cert.pem >out 2>err && grep -q 'NOT VALID' out
report $? "show says that it is not valid yet"
refuse 1 'longer than the CA' "a certificate does not outlive its CA" \
    issue workstation late --dir new/pki --days 9999
[ ! -e new/pki/late ]
report $? "and leaves nothing"
expect 0 "a CA that ends soon" init --dir short --days 2
expect 0 "gives certificates" issue gateway g --dir short
[ "$(openssl x509 -in short/g/cert.pem -noout -enddate)" = \
    "$(openssl x509 -in short/ca.pem -noout -enddate)" ]
report $? "that end with it"
expect 0 "a CA that has expired" init --dir dead \
    --valid-from 2021-01-01T00:00:00Z --days 5
refuse 1 'expired on 2021-01-06T00:00:00Z' "signs no more" issue gateway g \
    --dir dead
expect 0 "a period beyond 2049" init --dir far --days 36500
verify far/ca.pem any far/ca.pem
report $? "is written as openssl wants it"

# --- show

fp=$(openssl x509 -in $ws -outform DER | sha256sum | cut -d ' ' -f 1)
cakey=$(openssl x509 -in new/pki/ca.pem -noout -pubkey |
    openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1)
expect 0 "show" show $ws
"$prog" show $ws >out 2>err
for line in "fp:sha256:$fp" 'cn:ws-01' 'ou:Staff' 'ou:Hall A, left' \
    'uri:spiffe://corp.example/kiosk/7' 'dns:ws-01.hall-a.example'; do
	grep -q "^ *$line\$" out || echo "missing: $line" >>err
done
grep -q "sha256:$cakey" out || echo "missing: issuer's key" >>err
grep -q "$cakey:spiffe://corp.example/kiosk/7\$" out ||
    echo "missing: identity" >>err
[ ! -s err ]
report $? "show prints the facts as policy spells them"

if command -v jq >/dev/null; then
	"$prog" show --json $ws >show.json 2>err
	jq -e . show.json >out 2>>err
	report $? "show --json is JSON"
	serial=$(openssl x509 -in $ws -noout -serial | sed 's/.*=//' |
	    tr A-F a-f)
	jq -e --arg fp "fp:sha256:$fp" --arg key "$cakey" \
	    --arg serial "$serial" '
	    .cn == "ws-01" and .ou == ["Staff", "Hall A, left"] and
	    .subject == "OU=Staff, OU=Hall A\\, left, CN=ws-01" and
	    .issuer == "CN=Hall A" and .serial == $serial and
	    .dns == ["ws-01.hall-a.example"] and .ip == [] and
	    .uri == ["spiffe://corp.example/kiosk/7"] and
	    .state == "valid" and .days_left >= 29 and .days_left <= 30 and
	    .ca == false and .path_length == null and .more == 0 and
	    .key_usage == ["digitalSignature"] and
	    .extended_key_usage == ["clientAuth"] and
	    .fingerprint == $fp and .issuer_key_sha256 == $key and
	    .identity == $key + ":spiffe://corp.example/kiosk/7"' \
	    show.json >out 2>err
	report $? "and says what openssl says"
	"$prog" show --json new/pki/gw2/cert.pem |
	    jq -e '.ip == ["10.0.0.1", "2001:db8::7"]' >out 2>err
	report $? "addresses of both kinds are shown"
	"$prog" show --json new/pki/ca.pem | jq -e '.ca and
	    .path_length == 0 and .issuer_key_sha256 == .key_sha256 and
	    .key_usage == ["keyCertSign", "cRLSign"]' >out 2>err
	report $? "the CA is its own issuer"
	"$prog" issue workstation j --dir new/pki --json 2>err |
	    jq 'del(.days_left)' >made.json &&
	    "$prog" show --json new/pki/j/cert.pem 2>>err |
	    jq 'del(.days_left)' >show.json &&
	    [ -s made.json ] && cmp -s made.json show.json
	report $? "issue --json prints what show --json prints"
	"$prog" init --dir jca --json 2>err |
	    jq 'del(.days_left)' >made.json &&
	    "$prog" show --json jca/ca.pem 2>>err |
	    jq 'del(.days_left)' >show.json &&
	    [ -s made.json ] && cmp -s made.json show.json
	report $? "init --json prints what show --json prints"
	mkdir alone wrong && cp $ws alone/ && cp $ws wrong/ &&
	    cp other/ca.pem wrong/
	for d in alone wrong; do
		"$prog" show --json $d/cert.pem | jq -e '
		    .issuer_key_sha256 == null and .issuer_file == null and
		    .identity == null' >out 2>err
		report $? "the issuer is not known: $d"
	done
	cat new/pki/ca.pem $ws >two.pem
	"$prog" show --json two.pem | jq -e '.more == 1 and .ca' >out 2>err
	report $? "of several certificates the first is shown"
else
	skip "show --json" "jq is missing"
fi

openssl x509 -in $ws -outform DER -out ws.der
"$prog" show ws.der >out 2>err && grep -q "$fp" out
report $? "show reads DER"

# A hostile certificate: an escape sequence, a newline, a byte that is no
# UTF-8, a backslash, a character that reverses the line.
printf '%s\n' '[req]' 'distinguished_name = d' 'prompt = no' \
    'string_mask = utf8only' 'utf8 = yes' 'x509_extensions = x' '[d]' \
    "CN = $(printf 'a\033[31mb')" "OU = $(printf 'x\342\200\256y')" \
    "O = $(printf 'c\\\\\\\\d')" '[x]' \
    "subjectAltName = DNS:$(printf 'e\007f'),email:a@example" >evil.cnf
openssl req -x509 -config evil.cnf -newkey rsa:2048 -nodes -keyout evil.key \
    -out evil.pem 2>err
report $? "a hostile certificate is made"
"$prog" show evil.pem >out 2>err
grep -q 'cn:a\\x1b\[31mb$' out && grep -q 'ou:x\\xe2\\x80\\xaey$' out &&
    grep -q 'O=c\\x5c' out && grep -q 'dns:e\\x07f$' out &&
    grep -q '1 names of other kinds' out &&
    ! grep -q "$(printf '[\001-\010\016-\037\177-\377]')" out
report $? "show escapes what a terminal must not see"
cp evil.pem "$(printf 'odd\033.pem')"
"$prog" show "$(printf 'odd\033.pem')" >out 2>err
grep -q '^odd\\x1b.pem: ' out
report $? "and in the name of the file as well"

refuse 1 'show: nothing.pem: No such file' "show: no such file" \
    show nothing.pem
refuse 1 'is no regular file' "show: a directory" show new
mkfifo pipe
refuse 1 'is no regular file' "show: a pipe does not hang" show pipe
refuse 1 'name a certificate' "show: a key is no certificate" \
    show new/pki/ca-key.pem
: >empty
refuse 1 'show: empty: ' "show: an empty file" show empty
head -c 9000000 /dev/zero >large
refuse 1 'is larger than' "show: a large file" show large
size=$(wc -c <ws.der)
bad=0
n=1
while [ "$n" -lt "$size" ]; do
	head -c "$n" ws.der >cut.der
	"$prog" show cut.der >out 2>err
	[ $? -eq 1 ] || bad=1
	n=$((n + 13))
done
report $bad "show: a certificate that was cut anywhere"

# --- renew

expect 0 "a workstation to renew" issue workstation ws-03 --dir new/pki \
    --ou Staff --san uri:spiffe://corp.example/kiosk/3 --san ip:10.0.0.3 \
    --days 10
cp new/pki/ws-03/cert.pem old-ws-03.pem
cp new/pki/ws-03/key.pem old-key.pem
expect 0 "renew by name" renew ws-03 --dir new/pki --days 20
cmp -s old-key.pem new/pki/ws-03/key.pem
report $? "keeps the key"
same_key new/pki/ws-03/key.pem new/pki/ws-03/cert.pem
mode new/pki/ws-03/cert.pem 600
ws3=new/pki/ws-03/cert.pem
has $ws3 'Alternative Name: URI:spiffe://corp.example/kiosk/3, IP Address:10.0.0.3 ' \
    "and the names"
has $ws3 'Extended Key Usage: TLS Web Client Authentication X' "and the purpose"
[ "$(openssl x509 -in $ws3 -noout -subject)" = \
    "$(openssl x509 -in old-ws-03.pem -noout -subject)" ]
report $? "and the subject"
[ "$(openssl x509 -in $ws3 -noout -serial)" != \
    "$(openssl x509 -in old-ws-03.pem -noout -serial)" ] &&
    openssl x509 -in $ws3 -noout -checkend $((19 * 86400)) >out
report $? "with a number and a time of its own"
serial=$(openssl x509 -in $ws3 -noout -serial | sed 's/.*=//' | tr A-F a-f)
cmp -s $ws3 "new/pki/issued/$serial.pem"
report $? "the CA keeps a copy"
[ "$("$prog" show $ws3 | grep identity)" = \
    "$(cp new/pki/ca.pem . && "$prog" show old-ws-03.pem | grep identity)" ]
report $? "its identity stays the same"
rm ca.pem
expect 0 "renew by serial number" renew --serial "$serial" --dir new/pki
expect 0 "renew by file" renew --file old-ws-03.pem --dir new/pki
refuse 1 'has signed nothing of that name' "renew of an unknown name" \
    renew nobody --dir new/pki
refuse 1 'is no certificate of this CA' "renew of another CA's" \
    renew --file $ws3 --dir other
refuse 1 'exists already' "--new-key overwrites nothing" \
    renew ws-03 --dir new/pki --new-key
expect 0 "--new-key elsewhere" renew ws-03 --dir new/pki --new-key --out fresh
same_key fresh/key.pem fresh/cert.pem
! cmp -s fresh/key.pem old-key.pem
report $? "makes another key"
refuse 1 'is no certificate of the same key' \
    "what lies beside another key is not replaced" \
    renew ws-03 --dir new/pki --out ready
refuse 1 'longer than the CA' "it does not outlive the CA" \
    renew ws-03 --dir new/pki --days 9999
refuse 2 'is missing' "renew of nothing" renew --dir new/pki
refuse 2 'only one of' "renew of two" renew ws-03 --serial 01 --dir new/pki
refuse 2 'no serial number' "a serial number that is none" \
    renew --serial xyz --dir new/pki

# --- revoke and crl

crl() {
	openssl crl -in new/pki/crl.pem -CAfile new/pki/ca.pem "$@" 2>&1
}
expect 0 "crl" crl --dir new/pki --days 7
mode new/pki/crl.pem 600
mode new/pki/revoked.json 600
crl -noout -verify >out
grep -q 'verify OK' out
report $? "openssl verifies it"
crl -noout -text | tr '\n' ' ' | tr -s ' ' >out
grep -q 'Version 2' out && grep -q 'CRL Number: 1 ' out &&
    grep -q 'No Revoked Certificates' out &&
    grep -q "Authority Key Identifier: $(openssl x509 -in new/pki/ca.pem \
    -noout -ext subjectKeyIdentifier | sed -n 2p | tr -d ' ')" out
report $? "version 2, number 1, of the CA's key, of nobody"
is_weekly() {
	next=$(crl -noout -nextupdate | sed -n 's/.*=//p')
	left=$(($(date +%s -d "$next") - $(date +%s)))
	[ "$left" -gt $((7 * 86400 - 600)) ] && [ "$left" -le $((7 * 86400)) ]
}
is_weekly
report $? "the next one is due in seven days"
verify_crl() {
	openssl verify -x509_strict -crl_check -CAfile new/pki/ca.pem \
	    -CRLfile new/pki/crl.pem "$1" >out 2>err
}
verify_crl $ws3
report $? "openssl lets a certificate pass by it"
serial=$(openssl x509 -in $ws3 -noout -serial | sed 's/.*=//')
expect 0 "revoke by file" revoke --file $ws3 --dir new/pki \
    --reason keyCompromise
crl -noout -verify -text | tr '\n' ' ' | tr -s ' ' >out
grep -q 'verify OK' out && grep -q 'CRL Number: 2 ' out &&
    grep -q "Serial Number: $serial .*Reason Code: Key Compromise" out
report $? "makes a list with it, its reason and the next number"
is_weekly
report $? "for seven days again"
! verify_crl $ws3 && grep -q 'certificate revoked' err
report $? "openssl refuses the certificate"
verify_crl old-ws-03.pem
report $? "and not the others of that name"
refuse 1 'is revoked already' "revoked twice" revoke --file $ws3 --dir new/pki
colons=$(openssl x509 -in fresh/cert.pem -noout -serial | sed 's/.*=//' |
    sed 's/../&:/g; s/:$//')
expect 0 "revoke by serial number" revoke --serial "$colons" --dir new/pki
refuse 1 'is revoked' "what was revoked is not renewed" \
    renew --file $ws3 --dir new/pki
expect 0 "revoke by name" revoke ws-03 --dir new/pki --reason superseded
! verify_crl old-ws-03.pem
report $? "revokes all of that name"
crl -noout -text >out
[ "$(grep -c 'Serial Number' out)" -eq "$(for f in new/pki/issued/*.pem; do
    openssl x509 -in "$f" -noout -subject; done | grep -c 'CN *= *ws-03')" ]
report $? "and each of them once"
refuse 1 'is revoked' "a name that has nothing left is not renewed" \
    renew ws-03 --dir new/pki
refuse 1 'have ended' "what has ended needs no revoking" \
    revoke old --dir new/pki
refuse 1 'signed nothing' "revoke of an unknown name" revoke nobody \
    --dir new/pki
refuse 1 'No such file' "revoke of an unknown number" revoke --serial 0102 \
    --dir new/pki
refuse 1 'is no certificate of this CA' "revoke of another CA's" \
    revoke --file $gw --dir other
refuse 1 'cannot revoke itself' "a CA is not revoked by itself" \
    revoke --file new/pki/ca.pem --dir new/pki
refuse 2 'is no reason' "an unknown reason" revoke ws-03 --dir new/pki \
    --reason because
cp -R new/pki torn && echo '{' >torn/revoked.json
refuse 1 'revoked.json: line' "a record that is torn is not taken for none" \
    crl --dir torn
echo '{"number":1,"days":30,"revoked":[{"serial":"01"}]}' >torn/revoked.json
refuse 1 'its entry 1 cannot be read' "nor one with an entry that is none" \
    revoke ws-02 --dir torn
cmp -s torn/crl.pem new/pki/crl.pem
report $? "and the list stays as it was"
awk 'BEGIN { print "{\"number\":1,\"days\":30,\"revoked\":[";
	for (i = 0; i < 64000; i++)
		printf "%s{\"serial\":\"%08x1234567890abcdef12345678\",\"name\":\"\",\"until\":null," \
		    "\"reason\":\"superseded\",\"at\":\"2026-01-31T12:00:00Z\"}\n",
		    i ? "," : "", i + 16777216;
	print "]}" }' >torn/revoked.json
refuse 1 'would let nobody in' "a list that no gateway takes is not good" \
    crl --dir torn
[ "$(openssl crl -in torn/crl.pem -noout -text | grep -c Serial)" -eq 64000 ]
report $? "but is written, and whole"
expect 0 "a CA that may sign CAs" init --dir root --intermediates
has root/ca.pem 'CA:TRUE, pathlen:1' "says so"
expect 0 "one below it" init --dir sub --parent root --days 100
has sub/ca.pem 'CA:TRUE, pathlen:0' "signs no other"
openssl verify -CAfile root/ca.pem sub/ca.pem >out 2>err
report $? "openssl accepts it"
sed '1,/END/d' sub/ca.pem | cmp -s - root/ca.pem
report $? "the parent's certificate follows its own"
[ "$(ls root/issued | wc -l)" -eq 1 ]
report $? "the parent remembers it"
refuse 1 'may not sign other CAs' "no CA below that" init --dir sub2 \
    --parent sub
refuse 1 'may not sign other CAs' "nor below a CA that did not say so" \
    init --dir sub2 --parent new/pki
refuse 2 'may have none below itself' "both at once" init --dir sub2 \
    --parent root --intermediates
refuse 1 'longer than the CA' "longer than its parent" init --dir sub2 \
    --parent root --days 9999
[ ! -e sub2 ]
report $? "and nothing is left"
expect 0 "a gateway of it" issue gateway gw9 --dir sub
openssl verify -CAfile root/ca.pem -untrusted sub/ca.pem sub/gw9/cert.pem \
    >out 2>err
report $? "is good for who knows the root"
expect 0 "it is revoked" revoke --file sub/ca.pem --dir root
many=$(for n in 1 2 3 4 5 6 7 8; do
	"$prog" crl --dir new/pki --json &
done | grep number | sort -u | wc -l; wait)
[ "$many" -eq 8 ]
report $? "eight at once give eight numbers"
expect 0 "show of a list" show new/pki/crl.pem
"$prog" show new/pki/crl.pem >out 2>err
grep -q 'signature *checked with new/pki/ca.pem' out &&
    grep -q "$(echo "$serial" | tr A-F a-f) keyCompromise" out &&
    grep -q ' [67] days left' out
report $? "says whose, what and why"
openssl crl -in new/pki/crl.pem -outform DER -out crl.der 2>err
"$prog" show crl.der >out 2>err && grep -q keyCompromise out &&
    grep -q 'not checked' out
report $? "and reads DER"
if command -v jq >/dev/null; then
	"$prog" show --json new/pki/crl.pem | jq -e '.state == "valid" and
	    (.revoked | length) >= 4 and .more == 0 and
	    .issuer == "CN=Hall A" and .number == "0c"' >out 2>err
	report $? "show --json of a list"
	"$prog" revoke ws-02 --dir new/pki --json | jq -e '
	    .revoked[0].name == "ws-02" and .number == 13 and
	    .revoked[0].reason == "unspecified"' >out 2>err
	report $? "revoke --json"
fi
openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=RSA CA' -days 100 \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout rsa-ca-key.pem \
    -out rsa-ca.pem 2>/dev/null
mkdir -m 700 rsa && mv rsa-ca-key.pem rsa/ca-key.pem && mv rsa-ca.pem rsa/ca.pem
expect 0 "a CA of somebody else's, with an RSA key" issue workstation r \
    --dir rsa
expect 0 "revokes" revoke r --dir rsa
openssl crl -in rsa/crl.pem -CAfile rsa/ca.pem -noout -verify >out 2>&1
grep -q 'verify OK' out
report $? "openssl verifies that list, too"

# --- wrong use

expect 0 "--help" --help
"$prog" --help >out 2>err
grep -q init out && grep -q issue out && grep -q show out && [ ! -s err ]
report $? "names every command"
for c in init issue renew revoke crl show; do
	"$prog" $c --help >out 2>err
	[ $? -eq 0 ] && grep -q "^usage: sallyport-certs $c" out && [ ! -s err ]
	report $? "$c --help"
	refuse 2 'unknown option' "$c: an unknown option" $c --frob
	refuse 2 'unknown option' "$c: an abbreviated option" $c --js
done
refuse 2 'a command is missing' "no command"
refuse 2 'unknown command' "an unknown command" frob
refuse 2 'a file is missing' "show without a file" show
refuse 2 'only one file' "show with two files" show a b
refuse 2 'takes no value' "a flag with a value" show --json=yes x
refuse 2 'value is missing' "an option without its value" init --dir
refuse 2 'takes no operand' "init with an operand" init x
refuse 2 'is empty' "init with an empty directory" init --dir ''
refuse 2 'are missing' "issue without anything" issue --dir new/pki
refuse 2 'name is missing' "issue without a name" issue gateway
refuse 2 'must be gateway or workstation' "issue of something else" issue ca x
refuse 2 'only one name' "issue with two names" issue gateway a b
for d in 0 -1 36501 1x 99999999999 ''; do
	refuse 2 'days is 1 to 36500' "--days '$d'" init --dir no --days "$d"
done
for t in 2026-01-31 2026-02-30T00:00:00Z 2026-01-31T25:00:00Z \
    2026-01-31T12:00:00 1999-12-31T00:00:00Z 2026-01-31T12:00:00Zx \
    2026-13-01T00:00:00Z now ''; do
	refuse 2 'RFC 3339' "--valid-from '$t'" init --dir no --valid-from "$t"
done
refuse 2 'year 9999' "a period beyond the calendar" init --dir no \
    --valid-from 9999-06-01T00:00:00Z --days 365
for n in a/b . .. .hidden ../up issued '' ' a' 'a ' "${name64}x" \
    "$(printf 'a\033b')" "$(printf 'a\nb')" "$(printf 'a\377b')" \
    "$(printf 'a\342\200\256b')"; do
	refuse 2 'issue: ' "the name $(printf %s "$n" | tr -c '[:print:]' '?')" \
	    issue workstation "$n" --dir new/pki --san dns:x.example
done
refuse 2 'is no host name' "a name that is no host name needs --san" \
    issue workstation 'two words' --dir new/pki
for s in x dns: dns:a..b dns:-a dns:a- 'dns:*.example' 'dns:a b' dns:a/b \
    ip: ip:10.0.0 ip:10.0.0.256 ip:fe80::1%eth0 ip:10.0.0.1/24 \
    uri: uri:x uri:/x 'uri:http://a b' uri:spiffe:///x uri:SPIFFE://a/b \
    uri:spiffe://Corp/x uri:spiffe://corp/x/ 'uri:spiffe://corp/x?y' \
    email:a@b "dns:$(printf '%064d' 1).example" \
    "uri:urn:$(printf '%0260d' 1)"; do
	refuse 2 'issue: ' "--san $s" issue workstation w --dir new/pki \
	    --san "$s"
done
refuse 2 'is there twice' "a name given twice" issue workstation w \
    --dir new/pki --san dns:a --san dns:a
refuse 2 'issue: ' "an empty OU" issue workstation w --dir new/pki --ou ''
refuse 2 'more than 8' "a ninth OU" issue workstation w --dir new/pki \
    --ou 1 --ou 2 --ou 3 --ou 4 --ou 5 --ou 6 --ou 7 --ou 8 --ou 9
refuse 2 'more than 255' "a subject that no gateway accepts" \
    issue workstation w --dir new/pki --ou "$name64" --ou "$name64" \
    --ou "$name64" --ou "$name64"
[ ! -e no ] && [ ! -e new/pki/w ]
report $? "and none of these left anything behind"

# --- failures

refuse 1 'No such file' "issue without a CA" issue gateway g --dir nowhere
[ ! -e nowhere ]
report $? "makes no directory"
cp -R new/pki loose && chmod 640 loose/ca-key.pem
refuse 1 'lets others read' "a CA key that others can read" \
    issue gateway g --dir loose
cp -R new/pki mixed && cp other/ca-key.pem mixed/
refuse 1 'is not the key of ca.pem' "the key of another CA" \
    issue gateway g --dir mixed
cp -R new/pki leaf && cp $ws leaf/ca.pem && cp deep/er/ws/key.pem leaf/ca-key.pem
refuse 1 'no certificate of a CA' "a certificate that is no CA" \
    issue gateway g --dir leaf
cp -R new/pki garbled && echo garbage >garbled/ca-key.pem
refuse 1 'ca-key.pem: ' "a key that is none" issue gateway g --dir garbled
rm garbled/ca-key.pem && ln -s ../new/pki/ca-key.pem garbled/ca-key.pem
refuse 1 'symbolic links' "a key behind a link" issue gateway g --dir garbled
echo file >plain
refuse 1 'a part of the path is a file' "a file where a directory should be" \
    issue gateway g --dir new/pki --out plain/x
"$prog" show $ws >/dev/full 2>err
[ $? -eq 1 ] && grep -q 'standard output: No space' err
report $? "standard output that is full"

tree . | grep -v -e '\./out$' -e '\./err$' -e before -e after >before
message=$(ulimit -f 0 && "$prog" issue gateway g --dir new/pki \
    --out a/b/c 2>&1)
[ $? -eq 1 ] && [ "${message#*File too large}" != "$message" ]
report $? "a write that fails"
tree . | grep -v -e '\./out$' -e '\./err$' -e before -e after >after
cmp -s before after
report $? "leaves neither files nor directories"

if [ "$(id -u)" -ne 0 ]; then
	as_user=
elif command -v setpriv >/dev/null; then
	as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
else
	as_user=none
fi
mkdir shut && chmod 555 shut && chmod 755 .
cp "$prog" program && chmod 755 program
if [ "$as_user" = none ]; then
	skip "a directory that cannot be written" "root without setpriv"
elif ! $as_user ./program --help >out 2>err; then
	skip "a directory that cannot be written" "no place for another user"
else
	$as_user ./program init --dir shut/pki >out 2>err
	[ $? -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] &&
	    grep -q 'init: shut/pki: Permission denied; run as' err
	report $? "a directory that cannot be written"
	$as_user ./program init --dir shut >out 2>err
	[ $? -eq 1 ] && grep -q 'Permission denied; run as' err &&
	    [ -z "$(ls -A shut)" ]
	report $? "nor a file in it"
	if [ -n "$as_user" ]; then
		$as_user ./program show deep/er/ws/cert.pem >out 2>err
		[ $? -eq 1 ] && grep -q 'Permission denied' err
		report $? "a file that cannot be read"
	fi
fi

# --- end

# Half of the serial numbers have their top bit set, which DER writes as a byte
# more; openssl, the file's name and show must all agree.
bad=0
for f in new/pki/issued/*.pem; do
	serial=$(openssl x509 -in "$f" -noout -serial | sed 's/.*=//' |
	    tr A-F a-f)
	[ "$(basename "$f")" = "$serial.pem" ] || bad=1
	"$prog" show "$f" | grep -q "serial *$serial\$" || bad=1
done
report $bad "every copy of the CA is named by its serial number"

hidden=$(find . -name '.new-*')
[ -z "$hidden" ]
report $? "no hidden file is left"
echo "1..$count"
[ "$failed" -eq 0 ]
