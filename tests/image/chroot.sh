# shellcheck shell=bash disable=SC2154
# The images' programs in a chroot: sourced by tests/image-test.
echo "== a chroot"

# A copy to write to: what the containers are made of stays as it is.
cp -a "$gw" "$work/chroot" && mkdir -p "$work/chroot/tmp" || die "copy"
mount -t proc proc "$work/chroot/proc" || die "proc"
[ -e "$work/chroot/dev/null" ] || mknod -m 666 "$work/chroot/dev/null" c 1 3
[ -e "$work/chroot/dev/urandom" ] ||
	mknod -m 666 "$work/chroot/dev/urandom" c 1 9
inside() {
	env -i PATH=/usr/sbin:/usr/bin chroot "$work/chroot" "$@"
}

says_version() {
	inside "$1" --version | grep -q '[0-9]'
}
# started ROOT PROGRAM: as far as it goes for who has no parent, which it says.
started() {
	env -i "$(command -v chroot)" "$1" "$2" </dev/null >"$work/said" 2>&1
	[ $? -lt 126 ] && grep -E '^(usage: )?sallyport' "$work/said" ||
		! cat "$work/said"
}
stock_loads() {
	local f list=()
	for f in "$work"/chroot/usr/share/sallyport/profiles/*.profile; do
		list+=("${f#"$work/chroot"}")
	done
	[ ${#list[@]} -gt 10 ] && inside sallyport-policy check "${list[@]}"
}
makes_certificates() {
	inside sallyport-certs init --dir /tmp/pki --name CA &&
	    inside sallyport-certs issue gateway gw --dir /tmp/pki \
		--san ip:127.0.0.1 --san dns:gateway &&
	    inside sallyport-certs issue workstation desk --dir /tmp/pki
}
checked() {
	[ "$(inside sallyportd --check-config)" = ok ]
}
not_checked() {
	! checked
}

for p in sallyportd sallyctl sallyport-policy sallyport-certs \
	sallyport-metrics; do
	try "$p --version" says_version $p
	try "$p --help" inside $p --help
done
for p in "$gw"/usr/libexec/sallyport/*; do
	try "${p##*/} starts" started "$work/chroot" "/usr/libexec/sallyport/${p##*/}"
done
try "stock profiles load" stock_loads
cp docs/examples/10-example.* "$work/chroot/tmp/"
try "a policy's own tests run" inside sallyport-policy test /tmp/10-example.t
printf '%s\n' 'default to any' \
	'allow if localtime(08:00-18:00 Europe/Berlin)' \
	>"$work/chroot/tmp/zone.rules"
try "zones are there" inside sallyport-policy check /tmp/zone.rules
try "a CA, and certificates of a gateway and a workstation" makes_certificates
cp "$work"/chroot/tmp/pki/gw/*.pem "$work/chroot/etc/sallyport/tls/" ||
	die "certificates"
cp "$gw/etc/sallyport/gateway.conf.example" \
	"$work/chroot/etc/sallyport/gateway.conf"
try "sallyportd --check-config: its example" checked
chmod 0644 "$work/chroot/etc/sallyport/tls/key.pem"
try "but not with a key that others may read" not_checked
umount "$work/chroot/proc"

for p in "$ws"/usr/libexec/sallyport/*; do
	try "${p##*/} starts" started "$ws" "${p#"$ws"}"
done
try "sallyport --version" chroot "$ws" /usr/bin/sallyport --version
