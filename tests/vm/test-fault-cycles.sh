#!/bin/bash
# vm: --guests 1 --timeout 300
# vm-long: test-soak does more of it
#
# Attach and detach, 25 times (500 with SIZE=long): descriptors and memory of
# broker and warden stay as they are.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

CYCLES=25
[ "${SIZE:-}" != long ] || CYCLES=500
WARM=5	   # cycles before the first figure: malloc has settled then
GROWTH=128 # KiB that a process may have more at the end: less than 1 a cycle

pki_make || fail "pki"
gateway_config 'default to any' 'allow using "bench-any"'
workstation_config ws1
check "the gateway starts" gateway_start
gadget_hcd high
check "a source/sink is plugged in" gadget_sourcesink zero
wait_for 20 usb_busid 0525 a4a0 >/dev/null || fail "no gadget"
zero=$(usb_busid 0525 a4a0)
gateway_clean "$zero" "at first"

memory() {
	echo "$(rss "$broker") $(rss "$warden")"
}

figures() {
	say "cycle $1: descriptors $(gateway_fds), VmRSS $(memory) KiB" \
	    "(broker, warden)"
}

broker=$(pid_of sallyportd) warden=$(pid_of sallyport-warden)
for ((i = 1; i <= CYCLES; i++)); do
	attach_to "$zero"
	detach_all "cycle $i"
	wait_for 60 device_is "$zero" ready || fail "cycle $i: not free again"
	if [ $i = $WARM ]; then
		gateway_clean "$zero" "cycle $i"
		first=$(memory)
		figures $i
	elif [ $((i % 50)) = 0 ]; then
		figures $i
	fi
done
workstation_clean "$CYCLES cycles"
gateway_clean "$zero" "$CYCLES cycles"
figures $CYCLES
last=$(memory)
check "the same broker and warden" [ "$broker $warden" = \
	"$(pid_of sallyportd) $(pid_of sallyport-warden)" ]
check "the broker's memory is flat" \
	[ $((${last% *} - ${first% *})) -le $GROWTH ]
check "the warden's memory is flat" \
	[ $((${last#* } - ${first#* })) -le $GROWTH ]
check "the gateway stops" gateway_stop
gadget_remove zero
