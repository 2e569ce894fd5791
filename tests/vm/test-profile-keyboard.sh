#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A keyboard (QEMU's) under `keyboard', with fewer keys a second: nothing comes
# through until the digits that the workstation shows were typed on it, then all
# but the chords; a chord never arrives, and who types like a program is put in
# quarantine before the workstation has it all.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"
. "$BENCH/hid.sh"

# So slow that no machine is too slow to be faster; people's hands are in
# `keyboard' itself.
STROKES=60

usb_drivers
class_open
mkdir -p $GW/profiles.d
cat >$GW/profiles.d/bench.profile <<'PROFILE'
profile keyboard-slow extends keyboard {
  meter fast 2/s burst 30
}
PROFILE
class_using keyboard-slow
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

# As fast as QEMU passes them on: eight keys at a time.
say "$STROKES keys at once"
key='{"type":"key","data":{"down":%s,"key":{"type":"qcode","data":"a"}}}'
burst=$(for _ in 1 2 3 4 5 6; do
	printf "$key,$key," true false
done)
for ((n = 0; n < STROKES; n += 6)); do
	qmp input-send-event "{\"events\":[${burst%,}]}" || fail "send"
	sleep 0.15
done
check "it is gone" wait_gone 20 class_busid 0627 0001 workstation
refused_has hid quarantine ""
jq -es 'any(.event == "transfer" and .outcome == "quarantine" and
    .level == "alert" and .log == "injection-rate")' "$AUDIT" >/dev/null ||
    fail "that is no alert"
came=$(hid_events | grep -c "^1 30 1$")
say "$came of $STROKES came through before that"
[ "$came" -lt "$STROKES" ] || fail "all of them"
expect_line "." sallyctl quarantine
check_not "nobody gets it" limit 30 \
	sallyport attach --tls "$T" gateway "$device"
kill $reader 2>/dev/null
wait $reader 2>/dev/null
kill $watch
wait $watch 2>/dev/null
check "no port is in use" wait_for 20 vhci_idle
class_close
