#!/bin/bash
# vm: --guests 2 --timeout 300
#
# Two drives of one kind, without serial numbers: each keeps its name over
# re-plug in the other order and over a reboot of the gateway that numbers the
# buses otherwise, and every workstation knows it by that name.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

#
# The gateway. The drive on port 0 says A, the one on port 1 says B.
#
twin_make() {
	local g=$GADGETS/twin$1
	gadget_new "twin$1" 0525 a4a5 '' || return 1
	echo twin >"$g/strings/0x409/product"
	gadget_function "twin$1" mass_storage.0
	gadget_attribute "twin$1" mass_storage.0 lun.0/inquiry_string twin
	gadget_attribute "twin$1" mass_storage.0 lun.0/file "/tmp/twin$1.img"
}

twin_busid() {
	local dir
	dir=$(echo /sys/devices/platform/dummy_hcd."$1"/usb*/*-1)
	[ -d "$dir" ] && echo "${dir##*/}"
}

twin_plug() {
	check "plug twin $1" gadget_plug "twin$1" "dummy_udc.$1"
	check "it is there" wait_for 20 twin_busid "$1"
	check "it is ready" device_wait 30 "$(twin_busid "$1")" ready
}

twin_unplug() {
	echo disconnect >"/sys/class/udc/dummy_udc.$1/soft_connect"
	check "unplug twin $1" wait_gone 10 twin_busid "$1"
	echo >"$GADGETS/twin$1/UDC"
}

# names N: what they are called now, "A NAME", in /shared/names-N.
names() {
	local i b
	for i in 0 1; do
		b=$(twin_busid $i)
		[ -z "$(usb_attribute "$b" serial)" ] ||
		    fail "$b has a serial number"
		sallyctl --json devices | jq -r --arg b "$b" \
		    --arg l "$(head -c 1 /tmp/twin$i.img)" \
		    '.devices[] | select(.busid == $b) | $l + " " + .stable'
	done >"/shared/names-$1"
	for i in 0 1; do
		twin_busid $i
	done >"/shared/busids-$1"
	cat "/shared/names-$1" "/shared/busids-$1"
	check "two names" [ "$(sort -u "/shared/names-$1" |
		cut -d' ' -f2 | sort -u | wc -l)" = 2 ]
}

gateway_up() {
	local label=A i
	for i in 0 1; do
		truncate -s 4M "/tmp/twin$i.img"
		printf '%s' "$label" |
			dd of="/tmp/twin$i.img" conv=notrunc 2>/dev/null
		label=B
	done
	gateway_config 'default to any' 'allow'
	check "the gateway starts" gateway_start
	gadget_hcd high 2
	twin_make 0 && twin_make 1 || fail "no gadgets"
}

gateway() {
	if [ "$BOOT" = 1 ]; then
		pki_make || fail "pki"
		gateway_up
		twin_plug 0
		twin_plug 1
		names 1
		barrier plugged || return 1
		barrier plugged-seen || return 1

		say "in the other order"
		twin_unplug 0
		twin_unplug 1
		twin_plug 1
		twin_plug 0
		names 2
		check "the names stayed" cmp /shared/names-1 /shared/names-2
		barrier again || return 1
		barrier again-seen || return 1
		say "reboot"
		host reboot
		fail "the guest survived its reset"
	fi
	# Other buses come first this time.
	modprobe vhci_hcd
	gateway_up
	twin_plug 1
	twin_plug 0
	names 3
	check "the names stayed" cmp /shared/names-1 /shared/names-3
	check_not "their bus ids did not" cmp /shared/busids-1 /shared/busids-3
	barrier booted || return 1
	barrier booted-seen || return 1
	check "the gateway stops" gateway_stop
}

#
# The workstation: under either certificate both names are there, and behind
# each is the drive that it has meant all along.
#
label_is() {
	local disk
	disk=$(imported_disk) &&
	    [ "$(dd "if=/dev/$disk" bs=512 count=1 iflag=direct 2>/dev/null |
		head -c 1)" = "$1" ]
}

look() {
	local label name ws
	say "$1"
	for ws in ws1 ws2; do
		limit 30 sallyport list --json --tls "$GW/tls-$ws" gateway |
			jq -r '.devices[].name' | sort >/tmp/seen
		cut -d' ' -f2 /shared/names-1 | sort >/tmp/wanted
		check "$ws sees both names" cmp /tmp/seen /tmp/wanted
	done
	ws=ws1
	while read -r label name <&3; do
		check "$ws attaches $name" limit 60 \
			sallyport attach --tls "$GW/tls-$ws" gateway "$name"
		check "it is $label" wait_for 20 label_is "$label"
		check "detach" sallyport detach "$name"
		check "no port is in use" wait_for 15 vhci_idle
		ws=ws2
	done 3<"/shared/names-1"
}

workstation() {
	usb_drivers
	barrier plugged || return 1
	workstation_config ws1
	workstation_config ws2
	look "plugged in"
	barrier plugged-seen || return 1
	barrier again || return 1
	look "plugged in again, in the other order"
	barrier again-seen || return 1
	barrier booted || return 1
	look "after a boot of the gateway"
	barrier booted-seen || return 1
}

$ROLE
