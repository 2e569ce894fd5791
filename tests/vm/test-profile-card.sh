#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A card reader under `ccid': pcscd and opensc read the card; a command of the
# reader's own (escape) and a change of the PIN are refused in the protocol's
# words, and the card is read as before.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need pcscd pcscd
need certutil libnss3-tools
need opensc-tool opensc

class_open
class_using ccid
mkdir /shared/nss
check "a store of certificates" certutil -N -d sql:/shared/nss \
	--empty-password
check "a certificate" certutil -S -d sql:/shared/nss -x -n id -s CN=id \
	-t TC,TC,TC -m 1 -z /etc/hostname -g 1024
check "plug" host device_add usb-ccid,id=reader,bus=xhci.0
check "a card" host device_add ccid-card-emulated,backend=certificates,\
db=sql:shared/nss,cert1=id,cert2=id,cert3=id,bus=reader.0,id=card
class_attach 08e6 4433

# pcscd's driver asks the reader for its slot's status three times, 100 ms each.
# pcscd tries that as the driver of this reader and as that of its class, and then
# leaves the reader alone until it is started again. On a busy machine an emulated
# reader takes longer; pcscd's log says which it was.
mkdir -p /run/pcscd
reader_is_open() {
	grep -q 'Card ATR: ' /tmp/pcscd.log
}
reader_is_late() {
	[ "$(grep -c 'Failed adding USB device' /tmp/pcscd.log)" -ge 2 ]
}
reader_is_known() {
	reader_is_open || reader_is_late
}
card_start() {
	local try
	for try in 1 2 3 4 5 6 7 8; do
		rm -f /run/pcscd/pcscd.comm /run/pcscd/pcscd.pid
		pcscd --foreground --debug >/tmp/pcscd.log 2>&1 &
		pcscd=$!
		wait_for 40 reader_is_known || break
		reader_is_open && break
		say "the reader was too late for pcscd, $try times"
		card_stop
	done
	reader_is_open && wait_for 40 card_is_there || {
		cat /tmp/pcscd.log
		fail "no card"
	}
}

card_stop() {
	kill $pcscd
	wait $pcscd
}

card_is_there() {
	limit 10 opensc-tool -l >/tmp/readers &&
	    reader=$(awk '/^[0-9]/ && $2 == "Yes" { print $1; exit }' \
		/tmp/readers) && [ -n "$reader" ]
}

# apdu STATUS APDU: QEMU's card leaves its slot for a moment now and then:
# another try is another look at it.
apdu() {
	limit 20 opensc-tool -r "$reader" -s "$2" >/tmp/apdu 2>&1
	grep -qE "Received \(SW1=$1" /tmp/apdu
}

# SELECT of the first certificate's applet on a CAC card.
card_read() {
	check "the card's answer to reset" limit 20 \
	    opensc-tool -r "$reader" --atr
	wait_for 40 apdu '0x(90|61)' 00:A4:04:00:07:A0:00:00:00:79:01:00 || {
		sed 's/^/    /' /tmp/apdu
		tail -n 40 /tmp/pcscd.log
		fail "the card has no applet"
	}
	say "ok: select: $(grep Received /tmp/apdu)"
}

card_start
card_read
wait_for 20 apdu '0x69, SW2=0x82' 00:24:00:80:08:31:32:33:34:35:36:37:38 || {
	sed 's/^/    /' /tmp/apdu
	fail "the PIN's change is not refused as 6982"
}
say "ok: CHANGE REFERENCE DATA: $(grep Received /tmp/apdu)"
refused_has apdu deny 'ins=0x24'
card_read
card_stop

# PC_to_RDR_Escape of two bytes, slot 0, sequence 7; then GetSlotStatus.
node=$(usb_node "$imported")
limit 20 "$SALLYPORT_BUILD/$VARIANT/vm/xfer" "$node" 0 \
	03:6b0200000000070000000102 82:64 03:65000000000008000000 82:64 \
	>/tmp/escape || fail "an escape: $(cat /tmp/escape)"
answer=$(sed -n 2p /tmp/escape)
case $answer in
830000000000074[012]0000) ;;
*) fail "an escape is answered $answer" ;;
esac
say "ok: escape is answered $answer: failed, not supported"
answer=$(sed -n 4p /tmp/escape)
case $answer in
810000000000080[012]*) ;;
*) fail "GetSlotStatus is answered $answer" ;;
esac
say "ok: and the slot's status after it $answer"
refused_has ccid deny 'msg=escape'
card_start
card_read
card_stop
class_detach
class_close
