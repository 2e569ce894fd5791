#!/bin/bash
# vm: --guests 1 --timeout 300
#
# The steps of the kernel's own usbip selftest with our commands. What it binds
# to usbip-host, we allow by a rule, and what it unbinds, we block.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

truncate -s 8M /tmp/disk.img
pki_make || fail "pki"
gateway_config 'default to any' 'block'
usb_drivers
workstation_config ws1
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 20 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
gateway_clean "$drive" "at first"

# step EXIT CMD...: the command, its output, its exit status.
step() {
	local want=$1 got=0
	shift
	echo "\$ $*"
	limit 60 "$@" >/tmp/step 2>&1 || got=$?
	sed 's/^/    /' /tmp/step
	[ $got = "$want" ] || fail "exit status $got, not $want: $*"
}

# shows TEXT, lacks TEXT: about the last step.
shows() {
	grep -q -- "$1" /tmp/step || fail "no '$1' in it"
}

lacks() {
	! grep -q -- "$1" /tmp/step || fail "'$1' in it"
}

rule() {
	printf 'default to any\n%s\n' "$1" >$GW/rules.d/10-bench.rules
	step 0 sallyctl reload
}

attach() {
	step "$1" sallyport attach --log /tmp/relay.log --tls "$T" gateway "$2"
}

list() {
	step 0 sallyport list --tls "$T" gateway
}

say "list the devices of the gateway"
step 0 sallyctl devices
shows "$drive"
say "not exported: not listed, cannot be attached"
list
lacks "$drive"
attach 5 "$drive"
say "export it; twice is as good as once"
rule 'allow'
rule 'allow'
list
shows "$drive"
say "no longer; twice"
rule 'block'
rule 'block'
list
lacks "$drive"
attach 5 "$drive"
say "attach what is not there, or not a bus id, or on no gateway"
rule 'allow'
attach 5 9-9
attach 2 ../nonsense
step 2 sallyport attach --tls "$T" gateway
step 4 sallyport attach --tls "$T" --port 9 gateway "$drive"
say "attach"
step 0 sallyport status
shows "nothing is attached"
attach 0 "$drive"
wait_for 60 has_disk || fail "no disk"
read_disk "attached"
step 0 sallyport status
shows "$drive"
port=$(sed -n '2s/ .*//p' /tmp/step)
step 0 sallyctl sessions
shows streaming
say "attach again: refused, and the first is none the worse"
attach 5 "$drive"
read_disk "attached"
say "a port that does not exist, or that nothing is at"
step 5 sallyport detach 100
step 5 sallyport detach $((port + 1))
step 5 sallyport detach 9-9
step 2 sallyport detach
read_disk "attached"
say "detach, and again"
step 0 sallyport detach "$port"
step 5 sallyport detach "$port"
step 0 sallyport status
shows "nothing is attached"
step 0 sallyport detach all
row_over "$drive" "detached"
say "by the bus id of the gateway"
attach 0 "$drive"
step 0 sallyport detach "$drive"
row_over "$drive" "detached by bus id"
say "the rule is taken away while it is attached"
attach 0 "$drive"
wait_for 60 has_disk || fail "no disk"
rule 'block'
wait_gone 30 has_disk || fail "the disk stays"
rule 'allow'
row_over "$drive" "no longer allowed"

for i in 1 2 3; do
	say "unload vhci-hcd and load it again ($i)"
	check "unload" modprobe -r vhci-hcd
	step 1 sallyport status
	attach 1 "$drive"
	check "load" modprobe vhci-hcd
	attach 0 "$drive"
	wait_for 60 has_disk || fail "no disk"
	if [ $i = 3 ]; then
		check "unload it while a device is attached" \
		    modprobe -r vhci-hcd
		wait_gone 30 runs sallyport-relay || fail "a relay is left"
		check "load" modprobe vhci-hcd
	else
		step 0 sallyport detach all
	fi
	gateway_clean "$drive" "unloaded $i"
done
row_over "$drive" "unloaded"
check "the gateway stops" gateway_stop
gadget_remove drive
