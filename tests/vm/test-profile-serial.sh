#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A serial port (the kernel's CDC ACM gadget) under `serial': bytes go both ways
# at 115200, the touch of 1200 baud and a rate that is not in the list never
# reach the device, and the port goes on.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

SIZE_BYTES=65536
modprobe cdc-acm
class_open
class_using serial
head -c $SIZE_BYTES /dev/urandom >/tmp/sent

gadget_hcd high
gadget_new acm 0525 a4a7 acm
gadget_function acm acm.0
check "plug" gadget_plug acm
check "the far end" wait_for 5 test -c /dev/ttyGS0
check "raw mode there" stty -F /dev/ttyGS0 raw -echo
class_attach 0525 a4a7
wait_for 10 class_name '*/tty/ttyACM*' || fail "no tty"
tty=/dev/$(class_name '*/tty/ttyACM*')
wait_for 5 test -c "$tty" || fail "no $tty"
say "drivers: $(class_drivers)"
exec 5<>"$tty"

# goes WHEN: what is sent comes back from the far end, byte for byte.
goes() {
	exec 6<>/dev/ttyGS0
	cat <&6 >&6 &
	echoer=$!
	cat /tmp/sent >&5 &
	sender=$!
	limit 60 head -c $SIZE_BYTES <&5 >/tmp/back
	kill $sender 2>/dev/null
	wait $sender 2>/dev/null
	check "$SIZE_BYTES bytes go and come back $1" cmp /tmp/sent /tmp/back
	kill $echoer
	wait $echoer 2>/dev/null
	exec 6<&-
}

check "raw mode" stty -F "$tty" raw -echo 115200
goes "at 115200"

# cdc-acm hears no from the device, but not the program that set the rate.
stty -F "$tty" 1200
refused_has setup deny baud=1200
stty -F "$tty" 110
refused_has setup deny baud=110
jq -es 'any(.event == "transfer" and .outcome == "deny" and
    .level == "alert" and .log == "1200-baud-touch")' "$AUDIT" >/dev/null ||
    fail "the touch is no alert"
say "ok: the touch of 1200 baud is an alert"
exec 5<&-

# GET_LINE_CODING: the device has the rate that it had.
coding=$(limit 20 "$SALLYPORT_BUILD/$VARIANT/vm/xfer" \
	"$(usb_node "$imported")" 0 setup:a121000000000700)
[ "$coding" = 00c20100000008 ] || fail "its line coding is $coding"
say "ok: the device still has 115200 baud: $coding"

wait_for 10 class_name '*/tty/ttyACM*' || fail "no tty"
tty=/dev/$(class_name '*/tty/ttyACM*')
wait_for 5 test -c "$tty" || fail "no $tty"
exec 5<>"$tty"
check "raw mode" stty -F "$tty" raw -echo 115200
goes "after that"
[ "$(class_busid 0525 a4a7 workstation)" = "$imported" ] ||
    fail "the device was reset"
exec 5<&-
class_detach
gadget_remove acm
class_close
