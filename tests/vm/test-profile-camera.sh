#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A camera (a software device, isochronous IN) under `camera': whole frames
# arrive; a write to its extension unit is refused and never gets there, and
# frames arrive after it.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need v4l2-ctl v4l-utils

FRAMES=10 BYTES=38400
modprobe uvcvideo
class_open
class_using camera
soft_plug camera
class_attach 1209 5a11

# frames WHEN
frames() {
	local video
	wait_for 10 class_name '*/video4linux/video*' || fail "no video device"
	video=/dev/$(class_name '*/video4linux/video*')
	wait_for 5 test -c "$video" || fail "no $video"
	check "$FRAMES frames $1" limit 60 v4l2-ctl -d "$video" \
	    --stream-mmap=4 --stream-count=$FRAMES --stream-to=/tmp/frames
	[ "$(stat -c %s /tmp/frames)" -eq $((FRAMES * BYTES)) ] ||
	    fail "not whole: $(stat -c %s /tmp/frames) bytes"
	# Each begins with its number, and number 0 in it.
	od -v -An -t u4 -w$BYTES -N $((FRAMES * BYTES)) /tmp/frames | awk '
		$1 % 65536 != 0 || $1 <= last { bad = 1 }
		{ last = $1 }
		END { exit bad || NR == 0 }' || fail "they are not the sent ones"
}

frames "at first"
say "drivers: $(class_drivers)"
# SET_CUR of control 1 of unit 3; then GET_CUR of the camera's probe.
limit 20 "$SALLYPORT_BUILD/$VARIANT/vm/xfer" "$(usb_node "$imported")" 0 \
	setup:2101000100030400:01020304 >/tmp/write &&
    fail "a write to the extension unit passed"
[ "$(cat /tmp/write)" = 'Broken pipe' ] || fail "$(cat /tmp/write)"
say "ok: a write to the extension unit is refused: a STALL"
refused_has av deny 'entity=3 control=0x1501 dir=out'
jq -es 'any(.event == "transfer" and .outcome == "deny" and
    .level == "alert" and .log == "extension-unit")' "$AUDIT" >/dev/null ||
    fail "it is no alert"
say "ok: it is an alert"
frames "after that"
[ "$(class_busid 1209 5a11 workstation)" = "$imported" ] ||
    fail "the device was reset"
class_detach
soft_unplug
grep -q 'extension unit written 0 times' /tmp/softdev.log ||
    fail "the write got there"
class_close
