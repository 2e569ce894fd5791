#!/bin/sh
# sallyport-policy bundle: a folder becomes a bundle that compiles, passes its
# tests, is signed, checked and compared.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh

mkdir -p lab/rules.d lab/profiles.d lab/tests lab/lists lab/.git
echo hidden >lab/.git/config
cat >lab/rules.d/10-lab.rules <<'EOR'
forbid with-class hub
allow id 0781:5581 to "dns:*.hall-a.example" using "stick" key "STICK"
include "../lists/scan.rules"
EOR
echo 'allow id 05e0:1200 to "ou:Staff" using "auto" key "SCAN"' \
	>lab/lists/scan.rules
cat >lab/profiles.d/stick.profile <<'EOR'
profile stick {
  on scsi {
    allow op { inquiry read-10 }
  }
}
EOR
cat >lab/tests/lab.t <<'EOR'
rules "../rules.d"
profiles "../profiles.d"
device stick "../lists/stick.json"
identity kiosk "dns:k.hall-a.example"
identity clerk "ou:Staff"
allow stick to kiosk key "STICK" using "stick"
block stick to clerk implicit
unit deny by "stick" { scsi op=write-10 lba=0..7 }
EOR
echo '{"id": "0781:5581", "interfaces": ["08:06:50"]}' >lab/lists/stick.json
cp lab/lists/stick.json stick.json
for i in 1 2 3; do
	openssl ecparam -name prime256v1 -genkey -noout -out "k$i.pem"
	openssl ec -in "k$i.pem" -pubout -out "k$i.pub" 2>/dev/null
	chmod 0600 "k$i.pem"
done
cat k1.pub k2.pub >keys.pem
mkdir stock

# create SERIAL OUT [OPTION]...
create() {
	serial=$1 file=$2
	shift 2
	"$prog" bundle create lab --serial "$serial" --stock stock \
		--not-before 2026-03-01T00:00:00Z --expires 30d -o "$file" "$@"
}

# --- create ---
create 7 a.tar --grace 7d --revision r-7 >out 2>err
say $? "a folder becomes a bundle"
has out "tests: 3 passed, 0 failed"
create 7 b.tar --grace 7d --revision r-7 >out 2>err && cmp a.tar b.tar
say $? "the same again, byte for byte"
tar -tf a.tar >out 2>err && ! grep -q git out
say $? "tar lists it; hidden files are not in it"
has out "lists/scan.rules"
ln -s /etc/passwd lab/rules.d/20-link.rules
create 8 x.tar >out 2>err
[ $? -eq 1 ] && [ ! -e x.tar ]
say $? "a link is refused"
has err "20-link.rules: neither a file nor a folder"
rm lab/rules.d/20-link.rules
echo 'allow id 1:1' >lab/rules.d/20-bad.rules
create 8 x.tar >out 2>err
[ $? -eq 1 ] && [ ! -e x.tar ]
say $? "rules that do not compile make no bundle"
has err "bundle:rules.d/20-bad.rules:1:"
echo 'allow id 0001:0001 to "cn:x" using "none"' >lab/rules.d/20-bad.rules
create 8 x.tar >out 2>err
[ $? -eq 1 ]
say $? "nor does a profile that is not there"
has err "none"
for path in /etc/hostname ../../../etc/hostname; do
	echo "include \"$path\"" >lab/rules.d/20-bad.rules
	create 8 x.tar >out 2>err
	[ $? -eq 1 ]
	say $? "nor an include that leads out: $path"
	has err "no such file in the bundle"
done
rm lab/rules.d/20-bad.rules
sed 's|"../rules.d"|"/etc/hostname"|' lab/tests/lab.t >lab/tests/out.t
create 8 x.tar >out 2>err
[ $? -eq 1 ]
say $? "nor a test whose rules lead out"
has err "no such file in the bundle"
rm lab/tests/out.t
sed 's/^block stick/allow stick/' lab/tests/lab.t >lab/tests/fail.t
create 8 x.tar >out 2>err
[ $? -eq 1 ] && [ ! -e x.tar ]
say $? "nor one whose tests fail"
has out "not ok bundle:tests/fail.t:7: allow stick to clerk implicit"
create 8 x.tar --no-test >out 2>err
say $? "unless that is left to the gateways"
expect 1 "which say no" bundle test --stock stock x.tar
rm lab/tests/fail.t
expect 2 "a serial is needed" bundle create lab --expires 1d -o x.tar
expect 2 "and a number" bundle create lab --serial 0 --expires 1d -o x.tar
expect 2 "an end is needed" bundle create lab --serial 9 -o x.tar
expect 1 "which is after the beginning" bundle create lab --serial 9 \
	--not-before 2026-03-01T00:00:00Z --expires 2026-02-01T00:00:00Z \
	--stock stock -o x.tar
has err '"expires" is not after "not_before"'

# --- sign, verify ---
at=--at=2026-03-02T00:00:00Z
expect 1 "not signed" bundle verify a.tar --keys keys.pem "$at"
has err "a.tar.sig: there is none"
expect 0 "one signs" bundle sign a.tar --key k1.pem
expect 0 "one is enough" bundle verify a.tar --keys keys.pem "$at"
has out "serial 7, signed by 1 of 2 keys; it is valid"
expect 1 "of two" bundle verify a.tar --keys keys.pem --threshold 2 "$at"
has err "1 of the keys that are trusted here signed it, and 2 must"
expect 0 "the same signs again" bundle sign a.tar --key k1.pem
expect 1 "and is one" bundle verify a.tar --keys keys.pem --threshold 2 "$at"
expect 0 "a command signs" bundle sign a.tar --public k2.pub --signer \
	'openssl pkeyutl -sign -inkey k2.pem -pkeyopt digest:sha256'
expect 0 "two of two" bundle verify a.tar --keys keys.pem --threshold 2 "$at"
expect 1 "a command with another key" bundle sign a.tar --public k3.pub \
	--signer 'openssl pkeyutl -sign -inkey k2.pem -pkeyopt digest:sha256'
has err "its answer is not this key's signature"
expect 1 "a command that fails" bundle sign a.tar --public k3.pub \
	--signer false
has err "it failed"
expect 1 "a command that babbles" bundle sign a.tar --public k3.pub \
	--signer 'cat /dev/zero'
has err "too long"
expect 1 "another's key" bundle verify a.tar --keys k3.pub "$at"
expect 1 "too early" bundle verify a.tar --keys keys.pem \
	--at 2026-02-01T00:00:00Z
has err "it is not valid yet"
expect 0 "in its grace" bundle verify a.tar --keys keys.pem \
	--at 2026-04-01T00:00:00Z
has out "in its grace"
expect 1 "too late" bundle verify a.tar --keys keys.pem \
	--at 2026-05-01T00:00:00Z
has err "it has expired"
chmod 0644 k1.pem
expect 1 "a key that others may read" bundle sign a.tar --key k1.pem
has err "chmod 0600"
chmod 0600 k1.pem
expect 1 "a private key is none to trust" bundle verify a.tar --keys k1.pem
jq -r '.signatures[0].signature' a.tar.sig | base64 -d >der
openssl dgst -sha256 -verify k1.pub -signature der a.tar >out 2>err
say $? "openssl says so too"
cp a.tar t.tar
cp a.tar.sig t.tar.sig
printf x | dd of=t.tar bs=1 seek=2100 conv=notrunc 2>/dev/null
expect 1 "a byte that is another" bundle verify t.tar --keys keys.pem "$at"
head -c 3000 a.tar >t.tar
expect 1 "an end that is missing" bundle verify t.tar --keys keys.pem "$at"
has err "it ends too early"
create 8 t.tar >/dev/null 2>&1
expect 1 "signatures of another" bundle verify t.tar --keys keys.pem "$at"
has err "they are of another bundle"
tar -C lab -cf t.tar rules.d
expect 1 "an archive by tar" bundle show t.tar

# --- show, next keys, discovery ---
create 9 n.tar --next-keys keys.pem --threshold 2 --delegate >out 2>err
say $? "a bundle with the next keys"
"$prog" bundle show --json n.tar >out 2>err &&
	jq -e '.serial == 9 and .delegate and .threshold == 2 and
	    (.keys | length) == 2 and (.signed_by | length) == 0' out >/dev/null
say $? "they are in its manifest"
expect 0 "and shown" bundle show n.tar
has out "2 of them must sign"
has out "not signed"
echo '[{"labels": ["site=a"], "url": "https://x.example/a.tar"}]' >list
expect 0 "a discovery" bundle create --discovery list --serial 1 \
	--expires 1d -o d.tar
expect 0 "is shown" bundle show d.tar
has out "site=a  https://x.example/a.tar"
echo '[{"labels": ["site=a"], "url": "http://x.example/a.tar"}]' >list
expect 1 "one without TLS" bundle create --discovery list --serial 1 \
	--expires 1d -o d.tar
has err '"bundles": number 1'

# --- diff ---
expect 0 "nothing differs" bundle diff a.tar b.tar
sed -i 's/hall-a/hall-b/; s/key "STICK"/lease 1h key "STICK"/' \
	lab/rules.d/10-lab.rules
sed -i 's/hall-a/hall-b/' lab/tests/lab.t
create 10 c.tar >/dev/null 2>&1
expect 3 "rules differ" bundle diff a.tar c.tar
has out '- allow id 0781:5581 to "dns:*.hall-a.example"'
has out '+ allow id 0781:5581 to "dns:*.hall-b.example"'
echo '{"ok": true, "devices": [{"busid": "3-1", "state": "waiting",
    "interfaces": []}, {"busid": "3-2", "state": "ready", "id": "0781:5581",
    "stable": "0781:5581@x:2", "interfaces": ["08:06:50"]}]}' >devices
expect 3 "for a gateway's devices" bundle diff --devices devices \
	--to dns:k.hall-a.example --to dns:k.hall-b.example a.tar c.tar
has out "refused: 0781:5581@x:2 to dns:k.hall-a.example"
has out "allowed: 0781:5581@x:2 to dns:k.hall-b.example"
"$prog" bundle diff --json --devices stick.json --to dns:k.hall-b.example \
	a.tar c.tar >out 2>err
jq -e '.devices[0].change == "allowed" and (.added | length) == 1' out \
	>/dev/null
say $? "as JSON"

expect 2 "no subcommand" bundle
expect 0 "help" bundle --help
has out "usage: sallyport-policy bundle create"
finish
