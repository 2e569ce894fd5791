#!/bin/bash
# vm: --guests 1 --timeout 400
#
# Keyboards under `keyboard'. QEMU's: nothing comes through until the digits that
# the workstation shows were typed on it, then all but the chords. The kernel's
# gadget: fast typing with keys that overlap, and LEDs, go through; what types as
# fast as a program is put in quarantine, and so is what guesses digits. Under
# `scanner' a burst is what people expect, and a chord is not.
#
# The gadget's burst has one key in a report, and comes no faster than emulated
# processors carry reports, one at a time: some 80 keys a second, of which the
# meter lets 25 pass beside the first 12. So the burst of 1000 keys a second is
# that of a software device that presses six keys in each report; no more than
# the first 12 may reach the event device. It prints its rate, by its own clock,
# and that at which they came through.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"
. "$BENCH/hid.sh"

usb_drivers
class_open
class_using keyboard
sallyport watch --json --tls "$T" gateway >/tmp/watch 2>/tmp/watch.err &
watch=$!
check "it is watched" wait_for 20 grep -q '"ready"' /tmp/watch

# The last digits that are shown; empty: it may be used.
digits() {
	jq -rs 'map(select(.event == "challenge")) | last | .digits // empty' \
	    /tmp/watch
}
challenges() {
	jq -s 'map(select(.event == "challenge")) | length' /tmp/watch
}
challenged() {
	[ "$(challenges)" -ge "$1" ]
}

# type_in KEY...
type_in() {
	local key
	for key; do
		host sendkey "$key" 30 || fail "sendkey $key"
	done
}

# type_digits DIGITS: and Enter.
type_digits() {
	local i
	for ((i = 0; i < ${#1}; i++)); do
		type_in "${1:i:1}"
	done
	type_in ret
}

quiet() {
	[ "$(hid_events | wc -l)" = 0 ] || {
		hid_events
		fail "the workstation heard of it: $1"
	}
	say "ok: the workstation heard nothing of $1"
}

hid_begin usb-kbd
check "digits are asked for" wait_for 15 challenged 1
first=$(digits)
[[ $first =~ ^[0-9]{4}$ ]] || fail "they are \"$first\""
type_in s a esc
quiet "what was typed before"
type_digits "$(printf %04d $(((10#$first + 1) % 10000)))"
check "others are asked for" wait_for 15 challenged 2
second=$(digits)
[[ $second =~ ^[0-9]{4}$ ]] || fail "they are \"$second\""
quiet "wrong digits"
type_digits "$second"
check "they are right" wait_for 15 challenged 3
[ -z "$(digits)" ] || fail "more is asked for: $(digits)"
quiet "the right ones"
jq -c 'select(.event == "challenge")' /tmp/watch | sed 's/^/    /'

# KEY_S 31, KEY_A 30, KEY_L 38, KEY_Y 21, KEY_R 19, KEY_LEFTMETA 125.
type_in s a l l y
hid_expect "then it types" "1 31 1" "1 30 1" "1 38 1" "1 38 1" "1 21 1"
type_in meta_l-r
refused_has hid drop "kind=input"
check "by the rule of chords" jq -es 'any(.event == "transfer" and
    .outcome == "drop" and .log == "chord")' $AUDIT
# What was typed is nobody's business, also where it was refused.
check_not "the audit log has no keys" jq -es 'any(.event == "transfer" and
    (.facts | test("GUI|key=|chord=")))' $AUDIT
type_in y
hid_expect "and goes on" "1 21 1" "1 21 0" "1 21 1" "1 21 0"
hid_seen "1 19 1" && fail "R came through"
say "ok: R never came"

hid_end

#
# A gadget
#

# codes DIGITS: as HID usages, and Enter.
codes() {
	local i d
	for ((i = 0; i < ${#1}; i++)); do
		d=${1:i:1}
		echo $((d == 0 ? 39 : 29 + d))
	done
	echo 40
}

# report KEY...: these are down, and nothing else.
report() {
	local bytes=(0 0 "$@" 0 0 0 0 0 0)
	printf '%b' "$(printf '\\x%02x' "${bytes[@]:0:8}")" >/dev/hidg0
}

# hid_gone VID:PID: it was taken, and nobody gets it any more.
hid_gone() {
	check "it is gone" wait_gone 20 class_busid "${1%:*}" "${1#*:}" \
	    workstation
	expect_line "$1" sallyctl quarantine
	check_not "nobody gets it" limit 30 \
		sallyport attach --tls "$T" gateway "$device"
	kill $reader 2>/dev/null
	wait $reader 2>/dev/null
	check "no port is in use" wait_for 20 vhci_idle
}

gadget_hcd high
n=$(challenges)
check "plug" gadget_keyboard typist
hid_read 0525 a4ac
cat /dev/hidg0 >/tmp/leds &
leds=$!
check "digits are asked for" wait_for 15 challenged $((n + 1))
check "type them" keyboard_type $(codes "$(digits)")
check "they are right" wait_for 15 challenged $((n + 2))
[ -z "$(digits)" ] || fail "more is asked for: $(digits)"
quiet "the digits"

# A S D F, each down before the one before it is up; KEY_D 32, KEY_F 33.
for _ in 1 2 3; do
	for keys in 4 "4 22" 22 "22 7" 7 "7 9" 9 ""; do
		report $keys
		sleep 0.04
	done
done
asdf=("1 30 1" "1 31 1" "1 30 0" "1 32 1" "1 31 0" "1 33 1" "1 32 0" "1 33 0")
hid_expect "fast typing" "${asdf[@]}" "${asdf[@]}" "${asdf[@]}"

led=$(class_name '*/input/input*/input*::capslock')
[ -n "$led" ] || fail "no LED"
caps_is_lit() {
	[ "$(tail -c 1 /tmp/leds | od -An -t u1)" -eq 2 ]
}
echo 0 | tee /sys/class/leds/"${led%%:*}"::*lock/brightness >/dev/null
echo 1 >"/sys/class/leds/$led/brightness"
check "the LED is lit" wait_for 10 caps_is_lit
kill $leds
wait $leds 2>/dev/null

# KEY_Z 44, as fast as the bus takes them.
for ((i = 0; i < 500; i++)); do
	printf '\0\0\x1d\0\0\0\0\0\0\0\0\0\0\0\0\0'
done >/tmp/burst
sleep 1
limit 10 dd if=/tmp/burst of=/dev/hidg0 bs=8 2>/dev/null
hid_gone 0525:a4ac
refused_has hid quarantine "kind=input"
check "an alert" jq -es 'any(.event == "transfer" and .log == "injection-rate" and
    .outcome == "quarantine" and .level == "alert")' $AUDIT
read -r came span <<<"$(od -An -v -w24 -t d4 /tmp/events | awk '
	$5 % 65536 == 1 && int($5 / 65536) == 44 && $6 == 1 {
		now = $1 * 1000 + int($3 / 1000)
		if (n++ == 0) first = now
		last = now
	}
	END { print n + 0, last - first }')"
say "of 500 keys $came came through, in $span ms"
[ "$came" -le $((12 + (25 * span + 999) / 1000)) ] || fail "too many"

check "remove" gadget_remove typist

# typed: the program has typed what it was told to.
typed() {
	grep -q "softdev: $(cat /tmp/softdev-says):" /tmp/softdev.log
}
# came: key-downs, and the ms from the first to the last.
came() {
	od -An -v -w24 -t d4 /tmp/events | awk '
	$5 % 65536 == 1 && $6 == 1 {
		now = $1 * 1000 + int($3 / 1000)
		if (n++ == 0) first = now
		last = now
	}
	END { print n + 0, last - first }'
}
n=$(challenges)
soft_plug typist
hid_read 1209 5a15
check "digits are asked for" wait_for 15 challenged $((n + 1))
echo "type $(digits)" >/tmp/softdev-says
check "type them" wait_for 15 typed
check "they are right" wait_for 15 challenged $((n + 2))
[ -z "$(digits)" ] || fail "more is asked for: $(digits)"
quiet "the digits"
echo "burst 1000 6 1000" >/tmp/softdev-says
hid_gone 1209:5a15
check "the burst is over" wait_for 15 typed
read -r downs span <<<"$(came)"
say "the device: $(grep burst /tmp/softdev.log)"
say "the event device: $downs key-downs within $span ms"
[ "$downs" -ge 1 ] && [ "$downs" -le 12 ] || fail "$downs key-downs, not 1 to 12"
say "ok: no more than 12 key-downs before the quarantine"
soft_unplug

n=$(challenges)
check "plug" gadget_keyboard guesser
hid_read 0525 a4ac
for try in 1 2 3; do
	check "digits are asked for" wait_for 15 challenged $((n + try))
	right=$(digits)
	wrong=$(printf %04d $(((10#$right + try) % 10000)))
	keyboard_type $(codes "$wrong")
done
hid_gone 0525:a4ac
[ "$(sallyctl quarantine | grep -c 0525:a4ac)" = 2 ] || fail "not both"
quiet "guesses"
check "remove" gadget_remove guesser

# A scanner needs no arming and may be as fast; KEY_1 2 to KEY_0 11, KEY_ENTER 28,
# KEY_V 47.
class_using scanner
check "plug" gadget_keyboard scanner
hid_read 0525 a4ac
for _ in 1 2 3 4; do
	for ((i = 30; i < 40; i++)); do
		printf "\\0\\0\\x$(printf %02x $i)\\0\\0\\0\\0\\0"
		printf '\0\0\0\0\0\0\0\0'
	done
done >/tmp/burst
limit 20 dd if=/tmp/burst of=/dev/hidg0 bs=8 2>/dev/null ||
    fail "the burst is not over"
printf '\1\0\31\0\0\0\0\0' >/dev/hidg0
report
report 40
report
hid_expect "a scanner's burst, and Enter" "1 2 1" "1 11 0" "1 2 1" "1 11 0" \
	"1 2 1" "1 11 0" "1 2 1" "1 11 0" "1 28 1" "1 28 0"
hid_seen "1 47 1" && fail "Ctrl+V came through"
check "Ctrl+V is an alert" jq -es 'any(.event == "transfer" and
    .profile == "scanner" and .outcome == "drop" and .log == "chord" and
    .level == "alert")' $AUDIT
kill $reader
wait $reader 2>/dev/null
class_detach
check "remove" gadget_remove scanner
kill $watch
wait $watch 2>/dev/null
class_close
