#!/bin/bash
# vm: --timeout 200 --qemu -audiodev --qemu wav,id=wav,path=shared/wav,out.frequency=48000
#
# A loudspeaker (QEMU's, isochronous OUT): what aplay plays is in the file that
# QEMU writes, sample for sample; what is missing is counted.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need aplay alsa-utils

modprobe snd-usb-audio
class_open
check "plug" host device_add usb-audio,audiodev=wav,id=speaker,bus=xhci.0
class_attach 46f4 0002
wait_for 10 class_name '*/sound/card*/pcmC*D0p' || fail "no card"
pcm=$(class_name '*/sound/card*/pcmC*D0p')
card=${pcm#pcmC}
card=${card%D0p}
say "drivers: $(class_drivers), $(cat "/proc/asound/card$card/id")"
amixer -c "$card" -q set PCM 100% unmute 2>/dev/null

# Five seconds of 48000 samples; left and right are one number that goes up, 14
# bits each and never 0, so that silence cannot be taken for one.
LC_ALL=C awk 'BEGIN {
	for (i = 0; i < 240000; i++) {
		l = i % 16384 + 1
		r = int(i / 16384) + 1
		printf "%c%c%c%c", l % 256, int(l / 256), r % 256, int(r / 256)
	}
}' </dev/null >/tmp/tone 2>/dev/null
[ "$(stat -c %s /tmp/tone)" -eq 960000 ] || fail "awk cannot write bytes"
# The kernel gives up when a period takes longer than the buffer holds, which a
# slow guest only stands with short periods in a long buffer.
check "play 5 s" limit 60 aplay -q -D "hw:$card,0" -f S16_LE -c 2 -r 48000 \
	--period-size=4800 --buffer-size=96000 -t raw /tmp/tone
class_detach
check "unplug" host device_del speaker
check "QEMU has closed the file" wait_for 10 test -s /shared/wav
tail -c +45 /shared/wav >/tmp/heard
echo "    $(stat -c %s /tmp/heard) bytes heard"
od -v -An -t u2 -w4 /tmp/heard | awk '
	$1 == 0 && $2 == 0 { silent++; next }
	{
		i = ($2 - 1) * 16384 + $1 - 1
		if (n == 0) { first = i }
		if (n > 0 && i != last + 1) {
			if (i <= last) { back++ }
			else { gaps = gaps " " i - last - 1; lost += i - last - 1 }
		}
		last = i
		n++
	}
	END {
		printf "%d samples, from %d to %d, %d out of order, " \
		    "%d of silence\n", n, first, last, back, silent
		printf "%d lost in gaps of%s\n", lost, gaps ? gaps : " 0"
		exit back > 0 || n < 200000
	}' >/tmp/verdict
verdict=$?
sed 's/^/    /' /tmp/verdict
check "what was heard is what was played" [ $verdict -eq 0 ]
class_close
