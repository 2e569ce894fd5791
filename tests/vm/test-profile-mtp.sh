#!/bin/bash
# vm: --guests 1 --timeout 400
#
# A media player (QEMU's MTP device) under `mtp-ro': its files are listed and
# downloaded; to delete one and to upload one is refused, and downloads go on.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need gphoto2 gphoto2

class_open
class_using mtp-ro
mkdir -p /shared/mtp/music
head -c 500000 /dev/urandom >/shared/mtp/one.bin
head -c 100 /dev/urandom >/shared/mtp/music/two.bin
# An absolute name: QEMU runs in the directory that has shared/.
check "plug" host device_add \
	usb-mtp,rootdir=/proc/self/cwd/shared/mtp,readonly=false,id=mtp,bus=xhci.0
class_attach 46f4 0004
port=usb:$(printf '%03d,%03d' "$(usb_attribute "$imported" busnum)" \
	"$(usb_attribute "$imported" devnum)")

# player ARG...: the one on the workstation's side.
player() {
	limit 60 gphoto2 --quiet --port "$port" "$@" 2>/tmp/err
}

# fetch FILE: by its path on the player, which --quiet lists.
fetch() {
	path=$(grep "/${1##*/}\$" /tmp/list) || fail "$1 is not listed"
	check "download $path" player --get-file "$path" \
	    --filename /tmp/fetched --force-overwrite
	check "$(stat -c %s "/shared/mtp/$1") bytes, the same" \
	    cmp "/shared/mtp/$1" /tmp/fetched
}

player --list-files >/tmp/list || fail "gphoto2: no list"
sed 's/^/    /' /tmp/list
fetch one.bin
fetch music/two.bin
player --folder "${path%/*}" --delete-file "${path##*/}" >/dev/null &&
    say "gphoto2 takes it"
sed -n 's/^\*\*\* /    /p' /tmp/err
refused_has mtp deny op=delete-object
test -f /shared/mtp/music/two.bin || fail "the file is deleted"
say "ok: the file is still there"
head -c 1000 /dev/urandom >/tmp/three.bin
player --folder "${path%/*}" --upload-file /tmp/three.bin >/dev/null &&
    say "gphoto2 takes it"
sed -n 's/^\*\*\* /    /p' /tmp/err
refused_has mtp deny op=send-object
find /shared/mtp -name three.bin | grep -q . && fail "a file is uploaded"
say "ok: no file is uploaded"
fetch one.bin
[ "$(class_busid 46f4 0004 workstation)" = "$imported" ] ||
    fail "the device was reset"
class_detach
check "unplug" host device_del mtp
class_close
