#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A printer (the kernel's gadget) under `printer': jobs are printed byte for
# byte; administration by PJL is refused and nothing of it gets there; firmware
# makes the device leave.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

UEL='\033%%-12345X'
modprobe usblp
class_open
class_using printer
gadget_hcd high
gadget_new lp 0525 a4a8 lp
gadget_function lp printer.0
gadget_attribute lp printer.0 pnp_string 'MFG:Bench;MDL:Gadget;CLS:PRINTER;'
check "plug" gadget_plug lp
check "the printer's end" wait_for 5 test -c /dev/g_printer0
class_attach 0525 a4a8
wait_for 10 class_name '*/usbmisc/lp*' || fail "no lp"
lp=/dev/usb/$(class_name '*/usbmisc/lp*')
check "$lp" wait_for 5 test -c "$lp"
say "drivers: $(class_drivers)"
# The gadget has no readers before it is configured.
cat </dev/g_printer0 >/tmp/printed &
printer=$!

# job NAME: PostScript of 100 KiB in PJL.
job() {
	# shellcheck disable=SC2059
	printf "$UEL@PJL JOB NAME=\"$1\"\r\n@PJL ENTER LANGUAGE=POSTSCRIPT\r\n"
	echo '%!PS-Adobe-3.0'
	head -c 75000 /dev/urandom | base64 | sed 's/^/% /'
	# shellcheck disable=SC2059
	printf "$UEL@PJL EOJ\r\n$UEL"
}

# send FILE: as a program does, in one write.
send() {
	limit 60 dd if="$1" of="$lp" bs=4k status=none 2>/tmp/dd
}

printed() {
	cmp -s /tmp/all /tmp/printed
}

job one >/tmp/one
job two >/tmp/two
cat /tmp/one /tmp/two >/tmp/all
check "print" send /tmp/one
# shellcheck disable=SC2059
printf "$UEL@PJL\r\n@PJL DEFAULT PASSWORD=0\r\n$UEL" >/tmp/admin
# The driver may hear of it with the next write or at the end.
send /tmp/admin && say "the driver takes it"
refused_has print deny pjl=default
check "print after that" send /tmp/two
wait_for 60 printed || {
	ls -l /tmp/all /tmp/printed
	fail "what was printed differs"
}
say "ok: $(stat -c %s /tmp/printed) bytes, the two jobs and nothing else"

# shellcheck disable=SC2059
printf "$UEL@PJL UPGRADE SIZE=4\r\nevil$UEL" >/tmp/firmware
send /tmp/firmware && say "the driver takes it"
refused_has print eject pjl=upgrade
check "the printer has left" wait_gone 20 \
    test -e "/sys/bus/usb/devices/$imported"
printed || fail "the firmware got there"
say "ok: nothing of it was printed"
kill $printer
wait $printer 2>/dev/null
gadget_remove lp
class_close
