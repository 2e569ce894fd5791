#!/bin/bash
# vm: --guests 1 --timeout 200
# vm-long: test-profile-headset does the same under a profile
#
# A microphone (a software device, isochronous IN): every sample that is
# recorded is one that was sent, in order; what is missing is counted.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need arecord alsa-utils

modprobe snd-usb-audio
class_open
soft_plug microphone
class_attach 1209 5a10
wait_for 10 class_name '*/sound/card*/pcmC*D0c' || fail "no card"
pcm=$(class_name '*/sound/card*/pcmC*D0c')
card=${pcm#pcmC}
card=${card%D0c}
say "drivers: $(class_drivers), $(cat "/proc/asound/card$card/id")"

# When the guest is behind, QEMU drops 480 packets of 48 samples at once: a long
# gap is counted and is no failure, a short one would be ours.
check "record 5 s" limit 60 arecord -q -D "hw:$card,0" -f S16_LE -c 2 \
	-r 48000 -d 5 --period-size=4800 --buffer-size=96000 -t raw \
	/tmp/recording
od -v -An -t u4 -w4 /tmp/recording | awk '
	NR == 1 { first = $1 }
	NR > 1 && $1 != last + 1 {
		gap = $1 - last - 1
		if (gap < 0) { back++ }
		else { gaps = gaps " " gap; lost += gap }
		if (gap > 0 && gap < 60 * 48) { short++ }
	}
	{ last = $1; n++ }
	END {
		printf "%d samples, from %d to %d, %d out of order\n", n,
		    first, last, back
		printf "%d lost in gaps of%s\n", lost, gaps ? gaps : " 0"
		exit back > 0 || short > 0 || n != 240000 ||
		    n + lost != last - first + 1
	}' >/tmp/verdict
verdict=$?
sed 's/^/    /' /tmp/verdict
check "recorded samples are the sent ones" [ $verdict -eq 0 ]
class_detach
soft_unplug
class_close
