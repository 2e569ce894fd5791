#!/bin/bash
# vm: --guests 1 --timeout 150 --disk "$VMDIR/suite"
# vm-long: test-profile-storage and others use disks
#
# The bench itself: a disk as a USB drive, and gadgets of this kernel.

# shellcheck source=functions.sh
. "$BENCH/functions.sh"

check "the disk's copy is seen" cmp -s "$DISK0" "$BENCH/suite"
truncate -s 4M "$DISK0" /shared/more.img
usb_drivers

say "QEMU's USB drive"
truncate -s 8M /shared/drive.img
check "make a file system" mkfs.ext4 -q -O ^has_journal /shared/drive.img
check "add a drive by hand" host \
    drive_add 0 if=none,id=mine,file=shared/drive.img,format=raw
check "plug it" host \
    device_add usb-storage,drive=mine,id=stick,serial=S1,bus=xhci.0
check "it appears" wait_for 10 usb_busid 46f4 0001 S1
busid=$(usb_busid 46f4 0001 S1)
check "it has a disk" wait_for 10 usb_disk "$busid"
mkdir -p /mnt/x
disk=$(usb_disk "$busid")
check "its node is there" wait_for 5 [ -b "/dev/$disk" ]
check "it mounts" mount "/dev/$disk" /mnt/x
echo "written in the guest" >/mnt/x/file
check "it unmounts" umount /mnt/x
check "pull it" host device_del stick
check "it disappears" wait_gone 10 usb_busid 46f4 0001
check "the image has the text" grep -aq 'written in the guest' \
    /shared/drive.img

for round in 1 2; do
	check "plug disk0, time $round" host \
	    device_add usb-storage,drive=disk0,id=d0,bus=xhci.0
	check "it appears" wait_for 10 usb_busid 46f4 0001
	check "pull it" host device_del d0
	check "it disappears" wait_gone 10 usb_busid 46f4 0001
done

for speed in high super; do
	want=480
	[ $speed = high ] || want=5000
	say "gadgets at $speed speed"
	check "software ports" gadget_hcd $speed 3
	check "source and sink" gadget_sourcesink ss dummy_udc.0
	check "it appears" wait_for 10 usb_busid 0525 a4a0
	busid=$(usb_busid 0525 a4a0)
	check "at its speed" \
	    [ "$(usb_attribute "$busid" speed)" = $want ]
	check "storage" gadget_storage ms /shared/drive.img dummy_udc.1
	check "it appears" wait_for 10 usb_busid 0525 a4a5 ms
	busid=$(usb_busid 0525 a4a5 ms)
	check "it has a disk" wait_for 10 usb_disk "$busid"
	check "keyboard" gadget_keyboard kb dummy_udc.2
	check "it appears" wait_for 10 usb_busid 0525 a4ac
	check "it takes keys" wait_for 5 keyboard_type 4 5
	for g in ss ms kb; do
		check "remove $g" gadget_remove $g
	done
	check "all are gone" wait_gone 10 usb_busid 0525 a4a0
done
