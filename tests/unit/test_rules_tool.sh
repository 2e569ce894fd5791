#!/bin/sh
# sallyport-policy as a person uses it: answers, exit codes, a device out of a
# directory like sysfs's, and every example of sallyport.rules(5).
#
#   tests/unit/test_rules_tool.sh [PROGRAM, or the directory it is in]
set -u
cd "$(dirname "$0")/../.." || exit 1
prog=${1:-build/release/bin}
case $prog in /*) ;; *) prog=$PWD/$prog ;; esac
[ -d "$prog" ] && prog=$prog/sallyport-policy
man=$PWD/policy/rules/sallyport.rules.5
n=0
bad=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

say() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		bad=1
		echo "not ok $n - $2"
		sed 's/^/# /' out err
	fi
}

# expect STATUS NAME ARGUMENT...: the exit code; out and err are kept.
expect() {
	want=$1 name=$2
	shift 2
	"$prog" "$@" >out 2>err
	got=$?
	[ "$got" -eq "$want" ]
	say $? "$name (exit $want)"
}

# has FILE TEXT: that text is in out or err.
has() {
	grep -qF -- "$2" "$1"
	say $? "  $1 has: $2"
}

cat >a.rules <<'EOF'
workstations hall-a = { "dns:*.hall-a.example" }
block with-interface one-of { 08:*:* }
allow 05E0:1200 to "@hall-a" key "K-SCAN"
EOF
echo 'default to any' >b.rules
printf 'allow id 1234:*\nalow\n' >bad.rules
cat >device.json <<'EOF'
{"id": "05e0:1200", "name": "Scanner", "via_port": "3-2",
 "speed": "high", "release": "1.10", "interfaces": ["03:01:01"]}
EOF
cat >who.json <<'EOF'
{"file": "cert.pem", "subject": "CN=k1", "cn": "k1", "ou": [],
 "dns": ["k1.hall-a.example"], "uri": [], "ip": ["10.0.0.2"],
 "issuer": "CN=CA", "issuer_key_sha256": null, "ca": false,
 "fingerprint":
 "fp:sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"}
EOF

expect 0 "check" check a.rules b.rules
has out "a.rules: 2 rules, ok"
has out "b.rules: 0 rules, ok"
expect 1 "check of errors" check a.rules bad.rules
has err "bad.rules:1:1: \`allow' does not say to whom"
has err "bad.rules:2:1: unknown statement \`alow'"
has err "    alow"
expect 1 "check --json of errors" check --json bad.rules
has out '"ok": false'
has out '"column": 1'
expect 0 "check --json" check --json a.rules
has out '"rules": 2'
expect 1 "check of no file" check nothing.rules
has err "nothing.rules: no such file"
mkdir rules.d
cp a.rules rules.d/20-a.rules
cp b.rules rules.d/10-b.rules
cp bad.rules rules.d/README
expect 0 "check of a directory" check rules.d
[ "$(head -1 out)" = "rules.d/10-b.rules: 0 rules, ok" ]
say $? "  in order"

expect 0 "explain: allowed" explain device.json --to dns:K1.hall-a.example \
	a.rules
has out "no: with-interface one-of { 08:*:* }: device has 03:01:01"
has out "allow: a.rules:3 key K-SCAN"
expect 0 "explain: by a certificate" explain device.json --to who.json a.rules
expect 3 "explain: not allowed" explain device.json --to=dns:k1.example,ou=x \
	a.rules
has out 'no: to "@hall-a": the certificate has dns:"k1.example"'
has out "block: implicit"
expect 3 "explain: nobody" explain device.json a.rules
has out "the workstation is not known"
expect 3 "explain --json" explain --json device.json a.rules
has out '"verdict": "block"'
has out '"implicit": false'
expect 1 "explain: errors in the rules" explain device.json bad.rules
expect 1 "explain: no device" explain nothing.json a.rules
has err "nothing.json: no such file"
echo '{"id": "05e0:1200", "nmae": "x"}' >odd.json
expect 1 "explain: misspelt member" explain odd.json a.rules
has err 'unknown member "nmae"'
expect 1 "explain: unknown fact" explain device.json --to dnz:x a.rules

expect 0 "fmt" fmt a.rules
has out 'allow id 05e0:1200 to "@hall-a" key "K-SCAN"'
expect 1 "fmt of errors" fmt bad.rules
[ ! -s out ]
say $? "  prints nothing"

for args in "" "frob" "check" "check --frob a.rules" "explain" \
	"explain device.json" "explain device.json --to" "fmt" \
	"fmt a.rules b.rules"; do
	# shellcheck disable=SC2086
	expect 2 "wrong use: $args" $args
done
for args in "--help" "check --help" "explain --help" "fmt --help"; do
	# shellcheck disable=SC2086
	expect 0 "$args" $args
	has out "usage: sallyport-policy"
done

# A hub and a scanner behind it, as sysfs shows them. The hashes are those of
# sha256sum over the same bytes.
hub=sys/devices/pci0000:00/0000:00:14.0/usb3
dev=$hub/3-2
mkdir -p $dev/port
printf '\022\001\000\002\011\000\001\100\153\035\002\000\011\006\003\002\001\001' >$hub/descriptors
printf '\011\002\031\000\001\001\000\340\000\011\004\000\000\001\011\000\000\000\007\005\201\003\004\000\014' >>$hub/descriptors
echo "xHCI Host Controller" >$hub/product
echo "0000:00:14.0" >$hub/serial
echo 480 >$hub/speed
printf '\022\001\000\002\000\000\000\100\340\005\000\022\020\001\001\002\003\001' >$dev/descriptors
printf '\011\002\042\000\001\001\000\200\062\011\004\000\000\001\003\001\001\000\011\041\021\001\000\001\042\077\000\007\005\201\003\010\000\012' >>$dev/descriptors
echo Scanner >$dev/product
echo Acme >$dev/manufacturer
echo S1 >$dev/serial
echo 12 >$dev/speed
echo hotplug >$dev/port/connect_type
hash_dev=$({ printf 'Scanner05e01200S1'; cat $dev/descriptors; } |
	sha256sum | cut -c1-64)
hash_hub=$({
	printf 'xHCI Host Controller1d6b00020000:00:14.0'
	head -c 12 $hub/descriptors
	printf '\000\000'
	tail -c +15 $hub/descriptors
} | sha256sum | cut -c1-64)
hash_root=$(printf /devices/pci0000:00/0000:00:14.0 | sha256sum | cut -c1-64)
base64_of() {
	# octal escapes, which every printf has
	for byte in $(echo "$1" | sed 's/../& /g'); do
		# shellcheck disable=SC2059
		printf "\\$(printf %03o "0x$byte")"
	done | base64
}
cat >sysfs.rules <<EOF
default to any
allow id 05e0:1200 name "Scanner" manufacturer "Acme" serial "S1" \\
	hash "$(base64_of "$hash_dev")" parent-hash "$(base64_of "$hash_hub")" \\
	via-port "3-2" with-interface 03:01:01 with-connect-type "hotplug" \\
	release 1.10 speed full key "DEVICE"
allow id 1d6b:0002 hash "$(base64_of "$hash_hub")" \\
	parent-hash "$(base64_of "$hash_root")" key "HUB"
EOF
expect 0 "explain: a device of sysfs" explain $dev sysfs.rules
has out "key DEVICE"
ln -s $dev by-link
expect 0 "explain: the same by a link" explain by-link sysfs.rules
expect 0 "explain: a root hub" explain $hub sysfs.rules
has out "key HUB"
expect 1 "explain: no device there" explain rules.d sysfs.rules
has err "expected the directory of a device"

# What only the gateway knows, in the words of sallyctl.
sum=60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
cat >facts.json <<XX
{"busid": "3-2.4", "state": "ready", "stable": "05e0:1200@x", "holder": "ws1",
 "connection": 7, "id": "05e0:1200", "desc_sha256": "$sum",
 "reports": ["$sum"], "plugged": 1700000000, "ambiguous": false,
 "interface_list": [{"class": "03:01:02", "config": 0, "number": 1,
 "hid": ["mouse"]}],
 "ancestors": [{"id": "17ef:305a", "hash": "",
 "via_port": "3-2", "stable_port": "pci-0:2"}], "interfaces": ["03:01:02"]}
XX
facts() {
	printf 'default to any\n%s\n' "$2" >facts.rules
	expect "$1" "explain: $2" explain facts.json facts.rules
}
facts 0 "allow pin \"desc:sha256:$sum\""
facts 3 "allow pin \"desc:sha256:$hash_dev\""
facts 0 "allow pin \"report:sha256:$sum\""
facts 3 "allow pin \"report:sha256:$hash_dev\""
facts 0 'allow with-class only { hid-mouse }'
facts 0 'allow under "3-2"'
facts 3 'allow under "3-4"'
sed '/^ "hid"/d; s/"number": 1,$/"number": 1}],/' facts.json >other.json
mv other.json facts.json
facts 3 'allow with-class only { hid-mouse }'
for part in '"desc_sha256": "00"' '"reports": [1]' '"ambiguous": 1' \
	'"plugged": "now"' '"interface_list": [{"class": "3:1:1"}]' \
	'"interface_list": [{"class": "03:01:01", "numbr": 1}]' \
	'"interface_list": [{"class": "03:01:01", "number": 256}]' \
	'"interface_list": [{"class": "03:01:01", "hid": ["pen"]}]' \
	'"interface_list": [7]' '"ancestors": [{"hash": ""}]' \
	'"ancestors": [{"id": "1234:5678", "port": ""}]' '"ancestors": {}'; do
	echo "{\"id\": \"05e0:1200\", $part}" >odd.json
	expect 1 "explain: $part" explain odd.json a.rules
	has err "expected"
done

# The examples of the manual are right, and already in canonical words.
awk -v dir="$work" '
	/^\.Sh /{ on = $2 == "EXAMPLES" }
	/^\.Bd /{ if (on) { f = dir "/example-" ++i ".rules"; next } }
	/^\.Ed/{ f = "" }
	f != "" { gsub(/\\e/, "\\"); print > f }
' "$man"
count=0
for example in example-*.rules; do
	expect 0 "sallyport.rules(5), $example" check "$example"
	count=$((count + 1))
done
[ $count -ge 4 ]
say $? "there are examples"

echo "1..$n"
exit $bad
