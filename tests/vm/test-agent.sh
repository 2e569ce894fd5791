#!/bin/bash
# vm: --guests 1 --timeout 400
# vm-slow
#
# The agent: attaches by rule, comes back after unplug, kick, a restart of the
# gateway and its own death, leaves alone what was detached by hand, and lets
# everything go before the machine sleeps.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

T=$GW/tls-ws1
pki_make || fail "pki"
gateway_config 'default to any' 'allow with-interface one-of { 08:06:50 }'
usb_drivers
workstation_config ws1
user_add alice sallyport
truncate -s 8M /tmp/disk.img
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

agent_start() {
	sallyport agent --tls "$T" >>/tmp/agent.log 2>&1 &
	agent=$!
}
attached() {
	disk=$(imported_disk) && [ -b "/dev/$disk" ]
}
# back WHAT: the drive is attached again, by the agent, and works
back() {
	wait_for 60 attached || {
		cat /tmp/agent.log
		sallyport status
		sallyctl devices
		fail "$1: not attached"
	}
	check "$1: the disk answers" limit 20 \
		dd "if=/dev/$disk" of=/dev/null bs=64k count=4 iflag=direct
	check "$1: one port, with its note" eval 'sallyport status --json |
		jq -e "[.ports[] | select(.relay != null)] | length == 1"'
}
gone() {
	check "$1: the disk is gone" wait_gone 20 imported_disk
}

expect_exit 2 sallyport agent --tls "$T"
printf '[agent]\nattach = gateway nothing behind\n' >$GW/workstation.conf
expect_exit 2 sallyport agent --tls "$T"
expect_exit 4 sallyport agent --status
printf '[agent]\nattach = gateway 1d6b:*\nattach = gateway 0525:a4a5*@*dummy*\n' \
	>$GW/workstation.conf

say "by rule"
agent_start
back "start"
check "root sees its state" eval 'sallyport agent --status --json |
	jq -e ".devices[0].state == \"attached\""'
sallyport agent --status | sed 's/^/    /'
as_user() {
	setpriv --reuid "$1" --regid "$1" --groups "$2" \
		sallyport agent --status
}
check "the group sees it" as_user alice "$(getent group sallyport | cut -d: -f3)"
check_not "others do not" as_user alice "$(getent group alice | cut -d: -f3)"
expect_exit 1 sallyport agent --tls "$T"

say "what holds them"
sallyctl sandbox | sed 's/^/    /'
check "this kernel has all of it" eval \
	'sallyctl --json sandbox | jq -e ".lacks == []"'
check "the session sees nothing of the machine" eval \
	'sallyctl --json sandbox | jq -e "[.processes[] |
		select(.process | startswith(\"sallyport-session\")) |
		.namespaces == [\"pid\", \"network\", \"mount\"]] |
		length > 0 and all"'
relay=$(sallyport status --json | jq '.ports[0].relay')
check "nor does the relay of its network" [ "$(readlink "/proc/$relay/ns/net")" \
	!= "$(readlink /proc/self/ns/net)" ]
check "or files" eval '[ "$(ls "/proc/$relay/root" | tr -d "\n")" = etcusr ]'

say "unplug and plug"
gadget_unplug drive
gone unplug
check "no port is in use" wait_for 10 vhci_idle
gadget_plug drive
back plug
drive=$(sallyctl --json devices | jq -r '.devices[0].busid')

say "kick"
check "kick" sallyctl kick "$drive"
gone kick
back kick

say "kill -9 of the relay that carries it"
kill -9 "$(sallyport status --json | jq '.ports[0].relay')"
gone relay
back relay

say "kill -9 of the agent"
relay=$(sallyport status --json | jq '.ports[0].relay')
kill -9 $agent
wait $agent
check "the device stays" attached
agent_start
sleep 3
check "it is adopted, not attached anew" eval \
	'[ "$(sallyport status --json | jq ".ports[0].relay")" = '"$relay"' ]'
check "the agent knows it" wait_for 20 eval 'sallyport agent --status --json |
	jq -e ".devices[0].state == \"attached\""'

say "gateway restart"
check "the gateway stops" gateway_stop
gone restart
check "no port is in use" wait_for 20 vhci_idle
check "the gateway starts again" gateway_start
back restart

say "by hand"
check "detach" sallyport detach all
gone detach
sleep 5
check_not "it stays away" imported_disk
check "the agent says so" eval 'sallyport agent --status --json |
	jq -e ".devices[0].state == \"off\""'
check "attach" limit 60 sallyport attach --tls "$T" gateway "$drive"
back attach
check "the device is kicked" sallyctl kick "$drive"
gone kick
back "asked again"

say "sleep"
check "pre" "$TREE/vhci-glue/sallyport.sleep" pre
check "nothing is attached" vhci_idle
sleep 3
check "nor soon after" vhci_idle
check "post" "$TREE/vhci-glue/sallyport.sleep" post
back wake

say "SIGTERM"
kill $agent
wait $agent
check "it ended well" [ $? = 0 ]
check "nothing is attached" vhci_idle
check "no relay or reader is left" wait_gone 10 pgrep -f 'sallyport-re'

say "without an agent"
check "the device is free again" device_wait 20 "$drive" ready
check "attach" limit 60 sallyport attach --tls "$T" gateway "$drive"
check "pre" "$TREE/vhci-glue/sallyport.sleep" pre
check "nothing is attached" vhci_idle
printf '[tls]\nca = %s/ca.pem\ncert = %s/cert.pem\nkey = %s/key.pem\n' \
	"$T" "$T" "$T" >$GW/workstation.conf
check "post" "$TREE/vhci-glue/sallyport.sleep" post
back wake
check "detach" sallyport detach all
check "no zombie" eval '! ps -eo stat | grep -q "^Z"'
sed 's/^/    /' /tmp/agent.log | tail -n 40
check "the gateway stops" gateway_stop
gadget_remove drive
