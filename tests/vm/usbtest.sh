#!/bin/bash
# usbtest.sh - the kernel's usbtest cases for test scripts: devices that they
# run on, one case with its deadline, and the table of results. Source it after
# functions.sh and sallyport.sh.
#
# Columns are "local high", "ours high", "local super", "ours super". A cell is
# the seconds that usbtest measured, "errno N", or "hung"; with "/COUNT" behind
# it where that is not the count of the row.

USBTEST_TOOLS=$(dirname "$(command -v sallyport)")/../vm
# Seconds that one case may take. The longest, 1000 unlinks, takes 20 to 50.
USBTEST_LIMIT=${USBTEST_LIMIT:-120}

declare -A usbtest_cell

USBTEST_WHAT=(
	"nop" "bulk write" "bulk read" "bulk write, vary" "bulk read, vary"
	"sg write" "sg read" "sg write, vary" "sg read, vary"
	"chapter 9 subset" "queued control" "unlink reads" "unlink writes"
	"halt set and clear" "control out" "iso write" "iso read"
	"bulk write, odd" "bulk read, odd" "bulk write, odd, mapped"
	"bulk read, odd, mapped" "control out, odd" "iso write, odd"
	"iso read, odd" "unlink queued writes" "interrupt write"
	"interrupt read" "bulk write, queued" "bulk read, queued"
	"toggle clear"
)

#
# Devices, 0525:a4a0 both, as usbtest expects "gadget zero" to be
#

# zero_plug UDC: serial "zero"; source/sink, and loopback as its second
# configuration.
zero_plug() {
	local g=$GADGETS/zero
	gadget_new zero 0525 a4a0 zero &&
	    echo 0xff >"$g/bDeviceClass" &&
	    mkdir -p "$g/configs/c.2/strings/0x409" &&
	    echo loopback >"$g/configs/c.2/strings/0x409/configuration" &&
	    mkdir "$g/functions/SourceSink.0" "$g/functions/Loopback.0" &&
	    ln -s "$g/functions/SourceSink.0" "$g/configs/c.1/" &&
	    ln -s "$g/functions/Loopback.0" "$g/configs/c.2/" &&
	    echo "$1" >"$g/UDC"
}

zero_remove() {
	local g=$GADGETS/zero
	gadget_unplug zero
	rm "$g/configs/c.2/Loopback.0"
	rmdir "$g/configs/c.2/strings/0x409" "$g/configs/c.2"
	gadget_remove zero
}

# interrupts_plug UDC: serial "ints"; an interrupt endpoint each way, which the
# kernel's source/sink does not have; ffs_int plays it.
interrupts_plug() {
	local line
	gadget_new ints 0525 a4a0 ints &&
	    echo 0xff >"$GADGETS/ints/bDeviceClass" &&
	    gadget_function ints ffs.ints &&
	    mkdir -p /run/ffs.ints &&
	    mount -t functionfs ints /run/ffs.ints || return 1
	exec {ints_fd}< <(exec "$USBTEST_TOOLS/ffs_int" /run/ffs.ints 2>&1)
	ints_pid=$!
	read -r -t 20 line <&"$ints_fd"
	[ "$line" = ready ] || { echo "ffs_int: $line"; return 1; }
	gadget_plug ints "$1"
}

interrupts_remove() {
	gadget_unplug ints
	kill "$ints_pid"
	wait "$ints_pid" 2>/dev/null
	exec {ints_fd}<&-
	umount /run/ffs.ints
	gadget_remove ints
}

# iso_plug SPEED PORT: simgw, a gateway with a simulated device, attached here:
# "BUSID" in $imported. usbtest takes its alternate with isochronous endpoints.
iso_plug() {
	local line
	exec {iso_fd}< <(exec "$USBTEST_TOOLS/simgw" "$2" "$1" \
	    $GW/tls/ca.pem $GW/tls/cert.pem $GW/tls/key.pem 2>/tmp/simgw.log)
	iso_pid=$!
	read -r -t 20 line <&"$iso_fd"
	[ "$line" = ready ] || { cat /tmp/simgw.log; return 1; }
	modprobe -r usbtest && modprobe usbtest alt=1 || return 1
	limit 30 sallyport attach --tls "$T" --port "$2" \
	    --log /tmp/relay-iso.log gateway 3-2 || {
		cat /tmp/simgw.log
		return 1
	}
	wait_for 20 some_imported
}
some_imported() {
	imported=$(vhci_busids | head -n 1)
	[ -n "$imported" ]
}

iso_remove() {
	limit 20 sallyport detach all
	kill "$iso_pid"
	wait "$iso_pid" 2>/dev/null
	exec {iso_fd}<&-
	modprobe -r usbtest && modprobe usbtest
}

#
# Cases
#

# imported SERIAL: "BUSID" of that imported device in $imported. No programs are
# started, since each costs a guest a tenth of a second.
imported() {
	local dir serial
	for dir in /sys/devices/platform/vhci_hcd.*/usb*/[0-9]*-[0-9]*; do
		[ -e "$dir/serial" ] || continue
		read -r serial <"$dir/serial"
		[ "$serial" = "$1" ] || continue
		imported=${dir##*/}
		return 0
	done
	return 1
} 2>/dev/null

# usbtest_is_bound BUSID
usbtest_is_bound() {
	[ -e "/sys/bus/usb/drivers/usbtest/$1:1.0" ]
}

# usbtest_count CASE: how often it runs through ours, in $count. 1000 unlinks,
# since races need their chance.
usbtest_count() {
	case $1 in
	11 | 12 | 24) count=1000 ;;
	*) count=100 ;;
	esac
}

# usbtest_arg CASE COLUMN: "CASE,COUNT,LENGTH,VARY" in $arg. A step of a varied
# length at SuperSpeed is a whole packet, or reads babble. Unlinks of the device
# itself only pass the time, 20 ms each: fewer, but for $SIZE=long.
usbtest_arg() {
	local count
	usbtest_count "$1"
	[ "${2% *}" = ours ] || [ "$SIZE" = long ] || count=100
	arg=$1,$count,1024,512
	case $1-${2#* } in
	[3478]-super) arg=$1,$count,4096,1024 ;;
	1[56]-* | 2[23]-*) arg=$1,$count,8192,512,8 ;; # packets, URBs
	esac
}

# What everybody was doing when a case did not end.
usbtest_autopsy() {
	local pid
	for pid in $(pgrep -f 'usbtest|sallyport'); do
		echo "-- $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		grep State "/proc/$pid/status"
		echo "wchan $(cat "/proc/$pid/wchan")"
		cat "/proc/$pid/stack"
	done
	for pid in $(pgrep 'vhci_[rt]x'); do
		echo "-- $pid $(cat "/proc/$pid/comm")"
		cat "/proc/$pid/stack"
	done
	cat /sys/devices/platform/vhci_hcd.0/status
	usbtest_logs
}

usbtest_logs() {
	echo "-- audit"
	tail -n 12 "$AUDIT"
	echo "-- gateway"
	tail -n 12 /run/sallyportd.log
	echo "-- relay"
	tail -n 12 /tmp/relay-*.log
	echo "-- kernel"
	dmesg | tail -n 25
} 2>/dev/null

# usbtest_cases COLUMN BUSID CASE...: all of them, whatever fails; results go
# into the table. Returns 1 when one failed, and 2 when one never ended: that one
# holds the device for ever, so that the rest is left out.
usbtest_cases() {
	local column=$1 node fd line case arg count got=0 args=()
	node=$(usb_node "$2")
	shift 2
	for case in "$@"; do
		usbtest_arg "$case" "$column"
		args+=("$arg")
	done
	exec {fd}< <(exec "$USBTEST_TOOLS/usbtest" "$node" "${args[@]}" 2>&1)
	for case in "$@"; do
		if ! read -r -t "$USBTEST_LIMIT" line <&"$fd"; then
			usbtest_cell[$case $column]=hung
			say "$column: case $case: did not end in" \
			    "$USBTEST_LIMIT s: $line"
			usbtest_autopsy
			return 2
		fi
		case $line in
		"case $case: pass "*)
			line=${line##* }
			usbtest_cell[$case $column]=${line%???}
			;;
		*)
			usbtest_cell[$case $column]=${line#*: }
			say "$column: $line"
			usbtest_logs
			got=1
			;;
		esac
		usbtest_count "$case"
		usbtest_arg "$case" "$column"
		[[ $arg = $case,$count,* ]] || {
			arg=${arg#*,}
			usbtest_cell[$case $column]+=/${arg%%,*}
		}
	done
	exec {fd}<&-
	return "$got"
}

# usbtest_table: cases by columns.
usbtest_table() {
	local case column count
	local columns=("local high" "ours high" "local super" "ours super")
	printf '%-27s %5s' "case of usbtest, seconds" times
	printf ' %11s' "${columns[@]}"
	echo
	for case in "${!USBTEST_WHAT[@]}"; do
		usbtest_count "$case"
		printf '%2d %-24s %5d' \
		    "$case" "${USBTEST_WHAT[$case]}" "$count"
		for column in "${columns[@]}"; do
			printf ' %11s' "${usbtest_cell[$case $column]:--}"
		done
		echo
	done
}
