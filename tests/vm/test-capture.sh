#!/bin/bash
# vm: --guests 1 --timeout 200
#
# A capture of a flash drive, by an operator and by a rule: what passed and what
# was refused is in files of the gateway's alone, which `replay' reads; the drive
# is used meanwhile. A lease whose rule demands a capture ends with its recorder.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need sg_raw sg3-utils

usb_drivers
modprobe sg
class_open
class_using storage-ro
captures=$(sed -n 's/^ *captures *= *//p' $GW/gateway.conf)
captures=${captures:-/var/lib/sallyport/captures}

truncate -s 16M /shared/stick.img
check "plug" host drive_add 0 if=none,id=mine,file=shared/stick.img,format=raw
check "plug" host device_add usb-storage,drive=mine,id=stick,bus=xhci.0
class_attach 46f4 0001
wait_for 15 class_name '*/block/sd?' || fail "no disk"
disk=/dev/$(class_name '*/block/sd?')
wait_for 5 test -b "$disk" || fail "no $disk"
sg=/dev/$(class_name '*/scsi_generic/sg*')
head -c 512 /dev/zero >/tmp/block

# recorders: the processes that write captures.
recorders() {
	grep -lx sallyport-captu /proc/[0-9]*/comm 2>/dev/null |
	    sed 's|/proc/||; s|/comm||'
}

check "begin" sallyctl capture "$device" bench.pcap
check_not "a second one" sallyctl capture "$device" other.pcap
pid=$(recorders)
[ -n "$pid" ] || fail "no recorder"
user=$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")
[ "$user" != 0 ] || fail "the recorder is root"
say "ok: the recorder is user $user"
check "read" limit 30 dd if="$disk" of=/dev/null bs=16k count=64 iflag=direct
dd if=/dev/zero of="$disk" bs=4k count=1 oflag=direct 2>/dev/null &&
    fail "dd wrote"
sg_raw -s 512 -i /tmp/block "$sg" 2a 00 00 00 08 00 00 00 01 00 >/tmp/sg 2>&1
grep -q 'Write protected' /tmp/sg || { cat /tmp/sg; fail "not refused"; }
say "ok: a write is refused"
check "end" sallyctl capture "$device" --stop
check "the recorder ends" wait_gone 10 eval '[ -n "$(recorders)" ]'
file=$captures/bench.pcap
check "the file is the gateway's alone" \
	[ "$(stat -c '%a %u' "$file")" = "600 $(stat -c %u "$captures")" ]
jq -c 'select(.hook == "scsi" and .verdict == "deny")' \
    "${file%.pcap}.jsonl" | tail -n 1 >/tmp/ruling
[ -s /tmp/ruling ] || fail "the sidecar has no refusal"
say "ok: $(cat /tmp/ruling)"
limit 60 sallyport-policy replay "$file" --profile storage-ro >/tmp/replay
status=$?
tail -n 3 /tmp/replay | sed 's/^/    /'
[ $status = 3 ] || fail "replay: status $status"
grep -q '^[0-9]* frames, [1-9][0-9]* refused' /tmp/replay ||
    fail "replay found no refusal"
say "ok: replay refuses it, too"
frame=$(jq .frame /tmp/ruling)
expect_line "storage.profile" sallyport-policy explain "$file" "$frame" \
	--profile storage-ro
class_detach

say "by a rule"
printf '%s\n' 'default to any' 'allow using "storage-ro" capture' \
    >$GW/rules.d/10-bench.rules
check "reload" sallyctl reload
class_attach 46f4 0001
wait_for 15 class_name '*/block/sd?' || fail "no disk"
check "it is captured" wait_for 10 eval '[ -n "$(recorders)" ]'
check "a file of its own" eval "ls $captures | grep '^$device-.*pcap'"
check_not "nobody stops that" sallyctl capture "$device" --stop
kill -KILL $(recorders)
check "the lease ends with it" wait_gone 15 class_busid 46f4 0001 workstation
check "no port is in use" wait_for 20 vhci_idle
expect_line "its capture ended" cat $AUDIT
class_close
