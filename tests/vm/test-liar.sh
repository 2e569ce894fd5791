#!/bin/bash
# vm: --guests 1 --timeout 900 --append slub_debug=FZP --append page_poison=1
#
# A hostile gateway before a real vhci_hcd, whose kernel looks after its memory:
# red zones and poison around each allocation. Whatever the gateway says, the
# kernel has nothing to complain of: the relay ends the connection with its
# reason, or made true what was a lie. SIZE=long has all lies, otherwise there
# are those that would move the kernel's memory and some of each other kind.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

TOOLS=$(dirname "$(command -v sallyport)")/../vm
T=$GW/tls-ws1
PORT=3241
for tool in liargw liarurbs; do
	[ -x "$TOOLS/$tool" ] || fail "$TOOLS/$tool: run make tests"
done

fail() {
	say "FAIL: $*"
	cat /tmp/liar.log /tmp/relay.log /tmp/attach.log 2>/dev/null
	dmesg | tail -n 20
	exit 1
}

# What the kernel says when memory, or the relay's protocol, is broken. The
# last are vhci_hcd's own words for replies that it does not believe.
COMPLAINTS='BUG|[Rr]edzone|[Pp]oison overwritten|corrupt|Oops|WARNING'
COMPLAINTS+='|cannot find a urb|unknown pdu|total length of iso|recv xbuf'
COMPLAINTS+='|fail to unpack|actual length of'

# imported: the node of the attached device
imported() {
	local dir vid
	for dir in /sys/devices/platform/vhci_hcd.*/usb*/*-*; do
		{ read -r vid <"$dir/idVendor"; } 2>/dev/null || continue
		[ "$vid" = 1209 ] && usb_node "${dir##*/}" && return 0
	done
	return 1
}

# try NUMBER REASON WHAT
try() {
	local node got=0 reason=$2 what=$3 gateway
	: >/tmp/relay.log
	"$TOOLS/liargw" $PORT $GW/tls/ca.pem $GW/tls/cert.pem $GW/tls/key.pem \
	    "$1" >/tmp/liar.log 2>&1 &
	gateway=$!
	wait_for 10 grep -q ':0CA9 00000000:0000 0A' /proc/net/tcp || fail "$what: no gateway"
	limit 60 sallyport attach --tls "$T" --port $PORT --log /tmp/relay.log \
	    gateway 3-2 >/tmp/attach.log 2>&1 || got=$?
	if [ $got = 0 ] && wait_for 10 imported; then
		node=$(imported)
		wait_for 5 test -c "$node"
		# the kernel's own drivers come first, or not at all
		got=0
		limit 60 "$TOOLS/liarurbs" "$node" 2 >/tmp/urbs.log 2>&1 ||
		    got=$?
	else
		got=1
	fi
	grep -q told /tmp/liar.log || fail "$what: never said"
	if [ "$reason" = - ]; then
		[ $got = 0 ] || fail "$what: $got: $(cat /tmp/urbs.log)"
		limit 20 sallyport detach all >/dev/null ||
		    fail "$what: detach"
	else
		[ $got = 1 ] || fail "$what: $got: $(cat /tmp/urbs.log)"
		wait_for 10 grep -q "ended: .*$reason" /tmp/relay.log ||
		    fail "$what: the relay does not say: $reason"
	fi
	wait_for 15 vhci_idle || fail "$what: a port is in use"
	kill $gateway
	wait $gateway 2>/dev/null
	if dmesg | grep -E "$COMPLAINTS" >/tmp/complaints; then
		cat /tmp/complaints
		fail "$what: the kernel complains"
	fi
	say "ok: $what: ${reason/#-/goes on}"
}

mkdir -p $GW/tls
pki_make || fail "pki"
cp $PKI/gateway/{ca,cert,key}.pem $GW/tls/
workstation_config ws1
usb_drivers
modprobe vhci-hcd || fail "vhci_hcd"
check "red zones" grep -qx 1 /sys/kernel/slab/kmalloc-64/red_zone
check "poison" grep -qx 1 /sys/kernel/slab/kmalloc-64/poison
dmesg -C

"$TOOLS/liargw" list | sort -t "$(printf '\t')" -k 2,2r -k 1,1n >/tmp/lies
declare -A seen
n=0
while IFS=$'\t' read -r number kind reason what; do
	key=$kind$reason
	[ "$kind:$reason" != "iso:-" ] || key=$what
	if [ "${SIZE:-}" != long ]; then
		case $kind:$reason in
		iso:packet* | iso:number* | *:- | bulk:actual_length*) ;;
		unlink:*'taken back' | face:*earlier*) ;;
		*) continue ;;
		esac
		[ -z "${seen[$key]:-}" ] || continue
	fi
	seen[$key]=1
	try "$number" "$reason" "$kind: $what"
	n=$((n + 1))
done </tmp/lies
[ $n -ge 12 ] || fail "$n lies"
say "$n lies, and the kernel has nothing to complain of"
