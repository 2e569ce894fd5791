#!/bin/bash
# hid.sh - what people type on and point with: QEMU's devices, and what the
# workstation's event device says of them. Source it after class.sh.

# hid_begin DRIVER: plug it in, attach it, read its events.
hid_begin() {
	say "$1"
	check "plug" host device_add "$1,id=hid,bus=xhci.0"
	hid_read 0627 0001
}

# hid_read VID PID: attach it, read its events.
hid_read() {
	class_attach "$1" "$2"
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
