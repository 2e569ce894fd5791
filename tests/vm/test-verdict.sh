#!/bin/bash
# vm: --guests 1 --timeout 500
#
# A program says which SCSI writes to one file may pass, and vetoes every second
# one: the file system reports exactly those errors, what was allowed is on the
# medium and nothing else is, and another disk is read as fast while a write is
# held. When the program dies with a write in its hands, `else' holds at once.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

need mkfs.ext4 e2fsprogs
need debugfs e2fsprogs
need fio fio
need setpriv util-linux

BLOCKS=24
DLP=/tmp/dlp

usb_drivers
modprobe ext4
mkdir -p /mnt /tmp/tree $DLP
head -c $((BLOCKS * 4096)) /dev/urandom >/tmp/tree/file
head -c $((BLOCKS * 4096)) /dev/urandom >/tmp/new
truncate -s 32M /shared/stick.img
truncate -s 8M /shared/other.img
check "mkfs" limit 60 mkfs.ext4 -q -F -b 4096 -O ^has_journal -d /tmp/tree \
    /shared/stick.img
# Where block I of the file is: ${at[I]}, in units of 4 KiB.
read -ra at < <(debugfs -R 'blocks file' /shared/stick.img 2>/dev/null)
[ ${#at[@]} -eq $BLOCKS ] || fail "where is the file? ${at[*]}"
lbas=$(for b in "${at[@]}"; do echo $((b * 8))..$((b * 8 + 7)); done | xargs)

user_add dlp
pki_make || fail "pki"
gateway_config 'default to any' \
    'allow with-class only { mass-storage } using "guarded"'
printf '%s\n' '[verdict dlp]' 'user = dlp' 'concurrency = 1' >>$GW/gateway.conf
cat >$GW/profiles.d/guarded.profile <<PROFILE
profile guarded extends storage-ro {
  on scsi {
    allow op { mode-sense-6 mode-sense-10 }
    ask "dlp" within 100s else deny op write lba { $lbas } key "R-DLP"
    allow op { write synchronize-cache }
  }
}
PROFILE
workstation_config ws1
check "the gateway starts" gateway_start

# Counts what it is asked, and lets the odd ones pass; as long as there is a file
# `hold', it thinks.
cat >$DLP/judge <<'JUDGE'
#!/bin/sh
cd /tmp/dlp || exit
read -r ask
echo "$ask" >>asks
n=$(wc -l <asks)
while [ -e hold ]; do sleep 0.1; done
[ $((n % 2)) = 1 ] && echo allow || echo deny every second one
JUDGE
chmod 0755 $DLP/judge
chown -R dlp $DLP
serve() {
	setpriv --reuid dlp --regid dlp --clear-groups \
	    sallyctl verdict serve --name dlp -- $DLP/judge 2>/tmp/serve &
	server=$!
	wait_for 20 grep -q 'serving dlp' /tmp/serve || {
		cat /tmp/serve
		fail "dlp is not served"
	}
}
expect_exit 3 sallyctl verdict serve --name dlp -- true
serve
expect_line "dlp +pid [0-9]+ of dlp" sallyctl verdict status

# plug SERIAL FILE: $busid is the device on the gateway, $disk the disk here.
plug() {
	check "plug $1" host drive_add 0 "if=none,id=d$1,file=shared/$2,format=raw"
	check "plug $1" host device_add \
	    "usb-storage,drive=d$1,id=u$1,serial=$1,bus=xhci.0"
	wait_for 15 usb_busid 46f4 0001 "$1" || fail "no device $1"
	busid=$(usb_busid 46f4 0001 "$1")
	check "the gateway has $busid" device_wait 20 "$busid" ready
	check "attach $1" limit 40 sallyport attach --tls "$T" gateway "$busid"
	wait_for 20 find_disk "$1" || fail "no disk $1"
	disk=$(find_disk "$1")
	wait_for 5 test -b "/dev/$disk" || fail "no node of $disk"
	# the kernel's patience is not what is tested
	echo 200 >"/sys/block/$disk/device/timeout"
}

find_disk() {
	local b
	for b in $(vhci_busids); do
		if [ "$(usb_attribute "$b" serial)" = "$1" ]; then
			usb_disk "$b"
			return
		fi
	done
	return 1
}

plug other other.img
other=$disk
plug stick stick.img
stick=$disk
check "mount $stick" mount -o noatime "/dev/$stick" /mnt

# put I: block I of the file, by one write that waits.
put() {
	limit 150 dd if=/tmp/new of=/mnt/file bs=4k skip="$1" seek="$1" count=1 \
	    conv=notrunc oflag=direct 2>/tmp/dd
}
errors='' want='' passed=''
for ((i = 0; i < BLOCKS - 4; i++)); do
	if put $i; then
		passed+=" $i "
	else
		errors+=" $i"
		grep -q 'Remote I/O error' /tmp/dd || fail "$(cat /tmp/dd)"
	fi
	[ $((i % 2)) = 0 ] || want+=" $i"
done
[ "$errors" = "$want" ] || fail "the file system reported$errors, not$want"
say "ok: of $i writes every second is a remote I/O error, the others are none"
[ "$(wc -l <$DLP/asks)" = $i ] || fail "it was asked $(wc -l <$DLP/asks) times"
lba=$((at[i - 1] * 8))
tail -n 1 $DLP/asks | jq -e --argjson a $lba '.hook == "scsi" and
    .kind == "transfer" and .facts.op == "write-10" and
    .facts.lba == [$a, $a + 7] and .device.serial == "stick"' >/dev/null ||
    fail "the last ask: $(tail -n 1 $DLP/asks)"
say "ok: it was asked once for each, and told where"
dmesg | sed -n "s/.*critical target error, dev $stick, sector \([0-9]*\) .*/\1/p" |
    sort -nu >/tmp/sectors
[ -s /tmp/sectors ] || fail "the kernel logged no error"
denied=''
for k in $want; do
	denied+=" $((at[k] * 8)) "
done
while read -r sector; do
	[ "${denied/ $sector /}" != "$denied" ] || fail "an error at $sector"
done </tmp/sectors
say "ok: the kernel names $(wc -l </tmp/sectors) of their sectors, and no other"

# read_p99: of the other disk, in microseconds.
read_p99() {
	limit 150 fio --name=reads --filename="/dev/$other" --rw=randread --bs=4k \
	    --direct=1 --ioengine=psync --number_ios=200 --size=8M \
	    --randseed=1 --output-format=json >/tmp/fio 2>/tmp/fio.err || {
		cat /tmp/fio.err
		return 1
	}
	jq -e '.jobs[0] | select(.error == 0 and .read.total_ios == 200) |
	    .read.clat_ns.percentile."99.000000" / 1000 | floor' /tmp/fio
}
held() {
	sallyctl --json approve |
	    jq -e 'any(.asks[]; .state == "held" and .approver == "dlp")' \
		>/dev/null
}
# what is read first is slower
dd if="/dev/$other" of=/dev/null bs=4k count=8 iflag=direct 2>/dev/null
alone=$(read_p99) || fail "fio"
touch $DLP/hold
put $i &
writer=$!
wait_for 30 held || fail "the write is not held"
beside=$(read_p99) || fail "fio beside a held write"
held || fail "the write was not held that long"
rm $DLP/hold
wait $writer || fail "the write that was held: $(cat /tmp/dd)"
passed+=" $i "
i=$((i + 1))
say "ok: 200 reads of another disk beside a held write: p99 $beside us, alone" \
    "$alone us, $(awk "BEGIN { printf \"%.2f\", $beside / $alone }")-fold"

# It dies with the write in its hands; nobody serves; then somebody does.
touch $DLP/hold
put $i &
writer=$!
wait_for 30 held || fail "the write is not held"
kill -KILL $server
wait $writer && fail "a write passed whose judge died"
say "ok: the judge dies: $(sed -n 's/.*file.: //p' /tmp/dd)"
wait $server 2>/dev/null
rm $DLP/hold
put $i && fail "a write passed with nobody to ask"
say "ok: nobody to ask: $(sed -n 's/.*file.: //p' /tmp/dd)"
expect_line 'dlp +not served' sallyctl verdict status
expect_line 'the last: it left' sallyctl verdict status
serve
check "with a new one, the next write" put $i
passed+=" $i "
check "a read behind it" dd if="/dev/$stick" of=/dev/null bs=64k count=32 \
    iflag=direct

# What is on the medium: what was allowed, and what was there.
for ((k = 0; k < BLOCKS; k++)); do
	case $passed in
	*" $k "*) from=/tmp/new ;;
	*) from=/tmp/tree/file ;;
	esac
	dd if=$from bs=4k skip=$k count=1 2>/dev/null
done >/tmp/want
check "umount" umount /mnt
for b in "${at[@]}"; do
	dd if=/shared/stick.img bs=4k skip="$b" count=1 2>/dev/null
done | cmp - /tmp/want || fail "the medium has something else"
say "ok: on the medium is what was allowed, and nothing else"
check "the file system is whole" limit 60 fsck.ext4 -fn /shared/stick.img
jq -ers 'map(select(.event == "ask")) |
    "\(map(select(.outcome == "approved")) | length) approved, " +
    "\(map(select(.outcome == "denied")) | length) denied, " +
    "\(map(select(.outcome == "no answer")) | length) without an answer"' \
    "$AUDIT" >/tmp/counts || fail "the audit log knows nothing of it"
want="$((BLOCKS / 2)) approved, $((BLOCKS / 2 - 2)) denied, 2 without an answer"
[ "$(cat /tmp/counts)" = "$want" ] || fail "the audit log: $(cat /tmp/counts)"
say "ok: the audit log: $want"

kill $server
check "detach" limit 20 sallyport detach all
check "no port is in use" wait_for 10 vhci_idle
class_close
