# shellcheck shell=bash disable=SC2154
# Containers of the images, with what docker/compose.yaml gives them: sourced by
# tests/image-test. The host that they see is a directory: what of it is mounted is
# below it, and its /sys has a root hub and devices. The network is the one of
# this test.
echo "== containers"
version=$(sed -n 's/^VERSION := //p' Makefile)
pki=$work/chroot/tmp/pki

# make_host DIR: with its /sys, usbfs, configuration, keys and volumes.
make_host() {
	local h=$1
	mkdir -p "$h/sys/fs/cgroup" "$h/sys/devices/platform" "$h/sys/module/usbcore/parameters" \
		"$h/dev/bus/usb/003" "$h/run/sallyport" "$h/sallyport/rules.d" \
		"$h/sallyport/profiles.d" "$h/workstation" "$h/volumes" &&
	    mount --bind "$h/sys" "$bench/sys" &&
	    chroot "$bench" /src/build/release/attack/hold sysfs &&
	    umount "$bench/sys" || return 1
	echo 16 >"$h/sys/module/usbcore/parameters/usbfs_memory_mb"
	hub=sys/devices/pci0000:00/0000:00:14.0/usb3
	echo 1 >"$h/$hub/3-0:1.0/authorized"
	: >"$h/sys/bus/usb/drivers_probe"
	mknod "$h/dev/bus/usb/003/011" c 189 266
	cp -a "$gw/var/log/sallyport" "$h/volumes/audit"
	cp -a "$gw/var/lib/sallyport" "$h/volumes/state"
	: >"$h/sallyport/gateway.conf"
	printf '%s\n' 'profile any {' 'on setup { allow }' 'on out { allow }' \
		'on in { allow }' '}' >"$h/sallyport/profiles.d/any.profile"
	printf '%s\n' 'default to any' 'allow using "any"' >"$h/sallyport/rules.d/10.rules"
	cp -a "$pki/gw" "$h/sallyport/tls" && cp -a "$pki/desk" \
		"$h/workstation/tls"
}

# run NAME SERVICE HOST WITHOUT [OPTION...] [-- ARGUMENT...]: a container of that
# service, without one thing of it or "", in the foreground.
run() {
	local name=$1 service=$2 h=$3 without=$4 given=()
	shift 4
	mapfile -t given < <(tests/image/compose docker/compose.yaml \
		"$service" "$h" "$without")
	[ ${#given[@]} -gt 3 ] || return 99
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		given+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	"${pod[@]}" run --pull never --rm --name "$name" --network host \
		--volume "$h/sys:/sys:ro" "${given[@]}" \
		"localhost/sallyport-$service:$version" "$@"
}

# start HOST WITHOUT [OPTION...]: a gateway, in the background.
start() {
	run gw gateway "$@" >"$work/log" 2>&1 &
	job=$!
}

# The check of compose.yaml's own.
healthy() {
	"${pod[@]}" exec gw /usr/bin/sallyctl status
}

# stop: 0 if it ended as it was told to. It has three seconds.
stop() {
	"${pod[@]}" stop --time 3 gw >/dev/null 2>&1
	wait "$job"
}

real=$work/real simulated=$work/simulated
make_host "$real" && make_host "$simulated" || die "hosts"
# for those who are real: the hub alone
rm "$real"/sys/bus/usb/devices/3-*

# what the image says of itself
config() {
	buildah "${store[@]}" inspect --type image \
		"localhost/sallyport-$1:$version" | jq -c ".OCIv1.config | $2"
}
try "a gateway's image starts sallyportd" [ \
	"$(config gateway '[.Entrypoint, .Cmd, .User]')" \
	= '[["/usr/sbin/sallyportd"],null,null]' ]
try "a workstation's is an agent" [ \
	"$(config workstation '[.Entrypoint, .Cmd, .User]')" \
	= '[["/usr/bin/sallyport"],["agent"],null]' ]
try "compose.yaml is what docker-compose reads" \
	docker-compose -f docker/compose.yaml config -q

# what the real broker did to sysfs
all_written() {
	local f all=
	for f in "$hub/interface_authorized_default" \
		sys/module/usbcore/parameters/usbfs_memory_mb \
		sys/bus/usb/drivers_probe; do
		all+=" $(cat "$1/$f")"
	done
	echo "$all"
	[ "$all" = " 0 256 3-0:1.0" ]
}

# said TEXT: in the log of the gateway.
said() {
	grep -qE -e "$1" "$work/log"
}

# --- with all that it is given
start "$real" ""
try "a gateway comes up" until_true healthy
try "and does in sysfs what it has to" until_true all_written "$real"
"${pod[@]}" exec gw /usr/bin/sallyctl --json sandbox >"$work/sandbox"
# SETUID, SETGID, KILL, SYS_NICE; CHOWN is given up
try "its broker keeps four capabilities, its warden none" jq -e '
	[.processes[] | [.uid, .capabilities, .no_new_privileges]] == [
	[0, "00000000008000e0", true], [60700, "0000000000000000", true]]' \
	"$work/sandbox"
try "the runtime lets it have seccomp and Landlock" jq -e '
	[.processes[].seccomp] == [true, true] and
	(.lacks // [] | length == 0)' "$work/sandbox"
try "it ends when it is told to" stop
try "and gives the hub back" [ \
	"$(cat "$real/$hub/interface_authorized_default")" = 1 ]

# killed, and another one after it
start "$real" ""
until_true all_written "$real"
"${pod[@]}" kill gw >/dev/null 2>&1
wait "$job"
[ "$(cat "$real/$hub/interface_authorized_default")" = 0 ] || die "killed late"
start "$real" ""
until_true healthy >/dev/null
stop
try "one after a crash gives the hub back as it was" [ \
	"$(cat "$real/$hub/interface_authorized_default")" = 1 ]

# --- with one thing less
# without WHAT COMMAND...: then that holds.
without() {
	local what=$1
	shift
	echo 1 >"$real/$hub/interface_authorized_default"
	echo 16 >"$real/sys/module/usbcore/parameters/usbfs_memory_mb"
	: >"$real/sys/bus/usb/drivers_probe"
	rm -rf "$real/run"
	mkdir "$real/run" "$real/run/sallyport"
	start "$real" "$what"
	try "without $what: ${*/until_true/}" "$@"
	stop
}

# ends REASON: by itself, and says why.
ends() {
	wait "$job" && return 1
	said "$1"
}

# is_up_but PATH VALUE: it is there, and has not written that.
is_up_but() {
	until_true healthy && sleep 0.5 && [ "$(cat "$1")" = "$2" ]
}

# does_not_stop: it is killed after its time.
does_not_stop() {
	until_true healthy || return 1
	stop
	[ $? = 137 ]
}

starts_no_warden() {
	until_true said 'start .*sallyport-warden: Operation not permitted' &&
	    ! healthy
}

without cap_add:CHOWN ends 'control.sock: Operation not permitted'
without cap_add:SETUID starts_no_warden
without cap_add:SETGID starts_no_warden
without cap_add:KILL does_not_stop
without volumes:/etc/sallyport ends 'gateway.conf: no such thing'
without volumes:/run/sallyport ends 'directory /run/sallyport: Read-only'
without volumes:/var/log/sallyport until_true said 'audit.*: Read-only'
without volumes:/var/lib/sallyport until_true said '/var/lib.*: Read-only'
without volumes:/sys/devices is_up_but \
	"$real/$hub/interface_authorized_default" 1
without volumes:/sys/bus/usb is_up_but "$real/sys/bus/usb/drivers_probe" ""
without volumes:/sys/module/usbcore/parameters is_up_but \
	"$real/sys/module/usbcore/parameters/usbfs_memory_mb" 16

# Nodes of usbfs: the bench's python opens one, in such a container. ENXIO is the
# kernel's, which has no such device; EPERM the cgroup's.
opens() { # WITHOUT ERRNO...
	local given=()
	mapfile -t given < <(tests/image/compose docker/compose.yaml gateway \
		"$real" "$1")
	shift
	"${pod[@]}" run --pull never --rm --network host --volume "$real/sys:/sys:ro" \
		"${given[@]}" --rootfs "$bench" /usr/bin/python3 -c '
import os, sys
try:
    os.open("/dev/bus/usb/003/011", os.O_RDWR)
    got = 0
except OSError as e:
    got = e.errno
print("errno", got)
sys.exit(got not in [int(a) for a in sys.argv[1:]])' "$@"
}
mkdir -p "$bench/run/sallyport" "$bench/etc/sallyport" \
	"$bench/var/log/sallyport" "$bench/var/lib/sallyport" \
	"$bench/dev/bus/usb" "$bench/sys/devices" "$bench/sys/bus/usb" \
	"$bench/sys/module/usbcore/parameters"
try "a node is the device's" opens "" 0 6 19
try "without device_cgroup_rules: it is not to be opened" \
	opens device_cgroup_rules 1
try "without volumes:/dev/bus/usb: there is none" opens volumes:/dev/bus/usb 2

# Uevents: in each network namespace of the first user namespace, in no other.
listen='
import select, socket
s = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
s.bind((0, 1))
print("listens", flush=True)
print("heard" if select.select([s], [], [], 2)[0] else "nothing", flush=True)'
# hears WHAT COMMAND...: that runs this python, and says it last.
hears() {
	local job what=$1
	shift
	: >"$work/heard"
	"$@" /usr/bin/python3 -c "$listen" >"$work/heard" 2>&1 &
	job=$!
	until_true grep -q listens "$work/heard" &&
	    echo change >/sys/class/mem/null/uevent
	wait $job
	cat "$work/heard"
	[ "$(tail -n 1 "$work/heard")" = "$what" ]
}
if [ -e /sys/class/mem/null/uevent ]; then
	try "uevents come to a network of a container's own" hears heard \
		"${pod[@]}" run --pull never --rm --network none --rootfs "$bench"
	try "and not to one of other users" hears nothing \
		unshare --user --map-root-user --net chroot "$bench"
fi

# --- simulated devices, and a workstation
echo "== a gateway and a workstation"
programs=()
for p in sbin/sallyportd libexec/sallyport/sallyport-session \
	libexec/sallyport/sallyport-probe; do
	programs+=(--volume
		"$bench/src/build/release/attack/${p##*/}:/usr/$p:ro")
done
cp -a "$pki/desk" "$bench/tmp/desk"

ready() {
	[ "$("${pod[@]}" exec gw /usr/bin/sallyctl --json devices |
		jq '[.devices[] | select(.state == "ready")] | length')" = 12 ]
}

# list WITHOUT: what a workstation's container sees.
list() {
	run ws workstation "$simulated" "$1" -- list 127.0.0.1 --name gateway \
		--tls /etc/sallyport/tls
}
lists() {
	[ "$(list "" | grep -c '3-[0-9]')" = 12 ]
}
lists_none() {
	! list "$1"
}

# hold: somebody has a device; $holder.
hold() {
	chroot "$bench" /src/build/release/attack/hold /tmp/desk 3-1 \
		>"$work/hold" 2>&1 &
	holder=$!
	until_true grep -q held "$work/hold" || ! cat "$work/hold"
}

# The priority of the session that has a device: the first number is its parent's.
priority() {
	local f
	for f in /proc/[0-9]*/stat; do
		sed -n 's/^[0-9]* (sallyport-sessi) \(.*\)/\1/p' "$f" 2>/dev/null
	done | cut -d' ' -f17
}
has_priority() {
	priority
	[ "$(priority)" = "$1" ]
}
start "$simulated" "" "${programs[@]}"
try "devices are ready" until_true ready
try "a workstation's container lists them" lists
list "" >"$work/listed"
sed 's/^/    /;3q' "$work/listed"
for what in cap_add:SETUID cap_add:SETGID volumes:/etc/sallyport; do
	try "without $what: it does not" lists_none $what
done

# A device reaches vhci_hcd: port, descriptor, devid, speed are written there. That
# is nobody's here, so the attaching itself ends without one.
vhci=$simulated/sys/devices/platform/vhci_hcd.0
mkdir "$vhci"
echo 1 >"$vhci/nports"
printf '%s\n' 'hub port sta spd dev      sockfd local_busid' \
	'hs  0000 004 000 00000000 000000 0-0' >"$vhci/status"
hands_over() { # WITHOUT
	: >"$vhci/attach"
	run ws workstation "$simulated" "$1" -- attach 127.0.0.1 3-2 \
		--name gateway --tls /etc/sallyport/tls
	grep -E '^0 [0-9]+ [0-9]+ 3$' "$vhci/attach"
}
hands_nothing_over() {
	! hands_over "$1"
}
try "a workstation's container hands a device to vhci_hcd" hands_over ""
what=volumes:/sys/devices/platform
try "without $what: it does not" hands_nothing_over $what
try "somebody has one, and it works" hold
try "his session is not behind others" until_true has_priority 0
"${pod[@]}" exec gw /usr/bin/sallyctl kick 3-1 >"$work/kick" 2>&1
try "and it is taken" wait "$holder"
try "all of that ends when it is told to" stop
start "$simulated" cap_add:SYS_NICE "${programs[@]}"
until_true ready >/dev/null
try "without cap_add:SYS_NICE: somebody has one" hold
try "and his session is behind others" until_true has_priority 10
"${pod[@]}" exec gw /usr/bin/sallyctl kick 3-1 >"$work/kick" 2>&1
wait "$holder"
stop

# --- a pod of the DaemonSet
echo "== a node of Kubernetes"
node=$work/node
make_host "$node" || die "node"
rm "$node"/sys/bus/usb/devices/3-*
mkdir -m 1777 "$node/secret"
cp -a "$pki/gw" "$node/secret/..1" && chmod 0400 "$node/secret/..1/"*.pem
ln -s ..1 "$node/secret/..data"
for f in ca cert key; do
	ln -s "..data/$f.pem" "$node/secret/$f.pem"
done
mapfile -t given < <(tests/image/daemonset docker/kubernetes/gateway.yaml "$node")
[ ${#given[@]} -gt 6 ] || die "daemonset"
"${pod[@]}" run --pull never --rm --name gw --network host --volume "$node/sys:/sys" \
	"${given[@]}" "localhost/sallyport-gateway:$version" >"$work/log" 2>&1 &
job=$!
try "a privileged one comes up" until_true healthy
try "and does in sysfs what it has to" until_true all_written "$node"
"${pod[@]}" exec gw /usr/bin/sallyctl --json sandbox >"$work/sandbox"
try "of its privileges it keeps five, its warden none" jq -e '
	[.processes[] | [.uid, .capabilities]] == [
	[0, "00000000008000e2"], [60700, "0000000000000000"]]' "$work/sandbox"
try "what it keeps is its user's" [ \
	"$(stat -c '%u %a' "$node"/var/lib/sallyport-gateway/* |
		tr '\n' ' ')" = "60700 750 60700 700 " ]
in_force() {
	"${pod[@]}" exec gw /usr/bin/sallyctl --json status | jq -r "$1"
}
before=$(in_force .rules_revision)
mkdir "$node/maps/rules/..2"
printf '%s\n' 'default to any' 'block' >"$node/maps/rules/..2/10-lab.rules"
ln -s ..2 "$node/maps/rules/..data_tmp"
mv -T "$node/maps/rules/..data_tmp" "$node/maps/rules/..data"
changed() {
	[ "$(in_force .rules_revision)" != "$before" ]
}
try "rules of a ConfigMap that changes are in force" until_true changed
try "it ends when it is told to" stop
