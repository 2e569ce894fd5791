# shellcheck shell=bash disable=SC2154
# What is in the images of gateway and workstation: sourced by tests/image-test.
echo "== files"

# packed IMAGE PACKAGE...: of the files of those packages that debian/ lists, those
# that an image has, as its root has them.
packed() {
	local image=$1 p
	shift
	for p in "$@"; do
		sed 's,.*} *,,; s,^debian/tmp,,; s,^/*,,' "debian/$p.install"
	done | grep -e '^usr/\(bin\|sbin\|libexec\)/' -e '^usr/share/sallyport' \
		-e '^etc/sallyport/' | sed "s,\$,," | while read -r f; do
		(cd "$image" && find "$f" ! -type d)
	done | sort
}

# own IMAGE: files that are not of a library or of what comes with one.
own() {
	(cd "$1" && find usr/bin usr/sbin usr/libexec usr/share/sallyport \
		etc/sallyport etc/apparmor.d ! -type d 2>/dev/null) | sort
}

same_files() {
	local image=$1
	shift
	diff <(packed "$image" "$@") <(own "$image") && [ -n "$(own "$image")" ]
}

# all_there IMAGE PACKAGE...: each program that is packed.
all_there() {
	local image=$1 p f
	shift
	for p in "$@"; do
		grep -e '^usr/\(bin\|sbin\|libexec\)/' "debian/$p.install"
	done | while read -r f; do
		[ -x "$image/$f" ] || { echo "$f" && return 1; }
	done
}

nothing_else() {
	# no interpreter, no tool, nothing that is more than who starts it
	! (cd "$1" && find . -xdev -type f \( -perm /6000 -o -perm -0002 \) |
		grep .) &&
	    ! (cd "$1" && find bin sbin usr/bin usr/sbin ! -name 'sally*' \
		! -type d 2>/dev/null | grep .)
}

owners() {
	(cd "$1" && find . -xdev \( ! -uid 0 -o ! -gid 0 \) \
		-printf '%P %m %U:%G\n' | sort)
}

links_resolve() {
	local f
	(cd "$1" && find usr/bin usr/sbin usr/libexec/sallyport -type f \
		2>/dev/null) | while read -r f; do
		chroot "$1" "$(readlink -f /lib64/ld-linux-x86-64.so.2 ||
			echo /lib/ld-linux.so)" --list "/$f" || return 1
	done
}

try "the gateway's has its packages' files, and no others" \
	same_files "$gw" sallyport-gateway sallyport-policy
try "the workstation's has its package's" \
	same_files "$ws" sallyport-workstation
try "all programs of the gateway's packages" \
	all_there "$gw" sallyport-gateway sallyport-policy
try "all programs of the workstation's" all_there "$ws" sallyport-workstation
for image in gateway workstation; do
	try "$image: no shell, no compiler, no tool, no setuid" \
		nothing_else "$work/root/$image"
	try "$image: each library of each program" \
		links_resolve "$work/root/$image"
	try "$image: says which packages it is of" sh -c "
		grep -q '^Package: libc6\$' \
			'$work/root/$image/var/lib/dpkg/status.d/libc6' &&
		ls '$work/root/$image/var/lib/dpkg/status.d' | grep -q sallyport"
done
# volumes begin as what is there
try "the gateway's user owns what it writes, and nothing else" diff - \
	<(owners "$gw") <<'X'
var/lib/sallyport 700 60700:60700
var/log/sallyport 750 60700:60700
X
try "the workstation's is all root's" diff /dev/null <(owners "$ws")
try "nobody logs in" [ "$(cut -d: -f7 "$gw/etc/passwd" "$ws/etc/passwd" |
	sort -u)" = /usr/sbin/nologin ]
try "keys are root's alone" \
	[ "$(stat -c %a%U "$gw/etc/sallyport/tls")" = 700root ]
