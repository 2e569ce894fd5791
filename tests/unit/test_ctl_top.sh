#!/bin/sh
# sallyctl sessions, devices and top beside a gateway through which something goes.
#
#   tests/unit/test_ctl_top.sh [the directory of the programs]
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=${1:-build/release/bin}
set -- "$bin/sallyctl"
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh
gateway=${prog%/bin/*}/tests/test_metrics
"$gateway" serve "$work/control" >gateway.log 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait; rm -rf "$work"' EXIT

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # skip $2"
}

# until_true COMMAND: within ten seconds.
until_true() {
	i=0
	until "$@"; do
		i=$((i + 1))
		[ $i -lt 200 ] || return 1
		sleep 0.05
	done
}
goes_through() {
	"$prog" -s "$work/control" --json sessions >out 2>err &&
		[ "$(jq '[.sessions[] | select(.in_s > 0)] | length' out)" = 1 ]
}

until_true test -S control
say $? "a gateway"
until_true goes_through
say $? "something goes through"
[ "$(jq -c '.sessions[] | select(.busid != null) | [.connection, .busid, .name,
	.state, (.urbs > 0), (.bytes_in > .bytes_out), .open, (.urbs_s > 0),
	(.refusals > 0)]' out)" = \
	'[1,"1-1","one","born",true,true,2,true,true]' ]
say $? "  as sessions --json says"
expect 0 "sessions" -s "$work/control" sessions
grep -qE '^      [0-9.]+ k?B/s in, [0-9.]+ k?B/s out, [0-9]+ URBs/s; in all' out
say $? "  with rates"
expect 0 "devices" -s "$work/control" --json devices
[ "$(jq '[.devices[] | select(.urbs_s > 0 and .holder != null)] | length' out)" \
	= 1 ]
say $? "  with rates"
expect 0 "top --once" -s "$work/control" top --once
has out "2 devices   1 sessions"
has out "2 rules since 2026-11-23T09:00:00.000Z"
grep -qE '^1-1 .* one .* [0-9.]+ k?B +[0-9.]+ k?B +[0-9]+ +2 +[0-9]+ +[^ ]+$' out
say $? "  has its row"
[ "$(LC_ALL=C.UTF-8 wc -L <out)" -le 160 ]
say $? "  and no line is longer than 160"
expect 2 "top without a terminal" -s "$work/control" top
has err "see --once"
expect 4 "top without a gateway" -s "$work/none" top --once

if command -v script >/dev/null; then
	# the screen: two seconds of it, another order, and the end
	(sleep 2.2 && printf u && sleep 0.3 && printf q) |
		TERM=xterm LC_ALL=C.UTF-8 script -qec \
		"stty rows 24 cols 120; $prog -s $work/control top" typed \
		>screen 2>err
	say $? "top on a terminal ends by q"
	grep -qa "BUSID" screen && grep -qa "LAST MINUTE" screen &&
		grep -qa "sorted by rate" screen
	say $? "  has its titles"
	grep -qaE '(▁|▂|▃|▄|▅|▆|▇|█)' screen
	say $? "  and a sparkline"
	grep -qaF '[24;11HURBs' screen
	say $? "  and another order"
else
	skip "top on a terminal" "there is no script(1)"
fi
finish
