#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A flash drive under `storage-ro': the workstation's kernel mounts it read-only,
# each write-family command is refused with the sense that says so, as often as it
# comes, the image stays as it was, and reading goes on. Then, by a reload, under
# a profile that lets one range be written: inside it lands, outside it does not,
# and its quota holds when the drive comes back.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need mkfs.ext4 e2fsprogs
need sg_raw sg3-utils

# Of the commonest write, of its family, and of what another rule refuses.
TRIES=(200 20 10)
[ "${SIZE:-}" != long ] || TRIES=(200 200 200)

usb_drivers
modprobe ext4
modprobe sg
class_open
cat >$GW/rules.d/10-bench.rules <<'RULES'
default to any
allow with-class only { mass-storage } using "storage-ro" key "R-RO"
RULES
check "reload" sallyctl reload

truncate -s 64M /shared/stick.img
mkdir -p /mnt /tmp/tree
head -c 8M /dev/urandom >/tmp/tree/file
want=$(sha256sum </tmp/tree/file)
check "mkfs" limit 60 mkfs.ext4 -q -F -d /tmp/tree /shared/stick.img
before=$(sha256sum </shared/stick.img)

check "plug" host drive_add 0 if=none,id=mine,file=shared/stick.img,format=raw
check "plug" host device_add usb-storage,drive=mine,id=stick,bus=xhci.0
class_attach 46f4 0001
wait_for 15 class_name '*/block/sd?' || fail "no disk"
disk=/dev/$(class_name '*/block/sd?')
sg=/dev/$(class_name '*/scsi_generic/sg*')
wait_for 5 test -b "$disk" || fail "no $disk"

[ "$(cat "/sys/block/${disk##*/}/ro")" = 1 ] || fail "it is writable"
say "ok: the kernel takes the medium for write-protected"
mount "$disk" /mnt 2>/dev/null && umount /mnt
check "mount, read-only" mount -o ro,noload "$disk" /mnt
[ "$(sha256sum </mnt/file)" = "$want" ] || fail "the file is another"
say "ok: its file is the same"
touch /mnt/x 2>/dev/null && fail "a file was made"
check "umount" umount /mnt
dd if=/dev/zero of="$disk" bs=4k count=1 oflag=direct 2>/tmp/dd &&
    fail "dd wrote"
say "ok: dd: $(tail -n 1 /tmp/dd | sed 's/.*: //')"

# refuse WORDS SENSE CDB...: by SG_IO, which asks no block layer. Every try has
# the same sense.
refuse() {
	local name=$1 sense=$2 n=0
	shift 2
	head -c 512 /dev/zero >/tmp/block
	while [ $n -lt "$LEFT" ]; do
		sg_raw -s 512 -i /tmp/block "$sg" "$@" >/tmp/sg 2>&1
		grep -q "$sense" /tmp/sg || {
			cat /tmp/sg
			fail "$name, try $n: not refused as $sense"
		}
		n=$((n + 1))
	done
	say "ok: $name: refused $n times: $sense"
}

LEFT=${TRIES[0]}
protect='Write protected'
refuse "WRITE(10)" "$protect" 2a 00 00 00 08 00 00 00 01 00
LEFT=${TRIES[1]}
refuse "WRITE(6)" "$protect" 0a 00 08 00 01 00
refuse "WRITE(12)" "$protect" aa 00 00 00 08 00 00 00 00 01 00 00
refuse "WRITE(16)" "$protect" 8a 00 00 00 00 00 00 00 08 00 00 00 00 01 00 00
refuse "WRITE AND VERIFY(10)" "$protect" 2e 00 00 00 08 00 00 00 01 00
refuse "WRITE SAME(10)" "$protect" 41 00 00 00 08 00 00 00 01 00
refuse "UNMAP" "$protect" 42 00 00 00 00 00 00 02 00 00
refuse "MODE SELECT(6)" "$protect" 15 10 00 00 18 00
LEFT=${TRIES[2]}
refuse "FORMAT UNIT" "$protect" 04 10 00 00 00 00
refuse "WRITE BUFFER" "$protect" 3b 05 00 00 00 00 00 02 00 00
refuse "SANITIZE" "$protect" 48 02 00 00 00 00 00 02 00 00
opcode='Invalid command operation code'
refuse "ATA PASS-THROUGH(16)" "$opcode" 85 06 0c 00 00 00 00 00 00 00 00 00 00 \
	00 e5 00
refuse "ATA PASS-THROUGH(12)" "$opcode" a1 06 0c 00 00 00 00 00 00 e5 00 00
refuse "a vendor's command" "$opcode" c1 00 00 00 00 00

check "a read behind a refused write" dd if="$disk" of=/dev/null bs=64k \
	count=64 iflag=direct
[ "$(sha256sum </shared/stick.img)" = "$before" ] || fail "the image changed"
say "ok: the image is what it was, sha256 ${before:0:16}"
jq -es 'any(.event == "transfer" and .outcome == "deny" and
    .log == "write-refused" and (.facts | test("op=write-10")))' \
    "$AUDIT" >/dev/null || fail "the audit log knows nothing of it"
say "ok: the audit log names the rule: $(jq -rs '[.[] |
    select(.event == "transfer" and .outcome == "deny")][0] |
    "\(.file):\(.line) \(.facts)"' "$AUDIT")"

# One range may be written, so much of it a day.
cat >$GW/profiles.d/logpart.profile <<'PROFILE'
profile logpart extends storage-ro {
  quota daily 256KiB per 24h
  on scsi {
    allow op { mode-sense-6 mode-sense-10 }
    deny  sense 07/27/00 op write over daily log "quota"
    allow op write lba 2048..4095
    allow op synchronize-cache
  }
}
PROFILE
sed -i 's/storage-ro/logpart/' $GW/rules.d/10-bench.rules
check "reload: another profile for the session that goes on" sallyctl reload
audit_has profiles changed || fail "the session got no other profile"
say "ok: the session goes on with the other profile"

# put LBA: one block of 64 KiB by SG_IO.
put() {
	local lba=$1
	head -c 65536 /dev/urandom >/tmp/block
	# shellcheck disable=SC2046
	sg_raw -s 65536 -i /tmp/block "$sg" 2a 00 $(printf '%08x' "$lba" |
	    sed 's/../& /g') 00 00 80 00 >/tmp/sg 2>&1
}
check "a write inside the range" put 2048
cmp <(dd if=/shared/stick.img bs=512 skip=2048 count=128 2>/dev/null) \
    /tmp/block || fail "it is not in the image"
say "ok: it is in the image"
put 4032 && fail "a write over the range's edge passed"
put 0 && fail "a write outside of the range passed"
say "ok: over its edge and outside: $(grep -o 'Write protected' /tmp/sg)"
for lba in 2176 2304 2432; do
	check "a write inside the range" put $lba
done
put 2560 && fail "the quota did not hold"
say "ok: the quota holds: $(grep -o 'Write protected' /tmp/sg)"
sleep 2
class_detach
class_attach 46f4 0001
wait_for 15 class_name '*/scsi_generic/sg*' || fail "no disk"
sg=/dev/$(class_name '*/scsi_generic/sg*')
wait_for 5 test -c "$sg" || fail "no $sg"
put 2560 && fail "the quota was forgotten"
say "ok: and when the drive comes back"
class_detach
class_close
