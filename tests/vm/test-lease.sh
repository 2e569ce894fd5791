#!/bin/bash
# vm: --guests 1 --timeout 600
#
# What is given is given on terms: a window that closes ejects a mounted drive
# cleanly; a lease and an idle time end; a person's yes is waited for and counts
# for its time; hold and once act over kill -9 of the warden and a restart of the
# gateway.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

need mkfs.ext4 e2fsprogs

T1=$GW/tls-ws1 T2=$GW/tls-ws2
RULES=$GW/rules.d/10-bench.rules
truncate -s 16M /tmp/disk.img
check "mkfs" limit 60 mkfs.ext4 -q -F /tmp/disk.img
modprobe ext4
pki_make || fail "pki"
gateway_config 'default to any' \
	'allow window { Mon-Sun 08:00-12:00 } tz "UTC"'
echo "watch-rules = no" >>$GW/gateway.conf
usb_drivers
workstation_config ws1
workstation_config ws2
day=$(date -u -d tomorrow +%F)
date -u -s "$day 11:00:00" >/dev/null
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

attach() {
	limit 60 sallyport attach --tls "${1:-$T1}" gateway "$drive"
}
attached_disk() {
	disk=$(imported_disk) && [ -b "/dev/$disk" ]
}
# rules LINE...: those are in force
rules() {
	printf '%s\n' 'default to any' "$@" >$RULES
	check "reload" sallyctl reload
}
# ejected REASON: the last one was for that
ejected() {
	[ "$(jq -rs 'map(select(.event == "session" and
		.outcome == "ejected")) | last | .reason' $AUDIT)" = "$1" ]
}
# field BUSID NAME: of the device as sallyctl has it
field() {
	sallyctl --json devices | jq -r --arg b "$1" --arg n "$2" \
		'.devices[] | select(.busid == $b) | .[$n] // ""'
}
held_for() {
	[ -n "$(field "$drive" held_for)" ]
}
# busy TLS: the answer to that workstation
busy() {
	attach "$1" >/tmp/busy 2>&1
	[ $? = 5 ] && grep -qi "busy\|in use" /tmp/busy || {
		cat /tmp/busy
		return 1
	}
}
free() {
	check "no port is in use" wait_for 20 vhci_idle
	check "the device is ready" device_wait 30 "$drive" ready
}

say "a window closes"
sallyport watch --json --tls "$T1" gateway >/tmp/watch 2>/tmp/watch.err &
check "attach" attach
wait_for 20 attached_disk || fail "no disk"
check "mount" mount "/dev/$disk" /mnt
check "write" eval 'echo kept >/mnt/file && sync'
date -u -s "$day 11:59:57" >/dev/null
check "the disk is gone" wait_gone 20 imported_disk
check "for that reason" ejected "its hours are over"
at=$(jq -rs 'map(select(.event == "session" and .outcome == "ejected")) |
	last | .time' $AUDIT)
say "ejected at $at"
case $at in
"$day"T12:00:0[01].*) say "ok: within a second" ;;
*) fail "ejected at $at" ;;
esac
check "the person hears why" wait_for 10 grep -q "its hours are over" /tmp/watch
check "it is gone for him" wait_for 10 grep -q '"gone"' /tmp/watch
check "umount" limit 30 umount /mnt
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"
sallyctl explain "$drive" dns:ws1.bench.example | sed 's/^/    /'
expect_line "window" sallyctl explain "$drive" dns:ws1.bench.example
free
date -u -s "$day 11:00:00" >/dev/null
check "it comes back with the hour" wait_for 10 grep -q '"appeared"' /tmp/watch
check "attach" attach
wait_for 20 attached_disk || fail "no disk"
check "what was written is there" eval \
	'mount "/dev/$disk" /mnt && grep -q kept /mnt/file && umount /mnt'
check "detach" sallyport detach "$drive"
free

say "a lease ends, and an idle one"
rules 'allow lease 3s'
check "attach" attach
check "it ends" wait_for 20 ejected "the lease is over"
free
rules 'allow lease 1h idle 4s'
check "attach" attach
wait_for 20 attached_disk || fail "no disk"
for i in 1 2 3 4 5 6; do
	dd "if=/dev/$disk" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null ||
		fail "taken while it was used"
	sleep 1
done
# what the kernel asks of a removable disk by itself would keep it awake
echo 0 >/sys/block/"$disk"/events_poll_msecs
check "used, it stays; then it ends" wait_for 30 ejected \
	"it was idle for too long"
free

rules 'allow if first-seen'
check "plugged in for the first time" attach
check "detach" sallyport detach "$drive"
free

say "a person says yes"
rules 'allow approve by "supervisor" within 60s valid 1h'
check "it is shown as waiting" wait_for 10 audit_has watch "needs approval"
expect_line "needs-approval by supervisor" sallyport list --tls "$T1" gateway
expect_exit 3 sallyport attach --tls "$T1" gateway "$drive"
check "an ask is open" audit_has approval asked
sallyctl approve | sed 's/^/    /'
id=$(sallyctl --json approve | jq '.asks[0].id')
check "deny" sallyctl deny "$id"
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"
expect_line "because of its .approve" sallyctl explain "$drive" \
	ws1.bench.example
check "and yes after all" sallyctl approve "$id"
check "the person hears so" wait_for 10 grep -q "approved: it can" /tmp/watch
check "attach" attach
expect_exit 3 sallyport attach --tls "$T2" gateway "$drive"
check "detach" sallyport detach "$drive"
free
say "one who waits for it"
sallyport attach --wait=90 --log /tmp/relay.log --tls "$T2" gateway "$drive" \
	>/tmp/waited 2>&1 &
waiting=$!
open_ask() {
	sallyctl --json approve | jq -e '[.asks[] | select(.state == "open") |
		.id] | last // empty'
}
wait_for 30 open_ask || { cat /tmp/waited; fail "no ask is open"; }
check "yes" sallyctl approve "$(open_ask)"
wait $waiting || { cat /tmp/waited; fail "it does not attach"; }
sed 's/^/    /' /tmp/waited
wait_for 20 attached_disk || fail "no disk"
check "detach" sallyport detach "$drive"
free
say "over a restart of the gateway"
check "the gateway stops" gateway_stop
check "the gateway starts" gateway_start
check "it is ready" device_wait 30 "$drive" ready
check "still approved" attach
id=$(sallyctl --json approve | jq '.asks[] | select(.state == "approved") |
	.id' | head -n 1)
check "no longer" sallyctl deny "$id"
check "ejected" wait_for 10 ejected "its approval is over"
free
expect_exit 5 sallyctl approve 4711

say "hold"
rules 'allow hold 2m'
check "attach" attach
check "the warden dies" eval \
	'kill -9 $(pgrep -f "^[^ ]*sallyport-warden" | head -n 1)'
check "no port is in use" wait_for 20 vhci_idle
check "another one runs" wait_for 30 sallyctl status
check "it is ready" device_wait 30 "$drive" ready
check "it is on hold" held_for
check "another is told: busy" busy "$T2"
check "the gateway stops" gateway_stop
check "the gateway starts" gateway_start
check "it is ready" device_wait 30 "$drive" ready
check "another is told: busy" busy "$T2"
check "whoever had it may" attach
check "detach" sallyport detach "$drive"
free
check "on hold again" held_for
check "kick" sallyctl kick "$drive"
check_not "not any more" held_for
check "the other may" attach "$T2"
check "detach" sallyport detach "$drive"
check "kick" eval 'wait_for 20 sallyctl kick "$drive"'
free

say "once"
rules 'allow once'
check "attach" attach
check "detach" sallyport detach "$drive"
free
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"
expect_exit 5 sallyport attach --tls "$T2" gateway "$drive"
check "the warden dies" eval \
	'kill -9 $(pgrep -f "^[^ ]*sallyport-warden" | head -n 1)'
check "another one runs" wait_for 30 sallyctl status
check "it is ready" device_wait 30 "$drive" ready
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"
check "the gateway stops" gateway_stop
check "the gateway starts" gateway_start
check "it is ready" device_wait 30 "$drive" ready
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"
gadget_unplug drive
check "it is gone" wait_gone 10 usb_busid 0525 a4a5
gadget_plug drive
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "plugged in anew it is ready" device_wait 30 "$drive" ready
check "and may be had once" attach
check "detach" sallyport detach "$drive"
free
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"

rules 'allow if first-seen'
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"
rules 'allow if !first-seen'
check "known from before, also over restarts" attach
check "detach" sallyport detach "$drive"
free
rules 'allow once'

say "a book that cannot be read"
check "the gateway stops" gateway_stop
head -c 100 /var/lib/sallyport/state.json >/tmp/cut
cat /tmp/cut >/var/lib/sallyport/state.json
check "the gateway starts" gateway_start
check "it is ready" device_wait 30 "$drive" ready
check "it is set aside" test -f /var/lib/sallyport/state.json.bad
expect_exit 5 sallyport attach --tls "$T1" gateway "$drive"

check "the gateway stops" gateway_stop
gadget_remove drive
