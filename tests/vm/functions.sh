#!/bin/bash
# functions.sh - what test scripts for the guests share.  For bash.
#
# Source it as the first thing:  . "$BENCH/functions.sh"
# Everything here runs as root inside a guest; see README.md.

# Seconds since the guest's kernel started.
uptime_now() {
	local up
	read -r up _ </proc/uptime
	echo "$up"
}

# say TEXT...: one line with the time.
say() {
	printf '[%7s] %s\n' "$(uptime_now)" "$*"
}

# fail TEXT...: end the test here.
fail() {
	say "FAIL: $*"
	exit 1
}

# skip TEXT...: end the test here as not applicable.
skip() {
	say "SKIP: $*"
	exit 77
}

# check TEXT CMD...: CMD must succeed; its output is shown if it does not.
check() {
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then
		say "ok: $text"
	else
		[ -z "$out" ] || printf '%s\n' "$out"
		fail "$text: $*"
	fi
}

# check_not TEXT CMD...: CMD must fail.
check_not() {
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then
		[ -z "$out" ] || printf '%s\n' "$out"
		fail "$text: $*"
	fi
	say "ok: $text"
}

# expect_exit CODE CMD...: CMD must exit with CODE; its output is shown.
expect_exit() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] || fail "exit status $got, not $want: $*"
	say "ok: exit status $want: $*"
}

# expect_line PATTERN CMD...: CMD's output must have a line matching the
# extended regular expression; exit status is not looked at.
expect_line() {
	local pattern=$1 out
	shift
	out=$("$@" 2>&1)
	if ! grep -qE -- "$pattern" <<<"$out"; then
		printf '%s\n' "$out"
		fail "no line like '$pattern': $*"
	fi
	say "ok: '$pattern' in the output of: $*"
}

# wait_for SECONDS CMD...: run CMD until it succeeds; fails (returns 1) after
# SECONDS.  Use "wait_for 5 CMD || fail ..." or wrap it in check.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# wait_gone SECONDS CMD...: the same, until CMD fails.
wait_gone() {
	local end=$((SECONDS + $1))
	shift
	while "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# limit SECONDS CMD...: CMD with a deadline of its own (124 when reached).
limit() {
	timeout -k 2 "$@"
}

# need CMD PACKAGE: skip the test if the host lacks a program.
need() {
	command -v "$1" >/dev/null ||
	    skip "$1 is not here: install the package $2"
}

# user_add NAME...: system users with groups of their own, in this guest only.
user_add() {
	local name id
	for name in "$@"; do
		getent passwd "$name" >/dev/null && continue
		id=900
		while getent passwd "$id" >/dev/null ||
		    getent group "$id" >/dev/null; do
			id=$((id + 1))
		done
		echo "$name:x:$id:" >>/etc/group
		echo "$name:x:$id:$id::/nonexistent:/usr/sbin/nologin" \
		    >>/etc/passwd
	done
}

#
# USB as the kernel shows it
#

# usb_drivers: load the class drivers (nothing loads them on plug here).
usb_drivers() {
	modprobe -a sd_mod usb-storage uas usbhid hid-generic evdev
}

# usb_attribute BUSID NAME: print an attribute, nothing if it has none.
usb_attribute() {
	local value=''
	{ read -r value <"/sys/bus/usb/devices/$1/$2"; } 2>/dev/null
	echo "$value"
}

# usb_busid VID PID [SERIAL]: print the bus id of the first such device.
usb_busid() {
	local dir vid pid serial
	for dir in /sys/bus/usb/devices/*; do
		vid='' pid='' serial=''
		{
			read -r vid <"$dir/idVendor"
			read -r pid <"$dir/idProduct"
			read -r serial <"$dir/serial"
		} 2>/dev/null
		[ "$vid:$pid" = "$1:$2" ] || continue
		[ "${3:-$serial}" = "$serial" ] || continue
		echo "${dir##*/}"
		return 0
	done
	return 1
}

# usb_node BUSID: print the path of its usbfs node.
usb_node() {
	printf '/dev/bus/usb/%03d/%03d\n' \
	    "$(usb_attribute "$1" busnum)" "$(usb_attribute "$1" devnum)"
}

# usb_disk BUSID: print the name of its first disk (sda).
usb_disk() {
	local dir
	dir=$(find "/sys/bus/usb/devices/$1/" -maxdepth 8 -path '*/block/*' \
	    -prune 2>/dev/null | head -n 1)
	[ -n "$dir" ] && echo "${dir##*/}"
}

#
# Gadgets: USB devices made by this guest's kernel on dummy_hcd
#
GADGETS=/sys/kernel/config/usb_gadget

# gadget_hcd high|super [NUM]: load NUM software ports of that speed.
gadget_hcd() {
	local super=0
	[ "$1" != super ] || super=1
	modprobe -r dummy_hcd 2>/dev/null
	modprobe -a libcomposite || return 1
	modprobe dummy_hcd "is_super_speed=$super" "num=${2:-1}"
}

# gadget_new NAME VID PID SERIAL: an empty gadget with one configuration.
gadget_new() {
	local g=$GADGETS/$1
	mkdir -p "$g/strings/0x409" "$g/configs/c.1/strings/0x409" || return 1
	echo "0x$2" >"$g/idVendor"
	echo "0x$3" >"$g/idProduct"
	echo 0x0100 >"$g/bcdDevice"
	echo "Bench" >"$g/strings/0x409/manufacturer"
	echo "Gadget $1" >"$g/strings/0x409/product"
	echo "$4" >"$g/strings/0x409/serialnumber"
	echo "$1" >"$g/configs/c.1/strings/0x409/configuration"
}

# gadget_function NAME FUNCTION: make FUNCTION (mass_storage.0) and use it in
# the configuration; attributes are set before with gadget_attribute.
gadget_function() {
	mkdir -p "$GADGETS/$1/functions/$2"
}

# gadget_attribute NAME FUNCTION ATTRIBUTE VALUE
gadget_attribute() {
	echo "$4" >"$GADGETS/$1/functions/$2/$3"
}

# gadget_plug NAME [UDC]: link the functions that are not yet linked, connect.
gadget_plug() {
	local g=$GADGETS/$1 f
	for f in "$g"/functions/*; do
		[ -e "$g/configs/c.1/${f##*/}" ] ||
		    ln -s "$f" "$g/configs/c.1/"
	done
	echo "${2:-dummy_udc.0}" >"$g/UDC"
}

# gadget_unplug NAME: disconnect first and wait until the host's side has seen
# it: a request that arrives while the gadget is unbound corrupts the kernel
# that plays it (composite_setup_complete on freed memory, Linux 6.1).
gadget_unplug() {
	local g=$GADGETS/$1 udc vid pid serial
	udc=$(cat "$g/UDC")
	[ -n "$udc" ] || return 0
	vid=$(sed 's/^0x//' "$g/idVendor")
	pid=$(sed 's/^0x//' "$g/idProduct")
	serial=$(cat "$g/strings/0x409/serialnumber")
	echo disconnect >"/sys/class/udc/$udc/soft_connect"
	wait_gone 5 usb_busid "$vid" "$pid" "$serial"
	echo >"$g/UDC"
}

# gadget_remove NAME: unplug it and take it apart.
gadget_remove() {
	local g=$GADGETS/$1 f
	[ -d "$g" ] || return 0
	gadget_unplug "$1"
	for f in "$g"/configs/c.1/*.*; do
		[ ! -L "$f" ] || rm "$f"
	done
	rmdir "$g"/configs/c.1/strings/0x409 "$g"/configs/c.1 \
	    "$g"/functions/* "$g"/strings/0x409 "$g"
}

# gadget_sourcesink NAME [UDC]: the kernel's source/sink for usbtest
# (0525:a4a0), speed as the port has it.
gadget_sourcesink() {
	gadget_new "$1" 0525 a4a0 "$1" &&
	    echo 0xff >"$GADGETS/$1/bDeviceClass" &&
	    gadget_function "$1" SourceSink.0 &&
	    gadget_plug "$1" "${2:-}"
}

# gadget_storage NAME FILE [UDC]: a removable drive backed by FILE.
gadget_storage() {
	gadget_new "$1" 0525 a4a5 "$1" &&
	    gadget_function "$1" mass_storage.0 &&
	    gadget_attribute "$1" mass_storage.0 lun.0/removable 1 &&
	    gadget_attribute "$1" mass_storage.0 lun.0/file "$2" &&
	    gadget_plug "$1" "${3:-}"
}

# The report descriptor of a boot keyboard: 8 modifier bits, a reserved byte,
# 5 LED bits out, 6 key codes.
KEYBOARD_REPORT='\x05\x01\x09\x06\xa1\x01\x05\x07\x19\xe0\x29\xe7\x15\x00'
KEYBOARD_REPORT+='\x25\x01\x75\x01\x95\x08\x81\x02\x95\x01\x75\x08\x81\x03'
KEYBOARD_REPORT+='\x95\x05\x75\x01\x05\x08\x19\x01\x29\x05\x91\x02\x95\x01'
KEYBOARD_REPORT+='\x75\x03\x91\x03\x95\x06\x75\x08\x15\x00\x25\x65\x05\x07'
KEYBOARD_REPORT+='\x19\x00\x29\x65\x81\x00\xc0'

# gadget_keyboard NAME [UDC]: a boot keyboard; write reports to /dev/hidg0.
gadget_keyboard() {
	gadget_new "$1" 0525 a4ac "$1" &&
	    gadget_function "$1" hid.0 &&
	    gadget_attribute "$1" hid.0 protocol 1 &&
	    gadget_attribute "$1" hid.0 subclass 1 &&
	    gadget_attribute "$1" hid.0 report_length 8 &&
	    printf '%b' "$KEYBOARD_REPORT" \
		>"$GADGETS/$1/functions/hid.0/report_desc" &&
	    gadget_plug "$1" "${2:-}"
}

# keyboard_type CODE...: press and release keys by HID usage (4 = a).
keyboard_type() {
	local code
	for code in "$@"; do
		printf '%b' "\\0\\0\\x$(printf %02x "$code")\\0\\0\\0\\0\\0" \
		    >/dev/hidg0
		printf '\0\0\0\0\0\0\0\0' >/dev/hidg0
	done
}
