#!/bin/sh
# sallyport-policy test: what passes, what fails and why, and every error of a
# test file at its place.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh

mkdir rules
cat >rules/10-lab.rules <<'EOR'
workstations hall-a = { "dns:*.hall-a.example" }
forbid id 0bad:* key "BAD"
forbid exposed with-interface all-of { 08:*:* 03:*:* } key "F"
allow id 05e0:1200 to "@hall-a" using "scanner" max 1 per-workstation \
	key "K-SCAN"
allow serial "svc" to "@hall-a" using "storage-ro" lease 30m once \
	window { Mon-Fri 06:00-07:30 } tz "Europe/Berlin" if armed("svc") \
	key "K-SVC"
allow id 1050:0407 to "ou:Staff" expose { interface 1 smartcard } hold 2m
allow with-class only { audio } to "ou:Staff" approve by "boss" \
	until "2027-01-01T00:00:00Z" capture
allow serial "day" to "ou:Staff" if localtime(09:00-10:00)
allow serial "lone" to "ou:Staff" if !exported-matches(id 05e0:1200)
allow serial "open" to "ou:Staff" if session(unlocked)
allow serial "none" to "ou:Staff" expose { printer }
allow serial "both" to "ou:Staff" lease 2h idle 15m
reject serial "new" if first-seen
EOR
cat >stick.json <<'EOR'
{"id": "0781:5581", "serial": "svc", "interfaces": ["08:06:50"]}
EOR
echo '{"cn": "pc", "ou": ["Staff"]}' >clerk.json
cat >lab.t <<'EOR'
# what there is
rules "rules"
device scanner id 05e0:1200 name "Sc#an\"ner" release 1.10 speed full \
	with-interface { 03:01:01=keyboard }
device stick "stick.json"
device key id 1050:0407 with-interface {
	03:01:01=keyboard	# the one-time passwords
	03:00:00=fido
	0b:00:00
}
device headset id 0001:0002 with-interface 01:01:00
device day id 0001:0003 serial "day"
device lone id 0001:0003 serial "lone"
device open id 0001:0003 serial "open"
device none id 0001:0003 serial "none" with-interface 08:06:50
device both id 0001:0004 serial "both" with-interface { 08:06:50 03:01:01 }
device bad id 0bad:0001
device new id 0001:0003 serial "new" first-seen plugged 2026-03-02T05:00:00Z
identity kiosk "dns:k1.hall-a.example"
identity staff "cn:pc" "ou:Staff"
identity clerk "clerk.json"

at 2026-03-02T05:15:00Z
allow scanner to kiosk key "K-SCAN" using "scanner" exposes all
block scanner to clerk implicit
block stick to kiosk
armed "x" "svc"
allow stick to kiosk key "K-SVC" lease 30m once
at 2026-03-02T08:45:00+01:00
block stick to kiosk because window key "K-SVC"
at 2026-03-02T05:15:00Z
had-lease
block stick to kiosk because once
reset
block stick to kiosk implicit
leases 1
block scanner to kiosk because max
reset
allow key to staff exposes { 1 2 } hold 2m
pending headset to clerk by "boss" capture until "2027-01-01T00:00:00Z"
denied
block headset to staff because approve
approved
allow headset to staff
at 2027-01-01T00:00:01Z
block headset to staff because until
at 2026-03-02T09:15:00Z
allow day to staff
tz "Asia/Tokyo"
block day to staff
exported scanner
block lone to staff
reset
allow lone to staff
block open to staff
locked
block open to staff
unlocked
allow open to staff
block none to staff because expose
block both to staff forbidden because forbid key "F"
block bad to kiosk forbidden key "BAD"
reject new
depends headset
EOR
expect 0 "all pass" test lab.t
last "25 passed, 0 failed"
has out 'ok lab.t:24: allow scanner to kiosk key "K-SCAN" using "scanner" exposes all'

cat >wrong.t <<'EOR'
rules "rules/10-lab.rules"
device scanner id 05e0:1200
device key id 1050:0407 with-interface { 03:01:01 03:00:00=fido 0b:00:00 }
device headset id 0001:0002 with-interface 01:01:00
identity kiosk "dns:k1.hall-a.example"
identity staff "ou:Staff"
block scanner to kiosk
allow scanner to kiosk key "OTHER"
allow scanner to kiosk using "other"
allow scanner to kiosk lease 1h
allow scanner to kiosk implicit
allow key to staff exposes 1
allow key to staff exposes all
allow key to staff hold 3m
allow scanner to kiosk once
allow scanner to kiosk capture
allow scanner to kiosk until "2030-01-01T00:00:00Z"
pending headset to staff by "nobody"
block scanner to staff because window
block scanner to staff forbidden
EOR
expect 1 "all fail" test wrong.t
last "0 passed, 14 failed"
has out "not ok wrong.t:7: block scanner to kiosk"
has out "    it is allow: rules/10-lab.rules:4 key K-SCAN"
for why in 'key "K-SCAN"' 'using "scanner"' "lease is not given" \
	"exposes 1 2" "hold 2m" "once is not given" "capture is not given" \
	"until is not given" 'approve by "boss"' "it is block: implicit"; do
	has out "    $why"
done
expect 1 "several files" test lab.t wrong.t
last "25 passed, 14 failed"

# wrong LINE COLUMN TEXT FILE-LINE...: that error is said.
wrong() {
	place=$1 says=$2
	shift 2
	printf '%s\n' 'rules "rules"' "$@" >e.t
	expect 1 "error: $*" test e.t
	grep -F "e.t:$place: " err | grep -qF -- "$says"
	say $? "  e.t:$place: $says"
}
wrong 2:1 "unknown statement" frob
wrong 2:1 "unknown statement" '"rules"'
wrong 2:7 "no device \`x' is described" 'allow x'
wrong 2:1 "expected the name of a device behind this" allow
wrong 2:8 "a name has letters" 'device a/b id 1234:5678'
wrong 3:8 "described above already" 'device a id 1234:5678' \
	'device a id 1234:5678'
wrong 2:8 "expected a file in quotes, or facts" 'device a'
wrong 2:13 "expected 1234:5678" 'device a id 12'
wrong 2:10 "unknown fact" 'device a nmae "x"'
wrong 2:15 "expected a text in quotes" 'device a name x'
wrong 2:25 "expected an interface" 'device a with-interface 08:06'
wrong 2:25 "expected an interface" 'device a with-interface 08:06:50=fido'
wrong 2:25 "\`}' is missing" 'device a with-interface {'
wrong 2:10 "cannot be read" 'device a "nothing.json"'
wrong 2:14 "expected a fact" 'identity who "dnz:x"'
wrong 2:12 "expected a fact" 'identity a "nothing.json"'
wrong 2:4 "expected a time" 'at 2026-02-29T00:00:00Z'
wrong 2:4 "expected a time" 'at 2026-02-28T00:00:00'
wrong 2:4 "expected a time" 'at 2026-02-28T00:00:00+24:00'
wrong 2:4 "no such time zone" 'tz "../../etc/passwd"'
wrong 2:7 "expected a token in quotes" 'armed svc'
wrong 2:8 "expected a number" 'leases many'
wrong 2:8 "does not belong here" 'locked 1'
wrong 3:9 "unknown expectation" 'device a id 1234:5678' 'block a frob'
wrong 3:15 "expected a duration" 'device a id 1234:5678' 'allow a lease 5'
wrong 3:17 "expected window" 'device a id 1234:5678' 'block a because no'
wrong 3:17 "up to 255" 'device a id 1234:5678' 'allow a exposes 256'
wrong 2:4 "does not end on its line" 'tz "x'
wrong 2:5 'expected \"' 'tz "\n"'
wrong 2:1 "does not belong here" '} {'
wrong 1:1 "nothing is expected" ''
echo 'allow' >e.t
expect 1 "no rules" test e.t
has err "e.t:1:1: no \`rules' to test"
printf 'rules "rules"\n\377\n' >e.t
expect 1 "odd bytes" test e.t
has err "e.t:2:1: a byte that may stand in strings only"
printf 'rules "nothing"\ndevice a id 1234:5678\nblock a\n' >e.t
expect 1 "no such rules" test e.t
has err "nothing: no such file"
last "0 passed, 1 failed"
printf 'alow\n' >bad.rules
printf 'rules "bad.rules"\ndevice a id 1234:5678\nblock a\nblock a\n' >e.t
expect 1 "errors in the rules" test e.t
has err "bad.rules:1:1: unknown statement"
last "0 passed, 2 failed"
expect 1 "no such file" test nothing.t
has err "nothing.t: no such file"

# The examples of the documents hold.
expect 0 "docs/examples" test "$top/docs/examples/10-example.t"
finish
