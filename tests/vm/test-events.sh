#!/bin/bash
# vm: --guests 1 --timeout 300
# vm-slow
#
# The events channel: a workstation hears of what its rules let it have, and of
# nothing else, as it comes, changes and goes; and stable names stand wherever a
# bus id does.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

T=$GW/tls-ws1
truncate -s 8M /tmp/disk.img
pki_make || fail "pki"
gateway_config 'default to any' 'allow with-interface one-of { 08:06:50 }'
usb_drivers
workstation_config ws1
workstation_config ws2
check "the gateway starts" gateway_start
gadget_hcd high 2
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

say "stable names"
name=$(sallyctl --json devices |
	jq -r --arg b "$drive" '.devices[] | select(.busid == $b) | .stable')
echo "    $name"
case $name in
0525:a4a5*@platform-dummy_hcd.?:1) say "ok: it is the controller's and port's" ;;
*) fail "stable name $name" ;;
esac
sallyctl devices | sed 's/^/    /'
sallyport list --tls "$T" gateway | sed 's/^/    /'
expect_line "$drive .* free +$name\$" sallyport list --tls "$T" gateway

say "watch"
sallyport watch --json --tls "$T" gateway >/tmp/watch.1 2>/tmp/watch.1.err &
w1=$!
sallyport watch --tls "$GW/tls-ws2" gateway >/tmp/watch.2 2>&1 &
w2=$!

# saw N EVENT [STATE]: the last such event about the drive is there, N of them
saw() {
	[ "$(jq -r --arg e "$2" --arg n "$name" --arg s "${3:-}" \
		'select(.event == $e and .name == $n and
			($s == "" or .state == $s)) | .event' \
		/tmp/watch.1 | wc -l)" -ge "$1" ]
}

check "the list comes" wait_for 20 saw 1 device free
check "no process with privileges reads it" \
	eval '! ps -eo uid=,comm= | grep -E "^ *0 sallyport-re"'
check "sallyctl shows who watches" eval \
	'[ "$(sallyctl --json sessions | jq "[.sessions[] |
		select(.state == \"watching\")] | length")" = 2 ]'
check "attach by stable name" limit 60 \
	sallyport attach --tls "$T" gateway "$name"
check "its holder hears so" wait_for 10 saw 1 changed yours
check "another hears: busy" wait_for 10 grep -q "changed .* busy " /tmp/watch.2
expect_exit 5 sallyport attach --tls "$GW/tls-ws2" gateway "$name"
check "status has the name" eval "sallyport status --json |
	jq -e --arg n '$name' '.ports[] | select(.name == \$n)'"
check "detach by stable name" sallyport detach "$name"
check "it is free again" wait_for 20 saw 1 changed free
expect_exit 5 sallyport attach --tls "$T" gateway "${name}9"

say "kick by stable name"
check "attach" limit 60 sallyport attach --tls "$T" gateway "$name"
check "kick" sallyctl kick "$name"
check "the person hears why" wait_for 10 \
	grep -q '"message".*kicked by an operator' /tmp/watch.1
check "no port is in use" wait_for 10 vhci_idle
check "the device is free again" device_wait 20 "$drive" ready

say "rules"
echo 'block' >$GW/rules.d/10-bench.rules
check "reload" sallyctl reload
check "it is gone within a second" wait_for 1 saw 1 gone
check "and for the other" wait_for 1 grep -q "gone " /tmp/watch.2
expect_exit 5 sallyport attach --tls "$T" gateway "$name"
printf '%s\n' 'allow to "dns:ws1.bench.example"' \
	>$GW/rules.d/10-bench.rules
check "reload" sallyctl reload
check "it appears within a second" wait_for 1 saw 1 appeared free
n=$(wc -l </tmp/watch.2)
check_not "but not for the other" grep -q "appeared" /tmp/watch.2

say "plug and unplug"
gadget_unplug drive
check "it is gone" wait_for 10 saw 2 gone
gadget_plug drive
check "it appears, under the same name" wait_for 20 saw 2 appeared
check "the other heard nothing" [ "$(wc -l </tmp/watch.2)" = "$n" ]

say "two of a kind"
truncate -s 8M /tmp/disk2.img
check "another drive of the same kind" gadget_storage drive2 \
	/tmp/disk2.img dummy_udc.1
check "has another name" wait_for 20 eval \
	'[ "$(jq -r "select(.event == \"appeared\") | .name" /tmp/watch.1 |
	sort -u | wc -l)" = 2 ]'

say "heartbeats"
sleep 17
check "a quiet watch stays" kill -0 $w1 $w2
relay=$(pgrep -f '^[^ ]*sallyport-relay' | head -n 1)
kill -STOP "$relay"
check "a silent one is let go" wait_for 25 eval \
	'[ "$(sallyctl --json sessions | jq "[.sessions[] |
		select(.state == \"watching\")] | length")" = 1 ]'
kill -CONT "$relay"

say "the end"
check "the gateway stops" gateway_stop
check "the watchers end" eval 'wait_gone 20 kill -0 $w1; wait_gone 20 kill -0 $w2'
wait $w1
echo "    exit status $?: $(tail -n 1 /tmp/watch.1.err)"
sed 's/^/    /' /tmp/watch.2
check "no relay or reader is left" wait_gone 10 pgrep -f 'sallyport-re'
gadget_remove drive
gadget_remove drive2
