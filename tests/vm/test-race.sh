#!/bin/bash
# vm: --guests 2 --timeout 500
#
# Two workstations race for one device, twenty times (200 with SIZE=long):
# exactly one has it each time, the other is told that it is busy.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

ROUNDS=20
[ "${SIZE:-}" != long ] || ROUNDS=200

if [ "$ROLE" = gateway ]; then
	truncate -s 8M /tmp/disk.img
	pki_make || fail "pki"
	gateway_config 'default to any' 'allow'
	usb_drivers
	check "the gateway starts" gateway_start
	gadget_hcd high
	check "a drive is plugged in" gadget_storage drive /tmp/disk.img
	wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
	drive=$(usb_busid 0525 a4a5)
	check "it is ready" device_wait 20 "$drive" ready
	echo "$drive" >/shared/busid
fi
barrier ready 240
drive=$(cat /shared/busid)
T=$GW/tls-ws1
[ "$ROLE" = workstation ] || T=$GW/tls-ws2
# the gateway's own machine is the second workstation
workstation_config "${T##*tls-}"

for ((i = 1; i <= ROUNDS; i++)); do
	barrier "start$i" 120
	limit 60 sallyport attach --tls "$T" gateway "$drive" \
		>/tmp/out 2>&1
	echo $? >"/shared/$ROLE.$i"
	barrier "tried$i" 120
	one=$(cat "/shared/gateway.$i") two=$(cat "/shared/workstation.$i")
	case "$one $two" in
	"0 5" | "5 0") ;;
	*)
		cat /tmp/out
		fail "round $i: exit $one and $two"
		;;
	esac
	if [ "$(cat "/shared/$ROLE.$i")" = 0 ]; then
		check "round $i: mine; detach" sallyport detach "$drive"
	fi
	check "no port is in use" wait_for 20 vhci_idle
	[ "$ROLE" = workstation ] ||
	    check "it is ready" device_wait 30 "$drive" ready
	barrier "done$i" 120
done
say "$ROUNDS rounds, one winner each"
if [ "$ROLE" = gateway ]; then
	won=$(grep -lx 0 /shared/gateway.* | wc -l)
	say "the gateway's machine won $won, the other $((ROUNDS - won))"
	check "the gateway stops" gateway_stop
	gadget_remove drive
fi
