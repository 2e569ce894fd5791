#!/bin/bash
# vm: --guests 1 --timeout 400
#
# The workstation's own say: its kernel gets no device that it does not accept.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

truncate -s 8M /tmp/disk.img
usb_drivers
class_open
gadget_hcd high

# here VID PID: such a device is on the workstation's own bus, or was: its kernel
# has told of one since `seen_from`.
here() {
	class_busid "$1" "$2" workstation ||
	    dmesg | tail -n "+$seen" | grep -q "vhci_hcd.*\(idVendor=$1\|New USB\)"
}
seen_from() {
	seen=$(($(dmesg | wc -l) + 1))
}
# accept_config LINE...: a rule file for the workstation
accept_config() {
	printf '%s\n' "$@" >$GW/accept.rules
	printf '[accept]\nrules = %s/accept.rules\n' "$GW" >$GW/workstation.conf
}
inputs() {
	find /sys/devices/platform/vhci_hcd.* -path '*/input/input*' \
		-prune 2>/dev/null
}
# denied TEXT: the attach ends with 3 and says that; the kernel heard of nothing
denied() {
	local got=0
	seen_from
	limit 60 sallyport attach --tls "$T" "${@:2}" >/tmp/denied 2>&1 || got=$?
	sed 's/^/    /' /tmp/denied
	[ $got = 3 ] || fail "exit status $got, not 3"
	check "it says why" grep -q "$1" /tmp/denied
	check "one line" [ "$(wc -l </tmp/denied)" = 1 ]
	check_not "the kernel heard of no device" here "$VID" "$PID"
	check "no port is in use" wait_for 10 vhci_idle
	check_not "no disk" imported_disk
	check "no input device" [ -z "$(inputs)" ]
	check "the device is free" device_wait 20 "$device" ready
}

say "a flash drive, without rules"
VID=0525 PID=a4a5
check "plug" gadget_storage drive /tmp/disk.img
class_attach $VID $PID
wait_for 15 imported_disk || fail "no disk"
class_detach

say "a rule file that blocks drives"
accept_config 'block with-interface one-of { 08:*:* }' 'allow'
denied 'not accepted: by the rule at .*/accept.rules:1' gateway "$device"
name=$(sallyctl --json devices | jq -r '.devices[0].stable')
denied 'not accepted: by the rule' gateway "$name"

say "a rule file that allows this one"
accept_config 'allow 0525:a4a5 serial "drive" with-interface equals { 08:06:50 }'
class_attach $VID $PID
wait_for 15 imported_disk || fail "no disk"
class_detach

say "broken and unsafe rule files"
accept_config 'allow' 'alow'
expect_line "accept: $GW/accept.rules:2:1: " \
	sallyport attach --tls "$T" gateway "$device"
expect_exit 1 sallyport attach --tls "$T" gateway "$device"
accept_config 'allow'
chmod 0666 $GW/accept.rules
expect_line "others may write to it" \
	sallyport attach --tls "$T" gateway "$device"
expect_exit 1 sallyport attach --tls "$T" gateway "$device"
rm $GW/accept.rules
expect_exit 1 sallyport attach --tls "$T" gateway "$device"
rm $GW/workstation.conf
gadget_remove drive
check "it is gone" wait_gone 15 class_busid $VID $PID gateway

say "a keyboard that is named"
VID=0627 PID=0001
check "plug" host device_add usb-kbd,id=kbd,bus=xhci.0
class_attach $VID $PID
wait_for 15 class_name '*/input/input*/event*' >/dev/null || fail "no keyboard"
class_detach
denied 'it is a keyboard' --accept none gateway "$device"

say "the agent wants the word"
rm -f /run/sallyport/off # it was detached by hand
printf '[agent]\nattach = gateway 0627:*\n' >$GW/workstation.conf
sallyport agent --tls "$T" >/tmp/agent.log 2>&1 &
agent=$!
check "it tries" wait_for 60 grep -q 'not accepted: it is a keyboard' \
	/tmp/agent.log
check "no input device" [ -z "$(inputs)" ]
kill $agent
wait $agent
printf '[agent]\nattach = gateway 0627:* keyboard\n' >$GW/workstation.conf
sallyport agent --tls "$T" >/tmp/agent.log 2>&1 &
agent=$!
check "it attaches" wait_for 60 eval '[ -n "$(inputs)" ]'
kill $agent
wait $agent
check "no port is in use" wait_for 10 vhci_idle
rm $GW/workstation.conf
check "unplug" host device_del kbd
check "it is gone" wait_gone 15 class_busid $VID $PID gateway

say "a drive that is a keyboard, too"
VID=0525 PID=a4a7
gadget_new both $VID $PID both &&
	gadget_function both mass_storage.0 &&
	gadget_attribute both mass_storage.0 lun.0/removable 1 &&
	gadget_attribute both mass_storage.0 lun.0/file /tmp/disk.img &&
	gadget_function both hid.0 &&
	gadget_attribute both hid.0 protocol 0 &&
	gadget_attribute both hid.0 subclass 0 &&
	gadget_attribute both hid.0 report_length 8 &&
	printf '%b' "$KEYBOARD_REPORT" >$GADGETS/both/functions/hid.0/report_desc ||
	fail "gadget"
check "plug" gadget_plug both
wait_for 15 class_busid $VID $PID gateway >/dev/null || fail "no gadget"
device=$(class_busid $VID $PID gateway)
check "it is ready" device_wait 20 "$device" ready
denied 'interface 0 is a keyboard by its report descriptor' gateway "$device"
accept_config 'allow with-interface only { 08:*:* }'
denied 'no rule in \[accept\]' gateway "$device"
rm $GW/workstation.conf
check "attach, asked for as one" limit 60 \
	sallyport attach --tls "$T" --accept keyboard gateway "$device"
check "then it types" wait_for 20 eval '[ -n "$(inputs)" ]'
check "detach" sallyport detach all
check "no port is in use" wait_for 10 vhci_idle
check "it is ready again" device_wait 20 "$device" ready
gadget_remove both
class_close
