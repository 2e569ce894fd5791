#!/bin/sh
# sallyctl approve without a number, on a terminal and not, beside a gateway of
# which somebody wants what needs a yes.
#
#   tests/unit/test_ctl_asks.sh [the directory of the programs]
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=${1:-build/release/bin}
set -- "$bin/sallyctl"
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh
gateway=${prog%/bin/*}/tests/test_metrics
"$gateway" serve "$work/control" asks >gateway.log 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait; rm -rf "$work"' EXIT

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # skip $2"
}

i=0
until [ -S control ] && "$prog" -s "$work/control" approve 2>/dev/null |
	grep -q boss; do
	i=$((i + 1))
	[ $i -lt 200 ] || break
	sleep 0.05
done

if command -v script >/dev/null; then
	timeout 60 script -qec \
		"stty rows 24 cols 40; $prog -s $work/control approve" typed \
		>screen 2>screen.err </dev/null &
	terminal=$!
fi
expect 0 "to a file" -s "$work/control" approve
has out "open "
[ "$(wc -l <out)" = 2 ] && ! grep -q "$(printf '\033')" out
say $? "  once, and without escapes"
expect 0 "as JSON" -s "$work/control" --json approve
jq -e '.asks[0] | .left_ms > 1000 and .left_ms <= .seconds * 1000 and
	.left_ms > (.seconds - 1) * 1000 and .approver == "boss"' out >err
say $? "  with its milliseconds"

if [ -n "${terminal:-}" ]; then
	wait $terminal
	say $? "on a terminal it ends by itself"
	has screen "nothing waits for an answer"
	grep -oE 'open +[0-9]+' screen | grep -oE '[0-9]+' >seconds
	[ "$(sort -u seconds | wc -l)" -ge 2 ] && sort -rnc seconds
	say $? "  after it counted down"
	grep -qF "$(printf '\033[2A')" screen
	say $? "  in one place"
	[ "$(tr '\r' '\n' <screen | sed "s/$(printf '\033')\\[[0-9]*[A-Z]//g" |
		wc -L)" -le 40 ]
	say $? "  and no line is wider than it"
	expect 0 "then nothing is asked" -s "$work/control" --json approve
	has out '"asks":[]'
else
	skip "on a terminal" "there is no script(1)"
fi
finish
