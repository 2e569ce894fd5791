#!/bin/bash
# drivers.sh - which drivers of the gateway's kernel got what. Source it after
# functions.sh and sallyport.sh.
#
#	uevents_start		from now on every event is written down
#	uevents_binds		prints who got what: "DRIVER INTERFACE", one a line
#	uevents_none [PATTERN]	nobody got anything, but for what PATTERN (an
#				extended regular expression on such a line) names
#
# Hubs and usbfs do not count, nor what the workstation half imports.

UEVENTS=/tmp/uevents

uevents_start() {
	: >$UEVENTS
	"$SALLYPORT_BUILD/$VARIANT/vm/uevents" >>$UEVENTS 2>$UEVENTS.err &
	echo $! >$UEVENTS.pid
	wait_for 5 grep -qx ready $UEVENTS
}

uevents_binds() {
	awk '$1 == "bind" && $2 == "usb" && $3 == "usb_interface" &&
	    $4 != "hub" && $4 != "usbfs" && $5 !~ /\/vhci_hcd/ {
		sub(".*/", "", $5)
		print $4, $5
	}' $UEVENTS
}

# The kernel sends in order, and this program writes each event at once: when
# the last plug is written, so is what came before it.
uevents_none() {
	local got
	kill -0 "$(cat $UEVENTS.pid)" || {
		cat $UEVENTS.err
		return 1
	}
	got=$(uevents_binds | grep -vE -- "${1:-^\$}")
	[ -z "$got" ] || {
		echo "$got"
		return 1
	}
}

# usb_product TEXT: bus id of the device of that name, on the gateway's side.
usb_product() {
	local dir name
	for dir in /sys/bus/usb/devices/*[0-9]; do
		name=''
		{ read -r name <"$dir/product"; } 2>/dev/null
		[ "$name" = "$1" ] || continue
		case $(readlink -f "$dir") in
		*/vhci_hcd*) continue ;;
		esac
		echo "${dir##*/}"
		return 0
	done
	return 1
}

# usb_drivers_of BUSID: its interfaces' drivers, usbfs aside.
usb_drivers_of() {
	local dir driver
	for dir in "/sys/bus/usb/devices/$1:"*; do
		driver=$(readlink "$dir/driver") || continue
		driver=${driver##*/}
		[ "$driver" = usbfs ] || echo "$driver"
	done
}

# driverless BUSID: none has one.
driverless() {
	[ -z "$(usb_drivers_of "$1")" ]
}

# driver_is BUSID DRIVER: its one interface has that one.
driver_is() {
	[ "$(usb_drivers_of "$1")" = "$2" ]
}

# key_seen BUSID KEY CODE: that key, pressed outside, comes out of its event
# device.
key_seen() {
	local node reader seen=1
	node=$(find "/sys/bus/usb/devices/$1/" -path '*/input/input*/event*' |
	    sort | head -n 1)
	node=/dev/input/${node##*/}
	[ -c "$node" ] || {
		echo "no event device of $1"
		return 1
	}
	cat "$node" >/tmp/key &
	reader=$!
	# It is open when the driver polls; QEMU sends to who was polled.
	sleep 1
	host sendkey "$2" 50
	# Type 1, the code, value 1: 24 bytes an event, these from the 16th.
	wait_for 10 eval "od -An -v -w24 -t d4 /tmp/key |
	    awk '\$5 == 1 + 65536 * $3 && \$6 == 1 { n = 1 } END { exit !n }'" &&
	    seen=0
	kill $reader
	wait $reader 2>/dev/null
	return $seen
}
