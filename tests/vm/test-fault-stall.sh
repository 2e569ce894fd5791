#!/bin/bash
# vm: --guests 1 --timeout 320
# vm-waits
#
# Workstations that stop reading for 20 s: one with 8 MiB on its way, one with a
# single read. Their sessions' memory stays bounded, a third device is read all
# the while, and afterwards each goes on, or has ended cleanly and can be
# attached again.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

STALL_MS=20000
BOUND=32768 # KiB: what session_limits allows, and some

truncate -s 8M /tmp/disk.img /tmp/other.img
pki_make || fail "pki"
gateway_config 'default to any' 'allow using "bench-any"'
usb_drivers
workstation_config ws1
# Both halves and the reader are in one kernel here, and share this.
echo 64 >/sys/module/usbcore/parameters/usbfs_memory_mb
check "the gateway starts" gateway_start
gadget_hcd high 3
check "a source/sink" gadget_sourcesink zero
check "a drive" gadget_storage drive /tmp/disk.img dummy_udc.1
check "another drive" gadget_storage other /tmp/other.img dummy_udc.2
busid() {
	wait_for 20 usb_busid "$@" >/dev/null || fail "no gadget $3"
	usb_busid "$@"
}
zero=$(busid 0525 a4a0 zero) drive=$(busid 0525 a4a5 drive)
other=$(busid 0525 a4a5 other)
for d in "$zero" "$drive" "$other"; do
	gateway_clean "$d" "at first"
done

newest() {
	pgrep -n -x "${1:0:15}"
}

# Sets disk to a disk that is here and not $1.
new_disk() {
	local dir
	for dir in "$VHCI"/usb*/*-*/*:*/host*/target*/*/block/*; do
		disk=${dir##*/}
		[ -e "$dir" ] && [ "$disk" != "$1" ] && [ -b "/dev/$disk" ] &&
		    return 0
	done
	return 1
}

sectors() {
	awk '{ print $3 }' "/sys/block/$1/stat" 2>/dev/null || echo 0
}

# rate SECTORS MONO_MS: of the well disk since then.
rate() {
	echo $((($(sectors "$well") - $1) * 500 / ($(mono_ms) - $2))) KiB/s
}

attach_zero "$zero"
s_zero=$(newest sallyport-session) r_zero=$(newest sallyport-relay)
attach_to "$drive"
s_drive=$(newest sallyport-session) r_drive=$(newest sallyport-relay)
wait_for 60 new_disk none || fail "no disk"
slow=$disk
read_on
slow_reader=$reader
attach_to "$other"
wait_for 60 new_disk "$slow" || fail "no other disk"
well=$disk
before=$(rss "$s_zero")

count=$(sectors "$well") began=$(mono_ms)
read_on
sleep 5
say "the third is read at $(rate "$count" "$began") beside one that reads"

# 128 reads of 64 KiB at a time.
"$URBS" "$zero_node" read 128 65536 >/tmp/queue &
queue=$!
sleep 3
lives $queue || fail "no queue: $(cat /tmp/queue)"
kill -STOP "$r_zero" "$r_drive"
count=$(sectors "$well") began=$(mono_ms) most=0
while [ $(($(mono_ms) - began)) -lt $STALL_MS ]; do
	now=$(rss "$s_zero" 2>/dev/null)
	[ "${now:-0}" -le $most ] || most=$now
	last=$(sectors "$well")
	sleep 1
done
say "the third is read at $(rate "$count" "$began") beside two that do not"
say "VmRSS of the first one's session: $before KiB before, at most $most;" \
    "of the second one's: $(rss "$s_drive") KiB"
check "the third was read to the last" [ "$(sectors "$well")" -gt "$last" ]
check "a session's memory is bounded" [ $((most - before)) -le $BOUND ]
count=$(sectors "$slow")
kill -CONT "$r_zero" "$r_drive"

goes_on() {
	! [ -e "/sys/block/$slow" ] || [ "$(sectors "$slow")" -gt "$1" ]
}
wait_for 60 goes_on $((count + 2048)) ||
    fail "the single reader neither goes on nor ends"
was="goes on"
[ -e "/sys/block/$slow" ] || was="was unplugged"
say "ok: the single reader $was"
wait_gone 60 lives $queue || fail "the queue neither goes on nor ends"
was=unplugged
if has_zero; then
	was=attached
	check "it works" limit 60 "$URBS" "$zero_node" read 4 4096 20
fi
say "ok: the queue: $(cat /tmp/queue); its device is $was"
grep 'ended' /tmp/relay.log | sed 's/^/    /'

kill $slow_reader $reader 2>/dev/null
detach_all "stall"
wait
workstation_clean "stall"
for d in "$zero" "$drive" "$other"; do
	gateway_clean "$d" "stall"
done
row_over "$drive" "stall"
check "the gateway stops" gateway_stop
