#!/bin/bash
# vm: --guests 1 --timeout 300
#
# One gadget that is a drive and a keyboard. A rule that forbids the pair keeps
# all of it; one that judges what is exposed lets the drive through, and no
# keyboard appears on the workstation, nor does a driver of the gateway get it.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need mkfs.ext4 e2fsprogs

usb_drivers
modprobe ext4
pair='{ 08:*:* 03:*:* }'

# both_new FILE: interface 0 is a keyboard, interface 1 a drive backed by FILE.
both_new() {
	gadget_new both 0525 a4ad both &&
	    gadget_function both hid.0 &&
	    gadget_attribute both hid.0 protocol 1 &&
	    gadget_attribute both hid.0 subclass 1 &&
	    gadget_attribute both hid.0 report_length 8 &&
	    printf '%b' "$KEYBOARD_REPORT" \
		>"$GADGETS/both/functions/hid.0/report_desc" &&
	    gadget_function both mass_storage.0 &&
	    gadget_attribute both mass_storage.0 lun.0/file "$1" &&
	    gadget_plug both
}

# rules RULE...: these, from now on.
rules() {
	printf '%s\n' 'default to any' "$@" >$GW/rules.d/10-bench.rules
	check "reload" sallyctl reload
}

has_keyboard() {
	grep -q 'Vendor=0525 Product=a4ad' /proc/bus/input/devices
}

# Whatever input there is, none of it hangs on USB.
no_input() {
	! has_keyboard &&
	    ! find /sys/class/input/ -name 'input*' -exec readlink -f {} + |
		grep -q '/usb[0-9]'
}

# listed: the interfaces that the workstation's list shows, a device a line.
listed() {
	local out
	out=$(limit 30 sallyport list --json --tls "$T" gateway) || {
		echo "the list failed"
		return
	}
	jq -c '.devices[].interfaces' <<<"$out"
}

driver_of() {
	basename "$(readlink "/sys/bus/usb/devices/$1/driver")"
}

use_drive() {
	wait_for 15 class_name '*/block/sd?' || fail "no disk"
	disk=/dev/$(class_name '*/block/sd?')
	wait_for 5 test -b "$disk" || fail "no $disk"
	check "mount $disk" mount "$disk" /mnt
	[ "$(cat /mnt/hello)" = exposed ] || fail "not the file that was there"
	say "ok: its file is there"
	for ((i = 1; i < $1; i++)); do
		check "what was written before" \
			cmp "$BENCH/functions.sh" "/mnt/$i"
	done
	check "write" cp "$BENCH/functions.sh" "/mnt/$1"
	check "umount" umount /mnt
}

mkdir -p /mnt /tmp/tree
echo exposed >/tmp/tree/hello
truncate -s 8M /tmp/both.img
check "a file system" mkfs.ext4 -q -F -d /tmp/tree /tmp/both.img
class_open
check "gadgets" gadget_hcd high
rules "forbid with-interface all-of $pair key \"F-PAIR\"" 'allow'
check "plug both" both_new /tmp/both.img
wait_for 15 class_busid 0525 a4ad gateway || fail "no gadget"
device=$(class_busid 0525 a4ad gateway)
check "the gateway has $device" device_wait 20 "$device" ready

say "forbidden as a whole"
[ -z "$(listed)" ] || fail "listed: $(listed)"
say "ok: not listed"
expect_exit 5 limit 30 sallyport attach --tls "$T" gateway "$device"
check "by that rule" jq -es \
	'any(.outcome == "blocked" and .rule.key == "F-PAIR")' $AUDIT
check "no input device" no_input

say "what is exposed is judged"
rules "forbid exposed with-interface all-of $pair" 'allow'
expect_exit 5 limit 30 sallyport attach --tls "$T" gateway "$device"
rules "forbid exposed with-interface all-of $pair" \
	'allow expose { mass-storage }'
[ "$(listed)" = '["08:06:50"]' ] || fail "listed: $(listed)"
say "ok: one interface is listed"
for round in 1 2; do
	class_attach 0525 a4ad
	[ "$(usb_attribute "$imported" bNumInterfaces | tr -d ' ')" = 1 ] ||
		fail "not one interface"
	check "it has kept its number" test -d \
		"/sys/bus/usb/devices/$imported:1.1"
	check_not "the other is not there" test -e \
		"/sys/bus/usb/devices/$imported:1.0"
	use_drive "$round"
	check "no input device" no_input
	for i in 0 1; do
		[ "$(driver_of "$device:1.$i")" = usbfs ] ||
			fail "driver of $device:1.$i: " \
			    "$(driver_of "$device:1.$i")"
	done
	say "ok: the gateway has claimed both"
	class_detach
done

say "all of it: the keyboard would have been seen"
rules 'allow'
[ "$(listed)" = '["03:01:01","08:06:50"]' ] || fail "listed: $(listed)"
class_attach 0525 a4ad
wait_for 15 has_keyboard || fail "no keyboard"
check_not "an input device" no_input
use_drive 3
class_detach

check "unplug" gadget_remove both
class_close
