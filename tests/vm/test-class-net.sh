#!/bin/bash
# vm: --qemu -netdev --qemu hubport,id=h,hubid=1 --qemu -device --qemu virtio-net,netdev=h,romfile=
#
# Network adapters: ping and a TCP copy both ways, 4 MiB through the kernel's
# NCM gadget (high speed) and 1 MiB through QEMU's ECM adapter (full speed). The
# far end has a network namespace of its own.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need ip iproute2

modprobe -a cdc_ncm cdc_ether virtio_net
class_open
check "a place for the far end" ip netns add far
ip -n far link set lo up

# far_listen PORT FILE: one connection at the far end, which gets FILE; "-" says
# nothing, but does not hang up either.
mkfifo /tmp/silence
exec 7<>/tmp/silence
far_listen() {
	if [ "$2" = - ]; then
		ip netns exec far busybox nc -l -p "$1" <&7 &
	else
		ip netns exec far busybox nc -l -p "$1" <"$2" &
	fi
	listener=$!
	wait_for 10 eval "ip netns exec far ss -ltn | grep -q :$1" ||
	    fail "nothing listens on port $1"
}

# use FAR NEAR MIB: the two ends of one cable, and how much to copy.
use() {
	local far=$1 near=$2 mib=$3 want
	head -c "${mib}M" /dev/urandom >/tmp/sent
	want=$(sha256sum </tmp/sent)
	say "drivers: $(class_drivers), $near here, $far there"
	ip link set "$far" netns far || fail "cannot move $far"
	ip -n far addr add 10.9.9.1/24 dev "$far"
	ip -n far link set "$far" up
	ip addr add 10.9.9.2/24 dev "$near"
	ip link set "$near" up
	check "the far end answers" wait_for 20 \
	    busybox ping -c 1 -W 1 10.9.9.1
	busybox ping -c 5 -i 0.3 -W 3 10.9.9.1 | tail -n 2 | sed 's/^/    /'
	check "large ping" busybox ping -c 3 -i 0.3 -W 3 -s 4000 10.9.9.1

	# Linux's NCM gadget gathers frames, and forgets to send what it has when
	# its timer ran while all of its requests were on their way: TCP then
	# waits, longer each time. More frames get it going again. dummy_hcd
	# shows our transfers waiting for data meanwhile.
	busybox ping -q -i 0.2 -W 1 -s 4000 10.9.9.1 >/dev/null 2>&1 &
	nudge=$!
	began=$SECONDS
	far_listen 5000 - >/tmp/got
	check "copy there" limit 60 bash -c \
	    'cat /tmp/sent >/dev/tcp/10.9.9.1/5000'
	wait $listener
	[ "$(sha256sum </tmp/got)" = "$want" ] ||
	    fail "checksum there, $(stat -c %s /tmp/got) bytes"
	say "ok: $mib MiB there in $((SECONDS - began)) s," \
	    "sha256 ${want:0:16}, both"

	began=$SECONDS
	far_listen 5001 /tmp/sent >/dev/null
	check "copy here" limit 60 bash -c \
	    'cat </dev/tcp/10.9.9.1/5001 >/tmp/got'
	wait $listener
	[ "$(sha256sum </tmp/got)" = "$want" ] ||
	    fail "checksum here, $(stat -c %s /tmp/got) bytes"
	say "ok: $mib MiB here in $((SECONDS - began)) s," \
	    "sha256 ${want:0:16}, both"
	kill $nudge 2>/dev/null
}

say "NCM"
gadget_hcd high
gadget_new ncm 0525 a4a1 ncm
gadget_function ncm ncm.0
gadget_attribute ncm ncm.0 host_addr 02:00:00:00:09:02
gadget_attribute ncm ncm.0 dev_addr 02:00:00:00:09:01
check "plug" gadget_plug ncm
far=$(cat $GADGETS/ncm/functions/ncm.0/ifname)
class_attach 0525 a4a1
wait_for 10 class_name '*/net/*' || fail "no interface"
use "$far" "$(class_name '*/net/*')" 4
class_detach
gadget_remove ncm

say "ECM"
check "plug" host netdev_add hubport,id=hub-usb,hubid=1
check "plug" host device_add \
	usb-net,netdev=hub-usb,id=net,mac=02:00:00:00:08:02,bus=xhci.0
# The far end is a network card of the guest, on the same hub in QEMU.
pci_nic() {
	local dir
	for dir in /sys/class/net/*; do
		case $(readlink "$dir/device/driver") in
		*/virtio_net)
			echo "${dir##*/}"
			return 0
			;;
		esac
	done
	return 1
}
wait_for 10 pci_nic || fail "no far end"
far=$(pci_nic)
class_attach 0525 a4a2
wait_for 10 class_name '*/net/*' || fail "no interface"
use "$far" "$(class_name '*/net/*')" 1
class_detach
check "unplug" host device_del net
class_close
