#!/bin/bash
# vm: --guests 1 --timeout 300
# vm-waits
#
# A microphone (a software device, isochronous IN) under `headset-nomic': what is
# recorded comes at its pace and is silence. Then, by a reload while it records,
# under `headset': the samples are those that were sent.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need arecord alsa-utils

modprobe snd-usb-audio
class_open
class_using headset-nomic
soft_plug microphone
class_attach 1209 5a10
wait_for 10 class_name '*/sound/card*/pcmC*D0c' || fail "no card"
pcm=$(class_name '*/sound/card*/pcmC*D0c')
card=${pcm#pcmC}
card=${card%D0c}
say "drivers: $(class_drivers), $(cat "/proc/asound/card$card/id")"

# record SECONDS FILE
record() {
	limit 60 arecord -q -D "hw:$card,0" -f S16_LE -c 2 -r 48000 -d "$1" \
	    --period-size=4800 --buffer-size=96000 -t raw "$2"
}

# loud FILE FROM SAMPLES: how many samples of a part are not zero.
loud() {
	od -v -An -t u4 -w4 -j $((4 * $2)) -N $((4 * $3)) "$1" |
	    awk '$1 != 0 { n++ } END { print n + 0 }'
}

began=$(date +%s%N)
check "record 4 s" record 4 /tmp/silence
took=$((($(date +%s%N) - began) / 1000000))
[ "$(stat -c %s /tmp/silence)" -eq $((4 * 192000)) ] ||
    fail "$(stat -c %s /tmp/silence) bytes"
[ $took -ge 3500 ] || fail "4 s of samples came in $took ms"
say "ok: 192000 samples in $took ms"
[ "$(loud /tmp/silence 0 192000)" = 0 ] || fail "it is not silent"
say "ok: every sample is zero"
refused_has av drop stream=microphone

# It goes on recording while the profile changes.
record 8 /tmp/both &
recorder=$!
wait_for 20 bash -c '[ "$(stat -c %s /tmp/both 2>/dev/null)" -ge 192000 ]' ||
    fail "it does not record"
class_using headset
wait_for 10 audit_has profiles changed || fail "the session kept its profile"
wait $recorder || fail "the stream did not live through the change"
[ "$(stat -c %s /tmp/both)" -eq $((8 * 192000)) ] ||
    fail "$(stat -c %s /tmp/both) bytes"
[ "$(loud /tmp/both 0 24000)" = 0 ] || fail "the beginning is not silent"
[ "$(loud /tmp/both 360000 24000)" -gt 20000 ] || fail "the end is silent"
say "ok: silent at first, then $(loud /tmp/both 0 384000) of 384000 samples"
check "record 2 s" record 2 /tmp/sound
[ "$(loud /tmp/sound 0 96000)" -gt 90000 ] ||
    fail "$(loud /tmp/sound 0 96000) of 96000 samples"
say "ok: $(loud /tmp/sound 0 96000) of 96000 samples are not zero"
class_detach
soft_unplug
class_close
