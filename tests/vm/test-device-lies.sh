#!/bin/bash
# vm: --guests 1 --timeout 400
#
# A device that lies while it runs (softdev/liar.c), beside an honest drive on
# the same controller: to the kernel, to the probe, to a session at import and in
# its transfers, behind a reset, and by leaving again and again. Each lie is a
# line of the table, with how the drive was read meanwhile. Nobody gets the
# keyboard that it turns into, no driver of the gateway gets anything, and nothing
# is left afterwards: no lease, process, descriptor or complaint of the kernel.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"
. "$BENCH/faults.sh"
. "$BENCH/drivers.sh"

VID=1209 PID=5a14
XFER=$SALLYPORT_BUILD/$VARIANT/vm/xfer
SAYS=/tmp/softdev-says
HONEST=/tmp/honest # a line for each read of the drive: ms
table=() seen=0

# The log is read by the shell itself, which is much the quickest here.

# audit_find SKIP PATTERN: sets found, the first line after SKIP like that.
audit_find() {
	local lines line
	mapfile -t -s "$1" lines <"$AUDIT"
	for line in "${lines[@]}"; do
		[[ $line =~ $2 ]] && found=$line && return 0
	done
	return 1
}

# audit_says SKIP PATTERN MEMBER...: waits for it; answer is what it did, and
# these members.
audit_says() {
	local member
	wait_for 40 audit_find "$1" "$2" || fail "the audit log has no $2"
	[[ $found =~ \"event\":\"([^\"]*)\",\"outcome\":\"([^\"]*)\" ]]
	answer="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
	for member in "${@:3}"; do
		[[ $found =~ \"$member\":\"?([^\",}]*) ]] &&
		    answer+=": ${BASH_REMATCH[1]##*/}"
	done
}

# is_ready: it can be had, as its last line says.
is_ready() {
	local lines line last=''
	mapfile -t lines <"$AUDIT"
	for line in "${lines[@]}"; do
		case $line in
		*'"event":"device"'*"\"busid\":\"$device\""*) last=$line ;;
		*'"event":"import","outcome":"allowed"'*"\"$device\""*) last='' ;;
		esac
	done
	[[ $last =~ \"outcome\":\"(appeared|free)\" ]]
}

# The drive is read all the while.
read_honest() {
	local before
	while :; do
		before=$(mono_ms)
		dd if="/dev/$disk" of=/dev/null bs=4k count=1 iflag=direct \
		    skip=$((RANDOM % 2000)) status=none || {
			echo failed >$HONEST.failed
			return
		}
		echo $(($(mono_ms) - before)) >>$HONEST
		sleep 0.3
	done
}
honest_goes_on() {
	mapfile -t reads <$HONEST
	[ ${#reads[@]} -gt $seen ]
}

# row LIE: it is over, with that answer; gateway and drive are as before.
row() {
	local ms slowest=0
	wait_for 20 honest_goes_on || fail "$1: the drive is not read any more"
	[ ! -e $HONEST.failed ] || fail "$1: a read of the drive has failed"
	for ms in "${reads[@]:seen}"; do
		[ "$ms" -le $slowest ] || slowest=$ms
	done
	table+=("$(printf '%5d %7d  %-34s %s' $((${#reads[@]} - seen)) \
	    $slowest "$1" "$answer")")
	seen=${#reads[@]}
	lives "$broker" && lives "$warden" || fail "$1: the gateway has ended"
	limit 20 sallyctl status >/dev/null || fail "$1: the gateway is mute"
	say "ok: $1: $answer"
}

lie() {
	echo "$*" >$SAYS
}
plugged() {
	device=$(class_busid $VID $PID gateway)
}
unplugged() {
	! plugged
}
leave() {
	lie gone
	wait_for 30 unplugged || fail "it does not leave"
}

# honest_again: in its socket, ready, and telling the truth.
honest_again() {
	rm -f $SAYS
	wait_for 60 plugged || fail "it does not come back"
	wait_for 60 is_ready || fail "it is not ready: $(sallyctl devices)"
}

class_open
printf '%s\n' 'default to any' 'block with-interface one-of { 03:01:* }' \
    'allow using "bench-any"' >$GW/rules.d/10-bench.rules
check "reload" sallyctl reload
usb_drivers
broker=$(pid_of sallyportd) warden=$(pid_of sallyport-warden)
check "events of drivers are written down" uevents_start
truncate -s 8M /shared/honest.img
host drive_add 0 if=none,id=honest,file=shared/honest.img,format=raw >/dev/null
check "plug the honest drive" host device_add \
    usb-storage,drive=honest,id=honest,bus=xhci.0
wait_for 20 class_busid 46f4 0001 gateway || fail "no drive"
honest=$(class_busid 46f4 0001 gateway)
gateway_clean "$honest" "at first"
attach_disk "$honest"
read_honest &
honest_reader=$!
inputs=(/sys/class/input/input*)
soft_plug liar
honest_again
answer="device appeared"
row "none"

#
# When it is plugged in
#
leave
lie stalls
gives_up() {
	dmesg | grep -q 'unable to enumerate'
}
check "the kernel gives it up" wait_for 60 gives_up
answer="none: it does not get past the kernel"
row "to all: stalls"

# to_probe RULE LIE TEXT
to_probe() {
	local mark
	leave
	mark=$(audit_lines)
	lie "later $2"
	audit_says "$mark" '"device","outcome":"refused"' refusal detail
	[[ $answer == *": $1: "* ]] || fail "$3: not by $1: $answer"
	row "to the probe: $3"
}
to_probe R8.changed grows "another length"
to_probe R1.length short "half of each"
to_probe R1.answer overlong "more than was asked"
to_probe R1.answer stalls "stalls"
to_probe R1.answer silent "silence"

#
# To the session that imports it
#
# to_session RULE LIE TEXT: and it is honest to the probe that comes after it.
to_session() {
	local mark
	honest_again
	mark=$(audit_lines)
	lie "later $2"
	limit 60 sallyport attach --tls "$T" gateway "$device" \
	    >/tmp/attach.out 2>&1 && fail "$3: it is attached"
	rm -f $SAYS
	audit_says "$mark" '"refusal":' refusal detail
	[[ $answer == *": $1: "* ]] || fail "$3: not by $1: $answer"
	row "at import: $3"
}
leave
to_session R8.changed flips "another release"
to_session R1.answer stalls "stalls"

#
# In its transfers
#
# xfer_is PATTERN TEXT: a read of its pipe ends so.
xfer_is() {
	limit 30 "$XFER" "$node" 0 81:512 >/tmp/xfer 2>&1
	read -r result </tmp/xfer
	[[ $result == $1* ]] || fail "$2: ${result:0:60}"
}
attach_liar() {
	honest_again
	attach_to "$device"
	wait_for 30 class_busid $VID $PID workstation || fail "not attached"
	imported=$(class_busid $VID $PID workstation)
	node=$(usb_node "$imported")
	xfer_is 5a "its pipe, honest"
}
# in_transfers LIE RESULT TEXT
in_transfers() {
	lie "$1"
	xfer_is "$2" "$3"
	rm -f $SAYS
	answer="passed on: ${result:0:60}"
	[ "$1" != short ] || answer="passed on: $((${#result} / 2)) bytes"
	xfer_is 5a "after $3"
	[ ${#result} = 1024 ] || fail "after $3: ${#result} digits"
	row "in a transfer: $3"
}
attach_liar
in_transfers stalls "Broken pipe" "a stall"
in_transfers errors "Protocol error" "an error"
in_transfers overlong "Value too large" "more than was asked"
in_transfers short 5a "half"
in_transfers silent "Connection timed out" "silence"
mark=$(audit_lines)
lie silent
limit 30 "$XFER" "$node" 0 81:512 >/tmp/xfer 2>&1 &
flying=$!
sleep 0.5
leave
wait_gone 30 lives $flying || fail "who read is not told"
wait_gone 30 class_busid $VID $PID workstation || fail "its port is in use"
audit_says "$mark" '"session","outcome":"ejected"' reason
answer+="; the reader: $(head -n 1 /tmp/xfer)"
row "in a transfer: it leaves"

#
# Behind a reset
#
# behind_reset RULE LIE TEXT WAY...: WAY makes the gateway reset it; it is a
# keyboard from then on, which types, and nobody's.
behind_reset() {
	local mark what now
	attach_liar
	mark=$(audit_lines)
	lie "$2"
	"${@:4}"
	wait_gone 30 class_busid $VID $PID workstation ||
	    fail "$3: it stays attached"
	audit_says "$mark" "$1" refusal detail reason
	what=$answer
	wait_for 60 is_ready || fail "$3: it is not judged anew"
	mark=$(audit_lines)
	limit 60 sallyport attach --tls "$T" gateway "$device" \
	    >/tmp/attach.out 2>&1 && fail "$3: the keyboard is attached"
	audit_says "$mark" '"event":"import"' file line
	[[ $answer == "import blocked: 10-bench.rules: 2" ]] ||
	    fail "$3: $answer"
	now=(/sys/class/input/input*)
	[ "${now[*]}" = "${inputs[*]}" ] || fail "$3: inputs: ${now[*]}"
	answer="$what; then $answer"
	row "$3"
	leave
}
port_reset() {
	limit 30 "$XFER" "$node" 0 setup:2303040000000000 >/tmp/xfer 2>&1
}
let_go() {
	limit 60 sallyport detach "$device" >/dev/null || fail "detach"
}
# The session finds out, or the warden hears of the kernel sooner.
behind_reset '"refusal":"R8.changed"|"session","outcome":"ejected"' keyboard \
    "a keyboard behind a reset" port_reset
behind_reset '"refusal":"R8.changed"' "later keyboard" \
    "... behind the kernel's back" port_reset
behind_reset '"device","outcome":"(changed|appeared)"' keyboard \
    "... when it is let go" let_go

#
# Storms
#
mark=$(audit_lines)
known() {
	dmesg | grep -c "idVendor=$VID"
}
before=$(known)
lie storm
check "it leaves, eight times" wait_for 100 grep -q 'it has left' \
    /tmp/softdev.log
honest_again
answer="known to the kernel $(($(known) - before)) times, of these"
answer+=" device appeared $(tail -n "+$((mark + 1))" "$AUDIT" |
    grep -c '"device","outcome":"appeared"')"
row "leaves while it is read, 8 times"
attach_liar

#
# What is left
#
kill $honest_reader
wait $honest_reader 2>/dev/null
detach_all "the end"
workstation_clean "the end"
check "it is free" wait_for 60 is_ready
soft_unplug
gateway_clean "$honest" "the end"
say "ok: no process is left; descriptors of broker and warden: $fds_now"
check "no hold is in the book" jq -e 'any(.plugs[]; has("hold")) | not' \
    /var/lib/sallyport/state.json
check "no driver of the gateway got anything" uevents_none
check "no key was read" grep -q 'liar: 0 keys were read' /tmp/softdev.log
dmesg | grep -E 'WARNING|BUG|Oops|Call Trace|refcount_t|blocked for more' &&
    fail "the kernel complains"
say "ok: the kernel, which is the gateway's and the workstation's, does not" \
    "complain"
printf '    %s\n' "reads slowest  lie                                answer" \
    "${table[@]}"
class_close
