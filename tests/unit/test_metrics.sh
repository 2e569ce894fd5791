#!/bin/sh
# sallyport-metrics beside a gateway whose numbers grow: HTTP, promtool's opinion,
# and each query of the dashboard on a Prometheus that scrapes it.
#
#   tests/unit/test_metrics.sh [the directory of the programs]
set -u
cd "$(dirname "$0")/../.." || exit 1
bin=${1:-build/release/bin}
set -- "$bin/sallyport-metrics"
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh
gateway=${prog%/bin/*}/tests/test_metrics
board=$top/docs/grafana/sallyport.json
pids=
trap 'kill $pids 2>/dev/null; wait; rm -rf "$work"' EXIT

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

expect 0 "help" --help
has out "GET /metrics"
expect 2 "an option that is none" --all
for where in 0.0.0.0:3243 192.0.2.1:3243 '[::]:3243' 127.0.0.1 127.0.0.1:x \
	127.0.0.1:70000; do
	expect 2 "listens not at $where" --listen "$where"
done
expect 4 "no gateway" --socket "$work/none" --once
has out "sallyport_up 0"

"$gateway" serve "$work/control" >gateway.log 2>&1 &
pids="$pids $!"
until_true test -S control
say $? "a gateway"
expect 0 "once" --socket "$work/control" --once
has out "sallyport_up 1"
has out 'sallyport_sessions{state="streaming"} 1'
! grep -qE '4C530001|kbd@|CN=|cn:|"one"|1-1' out
say $? "  names no device and nobody"

# as who it is meant to run: nobody, in a group that may have numbers alone
chmod 0711 "$work"
mkdir www && chmod 0777 www
user=
if [ "$(id -u)" -eq 0 ]; then
	user='--user nobody'
	expect 1 "not as root" --socket "$work/control" --listen "$work/www/r"
	has err "not as root"
fi
# shellcheck disable=SC2086
"$prog" --socket "$work/control" --listen "$work/www/s" $user 2>unix.log &
unix=$!
pids="$pids $unix"
until_true test -S www/s
say $? "a UNIX socket"
get() {
	curl -s -o out -w '%{http_code}' --max-time 5 "$@"
}
[ "$(get --unix-socket "$work/www/s" http://x/metrics)" = 200 ]
say $? "GET /metrics"
has out 'sallyport_up 1'
[ "$(get --unix-socket "$work/www/s" http://x/)" = 404 ]
say $? "GET /"
[ "$(get --unix-socket "$work/www/s" -X POST -d x http://x/metrics)" = 405 ]
say $? "POST"
[ "$(get --unix-socket "$work/www/s" -I http://x/metrics)" = 200 ]
say $? "HEAD"
for i in 1 2 3 4 5 6 7 8; do
	curl -s --max-time 5 -o "many.$i" --unix-socket "$work/www/s" \
		http://x/metrics &
	many="${many-} $!"
done
# shellcheck disable=SC2086
wait $many
[ "$(cat many.* | grep -c '^sallyport_up 1$')" -eq 8 ]
say $? "eight at once"
# one that says nothing holds nobody up
mkfifo silent
curl -s --max-time 20 --unix-socket "$work/www/s" -T silent http://x/ &
pids="$pids $!"
[ "$(get --unix-socket "$work/www/s" http://x/metrics)" = 200 ]
say $? "beside one that is silent"
grep -q "^Seccomp:[[:space:]]*2$" "/proc/$unix/status"
say $? "its list of system calls is in force"
kill "$unix"
wait "$unix"
[ $? -eq 0 ] && [ ! -e www/s ] && [ -e www ]
say $? "it ends, and takes its socket with it"

if command -v promtool >/dev/null; then
	"$prog" --socket "$work/control" --once | promtool check metrics \
		>out 2>&1 && [ ! -s out ]
	say $? "promtool has nothing against it"
else
	skip "promtool" "there is no promtool; Debian's package is prometheus"
fi

# the dashboard: what Grafana's schema of dashboards asks for
jq -e '
(.schemaVersion | . >= 36 and . < 65536) and (.title | length > 0) and
(.uid | length >= 8 and length <= 40) and
(.time | (.from | test("^now-")) and .to == "now") and
(.graphTooltip | . >= 0 and . <= 2) and
([.panels[].id] | length > 10 and (unique | length) == length) and
(.panels | all(.gridPos as $g | .type != null and (.title | length > 0) and
	$g.h > 0 and $g.w > 0 and $g.w <= 24 and $g.x >= 0 and
	$g.x + $g.w <= 24 and $g.y >= 0 and
	(.fieldConfig.defaults | type) == "object" and
	(.fieldConfig.overrides | type) == "array" and
	(.options | type) == "object" and
	.datasource.uid == "${datasource}" and
	(.targets | length > 0 and all((.refId | test("^[A-Z]$")) and
		(.expr | length > 0)))))
and (.templating.list | all((.name | length > 0) and
	(.hide | . >= 0 and . <= 2) and
	(.type | IN("query", "datasource", "interval", "custom"))))
' "$board" >out 2>&1
say $? "the dashboard is one"
jq -r '.panels[] | .gridPos | range(.x; .x + .w) as $x |
	range(.y; .y + .h) as $y | "\($x) \($y)"' "$board" | sort | uniq -d >out
[ ! -s out ]
say $? "  and no panel lies on another"

if ! command -v prometheus >/dev/null; then
	skip "the dashboard's queries" \
		"there is no prometheus; Debian's package is prometheus"
	finish
fi
# shellcheck disable=SC2086
"$prog" --socket "$work/control" --listen 127.0.0.1:0 $user 2>/dev/null &
pids="$pids $!"
metrics=$!
port_of() {
	# of whom: the only socket that listens, by its inode
	for fd in /proc/"$1"/fd/*; do
		inode=$(readlink "$fd" | sed -n 's/^socket:\[\(.*\)\]$/\1/p')
		[ -n "$inode" ] || continue
		hex=$(awk -v i="$inode" '$10 == i && $4 == "0A" {
			sub(".*:", "", $2); print $2 }' /proc/net/tcp)
		[ -n "$hex" ] && printf '%d\n' "0x$hex" && return
	done
	return 1
}
until_true port_of "$metrics" >port
port=$(tail -n 1 port)
[ "$(get "http://127.0.0.1:$port/metrics")" = 200 ]
say $? "a TCP socket"
cat >prometheus.yml <<EOF
global: {scrape_interval: 100ms, scrape_timeout: 100ms}
scrape_configs:
  - job_name: sallyport
    static_configs: [{targets: ['127.0.0.1:$port']}]
EOF
promtool check config prometheus.yml >out 2>&1
say $? "a configuration for Prometheus"
prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb \
	--web.listen-address=127.0.0.1:0 >prometheus.log 2>&1 &
pids="$pids $!"
prometheus=$!
until_true port_of "$prometheus" >port
api=http://127.0.0.1:$(tail -n 1 port)/api/v1/query

# ask QUERY: its answer is in out.
ask() {
	curl -s --max-time 5 -G -o out --data-urlencode "query=$1" "$api"
}
has_samples() {
	ask 'count_over_time(sallyport_up[1m])' && [ "$(jq -r \
		'.data.result[0].value[1] // 0' out 2>/dev/null)" -ge 6 ] \
		2>/dev/null
}
until_true has_samples
say $? "Prometheus scrapes it"
jq -r '.panels[] | .title as $t | .targets[] | [$t, .expr] | @tsv' "$board" |
	sed 's/\$__rate_interval/2s/g; s/\$instance/.*/g; s/\\\\/\\/g' >queries
while IFS="$(printf '\t')" read -r title query; do
	ask "$query"
	jq -e '.status == "success" and (.data.result | length > 0 and
		all(.value[1] != "NaN"))' out >/dev/null
	r=$?
	[ $r -eq 0 ] || echo "# $query"
	say $r "query of \"$title\""
done <queries
[ "$(wc -l <queries)" -gt 20 ]
say $? "all of them"
finish
