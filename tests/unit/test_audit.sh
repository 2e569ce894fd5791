#!/bin/sh
# sallyctl audit as a person uses it, on a log that is kept here with its key and
# its heads: so what was written once can be checked for ever.
#
#   tests/unit/test_audit.sh [the directory of the programs]
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=${1:-build/release/bin}
set -- "$bin/sallyctl"
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh
kept=$top/tests/audit
key=$kept/audit.jsonl.key
heads=$kept/audit.jsonl.journal
cp "$kept"/audit.jsonl "$kept"/audit.jsonl.1 "$kept"/audit.jsonl.2 .
logs='audit.jsonl audit.jsonl.1 audit.jsonl.2' # in any order

expect 0 "help" audit --help
has out "usage: sallyctl audit verify"
expect 2 "no word" audit
expect 2 "another word" audit mend
expect 2 "an option that is none" audit verify --fix

# shellcheck disable=SC2086
{
expect 0 "verify" audit verify --key "$key" --heads "$heads" $logs
last "17 lines in 3 files, 17 proven by a key; nothing is wrong"
has out "cannot know: whether what was written is true"
[ "$(grep -c 'cannot know' out)" -eq 1 ]
say $? "  which is all that it cannot know"
expect 0 "verify without a key" audit verify --heads "$heads" $logs
has out "cannot know: whether a line was changed: there is no key"
expect 0 "verify without heads" audit verify --key "$key" $logs
has out "cannot know: whether lines are missing at the end"
expect 0 "verify, heads from a pipe" audit verify --key "$key" --heads - \
	$logs <"$heads"
expect 0 "verify --json" audit verify --json --key "$key" --heads "$heads" $logs
[ "$(jq -c '[.ok, .lines, .proven, .chains, (.wrong | length)]' out)" = \
	'[true,17,17,1,0]' ]
say $? "  is an object"
expect 1 "a file is not there" audit verify --key "$key" audit.jsonl \
	audit.jsonl.2
has out "are missing here"
expect 1 "the oldest file is not there" audit verify --key "$key" audit.jsonl \
	audit.jsonl.1
has out "files that the gateway had kept"
expect 0 "which --partial knows" audit verify --partial --key "$key" \
	audit.jsonl audit.jsonl.1
has out "cannot know: what the lines before number"
expect 5 "no such file" audit verify --key "$key" nothing
expect 1 "no key in it" audit verify --key "$heads" $logs
has err "no key is in it"

# what was changed, line by line, by somebody who has no key
sed -i 's/desk-2/desk-1/' audit.jsonl.1
expect 1 "a changed line" audit verify --key "$key" --heads "$heads" $logs
has out "wrong: audit.jsonl.1:"
has out "was changed"
cp "$kept/audit.jsonl.1" .
sed -i 3d audit.jsonl.1
expect 1 "a removed line" audit verify --key "$key" $logs
has out "are missing here"
cp "$kept/audit.jsonl.1" .
sed -i '2{h;d};3G' audit.jsonl.1
expect 1 "two lines in another order" audit verify --key "$key" $logs
has out "it was moved, or is there twice"
cp "$kept/audit.jsonl.1" .
sed -i '$d' audit.jsonl
expect 0 "the last line, without heads" audit verify --key "$key" $logs
expect 1 "the last line" audit verify --key "$key" --heads "$heads" $logs
has out "the end is cut off: the journal was told of 17 lines"
expect 1 "which --json has too" audit verify --json --key "$key" \
	--heads "$heads" $logs
[ "$(jq -c '[.ok, (.wrong | length)]' out)" = '[false,1]' ]
say $? "  as an object"
cp "$kept/audit.jsonl" .

# from a key of a later line
expect 0 "verify --save" audit verify --key "$key" --save later \
	audit.jsonl.2 --partial
[ "$(stat -c %a later)" = 600 ]
say $? "  nobody else can read it"
expect 0 "verify from there" audit verify --key later --heads "$heads" \
	--partial audit.jsonl.1 audit.jsonl
last "9 lines in 2 files, 9 proven by a key; nothing is wrong"

expect 0 "search" audit search $logs
[ "$(wc -l <out)" -eq 17 ]
say $? "  shows all, the oldest first"
head -n 1 out | grep -q 'Z audit begun, chain 48ca0024562fbdff$'
say $? "  from the first"
expect 0 "by device" audit search --device '*Cruzer*' $logs
[ "$(wc -l <out)" -eq 6 ]
say $? "  six lines"
has out "import allowed, 0781:5567:4C530001@pci-0000:00:14.0:1, desk-1, by \
/etc/sallyport/rules.d/10-desks.rules:3 key sticks"
has out 'detail longer than \x5cbuffers'
expect 0 "by identity and event" audit search --identity desk-2 \
	--event 'import/*' $logs
[ "$(cut -d' ' -f2- out)" = \
	'import blocked, 046d:c31c@pci-0000:00:14.0:2, desk-2, by implicit' ]
say $? "  one line"
for rule in 10-desks.rules 10-desks.rules:3 sticks '*/10-*'; do
	expect 0 "by rule $rule" audit search --rule "$rule" $logs
	[ "$(wc -l <out)" -eq 1 ]
	say $? "  one line"
done
expect 0 "by refusal" audit search --rule urb.length $logs
[ "$(wc -l <out)" -eq 1 ]
say $? "  one line"
expect 0 "by time" audit search --since 2026-11-25T12:00:42 \
	--until 2026-11-25T12:01 --json $logs
[ "$(jq -r '.event + "/" + .outcome' out | tr '\n' ' ')" = "session/streaming \
session/identified import/blocked transfer/refused session/ended session/ended \
device/free gateway/stopped " ]
say $? "  what was then"
expect 0 "nothing" audit search --identity nobody $logs
[ ! -s out ]
say $? "  shows nothing"
expect 2 "no time" audit search --since yesterday $logs
has err "neither a time"
}

# bytes that a terminal would heed
printf '{"time":"2026-11-25T12:00:00.000Z","event":"x","outcome":"%s"}\n' \
	'\u001b[2J\u009b' >evil
expect 0 "escapes of terminals" audit search evil
has out 'x \x1b[2J\xc2\x9b'
expect 0 "and as JSON" audit search --json evil
has out '\u001B[2J\u009B'
head -c 300000 /dev/zero | tr '\0' 'x' >long
expect 1 "a line without end" audit search long
expect 1 "and to verify" audit verify --key "$key" long
has out "not a whole line"

# no event and no member is written that docs/AUDIT.md does not have
for file in "$top"/proxy/warden/*.c; do
	tr '\n\t' '  ' <"$file" | grep -o 'audit_write( *[a-z][^;]*;' |
		grep -o '"[a-z_]*"' | tr -d '"'
done | sort -u >words
[ "$(wc -l <words)" -gt 60 ]
say $? "words are found in the warden"
while read -r word; do
	grep -qF "\`$word\`" "$top/docs/AUDIT.md" || echo "$word"
done <words >out
[ ! -s out ]
say $? "each is in docs/AUDIT.md"

expect 4 "key without a gateway" --socket "$work/none" audit key
finish
