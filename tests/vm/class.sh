#!/bin/bash
# class.sh - one class of devices, for real: gateway and workstation in one
# guest, a device in between, the ordinary driver at the end. Source it after
# functions.sh and sallyport.sh.
#
#	class_open [RULE]		both halves, everything allowed (or RULE)
#	class_using PROFILE		... under that profile instead
#	... plug a device ...
#	class_attach VID PID		sets $device (there) and $imported (here)
#	... use it: class_find, class_name ...
#	class_detach			no port in use, device ready again
#	class_close			the gateway ends

T=$GW/tls-ws1
device='' imported=''

# A failure shows what either half has to say about it.
fail() {
	say "FAIL: $*"
	echo "--- gateway"
	tail -n 15 /run/sallyportd.log 2>/dev/null
	tail -n 15 /tmp/softdev.log 2>/dev/null
	jq -c '[.event, .outcome, .refusal, .detail, .how, .facts,
	    .invalid]' "$AUDIT" \
	    2>/dev/null | tail -n 10
	echo "--- kernel"
	dmesg | tail -n 25
	exit 1
}

class_open() {
	pki_make || fail "pki"
	gateway_config 'default to any' "${1:-allow}"
	workstation_config ws1
	check "the gateway starts" gateway_start
}

# class_using PROFILE: every device is judged by it, also one that is attached.
class_using() {
	printf '%s\n' 'default to any' "allow using \"$1\"" \
	    >$GW/rules.d/10-bench.rules
	check "reload: using $1" sallyctl reload
}

# refused_line HOOK OUTCOME FACTS: of the first such refusal in the audit log,
# where its rule is and what it was about.
refused_line() {
	jq -ers --arg h "$1" --arg o "$2" --arg f "$3" 'map(select(
	    .event == "transfer" and .hook == $h and .outcome == $o and
	    (.facts | contains($f))))[0] // empty |
	    "\(.file):\(.line) \(.facts)"' "$AUDIT"
}

# refused_has HOOK OUTCOME FACTS: there is one; shows it.
refused_has() {
	wait_for 5 refused_line "$@" >/tmp/refused || {
		jq -c 'select(.event == "transfer") | [.hook, .outcome, .facts]' \
		    "$AUDIT" | tail -n 10
		fail "the audit log has no $2 of $1 $3"
	}
	say "ok: $2 by $(refused_line "$@")"
}

# class_busid VID PID gateway|workstation: the device on that side. No process
# is started per device: forty of them (the root hubs) take seconds.
class_busid() {
	local dir vid pid side
	for dir in /sys/bus/usb/devices/*[0-9]; do
		case $dir in
		*:*) continue ;;
		esac
		{
			read -r vid <"$dir/idVendor"
			read -r pid <"$dir/idProduct"
		} 2>/dev/null
		[ "$vid:$pid" = "$1:$2" ] || continue
		side=gateway
		case $(readlink -f "$dir") in
		*/vhci_hcd*) side=workstation ;;
		esac
		[ "$side" = "$3" ] || continue
		echo "${dir##*/}"
		return 0
	done
	return 1
}

class_attach() {
	wait_for 15 class_busid "$1" "$2" gateway ||
	    fail "no device $1:$2 on the gateway"
	device=$(class_busid "$1" "$2" gateway)
	check "the gateway has $device $1:$2" device_wait 20 "$device" ready
	check "attach" limit 30 sallyport attach --tls "$T" gateway "$device"
	wait_for 15 class_busid "$1" "$2" workstation ||
	    fail "$1:$2 does not appear"
	imported=$(class_busid "$1" "$2" workstation)
	say "$device there is $imported here, speed" \
	    "$(usb_attribute "$imported" speed) Mbit/s"
}

# class_find PATTERN: the first path below the imported device that matches,
# as find -path has it.
class_find() {
	local found
	found=$(find "/sys/bus/usb/devices/$imported/" -path "$1" \
	    2>/dev/null | sort | head -n 1)
	[ -n "$found" ] && echo "$found"
}

# class_name PATTERN: only the last part of it: a node in /dev.
class_name() {
	local found
	found=$(class_find "$1") && echo "${found##*/}"
}

# class_drivers: what is bound to the imported device's interfaces.
class_drivers() {
	local dir
	for dir in "/sys/bus/usb/devices/$imported:"*; do
		[ -e "$dir/driver" ] || continue
		echo "${dir##*:}=$(basename "$(readlink -f "$dir/driver")")"
	done | tr '\n' ' '
}

# class_untouched: no driver of the gateway has the device.
class_untouched() {
	local dir driver
	for dir in "/sys/bus/usb/devices/$device:"*; do
		[ -e "$dir/driver" ] || continue
		driver=$(basename "$(readlink -f "$dir/driver")")
		[ "$driver" = usbfs ] || {
			echo "$dir is bound to $driver"
			return 1
		}
	done
}

# class_detach: by the tool; the device must be free again.
class_detach() {
	check "detach" limit 20 sallyport detach all
	check "no port is in use" wait_for 10 vhci_idle
	check "the device is ready again" device_wait 20 "$device" ready
	check "the gateway's own drivers have not got it" class_untouched
	check "nothing is left of it here" wait_gone 10 \
	    test -e "/sys/bus/usb/devices/$imported"
}

# class_wire ID: what QEMU does with the character device ID is seen by this
# guest; prints the node of its end. QEMU connects the two to each other.
class_wire() {
	local port
	host chardev-add "socket,id=$1,path=../$1.sock,server=on,wait=off" &&
	    host chardev-add "socket,id=$1-far,path=../$1.sock" &&
	    host device_add \
		"virtserialport,chardev=$1-far,name=$1,id=$1-port" ||
	    return 1
	wait_for 10 grep -qsx "$1" /sys/class/virtio-ports/*/name || return 1
	port=$(grep -lsx "$1" /sys/class/virtio-ports/*/name)
	port=${port%/name}
	echo "/dev/${port##*/}"
}

# class_unwire ID: take it apart again.
class_unwire() {
	host device_del "$1-port"
	wait_gone 10 grep -qsx "$1" /sys/class/virtio-ports/*/name
	# Some devices take their end with them.
	host chardev-remove "$1-far" >/dev/null
	host chardev-remove "$1" >/dev/null
}

class_close() {
	check "the gateway stops" gateway_stop
}

# soft_plug MODEL [OPTION]...: a software device (softdev/) on the gateway's
# controller, its program in this guest; its log is /tmp/softdev.log.
soft_plug() {
	[ -x "$SALLYPORT_BUILD/$VARIANT/vm/softdev" ] ||
	    fail "$SALLYPORT_BUILD/$VARIANT/vm/softdev: run make tests"
	soft_node=$(class_wire soft) || fail "no wire"
	check "plug" host device_add usb-redir,chardev=soft,id=soft,bus=xhci.0
	"$SALLYPORT_BUILD/$VARIANT/vm/softdev" "$1" "$soft_node" "${@:2}" \
	    2>>/tmp/softdev.log &
	soft_pid=$!
}

soft_unplug() {
	kill "$soft_pid"
	wait "$soft_pid"
	check "unplug" host device_del soft
	class_unwire soft
	sed 's/^/    /' /tmp/softdev.log
}
