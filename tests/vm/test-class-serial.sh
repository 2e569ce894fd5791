#!/bin/bash
# vm: --guests 1 --timeout 250
# vm-long: test-profile-serial does the same under a profile
#
# Serial lines: 1 MiB goes out and comes back from the far end, byte for byte,
# through QEMU's FTDI adapter and the kernel's CDC ACM gadget.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

SIZE_BYTES=1048576
modprobe -a usbserial ftdi_sio cdc-acm
# its maker's own class: nothing of it passes without a profile
class_open 'allow using "bench-any"'
head -c $SIZE_BYTES /dev/urandom >/tmp/sent

# echo_through TTY FAR: FAR sends back what it gets.
echo_through() {
	local tty=$1 far=$2 began
	say "drivers: $(class_drivers)"
	wait_for 5 test -c "$tty" || fail "no $tty"
	check "raw mode" stty -F "$tty" raw -echo 3000000
	exec 5<>"$tty" 6<>"$far"
	cat <&6 >&6 &
	echoer=$!
	began=$SECONDS
	cat /tmp/sent >&5 &
	sender=$!
	limit 90 head -c $SIZE_BYTES <&5 >/tmp/back
	kill $sender 2>/dev/null
	wait $sender 2>/dev/null
	echo "    $(stat -c %s /tmp/back) bytes back in" \
	    "$((SECONDS - began)) s"
	check "$SIZE_BYTES bytes, the same" cmp /tmp/sent /tmp/back
	exec 5<&-
	kill $echoer
	wait $echoer 2>/dev/null
	exec 6<&-
}

say "FTDI"
far=$(class_wire line) || fail "no wire"
check "plug" host device_add usb-serial,chardev=line,id=ftdi,bus=xhci.0
class_attach 0403 6001
wait_for 10 class_name '*/ttyUSB*/tty/ttyUSB*' || fail "no tty"
echo_through "/dev/$(class_name '*/ttyUSB*/tty/ttyUSB*')" "$far"
class_detach
check "unplug" host device_del ftdi

say "CDC ACM"
gadget_hcd high
gadget_new acm 0525 a4a7 acm
gadget_function acm acm.0
check "plug" gadget_plug acm
check "the far end" wait_for 5 test -c /dev/ttyGS0
check "raw mode there" stty -F /dev/ttyGS0 raw -echo
class_attach 0525 a4a7
wait_for 10 class_name '*/tty/ttyACM*' || fail "no tty"
echo_through "/dev/$(class_name '*/tty/ttyACM*')" /dev/ttyGS0
class_detach
gadget_remove acm
class_close
