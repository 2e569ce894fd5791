#!/bin/bash
# vm: --guests 1 --timeout 250
#
# A flash drive (QEMU's, SuperSpeed): ext4, files read back the same, random
# reads and writes of mixed sizes with a checksum in every block, umount, fsck
# finds nothing. 64 MiB of data in all; 1 GiB with SIZE=long (give it an hour).

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need mkfs.ext4 e2fsprogs
need fio fio

# A round moves five times FILE_MB: written and read as a file, written, mixed
# and verified by fio.
FILE_MB=13 ROUNDS=1
[ "${SIZE:-}" != long ] || FILE_MB=52 ROUNDS=4

usb_drivers
modprobe ext4
class_open
truncate -s 240M /shared/stick.img
check "plug" host drive_add 0 if=none,id=mine,file=shared/stick.img,format=raw
check "plug" host device_add usb-storage,drive=mine,id=stick,bus=xhci.0
class_attach 46f4 0001
wait_for 15 class_name '*/block/sd?' || fail "no disk"
disk=/dev/$(class_name '*/block/sd?')
wait_for 5 test -b "$disk" || fail "no $disk"
say "drivers: $(class_drivers)"
check "mkfs" limit 60 mkfs.ext4 -q -F "$disk"
mkdir -p /mnt
check "mount" mount "$disk" /mnt

drop() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

moved() {
	awk '{ printf "%d MiB read, %d MiB written",
	    $3 / 2048, $7 / 2048 }' "/sys/block/${disk##*/}/stat"
}

# random_io SEED: half reads, half writes, then everything written is verified.
random_io() {
	fio --name=mixed --filename=/mnt/random --size=${FILE_MB}M \
	    --rw=randrw --bsrange=4k-256k --bs_unaligned=0 --direct=1 \
	    --ioengine=libaio --iodepth=8 --thread --randseed="$1" \
	    --verify=crc32c --verify_fatal=1 --do_verify=1 \
	    --output-format=terse --fallocate=none
}

for ((round = 1; round <= ROUNDS; round++)); do
	say "round $round of $ROUNDS"
	head -c ${FILE_MB}M /dev/urandom >/tmp/copy
	check "write $FILE_MB MiB" cp /tmp/copy /mnt/file
	drop
	want=$(sha256sum </tmp/copy)
	[ "$(sha256sum </mnt/file)" = "$want" ] || fail "checksums differ"
	say "ok: read $FILE_MB MiB, sha256 ${want:0:16}, both"
	check "random reads and writes, verified" random_io "$round"
	echo "    $(moved)"
done
check "a tree of small files" cp -r "$BENCH" /mnt/tree
drop
check "they are the same" diff -r "$BENCH" /mnt/tree
want=$(sha256sum </tmp/copy)
[ "$(sha256sum </mnt/file)" = "$want" ] || fail "checksums differ"
say "ok: the file is still the same"
check "umount" umount /mnt
check "fsck finds nothing to repair" limit 60 fsck.ext4 -fn "$disk"
echo "    $(moved)"
class_detach
check "unplug" host device_del stick

# vhci_hcd carries no streams: such a disk would appear and never work.
is_refused() {
	sallyctl --json devices | jq -e --arg r "$1" \
	    'any(.devices[]; .state == "refused" and .refused == $r)'
}
check "plug a disk that speaks UAS alone" host device_add \
	usb-uas,id=uas,bus=xhci.0
# It lets its disks be added first, and then be plugged in by hand.
check "plug it in" host qom-set /machine/peripheral/uas attached true
wait_for 20 is_refused uas.only || {
	sallyctl devices
	fail "it is not refused as such"
}
check "unplug" host device_del uas
class_close
