#!/bin/bash
# faults.sh - what the rows of the fault table share: processes by name, times
# of the gateway's own log, and the check that each row ends with. Source it
# after functions.sh and sallyport.sh.
#
# A row is over when the device is usable again and nothing is left: no session,
# no relay, no port in use, no zombie, no descriptor more than before.

T=$GW/tls-ws1
VHCI=/sys/devices/platform/vhci_hcd.0
URBS=$(dirname "$(command -v sallyport)")/../vm/urbs
fds_before=''

# A failure shows what either half has to say about it.
fail() {
	say "FAIL: $*"
	echo "--- gateway"
	tail -n 25 /run/sallyportd.log
	tail -n 12 "$AUDIT"
	sallyctl sessions
	echo "--- workstation"
	tail -n 12 /tmp/relay.log
	grep -v ' 004 ' "$VHCI/status"
	ps -eo pid,stat,wchan:20,args | grep '[s]allyport'
	echo "--- who waits in the kernel, and where"
	for stuck in /proc/[0-9]*; do
		[ "$(awk '{ print $3 }' "$stuck/stat")" != D ] ||
		    { cat "$stuck/comm" "$stuck/stack"; }
	done
	echo "--- kernel"
	dmesg | tail -n 25
	exit 1
} 2>/dev/null

# each_process CMD...: CMD with PID STATE NAME of every process, until it fails.
# No ps, no pgrep: beside a hundred kernel threads they need a second each, on
# an emulated processor.
each_process() {
	local file line name state
	for file in /proc/[0-9]*/stat; do
		read -r line <"$file" || continue
		name=${line#*(} state=${line##*) }
		"$@" "${line%% *}" "${state%% *}" "${name%)*}" || return 1
	done
} 2>/dev/null

# pid_of PROGRAM: a living process of that name. The kernel keeps 15 characters
# of it.
pid_of() {
	! each_process is_other "${1:0:15}"
}

is_other() {
	[ "$4" != "$1" ] || [[ $3 == [ZX] ]] || {
		echo "$2"
		return 1
	}
}

runs() {
	pid_of "$1" >/dev/null
}

# kill_one PROGRAM: kill -9, and wait until that process lives no more.
kill_one() {
	local pid
	pid=$(pid_of "$1") || fail "no $1 runs"
	kill -9 "$pid"
	wait_gone 10 lives "$pid"
}

lives() {
	local line
	read -r line <"/proc/$1/stat" && [[ ${line##*) } == [!ZX]* ]]
} 2>/dev/null

mono_ms() {
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

# audit_lines: how many there are now, to look at later ones only.
audit_lines() {
	wc -l <"$AUDIT"
}

# audit_ms SKIP EVENT OUTCOME: when that was first logged after SKIP lines.
audit_ms() {
	tail -n "+$(($1 + 1))" "$AUDIT" | jq -es --arg e "$2" --arg o "$3" \
	    'map(select(.event == $e and .outcome == $o).mono_ms) |
	    first // error'
}

audit_since() {
	audit_ms "$@" >/dev/null 2>&1
}

# A holder that died silently has lost its device within this time. The cut by
# way of QEMU's monitor, the reset and the look at the device take theirs on
# emulated processors, hence what may be added.
FREE_MS=10000
SLACK_MS=5000

# freed SKIP SINCE ROW: that is so, SINCE a time and SKIP lines.
freed() {
	local noticed free
	wait_for 60 audit_since "$1" device free || fail "$3: it is not freed"
	noticed=$(($(audit_ms "$1" session ended) - $2))
	free=$(($(audit_ms "$1" device free) - $2))
	say "ok: $3: the session ended after $noticed ms, the device was free" \
	    "after $free ms"
	[ $free -le $((FREE_MS + SLACK_MS)) ] || fail "$3: too late"
}

# fds PID: how many descriptors it has open.
fds() {
	local open=("/proc/$1/fd"/*)
	echo ${#open[@]}
}

rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

gateway_fds() {
	echo "$(fds "$(pid_of sallyportd)") $(fds "$(pid_of sallyport-warden)")"
}

# nobody NAME...: no process of these names is left, and no zombie.
nobody() {
	each_process is_none_of "$@"
}

is_none_of() {
	local name
	[[ ${*: -2:1} != Z ]] || return 1
	for name in "${@:1:$#-3}"; do
		[ "${*: -1}" != "${name:0:15}" ] || return 1
	done
}

# is_free BUSID: ready, and nobody is connected.
is_free() {
	{
		sallyctl --json devices
		sallyctl --json sessions
	} | jq -es --arg b "$1" '(.[0].devices | any(.busid == $b and
	    .state == "ready")) and .[1].sessions == []'
}

as_before() {
	fds_now=$(gateway_fds)
	[ "$fds_now" = "$fds_before" ]
}

# is_steady: three readings half a second apart are the same. One that is taken
# while a client or a probe is about to go counts what is theirs.
is_steady() {
	local i
	fds_before=$(gateway_fds)
	for i in 1 2; do
		sleep 0.5
		as_before || return 1
	done
}

# gateway_clean BUSID ROW: the gateway's half of the last check. The first call
# remembers how many descriptors broker and warden have.
gateway_clean() {
	wait_for 60 is_free "$1" || fail "$2: $1 is not free again"
	wait_for 30 nobody sallyport-session sallyport-probe || {
		ps -ef
		fail "$2: a process is left"
	}
	[ -n "$fds_before" ] || wait_for 20 is_steady ||
		fail "$2: descriptors come and go: $fds_before, now $fds_now"
	wait_for 10 as_before || {
		ls -l "/proc/$(pid_of sallyportd)/fd" \
		    "/proc/$(pid_of sallyport-warden)/fd"
		fail "$2: descriptors: $fds_before, now $fds_now"
	}
}

# workstation_clean ROW: the workstation's half.
workstation_clean() {
	wait_for 60 no_port_used || fail "$1: $(sallyport status)"
	wait_for 30 nobody sallyport sallyport-relay || {
		ps -ef
		fail "$1: a process is left"
	}
}

no_port_used() {
	[ "$(sallyport status)" = "nothing is attached" ]
}

attach_to() {
	limit 60 sallyport attach --log /tmp/relay.log --tls "$T" gateway \
	    "$1" >/tmp/attach.out 2>&1 || {
		cat /tmp/attach.out
		fail "attach $1"
	}
}

detach_all() {
	limit 60 sallyport detach all >/dev/null || fail "$1: detach"
}

#
# A drive
#

# attach_disk BUSID: sets disk, when its block device is there.
attach_disk() {
	attach_to "$1"
	wait_for 60 has_disk || fail "attach $1: no disk"
}

# No process for each device: forty root hubs take their time.
has_disk() {
	local dirs
	dirs=("$VHCI"/usb*/*-*/*:*/host*/target*/*/block/*)
	disk=${dirs[0]##*/}
	[ -e "${dirs[0]}" ] && [ -b "/dev/$disk" ]
}

read_disk() {
	limit 60 dd "if=/dev/$disk" of=/dev/null bs=64k count=4 iflag=direct \
	    2>/dev/null || fail "$1: the disk does not answer"
}

# read_on: a reader in the background that ends with the disk.
read_on() {
	while dd "if=/dev/$disk" of=/dev/null bs=64k iflag=direct; do
		:
	done 2>/dev/null &
	reader=$!
}

# disk_again BUSID ROW: it can be attached, read and detached.
disk_again() {
	attach_disk "$1"
	read_disk "$2"
	detach_all "$2"
	workstation_clean "$2"
}

#
# The kernel's source/sink, without a driver; urbs.c has it
#

# attach_zero BUSID: sets zero_node, when it is configured.
attach_zero() {
	[ -x "$URBS" ] || fail "urbs is not built: make tests"
	attach_to "$1"
	wait_for 60 has_zero || fail "attach $1: no source/sink"
}

has_zero() {
	local dir
	for dir in "$VHCI"/usb*/*-*/*-*:1.0/ep_81; do
		[ -e "$dir" ] || return 1
		dir=${dir%/*/ep_81}
		[ "$(usb_attribute "${dir##*/}" idProduct)" = a4a0 ] || continue
		zero_node=$(usb_node "${dir##*/}")
		return 0
	done
	return 1
}

# zero_again BUSID ROW: it can be attached, read from and detached.
zero_again() {
	attach_zero "$1"
	limit 60 "$URBS" "$zero_node" read 4 4096 20 >/tmp/urbs.out ||
	    fail "$2: $(cat /tmp/urbs.out)"
	detach_all "$2"
	workstation_clean "$2"
}

# row_over BUSID ROW: all of it, where both halves are in one guest; used_by is
# the way to use the device.
row_over() {
	workstation_clean "$2"
	gateway_clean "$1" "$2"
	${used_by:-disk_again} "$1" "$2"
	gateway_clean "$1" "$2"
	say "ok: $2: used again; descriptors of broker and warden: $fds_now"
}
