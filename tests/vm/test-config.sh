#!/bin/bash
# vm: --guests 1 --timeout 250
#
# The workstation sets another configuration, and the first one again: through
# the broker, with no driver of the gateway on any interface, and as it was when
# the device is free. Then the device comes back as another, as a bootloader
# does: it is unplugged at the workstation, and judged anew.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/usbtest.sh"

T=$GW/tls-ws1
pki_make || fail "pki"
gateway_config 'default to any' 'allow id 0525:a4a0 using "bench-any"'
workstation_config ws1
check "the gateway starts" gateway_start
gadget_hcd high
zero_plug dummy_udc.0 || fail "no source/sink"
wait_for 20 usb_busid 0525 a4a0 zero >/dev/null || fail "no gadget"
zero=$(usb_busid 0525 a4a0 zero)
check "it is ready" device_wait 30 "$zero" ready

configuration() {
	[ "$(usb_attribute "$1" bConfigurationValue)" = "$2" ]
}

# Nothing but usbfs has an interface of it.
guarded() {
	local i driver
	for i in "/sys/bus/usb/devices/$zero:"*; do
		driver=$(readlink "$i/driver") || continue
		[ "${driver##*/}" = usbfs ] || { echo "$i: $driver"; return 1; }
	done
}

check "attach" limit 30 sallyport attach --tls "$T" --log /tmp/relay.log \
	gateway "$zero"
wait_for 15 imported zero || fail "not imported"
imported zero
here=$imported
for value in 2 1 2; do
	check "set configuration $value" limit 20 bash -c \
	    "echo $value >/sys/bus/usb/devices/$here/bConfigurationValue"
	check "it is set here" configuration "$here" $value
	check "it is set at the gateway" configuration "$zero" $value
	check "an interface of it is here" [ -e \
	    "/sys/bus/usb/devices/$here:$value.0" ]
	check "the gateway's drivers have none of it" guarded
done
check "detach" sallyport detach "$zero"
check "it is free" device_wait 30 "$zero" ready
check "its configuration is as it was" configuration "$zero" 1

say "the device comes back as another"
check "attach" limit 30 sallyport attach --tls "$T" --log /tmp/relay.log \
	gateway "$zero"
wait_for 15 imported zero || fail "not imported"
gadget_unplug zero
echo 0xa4a9 >$GADGETS/zero/idProduct
echo dummy_udc.0 >$GADGETS/zero/UDC
check "it is unplugged here" wait_gone 20 imported zero
check "no port is in use" wait_for 20 vhci_idle
wait_for 20 usb_busid 0525 a4a9 zero >/dev/null || fail "no other gadget"
other=$(usb_busid 0525 a4a9 zero)
check "it is ready" device_wait 30 "$other" ready
check_not "it is not listed" eval \
	'sallyport list --tls "$T" gateway | grep -q 0525:a4a9'
expect_exit 5 sallyport attach --tls "$T" gateway "$other"
check "and the log says why" eval 'jq -es "any(.event == \"import\" and
	.outcome == \"blocked\" and .rule == \"implicit\")" $AUDIT'
check "the gateway stops" gateway_stop
zero_remove
