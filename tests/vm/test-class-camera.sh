#!/bin/bash
# vm: --guests 1 --timeout 200
# vm-long: test-profile-camera does the same under a profile
#
# A camera (a software device, isochronous IN): frames arrive, each whole and as
# it was sent; those that are missing are counted.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need v4l2-ctl v4l-utils

FRAMES=20 BYTES=38400
modprobe uvcvideo
class_open
soft_plug camera
class_attach 1209 5a11
wait_for 10 class_name '*/video4linux/video*' || fail "no video device"
video=/dev/$(class_name '*/video4linux/video*')
check "$video" wait_for 5 test -c "$video"
say "drivers: $(class_drivers)"
v4l2-ctl -d "$video" --list-formats-ext | sed -n '/YUYV/,/Interval/p' |
    sed 's/^/    /'
check "$FRAMES frames" limit 60 v4l2-ctl -d "$video" --stream-mmap=4 \
	--stream-count=$FRAMES --stream-to=/tmp/frames
echo "    $(stat -c %s /tmp/frames) bytes"
check "whole frames" [ "$(stat -c %s /tmp/frames)" -eq $((FRAMES * BYTES)) ]
od -v -An -t u4 -w4 /tmp/frames | awk -v words=$((BYTES / 4)) '
	{
		frame = int($1 / 65536)
		place = (NR - 1) % words
		if (place == 0) {
			if (NR > 1 && frame <= last) { back++ }
			if (NR > 1) { lost += frame - last - 1 }
			last = frame
			n++
		}
		if (frame != last || $1 % 65536 != place) { wrong++ }
	}
	END {
		printf "%d frames, %d lost between them, %d wrong numbers, " \
		    "%d out of order\n", n, lost, wrong, back
		exit wrong > 0 || back > 0
	}' >/tmp/verdict
verdict=$?
echo "    $(cat /tmp/verdict)"
check "every frame is one that was sent" [ $verdict -eq 0 ]
class_detach
soft_unplug
class_close
