#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A FIDO key (the kernel's HID gadget with fidokey behind it) under `fido':
# fido2-tools register and sign; a reset is refused and never gets to the key,
# which knows its credential after that.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need fido2-token fido2-tools
FIDOKEY=$SALLYPORT_BUILD/$VARIANT/vm/fidokey
[ -x "$FIDOKEY" ] || fail "$FIDOKEY: run make tests"

# Usage page FIDO: 64 bytes in, 64 bytes out.
FIDO_REPORT='\x06\xd0\xf1\x09\x01\xa1\x01\x09\x20\x15\x00\x26\xff\x00\x75\x08'
FIDO_REPORT+='\x95\x40\x81\x02\x09\x21\x15\x00\x26\xff\x00\x75\x08\x95\x40'
FIDO_REPORT+='\x91\x02\xc0'

modprobe -a usbhid hid-generic
class_open
class_using fido
gadget_hcd high
gadget_new key 0525 a4ad key
gadget_function key hid.0
gadget_attribute key hid.0 report_length 64
printf '%b' "$FIDO_REPORT" >$GADGETS/key/functions/hid.0/report_desc
check "plug" gadget_plug key
check "the key's end" wait_for 5 test -c /dev/hidg0
"$FIDOKEY" /dev/hidg0 2>/tmp/fidokey.log &
key=$!
class_attach 0525 a4ad
wait_for 10 class_name '*/hidraw/hidraw*' || fail "no hidraw"
raw=/dev/$(class_name '*/hidraw/hidraw*')
check "$raw" wait_for 5 test -c "$raw"
say "drivers: $(class_drivers)"

# fido NAME CMD...: with the input of /tmp/in, to /tmp/NAME.
fido() {
	local name=$1
	shift
	limit 20 "$@" </tmp/in >"/tmp/$name" 2>/tmp/err || {
		cat /tmp/err /tmp/fidokey.log
		return 1
	}
}

: >/tmp/in
check "fido2-token finds it" fido list fido2-token -L
sed 's/^/    /' /tmp/list
check "it is ours" grep -q "^$raw: .*0x0525" /tmp/list
check "fido2-token -I" fido info fido2-token -I "$raw"
sed 's/^/    /' /tmp/info
check "it speaks FIDO 2" grep -q 'FIDO_2_0' /tmp/info

challenge() {
	head -c 32 /dev/urandom | base64
}
{
	challenge
	echo bench.example
	echo somebody
	head -c 16 /dev/urandom | base64
} >/tmp/in
check "make a credential" fido made fido2-cred -M "$raw"
cp /tmp/made /tmp/in
check "its attestation verifies" fido cred fido2-cred -V
head -n 1 /tmp/cred | sed 's/^/    credential /'
tail -n +2 /tmp/cred >/tmp/public
{
	challenge
	echo bench.example
	head -n 1 /tmp/cred
} >/tmp/challenge
cp /tmp/challenge /tmp/in
check "get an assertion" fido said fido2-assert -G "$raw"
cp /tmp/said /tmp/in
check "it verifies" fido verified fido2-assert -V /tmp/public es256

# A key of another site must not answer.
{
	challenge
	echo other.example
	head -n 1 /tmp/cred
} >/tmp/in
check_not "not for another site" fido other fido2-assert -G "$raw"

: >/tmp/in
fido reset fido2-token -R "$raw" >/dev/null && fail "the key was reset"
sed 's/^/    /' /tmp/err
refused_has ctap deny cbor=reset
grep -q 'command 07' /tmp/fidokey.log && fail "it got to the key"
say "ok: the key heard nothing of it"
cp /tmp/challenge /tmp/in
check "an assertion after that" fido said fido2-assert -G "$raw"
cp /tmp/said /tmp/in
check "it verifies" fido verified fido2-assert -V /tmp/public es256
[ "$(class_busid 0525 a4ad workstation)" = "$imported" ] ||
    fail "the device was reset"
sed 's/^/    /' /tmp/fidokey.log
class_detach
kill $key
wait $key 2>/dev/null
gadget_remove key
class_close
