#!/bin/bash
# vm: --guests 1 --timeout 250
# vm-waits
#
# A device that never answers: a printer whose end nobody reads. Transfers stay
# pending, can be taken back, do not keep the device from being detached, and
# the session ends in order each time.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

pki_make || fail "pki"
gateway_config 'default to any' 'allow'
workstation_config ws1
modprobe usblp
check "the gateway starts" gateway_start
gadget_hcd high
gadget_new lp 0525 a4a8 lp
gadget_function lp printer.0
check "a printer is plugged in" gadget_plug lp
wait_for 20 usb_busid 0525 a4a8 >/dev/null || fail "no gadget"
lp=$(usb_busid 0525 a4a8)
gateway_clean "$lp" "at first"

attach_printer() {
	attach_to "$lp"
	wait_for 30 test -c /dev/usb/lp0 || fail "no /dev/usb/lp0"
}

# ended HOW: the last session's end, as the audit log has it.
ended() {
	tail -n "+$((skip + 1))" "$AUDIT" | jq -es --arg how "$1" \
	    'map(select(.event == "session" and .outcome == "ended")) |
	    last.how == $how'
}

# pending: a write that waits for the printer, and a read that waits for what
# it has to say.
pending() {
	dd if=/dev/zero of=/dev/usb/lp0 bs=8192 count=64 2>/dev/null &
	writer=$!
	sleep 3
	lives $writer || fail "the printer took 512 KiB"
	say "ok: a write waits"
}

attach_printer
for i in 1 2 3; do
	pending
	kill $writer
	wait_gone 30 lives $writer || fail "the write cannot be taken back"
	say "ok: it is taken back"
done
# The device and its session are none the worse: the endpoint that has an
# answer gives it, behind three that had none.
exec 6<>/dev/g_printer0
exec 5<>/dev/usb/lp0
limit 60 dd bs=512 count=2 iflag=fullblock status=none <&5 >/tmp/read &
reader=$!
head -c 1024 /dev/urandom >/tmp/status
limit 60 dd if=/tmp/status bs=512 status=none >&6
wait $reader
check "it answers where it has an answer" cmp /tmp/status /tmp/read
exec 5<&- 6<&-

skip=$(audit_lines)
pending
check "detach meanwhile" limit 30 sallyport detach all
wait_gone 30 lives $writer || fail "the write is stuck"
workstation_clean "mute: detach"
gateway_clean "$lp" "mute: detach"
check "the session ended by itself" ended "exit 0"

skip=$(audit_lines)
attach_printer
pending
kill_one sallyport-relay
wait_gone 30 lives $writer || fail "the write is stuck"
workstation_clean "mute: no relay"
gateway_clean "$lp" "mute: no relay"
# with a reset, where the relay had not read all
ended "exit 0" || check "the session ended by itself" ended "exit 1"

skip=$(audit_lines)
attach_printer
pending
check "kick the holder" sallyctl kick "$lp"
wait_gone 30 lives $writer || fail "the write is stuck"
workstation_clean "mute: kicked"
gateway_clean "$lp" "mute: kicked"

say "and a printer that prints"
attach_printer
exec 6<>/dev/g_printer0
head -c 65536 /dev/urandom >/tmp/job
head -c 65536 <&6 >/tmp/printed &
printer=$!
check "print" limit 60 dd if=/tmp/job of=/dev/usb/lp0 bs=8192 status=none
wait_gone 60 lives $printer || fail "the printer waits for more"
check "65536 bytes, the same" cmp /tmp/job /tmp/printed
exec 6<&-
check "detach" limit 30 sallyport detach all
workstation_clean "mute: used"
gateway_clean "$lp" "mute: used"
say "ok: used again; descriptors of broker and warden: $fds_now"
check "the gateway stops" gateway_stop
gadget_remove lp
