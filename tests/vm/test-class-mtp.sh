#!/bin/bash
# vm: --guests 1 --timeout 200
# vm-long: test-profile-mtp does the same under a profile
#
# A media player (QEMU's MTP device with a directory behind it): its files are
# listed and downloaded, byte for byte; one is uploaded.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need gphoto2 gphoto2

class_open
mkdir -p /shared/mtp/music
head -c 1500000 /dev/urandom >/shared/mtp/one.bin
head -c 100 /dev/urandom >/shared/mtp/music/two.bin
: >/shared/mtp/music/empty.txt
# An absolute name: QEMU runs in the directory that has shared/.
check "plug" host device_add \
	usb-mtp,rootdir=/proc/self/cwd/shared/mtp,readonly=false,id=mtp,bus=xhci.0
class_attach 46f4 0004
port=usb:$(printf '%03d,%03d' "$(usb_attribute "$imported" busnum)" \
	"$(usb_attribute "$imported" devnum)")

# player ARG...: the one on the workstation's side.
player() {
	limit 60 gphoto2 --quiet --port "$port" "$@"
}

player --list-files >/tmp/list || fail "gphoto2: no list"
sed 's/^/    /' /tmp/list
cd /tmp || exit

# fetch FILE: by its path on the player, which --quiet lists.
fetch() {
	local path
	path=$(grep "/${1##*/}\$" /tmp/list) || fail "$1 is not listed"
	check "download $path" player --get-file "$path" --filename fetched \
	    --force-overwrite
	check "$(stat -c %s "/shared/mtp/$1") bytes, the same" \
	    cmp "/shared/mtp/$1" fetched
}
fetch one.bin
fetch music/two.bin
fetch music/empty.txt

head -c 300000 /dev/urandom >/tmp/three.bin
top=$(grep '/one.bin$' /tmp/list)
check "upload" player --folder "${top%/*}" --upload-file /tmp/three.bin
check "300000 bytes, the same" wait_for 10 \
	cmp /tmp/three.bin /shared/mtp/three.bin
class_detach
check "unplug" host device_del mtp
class_close
