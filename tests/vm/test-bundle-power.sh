#!/bin/bash
# vm: --guests 1 --timeout 590 --qemu -device --qemu pcie-root-port,id=rp0,chassis=1
# vm-waits
# vm-rounds: 10
#
# A publisher's list that drops a device ejects it from the workstation within a
# second. Then the power goes while a list is swapped, five times and each time
# at another moment: the gateway comes up with a whole list, the one before or
# the next one, while its source is not there.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

CUTS=5
P=/shared/publisher
state=/var/lib/sallyport

# publish SERIAL RULE...: it lies there, ready to be found.
publish() {
	local serial=$1
	shift
	mkdir -p $P/src/rules.d $P/out
	printf '%s\n' "$@" >$P/src/rules.d/10.rules
	# so much that writing it takes a while
	[ -s $P/src/weight ] || head -c 2000000 /dev/urandom >$P/src/weight
	sallyport-policy bundle create $P/src --serial "$serial" \
	    --expires 30d --no-test -o $P/new.tar &&
	    sallyport-policy bundle sign $P/new.tar --key $P/key.pem &&
	    chmod 644 $P/new.tar $P/new.tar.sig &&
	    mv $P/new.tar.sig $P/out/x.tar.sig &&
	    mv $P/new.tar $P/out/x.tar
}

bundle() {
	sallyctl --json status | jq -r ".bundle.$1"
}

bundle_is() {
	[ "$(bundle serial)" = "$1" ]
}

# The disk of the gateway's state: what was not synced is lost with the power.
disk_up() {
	modprobe virtio_blk
	[ "$BOOT" -gt 1 ] || {
		truncate -s 64M /shared/state.img
		host drive_add 0 if=none,id=state,file=shared/state.img,format=raw
		host device_add virtio-blk-pci,drive=state,id=disk,bus=rp0
	}
	wait_for 20 [ -b /dev/vda ] || fail "no disk"
	[ "$BOOT" -gt 1 ] || mkfs.ext4 -q /dev/vda || fail "mkfs"
	modprobe ext4
	mkdir -p $state
	mount /dev/vda $state || fail "mount"
	chown sallyport:sallyport $state
	chmod 700 $state
}

gateway_up() {
	gateway_config 'block id 1234:5678'
	# /shared is 9p, whose files Landlock does not know again
	cp $P/key.pub $GW/publisher.pub
	chmod 644 $GW/publisher.pub
	printf '%s\n' "[bundle]" "source = $P/out/x.tar" \
	    "keys = $GW/publisher.pub" "interval = 1" >>$GW/gateway.conf
	disk_up
	check "boot $BOOT: the gateway starts" gateway_start
}

# settled: the book has another one, and whatever was waited for is over.
settled() {
	[ $state/bundles.json -nt /run/published ]
}

# appears PATTERN: a file of that name, seen as soon as bash can.
appears() {
	until compgen -G "$state/$1" >/dev/null || settled; do
		:
	done
}

# cut N: the power goes, at the Nth moment, while serial N is taken. QEMU's
# monitor takes its time: meanwhile the warden stands still, or it would be done.
cut() {
	local n=$1 warden
	warden=$(pgrep -x sallyport-warde)
	publish "$n" 'allow to "dns:ws1.bench.example"' >/dev/null ||
	    fail "publish $n"
	: >/run/published
	echo "$n" >/shared/next
	case $((n % 5)) in
	0) appears 'bundle-*.sig.new' ;;
	1) appears 'bundle-*.tar.new' ;;
	2) until settled || [ -s $state/bundle-a.tar.new ] ||
		[ -s $state/bundle-b.tar.new ]; do :; done ;;
	3) appears 'bundles.json.new' ;;
	4) wait_for 60 bundle_is "$n" ;;
	esac
	kill -STOP "$warden"
	(cd $state && shopt -s nullglob && echo *.new) >/shared/files
	say "the power goes"
	host reboot
	fail "the guest survived its reset"
}

ejection() {
	usb_drivers
	workstation_config ws1
	gadget_hcd high
	truncate -s 8M /tmp/disk.img
	check "a drive is plugged in" gadget_storage drive /tmp/disk.img
	wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
	drive=$(usb_busid 0525 a4a5)
	check "it is ready" device_wait 30 "$drive" ready
	check "attach" limit 60 sallyport attach --tls $GW/tls-ws1 gateway \
	    "$drive"
	check "the disk is there" wait_for 30 imported_disk
	publish 2 'forbid with-class mass-storage' \
	    'allow to "dns:ws1.bench.example"' >/dev/null || fail "publish 2"
	check "a list without it is taken" wait_for 30 bundle_is 2
	check "the disk is gone" wait_gone 10 imported_disk
	ms=$(jq -s '(map(select(.event == "bundle" and .outcome == "taken"))
		[-1].mono_ms) as $t |
		map(select(.outcome == "ejected"))[-1].mono_ms - $t' $AUDIT)
	check "within a second" [ "$ms" -lt 1000 ]
	say "ok: ejected $ms ms after the list took effect"
}

if [ "$BOOT" = 1 ]; then
	need openssl openssl
	need mkfs.ext4 e2fsprogs
	mkdir -p $P
	pki_make || fail "pki"
	openssl ecparam -name prime256v1 -genkey -noout -out $P/key.pem &&
	    openssl ec -in $P/key.pem -pubout -out $P/key.pub 2>/dev/null ||
	    fail "keys"
	gateway_up
	check "nothing is exported before there is a list" [ "$(bundle serial)" \
	    = null ]
	publish 1 'allow to "dns:ws1.bench.example"' >/dev/null ||
	    fail "publish 1"
	check "the first list is taken" wait_for 30 bundle_is 1
	ejection
	cut 3
fi

# What was there when the power went, without what there is now.
mv $P/out $P/away
gateway_up
n=$(cat /shared/next)
serial=$(bundle serial)
case $serial in
"$n" | $((n - 1))) say "ok: boot $BOOT: serial $serial is in force, whole" ;;
*) fail "boot $BOOT: serial $serial, expected $((n - 1)) or $n:" \
    "$(sallyctl status)" ;;
esac
check "boot $BOOT: as it was stored" [ "$(bundle sha256)" = \
    "$(jq -r '.current as $c | .slots[$c].sha256' $state/bundles.json)" ]
check "boot $BOOT: with its rules" [ "$(sallyctl --json status |
	jq .rules)" -ge 2 ]
say "row: cut while $n is taken, with [$(cat /shared/files)]: then $serial is in" \
    "force, whole"
mv $P/away $P/out
if [ "$n" -lt $((CUTS + 2)) ]; then
	check "boot $BOOT: the next one is taken" wait_for 60 bundle_is "$n"
	cut $((n + 1))
fi
check "the last one is taken in the end" wait_for 60 bundle_is "$n"
check "the gateway stops" gateway_stop
