#!/bin/sh
# test_containers.sh DIR - what docker/ gives to containers: that the files for
# compose and Kubernetes ask for what is written down and no more, refer to what is
# there, and that configuration and rules in them are right by the programs in DIR.
# tests/image-test runs them.
bin=$1
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$top" || exit 1

python3 -c 'import yaml' 2>/dev/null || {
	echo "not ok 1 - no yaml for python3; apt-get install python3-yaml"
	exit 1
}
python3 tests/image/check "$top" "$tmp" >"$tmp/tap"
failed=$?
sed '/^1\.\./d' "$tmp/tap"
n=$(sed -n 's/^1\.\.//p' "$tmp/tap")

# result NAME STATUS
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

"$bin/sallyport-policy" check "$tmp/10-lab.rules" >"$tmp/out" 2>&1
result "kubernetes: its rules are right" $?

# its gateway.conf, but for where the keys are
mkdir -p "$tmp/tls"
{
	cat "$tmp/gateway.conf"
	printf '[tls]\nca = %s/ca.pem\ncert = %s/cert.pem\nkey = %s/key.pem\n' \
		"$tmp/tls" "$tmp/tls" "$tmp/tls"
} >"$tmp/whole.conf"
# as a Secret is laid out: names are links through a directory that anybody may
# write to, and a sticky one
mkdir -m 1777 "$tmp/tls/..1" && ln -s ..1 "$tmp/tls/..data" &&
	chmod 1777 "$tmp/tls"
for f in ca cert key; do
	echo text >"$tmp/tls/..1/$f.pem"
	chmod 0400 "$tmp/tls/..1/$f.pem"
	ln -s "..data/$f.pem" "$tmp/tls/$f.pem"
done
"$bin/sallyportd" --check-config -c "$tmp/whole.conf" >"$tmp/out" 2>&1 &&
	grep -qx ok "$tmp/out"
result "kubernetes: its gateway.conf is, with keys as a Secret has them" $?

# each is found out
mkdir -p "$tmp/tree" "$tmp/none"
for f in Makefile docs proxy vhci-glue; do
	ln -s "$top/$f" "$tmp/tree/$f"
done
while read -r file what; do
	rm -rf "$tmp/tree/docker"
	cp -R docker "$tmp/tree/docker"
	sed "$what" "docker/$file" >"$tmp/tree/docker/$file"
	python3 tests/image/check "$tmp/tree" "$tmp/none" >"$tmp/out" 2>&1
	grep -q '^not ok' "$tmp/out" && ! grep -q Traceback "$tmp/out"
	result "is found out: $file, $what" $?
done <<'X'
compose.yaml s/cap_drop: .ALL./privileged: true/
compose.yaml s,- /sys/devices:.*,- /sys:/sys,
compose.yaml s/- KILL .*/- SYS_ADMIN/
kubernetes/gateway.yaml s/defaultMode: 0400/defaultMode: 0444/
kubernetes/gateway.yaml s/{name: run, mount.*/{name: ran, mountPath: \/r}/
X

# what of the images can be seen without making them
for p in debian/*.install; do
	grep -q '^usr/\(s*bin\|libexec\)/' "$p" || continue
	basename "$p" .install
done >"$tmp/packages"
sed -n 's/.*collect \/[a-z]* //p' docker/Dockerfile | sed 's/ &&.*//' |
	tr ' ' '\n' | sort -u >"$tmp/collected"
sort "$tmp/packages" | diff - "$tmp/collected" >"$tmp/out" 2>&1
result "images: each package with programs is in one" $?
sed -n 's/^FROM \([^ ]*\) AS \(gateway\|workstation\)$/\1/p' \
	docker/Dockerfile | sort -u >"$tmp/out"
[ "$(cat "$tmp/out")" = scratch ]
result "images: nothing is below those that run" $?

echo "1..$n"
exit $failed
