#!/bin/bash
# vm: --guests 1 --timeout 150
# vm-long: test-profile-printer does the same under a profile
#
# A printer (the kernel's gadget): its id, 256 KiB to it and 4 KiB from it,
# byte for byte.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

# The gadget forgets to count the two bytes of the length itself, so that its
# last two characters (";" and a newline here) never leave it.
ID='MFG:Bench;MDL:Gadget;CLS:PRINTER;SN:1'
modprobe usblp
class_open
gadget_hcd high
gadget_new lp 0525 a4a8 lp
gadget_function lp printer.0
gadget_attribute lp printer.0 pnp_string "$ID;"
check "plug" gadget_plug lp
check "the printer's end" wait_for 5 test -c /dev/g_printer0
class_attach 0525 a4a8
wait_for 10 class_name '*/usbmisc/lp*' || fail "no lp"
lp=/dev/usb/$(class_name '*/usbmisc/lp*')
check "$lp" wait_for 5 test -c "$lp"
say "drivers: $(class_drivers)"
got=$(cat "/sys/bus/usb/devices/$imported:1.0/ieee1284_id")
echo "    $got"
check "the printer's id" [ "$got" = "$ID" ]

# The gadget has the file open while it prints, as a printer would.
exec 6<>/dev/g_printer0
head -c 262144 /dev/urandom >/tmp/job
head -c 262144 <&6 >/tmp/printed &
printer=$!
check "print" limit 60 dd if=/tmp/job of="$lp" bs=8192 status=none
wait_gone 60 kill -0 $printer || fail "the printer waits for more"
check "262144 bytes, the same" cmp /tmp/job /tmp/printed

head -c 4096 /dev/urandom >/tmp/status
exec 5<>"$lp"
limit 30 dd bs=512 count=8 iflag=fullblock status=none <&5 >/tmp/read &
reader=$!
check "the printer answers" limit 20 bash -c 'cat /tmp/status >&6'
wait $reader
check "4096 bytes back, the same" cmp /tmp/status /tmp/read
exec 5<&- 6<&-
class_detach
gadget_remove lp
class_close
