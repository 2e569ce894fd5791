#!/bin/bash
# vm: --guests 1 --smp 2 --timeout 150
#
# A MIDI instrument (the kernel's gadget): notes and a 4 KiB system exclusive
# message, to it and from it, byte for byte.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

modprobe -a snd-usb-audio usb_f_midi
class_open
gadget_hcd high
gadget_new midi 0525 a4a9 midi
gadget_function midi midi.0
check "plug" gadget_plug midi
there=$(cd /dev/snd && echo midiC*D0)
check "the instrument's end, $there" test -c "/dev/snd/$there"
class_attach 0525 a4a9
wait_for 10 class_name '*/sound/card*/midiC*D*' || fail "no MIDI"
here=$(class_name '*/sound/card*/midiC*D*')
check "$here" wait_for 5 test -c "/dev/snd/$here"
say "drivers: $(class_drivers)"

# Running status is not used: the USB form of MIDI gives it back written out.
{
	for note in 3c 40 43 48; do
		printf '%b' "\\x90\\x$note\\x7f\\x80\\x$note\\x00"
	done
	printf '\xf0\x7d'
	head -c 65536 /dev/urandom | LC_ALL=C tr -d '\200-\377' |
	    head -c 4096
	printf '\xf7'
} >/tmp/song
size=$(stat -c %s /tmp/song)

# What was heard, without the clock bytes that are sent to find out whether
# anybody listens: what comes before the first read is lost, on any MIDI port.
heard() {
	LC_ALL=C tr -d '\370' </tmp/heard
}
heard_bytes() {
	[ "$(heard | wc -c)" -ge "$1" ]
}
listens() {
	[ -s /tmp/heard ] || {
		printf '\xf8' >&6
		return 1
	}
}

# play FROM TO: a kilobyte at a time, for the kernel's MIDI buffers drop what
# nobody has read.
play() {
	local sent=0
	cat "/dev/snd/$2" >/tmp/heard &
	listener=$!
	exec 6>"/dev/snd/$1"
	wait_for 10 listens || fail "$2 hears nothing"
	while [ $sent -lt "$size" ]; do
		tail -c +$((sent + 1)) /tmp/song | head -c 1024 >&6
		sent=$((sent + 1024))
		# Up to two bytes wait for the third of their packet.
		wait_for 10 heard_bytes $((sent < size ? sent - 2 : size)) ||
		    fail "$2 has $(heard | wc -c) of $sent bytes"
	done
	exec 6>&-
	kill $listener
	wait $listener 2>/dev/null
	heard >/tmp/song.heard
	check "$1 to $2: $size bytes, the same" cmp /tmp/song /tmp/song.heard
}

play "$here" "$there"
play "$there" "$here"
class_detach
gadget_remove midi
class_close
