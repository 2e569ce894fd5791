#!/bin/bash
# vm: --guests 2 --init systemd --timeout 1800
# vm-long: ten minutes; test-systemd.sh has packages, enrolment and attaching
#
# The tutorials, from packages to their purge, as they are printed.

. "$BENCH/functions.sh"
. "$TREE/tests/docs/play.sh"

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
echo "10.0.0.1 gw.lab.example" >>/etc/hosts
devices=

# plug DEVICE: what a person does with his hands, into the next socket.
plug() {
	local drive='' port
	devices="$devices $1"
	port=$(wc -w <<<"$devices")
	case $1 in
	usb-storage)
		truncate -s 64M /shared/stick.img
		host drive_add 0 if=none,id=stick,file=shared/stick.img,format=raw \
			>/dev/null
		drive=,drive=stick
		;;
	usb-serial)
		host chardev-add null,id=line
		drive=,chardev=line,always-plugged=on
		;;
	esac
	check "a person plugs in: $1" host device_add \
	    "$1,id=$1,bus=xhci.0,port=$port$drive"
}

for tutorial in ${1:-kiosk vdi lab-gateway}; do
	say "$tutorial"
	cd "$DEBS" && play "$TREE/docs/tutorials/$tutorial.md" ||
		fail "$tutorial: see above"
	for device in $devices; do
		host device_del "$device"
	done
	for device in 1-1 2-1 2-2; do
		wait_gone 20 test -e "/sys/bus/usb/devices/$device"
	done
	devices=
	host chardev-remove line >/dev/null 2>&1
	barrier "$tutorial-over"
done
