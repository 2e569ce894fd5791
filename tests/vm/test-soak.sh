#!/bin/bash
# vm: --guests 1 --smp 2 --timeout 600
# vm-long: each way to end is in a test of its own; this is their number
#
# Attach, stream, and then any of: detach, kick, unplug, a killed relay, a killed
# session, new rules; in an order of chance, for a minute, or with SIZE=long for
# MINUTES (30). What broker and warden hold, leases, ports and processes are
# sampled between rounds; they stay what they were, and memory in the last third
# is what it was in the first. SEED repeats an order.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

LENGTH=60
[ "${SIZE:-}" != long ] || LENGTH=$((${MINUTES:-30} * 60))
SAMPLES=30
WARM=6	   # rounds before the first sample: each way was gone once by then
# KiB that a process may have more in the last third: twice of what malloc keeps
# at the top of its heap before it gives it back, which is there in one sample and
# not in the next.
GROWTH=256

[ -z "${SEED:-}" ] || RANDOM=$SEED
seed=$RANDOM
RANDOM=$seed
say "seed $seed, $LENGTH s"

ways=(detach kick unplug relay session reload)
declare -A times
table=() samples=()

# plugged: the gateway has it, and it can be had.
plugged() {
	zero=$(usb_busid 0525 a4a0) && device_is "$zero" ready
}

stream() {
	attach_zero "$zero"
	limit 60 "$URBS" "$zero_node" read 4 4096 >/tmp/urbs.out 2>&1 &
	reader=$!
	sleep 0.$((RANDOM % 9 + 1))
}

# rules LINE...: these and no others, from now on.
rules() {
	printf '%s\n' "$@" >$GW/rules.d/10-bench.rules
	sallyctl reload >/dev/null || fail "reload"
}

# disturb WAY: it ends what streams.
disturb() {
	case $1 in
	detach) detach_all "$1" ;;
	kick) sallyctl kick "$zero" >/dev/null || fail "kick" ;;
	unplug)
		gadget_unplug zero
		wait_gone 20 usb_busid 0525 a4a0 || fail "it is not gone"
		echo dummy_udc.0 >"$GADGETS/zero/UDC"
		;;
	relay) kill_one sallyport-relay ;;
	session) kill_one sallyport-session ;;
	reload)
		rules 'default to any'
		wait_for 60 no_port_used || fail "reload: it is held"
		rules 'default to any' 'allow using "bench-any"'
		;;
	esac
	wait_gone 60 lives "$reader" || fail "$1: who reads is stuck"
	wait "$reader"
	wait_for 60 no_port_used || fail "$1: a port is in use"
	wait_for 60 plugged || fail "$1: it cannot be had again"
}

# sample: nothing is left of the rounds so far; how much is in use.
sample() {
	local ports processes
	workstation_clean "round $i"
	gateway_clean "$zero" "round $i"
	ports=$(awk 'FNR > 1 && $3 != 4 { n++ } END { print n + 0 }' \
	    /sys/devices/platform/vhci_hcd.*/status*)
	processes=$(each_process is_ours | wc -l)
	samples+=("$(rss "$broker") $(rss "$warden")")
	# shellcheck disable=SC2046,SC2086 # words are wanted
	table+=("$(printf '%6d %7d %6d %6d %8d %8d %8d %6d %10d' \
	    $((SECONDS - began)) $i $fds_now ${samples[-1]} \
	    "$(sallyctl --json sessions | jq '.sessions | length')" \
	    "$ports" "$processes")")
}

# each_process: it is one of ours.
is_ours() {
	[[ $3 != sallyport* ]] || echo "$3"
}

# third FIELD FIRST: the mean of that field of a third of the samples.
third() {
	printf '%s\n' "${samples[@]:$2:${#samples[@]} / 3}" | awk -v f="$1" \
	    '{ sum += $f } END { printf "%d\n", sum / NR }'
}

# flat NAME FIELD
flat() {
	local first last
	first=$(third "$2" 0)
	last=$(third "$2" $((${#samples[@]} - ${#samples[@]} / 3)))
	say "$1: $first KiB in the first third, $last KiB in the last"
	[ $((last - first)) -le $GROWTH ] || fail "$1: memory grows"
	say "ok: $1: memory is flat"
}

pki_make || fail "pki"
gateway_config 'default to any' 'allow using "bench-any"'
workstation_config ws1
check "the gateway starts" gateway_start
gadget_hcd high
check "a source/sink is plugged in" gadget_sourcesink zero
wait_for 30 plugged || fail "no gadget"
gateway_clean "$zero" "at first"
broker=$(pid_of sallyportd) warden=$(pid_of sallyport-warden)

began=$SECONDS next=0
for ((i = 1; i <= WARM + 3 || SECONDS - began < LENGTH; i++)); do
	# each once, then as it comes
	way=${ways[$((i <= ${#ways[@]} ? i - 1 : RANDOM % ${#ways[@]}))]}
	stream
	disturb "$way"
	times[$way]=$((${times[$way]:-0} + 1))
	if [ $i -ge $WARM ] && [ $((SECONDS - began)) -ge $next ]; then
		sample
		next=$((SECONDS - began + LENGTH / SAMPLES))
		say "round $i: ${table[-1]}"
	fi
done
i=$((i - 1))
[ ${#samples[@]} -ge 3 ] || fail "only ${#samples[@]} samples"
say "$i rounds; descriptors and memory in KiB of broker and warden"
printf '    %s\n' "  time  rounds   fds B      W    mem B        W sessions  ports  processes" "${table[@]}"
for way in "${ways[@]}"; do
	say "$way: ${times[$way]} times"
done
check "the same broker and warden" [ "$broker $warden" = \
	"$(pid_of sallyportd) $(pid_of sallyport-warden)" ]
flat broker 1
flat warden 2
check "no hold is in the book" jq -e 'any(.plugs[]; has("hold")) | not' \
    /var/lib/sallyport/state.json
check "the gateway stops" gateway_stop
gadget_remove zero
