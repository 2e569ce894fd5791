#!/bin/bash
# vm: --guests 1 --timeout 400
#
# A workstation with several users, and udev: a device that one of them attached
# is his alone, before anybody could open it.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

VID=0525 PID=a4a5
truncate -s 8M /tmp/disk.img
usb_drivers
class_open
gadget_hcd high
mkdir -p /run/udev/rules.d
check "udevd" /lib/systemd/systemd-udevd --daemon
check "udev answers" wait_for 20 udevadm control --ping
udevadm trigger
udevadm settle --timeout=60 || say "udev is still busy"
# What somebody else's program would do, from the first moment.
udevadm monitor --kernel --subsystem-match=block >/tmp/seen &
watcher=$!

# as USER COMMAND...
as() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
}
reads() {
	as "$1" dd if="/dev/$disk" of=/dev/null bs=4096 count=1 2>/dev/null
}
# attach_for OPTION...: as class_attach does, for somebody
attach_for() {
	check "attach $*" limit 30 sallyport attach --tls "$T" "$@" gateway \
	    "$device"
	wait_for 15 imported_disk || fail "no disk"
	disk=$(imported_disk)
	imported=$(class_busid $VID $PID workstation)
	udevadm settle --timeout=30
}
# usbfs: the node of the device itself
usbfs() {
	printf '/dev/bus/usb/%03d/%03d' "$(usb_attribute "$imported" busnum)" \
	    "$(usb_attribute "$imported" devnum)"
}
owner() {
	stat -c '%U %a' "$1"
}

check "plug" gadget_storage drive /tmp/disk.img
wait_for 15 class_busid $VID $PID gateway || fail "no device"
device=$(class_busid $VID $PID gateway)
check "the gateway has it" device_wait 20 "$device" ready

say "for one"
attach_for --user daemon --seat seat1
say "/dev/$disk: $(owner "/dev/$disk"), $(usbfs): $(owner "$(usbfs)")"
[ "$(owner "/dev/$disk")" = "daemon 600" ] || fail "the disk is not daemon's"
[ "$(owner "$(usbfs)")" = "daemon 600" ] || fail "the device is not daemon's"
check "he reads it" reads daemon
check_not "another does not" reads bin
udevadm info --query=property "/dev/$disk" | grep -x 'ID_SEAT=seat1' ||
    fail "it is of no seat"
class_detach

say "for the other"
attach_for --user bin
[ "$(owner "/dev/$disk")" = "bin 600" ] || fail "the disk is not bin's"
check "he reads it" reads bin
check_not "the first does not" reads daemon
class_detach
check_not "no rule is left" compgen -G '/run/udev/rules.d/*sallyport*'

say "for nobody in particular"
attach_for
case $(owner "/dev/$disk") in
"root "*) say "ok: root's" ;;
*) fail "it is $(owner "/dev/$disk")" ;;
esac
check_not "none of them" reads bin
class_detach

say "by the agent, over sleep"
printf '[agent]\nattach = gateway %s:%s* user=daemon seat=seat1\n' \
	$VID $PID >$GW/workstation.conf
rm /run/sallyport/off # it was detached by hand
sallyport agent --tls "$T" >/tmp/agent.log 2>&1 &
agent=$!
owned() {
	disk=$(imported_disk) && [ "$(owner "/dev/$disk")" = "daemon 600" ]
}
wait_for 60 owned || {
	cat /tmp/agent.log
	fail "the disk is not daemon's"
}
check "status says whose" eval 'sallyport status --json |
	jq -e ".ports[0] | .user == \"daemon\" and .seat == \"seat1\""'
kill $agent
wait $agent
check "nothing is attached" vhci_idle
check "the device is free again" device_wait 20 "$device" ready
attach_for --user bin
check "pre" "$TREE/vhci-glue/sallyport.sleep" pre
check "nothing is attached" vhci_idle
printf '[tls]\nca = %s/ca.pem\ncert = %s/cert.pem\nkey = %s/key.pem\n' \
	"$T" "$T" "$T" >$GW/workstation.conf
check "post" "$TREE/vhci-glue/sallyport.sleep" post
owned_again() {
	disk=$(imported_disk) && [ "$(owner "/dev/$disk")" = "bin 600" ]
}
check "it is whose it was" wait_for 60 owned_again
class_detach
rm $GW/workstation.conf

say "wrong use"
for words in "--user no-such-user" "--seat a/b" "--seat seat9"; do
	# shellcheck disable=SC2086 # words
	limit 30 sallyport attach --tls "$T" $words gateway "$device" \
	    >/tmp/wrong 2>&1 && fail "$words is no mistake"
	sed 's/^/    /' /tmp/wrong
done
check "nothing was attached" vhci_idle
kill $watcher
udevadm control --exit
class_close
