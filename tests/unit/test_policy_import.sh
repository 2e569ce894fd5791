#!/bin/sh
# sallyport-policy import: what becomes of rules of others, that `check' takes
# it, and that it decides what the original decides.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh

# gives LINE...: that is what was printed.
gives() {
	printf '%s\n' "$@" >wanted
	cmp -s wanted out
	say $? "  prints it"
	cp out got.rules
	{ cat out; echo 'workstations x = { "ou:Y" }'; } >checked.rules
	expect 0 "  and check takes it" check checked.rules
}

cat >guard.conf <<'EOR'
# the company's

  allow 046D:C52B   name "a # \"b\"" # mouse
block with-interface one-of { 08:*:*   ff:*:* }
allow via-port "1-2" with-interface equals { 03:00:00 03:01:01 } if localtime(6:00-22:00) serial "0123456789012345678901234567890123456789"
reject
EOR
expect 0 "USBGuard" import usbguard guard.conf --to ou:Staff --using auto
# shellcheck disable=SC1003 # lines that end in a backslash
gives "# the company's" '' \
	'allow id 046d:c52b name "a # \"b\"" to "ou:Staff" using "auto" # mouse' \
	'block with-interface one-of { 08:*:* ff:*:* }' \
	'allow serial "0123456789012345678901234567890123456789" via-port "1-2" \' \
	'	with-interface { 03:00:00 03:01:01 } to "ou:Staff" using "auto" \' \
	'	if localtime(6:00-22:00)' \
	reject
expect 0 "USBGuard, for everybody" import usbguard guard.conf
has out "default to any"
has out 'allow id 046d:c52b name "a # \"b\"" # mouse'
expect 0 "several receivers" import usbguard --to=@x --to 'dns:*.a' guard.conf
has out 'to one-of { "@x" "dns:*.a" } # mouse'
printf 'allow\nallow id 1:2\n' >wrong.conf
expect 1 "an error in it" import usbguard wrong.conf --to @x
has err "wrong.conf:2:10: "
[ ! -s out ]
say $? "  prints nothing"

echo '0x03,-1,-1,-1,0|0x08,0x0781,-1,0x0110,1|-1,0x46d,0xc52b,-1,1' >filter
expect 0 "usbredir" import usbredir filter --to @x
gives 'block with-interface one-of { 03:*:* }' \
	'allow id 0781:* with-interface only { 08:*:* } release 1.10 to "@x"' \
	'allow id 046d:c52b to "@x"'
echo '0x03,-1,0x1200,-1,0' >filter
expect 1 "usbredir: it cannot be said" import usbredir filter
has err "filter:1:1: a product without a vendor"
[ ! -s out ]
say $? "  prints nothing"

cat >usb.conf <<'EOR'
DENY: class=09 # Hub devices
CONNECT: vid=1188 pid=A101
DENY: vid=1188 pid=A001 split=01 intf=00
CONNECT: vid=1188 pid=A001 split=01 intf=01,02
DENY: class=03 subclass=01 prot=01
ALLOW: # Otherwise allow everything else
EOR
expect 0 "Citrix" import citrix usb.conf --to @x
gives 'block with-interface one-of { 09:*:* }' \
	'allow id 1188:a101 to "@x"' \
	'allow id 1188:a001 to "@x" expose { interface 1 interface 2 }' \
	'block with-interface one-of { 03:01:01 }' \
	'allow to "@x"'
cat >usb.t <<'EOR'
rules "got.rules" "x.rules"
device keys id 1188:a001 with-interface { 03:01:01 03:00:00 01:01:00 }
device hub id 1188:a101 with-interface 09:00:00
device board id 1234:5678 with-interface { 08:06:50 03:01:01 }
device stick id 1234:5678 with-interface 08:06:50
identity who "ou:Y"
allow keys to who exposes { 1 2 }
block hub to who
block board to who
allow stick to who
block stick
EOR
sed -i '$d' usb.t
echo 'workstations x = { "ou:Y" }' >x.rules
expect 0 "  it decides the same" test usb.t
echo 'DENY: serial=1' >usb.conf
expect 1 "Citrix: an error" import citrix usb.conf --to @x
has err "usb.conf:1:7: expected vid="

# Included, they mean what they mean when they are imported.
printf 'include citrix "usb.conf" to "@x"\ninclude "x.rules"\n' >inc.rules
printf 'DENY: class=8\nALLOW:\n' >usb.conf
expect 0 "include citrix" check inc.rules
echo 'DENY: clas=8' >usb.conf
expect 1 "include citrix: an error" check inc.rules
has err "usb.conf:1:7: expected vid="

expect 1 "--to that is none" import usbguard guard.conf --to Staff
has err "the options:1:"
expect 0 "--to cannot leave its string" import usbguard guard.conf --to 'ou:"
allow to "ou:x'
has out 'to "ou:\"\x0aallow to \"ou:x"'
echo 'ALLOW:' >usb.conf
expect 0 "--to with quotes inside" import citrix usb.conf --to 'ou:a"b\c'
gives 'allow to "ou:a\"b\\c"'
: >empty
for kind in usbguard usbredir citrix; do
	expect 0 "$kind, empty" import $kind empty --to @x
	[ ! -s out ]
	say $? "  gives nothing"
done
expect 1 "no such file" import citrix nothing
has err "nothing: no such file"
finish
