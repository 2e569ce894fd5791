#!/bin/sh
# sallyport-policy explain --profile, and units in test files: rulings, reasons,
# and every error of the words.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh

mkdir profiles
cat >profiles/base.profile <<'EOR'
profile base {
  on scsi {
    allow op { inquiry read-10 }
  }
}
EOR
cat >profiles/lab.profile <<'EOR'
profile lab extends base {
  quota daily 1KiB per 24h
  meter fast 2/s burst 2
  on scsi {
    rewrite { wp = 1 } op mode-sense-6
    deny sense 07/27/00 op write over daily key "Q" log "quota"
    allow op write lba 2048..4095
    allow lun 7 time { Mon 08:00-09:00 }
  }
  on hid {
    quarantine over fast
    drop chord GUI+0x15
    allow key 0x04..0x65
  }
  on ctap {
    allow rp "login.example"
    deny ctaperr 27 u8@0 0x04
  }
}
EOR

why() { # STATUS UNIT...
	status=$1
	shift
	expect "$status" "$*" explain --profile lab --profiles profiles "$@"
}

why 3 scsi op=write-10 lba=0..7
has out 'profiles/lab.profile:5: rewrite { wp = 1 } op mode-sense-6'
has out 'no: op: write-10 is not mode-sense-6'
has out 'no: daily: is not over'
has out 'no: lba: 0..7 is not all among { 2048..4095 }'
has out 'no: lun: the unit has none'
has out 'profiles/base.profile:3: allow op { inquiry read-10 }'
has out 'no: op: write-10 is not among { inquiry read-10 }'
last 'deny, implicit: no rule decides'
why 3 'scsi op=write-10 len=1025'
last 'deny sense 07/27/00 by profiles/lab.profile:6 (key "Q")'
why 0 scsi op=mode-sense-6
last 'rewrite by profiles/lab.profile:5'
why 0 scsi op=inquiry
last 'allow by profiles/base.profile:3'
expect 0 'a time' explain --profile=lab --profiles=profiles --tz UTC \
	--at 2026-03-02T08:30:00Z scsi lun=7
last 'allow by profiles/lab.profile:8'
expect 3 'another' explain --profile=lab --profiles=profiles \
	--tz Europe/Berlin --at 2026-03-02T08:30:00Z scsi lun=7
has out 'no: time: Mon 09:30 is outside of the windows'
why 3 hid keydowns=3
last 'quarantine by profiles/lab.profile:11'
why 3 hid key=GUI+0x15
last 'drop by profiles/lab.profile:12'
why 3 hid key=0x04+0xa5
has out 'no: key: A 0xa5 is not all among { A B C D E'
why 3 ctap rp=evil.example bytes=05
has out 'no: rp: evil.example is not among { login.example }'
has out 'no: bytes at 0: are not those of the rule'
expect 3 json explain --profile lab --profiles profiles --json ctap bytes=04
has out '"verdict": "deny"'
has out '"reason": "rp: the unit has none"'

why 2 usb
has err "no hook \`usb'; expected setup, scsi, hid"
why 2 scsi op=read
has err "expected one name or a number after \`op='"
why 2 scsi op=512
why 2 scsi lun
why 2 scsi chord=1
has err "\`scsi' has no fact \`chord'"
why 2 scsi lba=9..8
has err "expected blocks, 2048..2055, or none after \`lba='"
why 2 hid key=A+
why 2 out bytes=123
why 2 ctap "rp=$(printf '%0300d' 0)"
why 2 ''
has err 'expected a hook and its facts'
expect 2 'no unit' explain --profile lab --profiles profiles
expect 2 'no profile' explain --profiles profiles scsi
mkdir stock
mv profiles/base.profile stock/
expect 1 'a parent that is missing' explain --profile lab \
	--profiles profiles scsi
expect 0 'a parent of stock' explain --profile lab --profiles profiles \
	--stock stock scsi op=inquiry
last 'allow by stock/base.profile:3'
expect 2 'stock without a profile' explain --stock stock scsi
mv stock/base.profile profiles/
expect 1 'another profile' explain --profile lax --profiles profiles scsi
has err "no profile \`lax'"
expect 1 'no file' explain --profile lab --profiles none.profile scsi
has err 'read: none.profile: no such file'
echo 'profile p { on scsi { allow op nix } }' >bad.profile
expect 1 'an error' explain --profile p --profiles bad.profile scsi
has err 'bad.profile:1:32:'

cat >lab.t <<'EOR'
profiles "profiles"
at 2026-03-02T06:00:00Z
unit allow by "lab" { scsi op=read-10 lba=0..7 len=4096 }
unit allow by "lab" { scsi op=write-10 lba=2048 len=1024 }
unit deny by "lab" { scsi op=write-10 lba=2048 len=1 } key "Q"
at 2026-03-03T06:00:00Z
unit allow by "lab" {
	scsi op=write-10	# the next day
	lba=2048 len=1
}
unit deny by "lab" { scsi op=write-10 lba=0 } implicit
unit allow by "lab" { hid keydowns=2 key=0x04 }
unit quarantine by "lab" { hid keydowns=1 key=0x04 }
EOR
expect 0 'units' test lab.t
last '7 passed, 0 failed'
cat >wrong.t <<'EOR'
profiles "profiles"
unit allow by "lab" { scsi op=write-10 lba=0 }
unit deny by "lab" { scsi op=write-10 len=9999 } key "X"
unit deny by "lax" { scsi }
EOR
mv profiles/base.profile stock/
expect 0 'units and stock' test --stock=stock lab.t
last '7 passed, 0 failed'
mv stock/base.profile profiles/
expect 1 'what fails' test wrong.t
has out 'not ok wrong.t:2: unit allow by "lab" { scsi op=write-10 lba=0 }'
has out 'it is deny, implicit: no rule decides'
has out 'it is deny sense 07/27/00 by profiles/lab.profile:6 (key "Q")'
has out "it is no profile \`lax'"
last '0 passed, 3 failed'
cat >errors.t <<'EOR'
unit maybe by "lab" { scsi }
unit deny "lab" { scsi }
unit deny by "lab" { scsi op=read }
unit deny by "lab" { }
unit deny by "lab" { scsi } using "x"
EOR
expect 1 'errors' test errors.t
has err 'errors.t:1:6: expected allow, deny, drop, rewrite, ask, eject'
has err "errors.t:2:11: expected \`by' and the name of a profile in quotes"
has err "errors.t:3:27: expected one name or a number after \`op='"
has err 'errors.t:4:22: expected a hook, scsi or another'
has err 'errors.t:5:29: expected key or implicit'
has err "no \`profiles' to test"
finish
