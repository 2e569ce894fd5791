#!/bin/sh
# test_units.sh DIR - what systemd and udev are given: installed below
# a root of its own, read by their own programs, none of which has to run. How
# exposed each unit is, by systemd's own count, is printed and bounded. A check
# whose program is not here is skipped by name.
src=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
lib=$root/usr/lib
n=0
failed=0

# result NAME STATUS: what the command said is in $tmp/out.
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$tmp/out"
		failed=1
	fi
}

# has PROGRAM NAME: or NAME is skipped.
has() {
	command -v "$1" >"$tmp/out" && return 0
	n=$((n + 1))
	echo "ok $n - $2 # SKIP no $1"
	return 1
}

# exposed UNIT TENTHS: at most that.
exposed() {
	has systemd-analyze "exposure of $1" || return
	systemd-analyze security --offline=true --no-pager --threshold="$2" \
		"$lib/systemd/system/$1" >"$tmp/out" 2>&1
	status=$?
	result "exposure of $1 at most $2 of 100" $status
	sed -n 's/^.*\(Overall.*: [0-9.]*\).*$/# \1/p' "$tmp/out"
	# each directive that it still counts is named there, with its reason
	sed -n 's/^✗ \([A-Za-z]*\)=.*/\1/p' "$tmp/out" | sort -u >"$tmp/left"
	: >"$tmp/out"
	while read -r word; do
		grep -q "$word" "$lib/systemd/system/$1" ||
			echo "$word" >>"$tmp/out"
	done <"$tmp/left"
	[ -s "$tmp/left" ] && [ ! -s "$tmp/out" ]
	result "what is left of $1 is explained" $?
}

PATH=$PATH:/usr/sbin:/sbin
make -s -C "$src" install-system DESTDIR="$root" PREFIX=/usr >"$tmp/out" 2>&1
result "is installed" $?

exposed sallyportd.service 40
exposed sallyport-agent.service 40
exposed sallyport-tunnel@.service 20
exposed sallyport-metrics.service 20
exposed sallyport-certs.service 20

# verify: unknown directives and programs that are not there
mkdir -p "$root/usr/sbin" "$root/usr/bin" "$root/bin"
for p in usr/sbin/sallyportd usr/sbin/sallyport-metrics usr/bin/sallyport \
	usr/bin/sallyport-certs bin/kill; do
	printf '#!/bin/sh\n' >"$root/$p"
	chmod 755 "$root/$p"
done
for u in sysinit basic multi-user network shutdown; do
	printf '[Unit]\nDescription=%s\n' "$u" >"$lib/systemd/system/$u.target"
done
for u in sallyportd.service sallyport-agent.service \
	sallyport-tunnel@.service sallyport-metrics.service \
	sallyport-certs.service; do
	has systemd-analyze "systemd reads $u" || continue
	systemd-analyze verify --man=no --root="$root" \
		"/usr/lib/systemd/system/$u" >"$tmp/out" 2>&1
	status=$?
	grep -q "$u:[0-9]*:" "$tmp/out" && status=1
	result "systemd reads $u" $status
done

# a user's unit, which can be read offline as a system's only
u=sallyport-notify.service
if has systemd-analyze "systemd reads $u"; then
	printf '[Unit]\nDescription=graphical\n' \
		>"$lib/systemd/system/graphical-session.target"
	cp "$lib/systemd/user/$u" "$lib/systemd/system/$u"
	systemd-analyze verify --man=no --root="$root" \
		"/usr/lib/systemd/system/$u" >"$tmp/out" 2>&1
	status=$?
	rm "$lib/systemd/system/$u"
	grep -q "$u:[0-9]*:" "$tmp/out" && status=1
	result "systemd reads $u" $status
fi
grep -qx "disable $u" "$lib"/systemd/user-preset/*.preset
result "preset of $u" $?

if has systemd-sysusers "its users are made"; then
	mkdir -p "$root/etc"
	: >"$root/etc/passwd"
	systemd-sysusers --root="$root" >"$tmp/out" 2>&1 &&
		[ "$(grep -c '^sallyport[-a-z]*:.*:/usr/sbin/nologin$' \
			"$root/etc/passwd")" = 4 ]
	result "its users are made" $?
fi
name="directories belong to whom the gateway expects"
if [ "$(id -u)" != 0 ]; then
	n=$((n + 1))
	echo "ok $n - $name # SKIP not root"
elif has systemd-tmpfiles "$name"; then
	uid=$(sed -n 's/^sallyport:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
	systemd-tmpfiles --root="$root" --create sallyport-gateway.conf \
		sallyport-workstation.conf sallyport-policy.conf \
		>"$tmp/out" 2>&1
	{
		stat -c '%a %u %n' "$root/run/sallyport" \
			"$root/var/lib/sallyport" "$root/var/log/sallyport"
	} >"$tmp/out" 2>&1
	printf '755 0 %s\n700 %s %s\n750 %s %s\n' "$root/run/sallyport" \
		"$uid" "$root/var/lib/sallyport" \
		"$uid" "$root/var/log/sallyport" | cmp -s - "$tmp/out"
	result "$name" $?
fi

name="AppArmor reads its profiles"
if has apparmor_parser "$name"; then
	apparmor_parser -QTK "$root/etc/apparmor.d/sallyportd" >"$tmp/out" 2>&1
	result "$name" $?
fi

name="udev reads its rules"
if udevadm verify --help >/dev/null 2>&1; then
	udevadm verify --no-style --resolve-names=never \
		"$lib/udev/rules.d/72-sallyport.rules" >"$tmp/out" 2>&1
	result "$name" $?
else
	n=$((n + 1))
	echo "ok $n - $name # SKIP no udevadm verify"
fi

# Nothing runs before somebody said so.
for u in "$lib"/systemd/system/sally*; do
	cat "$lib"/systemd/system-preset/*.preset |
		grep -qx "disable $(basename "$u")"
	result "preset of $(basename "$u")" $?
done

echo "1..$n"
exit $failed
