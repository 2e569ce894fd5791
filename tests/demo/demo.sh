#!/bin/bash
# One guarded device, end to end, told while it happens. Runs in two guests
# (gateway, workstation); tests/demo/run starts it.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

tell() {
	echo
	echo "== $*"
}

# show CMD...: the command as a person types it, then its output.
show() {
	echo "\$ $*"
	"$@" 2>&1 | sed 's/^/    /'
	return "${PIPESTATUS[0]}"
}

gateway() {
	local drive kbd
	tell "A CA, a certificate for this gateway, two for workstations" \
	    "(and a CA that nobody here trusts)"
	check "certificates are made" pki_make
	gateway_config \
	    'workstations bench = { "dns:*.bench.example" }' \
	    'allow with-interface one-of { 08:06:50 } to "@bench" key "DRIVES"' \
	    'block with-interface one-of { 03:*:* } key "NO-KEYBOARDS"'
	show cat $GW/rules.d/10-bench.rules
	tell "The gateway starts: one small process as root, the rest without" \
	    "privileges"
	check "sallyportd is up" gateway_start
	ps -eo user:12,args | grep '[s]allyport' | sed 's/^/    /'

	tell "Two devices are plugged in: a USB drive and a keyboard"
	host device_add usb-storage,id=drive,drive=disk0,bus=xhci.0 >/dev/null
	host device_add usb-kbd,id=kbd,bus=xhci.0 >/dev/null
	wait_for 20 usb_busid 46f4 0001 >/dev/null || fail "no drive appeared"
	wait_for 20 usb_busid 0627 0001 >/dev/null || fail "no keyboard appeared"
	drive=$(usb_busid 46f4 0001)
	kbd=$(usb_busid 0627 0001)
	device_wait 20 "$drive" ready || fail "the drive is not ready"
	device_wait 20 "$kbd" ready || fail "the keyboard is not ready"
	show sallyctl devices
	check "no kernel driver of the gateway has the drive" \
	    [ ! -e "/sys/bus/usb/devices/$drive:1.0/driver" ]
	printf '%s\n%s\n' "$drive" "$kbd" >/shared/busids
	barrier plugged

	barrier busy-tried || return 1
	tell "Who has it, as the gateway sees it"
	show sallyctl sessions

	barrier written || return 1
	tell "The drive is pulled out of the gateway"
	host device_del drive >/dev/null
	barrier pulled
	barrier noticed || return 1
	check "the gateway has forgotten it" \
	    wait_gone 10 device_is "$drive" held

	tell "Every decision, from the audit log"
	jq -r '
	    def who: .session.name // .session.peer // "-";
	    def what: .device.name // .device.busid // .busid // "-";
	    def rule: if .rule == null then ""
		elif .rule == "implicit" then " [implicit]"
		else " [\(.rule.key // "rule") \(.rule.file | sub(".*/"; "")):\(.rule.line)]"
		end;
	    "    \(.time[11:23])  \(.event) \(.outcome // "")  \(what)  \(who)\(rule)"
	' $AUDIT
	check "an import was allowed, one blocked, one told busy" \
	    eval 'audit_has import allowed && audit_has import blocked &&
		audit_has import busy'
	check "the gateway stops" gateway_stop
}

workstation() {
	local drive kbd list disk sum want out rc
	barrier plugged || return 1
	drive=$(sed -n 1p /shared/busids)
	kbd=$(sed -n 2p /shared/busids)
	workstation_config ws1 && workstation_config ws2 &&
	    workstation_config stranger || fail "no certificates"
	usb_drivers

	tell "What may this workstation have?"
	show sallyport list --tls $GW/tls-ws1 gateway || fail "list"
	list=$(sallyport list --tls $GW/tls-ws1 --json gateway)
	check "exactly one device is listed: the drive" \
	    [ "$(jq -c '[.devices[].busid]' <<<"$list")" = "[\"$drive\"]" ]

	tell "It attaches the drive"
	show sallyport attach --tls $GW/tls-ws1 gateway "$drive" ||
	    fail "attach"
	wait_for 20 imported_disk >/dev/null || fail "no disk appeared"
	disk=$(imported_disk)
	wait_for 10 [ -b "/dev/$disk" ] || fail "no device node"
	check "the kernel here mounts its file system" \
	    eval "mkdir -p /mnt && mount /dev/$disk /mnt"
	sum=$(sha256sum </mnt/payload.bin)
	want=$PAYLOAD_SHA256
	echo "    sha256 of 16 MiB read: ${sum%% *}"
	echo "    sha256 expected:       ${want%% *}"
	check "the 16 MiB file is the same, bit for bit" \
	    [ "${sum%% *}" = "${want%% *}" ]

	tell "The keyboard is not for this workstation. Asking for it by name" \
	    "answers like a device that does not exist"
	out=$(sallyport attach --tls $GW/tls-ws1 gateway "$kbd" 2>&1)
	rc=$?
	echo "    $kbd: exit $rc: $out"
	list=$(sallyport attach --tls $GW/tls-ws1 gateway 7-7 2>&1)
	echo "    7-7: exit $?: $list"
	check "the two answers are the same" \
	    [ "$rc" = 5 -a "${out//$kbd/X}" = "${list//7-7/X}" ]

	tell "A workstation with a certificate of another CA gets nothing"
	show sallyport list --tls $GW/tls-stranger gateway
	expect_exit 3 sallyport list --tls $GW/tls-stranger gateway

	tell "A second workstation is told that the drive is busy"
	show sallyport attach --tls $GW/tls-ws2 gateway "$drive"
	expect_exit 5 sallyport attach --tls $GW/tls-ws2 gateway "$drive"
	barrier busy-tried

	tell "It writes a file back"
	check "a file is written" \
	    eval 'head -c 1048576 /dev/urandom >/mnt/written.bin && sync'
	sha256sum </mnt/written.bin >/shared/written.sha256
	check "the file system is unmounted" umount /mnt
	barrier written
	barrier pulled || return 1
	check "the drive is gone here too" wait_gone 15 imported_disk
	check "no port is left in use" wait_for 15 vhci_idle
	show sallyport status
	barrier noticed
}

case $ROLE in
gateway) gateway ;;
workstation) workstation ;;
*) fail "role $ROLE" ;;
esac
