#!/bin/bash
# vm: --guests 1 --timeout 200
#
# Keyboard, mouse and tablet (QEMU's): what is typed, moved and pressed outside
# is read from the workstation's event devices.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

usb_drivers
class_open

# hid_begin DRIVER: plug it in, attach it, read its events.
hid_begin() {
	say "$1"
	check "plug" host device_add "$1,id=hid,bus=xhci.0"
	class_attach 0627 0001
	wait_for 10 class_name '*/input/input*/event*' || fail "no event device"
	node=/dev/input/$(class_name '*/input/input*/event*')
	wait_for 5 test -c "$node" || fail "no $node"
	say "drivers: $(class_drivers)"
	cat "$node" >/tmp/events &
	reader=$!
	# Open means that the driver polls it; QEMU sends to who was polled.
	sleep 1
}

# hid_events: type, code and value, one event a line.
hid_events() {
	od -An -v -w24 -t d4 /tmp/events | awk '{
		type = $5 % 65536
		code = int($5 / 65536)
		print type, code, $6
	}'
}

# hid_expect TEXT LINE...: these events, in this order, others between them.
hid_seen() {
	hid_events | awk -v want="$(printf '%s;' "$@")" '
	BEGIN { n = split(want, w, ";") - 1; i = 1 }
	$0 == w[i] { i++ }
	END { exit i <= n }'
}
hid_expect() {
	local text=$1
	shift
	wait_for 15 hid_seen "$@" || {
		hid_events
		fail "$text: not seen: $*"
	}
	say "ok: $text: $(hid_events | wc -l) events so far"
}

hid_end() {
	kill $reader
	wait $reader 2>/dev/null
	class_detach
	check "unplug" host device_del hid
	check "gone" wait_gone 15 class_busid 0627 0001 gateway
}

# qmp COMMAND ARGUMENTS: what the monitor of "host" has no command for.
qmp() {
	(
		flock -w 60 9 || exit
		exec 4<>/dev/virtio-ports/bench.monitor
		printf '%s\n{"execute":"%s","arguments":%s,"id":"%s"}\n' \
		    '{"execute":"qmp_capabilities"}' "$1" "$2" "qmp-$$" >&4
		while IFS= read -r -t 30 -u 4 line; do
			case $line in
			*"\"id\": \"qmp-$$\""*)
				[[ $line != *'"error"'* ]] && exit 0
				echo "$line"
				exit 1
				;;
			esac
		done
		exit 1
	) 9>/run/bench.monitor.lock
}

# EV_KEY is 1, EV_REL 2, EV_ABS 3; KEY_S 31, KEY_A 30, KEY_L 38, KEY_Y 21,
# KEY_LEFTSHIFT 42, BTN_LEFT 272, BTN_RIGHT 273.
hid_begin usb-kbd
for key in s a l l y shift-a; do
	check "type $key" host sendkey "$key" 50
done
hid_expect "keys" "1 31 1" "1 31 0" "1 30 1" "1 30 0" "1 38 1" "1 38 0" \
	"1 38 1" "1 38 0" "1 21 1" "1 21 0" "1 42 1" "1 30 1" "1 30 0"
hid_end

hid_begin usb-mouse
check "move" host mouse_move 7 -5
hid_expect "movement" "2 0 7" "2 1 -5"
check "press" host mouse_button 1
check "release" host mouse_button 0
check "press the other" host mouse_button 2
check "release" host mouse_button 0
hid_expect "buttons" "1 272 1" "1 272 0" "1 273 1" "1 273 0"
hid_end

hid_begin usb-tablet
axis='{"type":"abs","data":{"axis":"%s","value":%d}}'
check "point" qmp input-send-event \
	"{\"events\":[$(printf "$axis,$axis" x 16384 y 8192)]}"
hid_expect "position" "3 0 16384" "3 1 8192"
check "press" host mouse_button 1
check "release" host mouse_button 0
hid_expect "button" "1 272 1" "1 272 0"
hid_end
class_close
