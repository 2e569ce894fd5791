#!/bin/bash
# vm: --guests 1 --timeout 250
# vm-long: test-profile-card does the same under a profile
#
# A smart card reader (QEMU's CCID reader with an emulated card): pcscd sees the
# reader and the card, and a program talks to the card.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need pcscd pcscd
need certutil libnss3-tools
need opensc-tool opensc

class_open
mkdir /shared/nss
check "a store of certificates" certutil -N -d sql:/shared/nss \
	--empty-password
check "a certificate" certutil -S -d sql:/shared/nss -x -n id -s CN=id \
	-t TC,TC,TC -m 1 -z /etc/hostname -g 1024
check "plug" host device_add usb-ccid,id=reader,bus=xhci.0
check "a card" host device_add ccid-card-emulated,backend=certificates,\
db=sql:shared/nss,cert1=id,cert2=id,cert3=id,bus=reader.0,id=card
class_attach 08e6 4433

mkdir -p /run/pcscd
pcscd --foreground --debug >/tmp/pcscd.log 2>&1 &
pcscd=$!
readers() {
	limit 10 opensc-tool -l >/tmp/readers && grep -q '^[0-9]' /tmp/readers
}
wait_for 40 readers || {
	tail -n 40 /tmp/pcscd.log
	fail "no reader"
}
sed 's/^/    /' /tmp/readers
reader=$(awk '/^[0-9]/ && $2 == "Yes" { print $1 }' /tmp/readers | head -n 1)
[ -n "$reader" ] || {
	tail -n 40 /tmp/pcscd.log
	fail "no card"
}
check "the card's answer to reset" limit 20 opensc-tool -r "$reader" --atr
limit 20 opensc-tool -r "$reader" --atr | sed 's/^/    ATR /'
# SELECT of the first certificate's applet on a CAC card. QEMU's card leaves its
# slot for a moment now and then: another try is another look at it.
select_applet() {
	limit 20 opensc-tool -r "$reader" -s \
	    00:A4:04:00:07:A0:00:00:00:79:01:00 >/tmp/select 2>&1
	grep -qE 'Received \(SW1=0x(90|61)' /tmp/select
}
wait_for 40 select_applet || {
	sed 's/^/    /' /tmp/select
	tail -n 40 /tmp/pcscd.log
	fail "the card has no applet"
}
sed 's/^/    /' /tmp/select
kill $pcscd
wait $pcscd
class_detach
class_close
