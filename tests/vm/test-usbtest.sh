#!/bin/bash
# vm: --guests 1 --smp 2 --timeout 900
# vm-slow
#
# The kernel's usbtest passes through gateway, TLS, relay and vhci_hcd, at high
# speed and at SuperSpeed, wherever it passes on the device itself.
#
# Devices are the kernel's source/sink gadget (0-14, 17-21, 24, 27-29) and
# ffs_int (25, 26) on dummy_hcd. That has no isochronous endpoints: for cases 15,
# 16, 22 and 23 the simulated backend stands in (simgw), behind the real session,
# relay and vhci_hcd.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/usbtest.sh"

T=$GW/tls-ws1
ZERO_CASES=(0 1 2 3 4 5 6 7 8 9 10 13 14 17 18 19 20 21 27 28 29 11 12 24)
INTS_CASES=(25 26)
ISO_CASES=(15 16 22 23)

for tool in usbtest ffs_int simgw; do
	[ -x "$USBTEST_TOOLS/$tool" ] || fail "$tool is not built: make tests"
done
pki_make || fail "pki"
gateway_config 'default to any' 'allow using "bench-any"'
workstation_config ws1
modprobe usbtest || fail "no usbtest"

# One import is there and bound.
is_imported() {
	imported "$1" && usbtest_is_bound "$imported"
}

# run_cases COLUMN ZERO INTS: all cases on these two devices.
run_cases() {
	local column=$1 got=0 began=$SECONDS
	wait_for 10 usbtest_is_bound "$2" || fail "$column: $2: no usbtest"
	wait_for 10 usbtest_is_bound "$3" || fail "$column: $3: no usbtest"
	usbtest_cases "$column" "$2" "${ZERO_CASES[@]}" || got=$?
	[ "$got" -eq 2 ] ||
	    usbtest_cases "$column" "$3" "${INTS_CASES[@]}" || got=$?
	for c in "${ISO_CASES[@]}"; do
		usbtest_cell[$c $column]="no device"
	done
	say "$column: done in $((SECONDS - began)) s"
	[ "$got" -ne 2 ] || { usbtest_table; fail "$column: a case hung"; }
	[ "$got" -eq 0 ] || failed=1
}

# vhci tells every unlink; a console under emulation makes that slow.
dmesg -n 5
failed=0
for speed in high super; do
	gadget_hcd $speed 2
	zero_plug dummy_udc.0 || fail "source/sink at $speed speed"
	interrupts_plug dummy_udc.1 || fail "interrupts at $speed speed"
	wait_for 10 usb_busid 0525 a4a0 zero >/dev/null || fail "no gadget"
	wait_for 10 usb_busid 0525 a4a0 ints >/dev/null || fail "no gadget"
	zero=$(usb_busid 0525 a4a0 zero) ints=$(usb_busid 0525 a4a0 ints)
	run_cases "local $speed" "$zero" "$ints"

	check "the gateway starts" gateway_start
	check "they are ready" device_wait 20 "$zero" ready
	check "they are ready" device_wait 20 "$ints" ready
	for b in "$zero" "$ints"; do
		check "attach" limit 30 sallyport attach --tls "$T" \
		    --log "/tmp/relay-$b.log" gateway "$b"
	done
	wait_for 15 is_imported zero || fail "source/sink: not there"
	zero_ours=$imported
	wait_for 15 is_imported ints || fail "interrupts: not there"
	ints_ours=$imported
	say "imported at $(usb_attribute "$zero_ours" speed) Mbit/s"
	run_cases "ours $speed" "$zero_ours" "$ints_ours"
	check "detach" limit 20 sallyport detach all
	check "no port is in use" wait_for 10 vhci_idle
	check "they are free again" device_wait 15 "$zero" ready
	check "they are free again" device_wait 15 "$ints" ready
	check "the gateway stops" gateway_stop
	interrupts_remove
	zero_remove

	iso_plug $speed 3299 || fail "no simulated device"
	wait_for 15 usbtest_is_bound "$imported" || {
		cat /tmp/simgw.log /tmp/relay-iso.log
		fail "simulated: no usbtest"
	}
	say "imported at $(usb_attribute "$imported" speed) Mbit/s"
	usbtest_cases "ours $speed" "$imported" "${ISO_CASES[@]}" || failed=1
	for c in "${ISO_CASES[@]}"; do
		usbtest_cell[$c ours $speed]+=" sim"
	done
	iso_remove || fail "the simulated device stays"
	check "no port is in use" wait_for 10 vhci_idle
done
usbtest_table
say "sim: the simulated backend behind the real session, relay and vhci_hcd;" \
    "dummy_hcd has no isochronous endpoints"
[ "$failed" -eq 0 ] || fail "cases failed"
