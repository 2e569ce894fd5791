#!/bin/sh
# sallyport-policy replay, and explain of a frame: captures of both forms, what is
# refused of them and why, and captures that are none.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh

stick=$top/tests/policy/captures/stick.pcap
old=$top/tests/policy/captures/stick-old.pcap
stock=$top/policy/profiles/stock

for capture in "$stick" "$old"; do
	name=${capture##*/}
	expect 3 "$name" replay "$capture" --profile storage-ro \
		--stock "$stock"
	has out 'frame 33: deny sense 07/27/00 by'
	has out ': scsi op=write-10 lun=0 lba=8..8 blocks=1 len=512'
	last '44 frames, 1 refused'
	expect 0 "$name may be written to" replay "$capture" \
		--profile storage-rw --stock "$stock"
	last '44 frames, 0 refused'
done
expect 3 'auto' replay "$stick" --profile=auto --stock="$stock"
last '44 frames, 1 refused'
expect 3 'the wrong class' replay "$stick" --profile keyboard \
	--stock "$stock"
has err 'is not for an interface of class 08:06:50'
has out 'frame 9: profile.none'
has out 'frame 11: profile.none: no profile speaks of endpoint 0x02'

mkdir p
cat >p/lab.profile <<'EOF'
profile lab {
  on setup { allow }
  on scsi {
    note op inquiry log "who"
    deny op test-unit-ready audit
    quarantine op read lba 8
    allow
  }
}
EOF
expect 3 'of its own' replay "$stick" --profile lab --profiles p \
	--stock "$stock"
has out 'frame 11: note: scsi op=inquiry'
has out 'frame 17: trial of deny: scsi op=test-unit-ready'
has out 'frame 39: quarantine by p/lab.profile:6: scsi op=read-10'
has out 'the device leaves the workstation here'
expect 3 'as JSON' replay "$stick" --profile storage-ro --stock "$stock" \
	--json
[ "$(jq -r '.refused, .frames, (.rulings[] | select(.refused) | .frame)' \
	out | tr '\n' ' ')" = '1 44 33 ' ]
say $? '  the object says the same'

expect 3 'one frame' explain --profile storage-ro --stock "$stock" \
	"$stick" 33
has out 'no: op: write-10 is not among'
has out 'storage.profile:20'
expect 0 'a request' explain --profile storage-ro --stock "$stock" "$stick" 5
has out 'setup type=standard recipient=device request=get-descriptor'
expect 0 'data' explain --profile storage-ro --stock "$stock" "$stick" 35
last 'frame 35: no rule is asked about it alone'
expect 1 'no such frame' explain --profile storage-ro --stock "$stock" \
	"$stick" 45
has err 'frame 45 is not one of that device'
expect 2 'no frame' explain --profile storage-ro --stock "$stock" "$stick"
has err 'expected the number of a frame'

bad() { # STATUS NAME CAPTURE TEXT
	expect "$1" "$2" replay "$3" --profile storage-ro --stock "$stock"
	has err "$4"
}

bad 1 'none' no.pcap 'No such file'
echo hello >text.pcap
bad 1 'a text' text.pcap 'text.pcap: '
head -c 24 "$stick" >empty.pcap
bad 1 'empty' empty.pcap 'nothing of any device'
head -c 500 "$stick" >cut.pcap
bad 1 'cut' cut.pcap 'cut.pcap: '
head -c 104 "$stick" >short.pcap
bad 1 'no descriptors' short.pcap 'are not in it'
# without its enumeration: from SET_CONFIGURATION on, frame 7
{ head -c 24 "$stick"; tail -c +564 "$stick"; } >middle.pcap
bad 1 'from the middle' middle.pcap 'or give them by --descriptors'
cat >stick.dev <<'EOF'
speed high
device 12 01 00 02 00 00 00 40 81 07 67 55 00 01 00 00 00 01
config # Bulk-Only
	09 02 20 00 01 01 00 80 32
	09 04 00 00 02 08 06 50 00
	07 05 81 02 00 02 00 07 05 02 02 00 02 00
EOF
expect 3 'with descriptors' replay middle.pcap --profile storage-ro \
	--stock "$stock" --descriptors stick.dev
has out 'deny sense 07/27/00 by'
last '38 frames, 1 refused'
echo 'device 12 xx' >wrong.dev
expect 1 'wrong descriptors' replay middle.pcap --profile storage-ro \
	--stock "$stock" --descriptors wrong.dev
has err 'wrong.dev:1: not a byte'
echo 'speed high' >none.dev
expect 1 'no descriptors in it' replay middle.pcap --profile storage-ro \
	--stock "$stock" --descriptors none.dev
has err 'has no configuration 1'
{ head -c 20 "$stick"; printf '\1\0\0\0'; } >ether.pcap
bad 1 'another link' ether.pcap 'link type 1 is not'
expect 1 'another device' replay "$stick" --profile storage-ro --device 3.8 \
	--stock "$stock"
has err 'nothing of 3.8'
expect 0 'that device' replay "$stick" --profile storage-rw --device 3.7 \
	--stock "$stock"
expect 1 'no such profile' replay "$stick" --profile nothing --stock "$stock"
has err 'no profile'
expect 2 'no profile' replay "$stick"
expect 2 'two captures' replay "$stick" "$old" --profile storage-ro
expect 2 'an option' replay "$stick" --profile storage-ro --loud

finish
