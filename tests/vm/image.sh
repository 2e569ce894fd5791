#!/bin/bash
# image.sh - the file system of guests that boot systemd.
#
# Sourced by tests/vm/run after kernel.sh, for --init systemd.  A Debian of this
# machine's release with systemd, the packages of image.txt, and what our own
# packages depend on but not themselves, as an ext4 file in the cache; named by
# that list, so made once.  Our packages are built from the tree (tests/debs).
# Needs: VMDIR, TREE, CACHE.  Sets: DEBS (directory of our packages), IMAGE.
#
# shellcheck disable=SC2034 # those are for the caller

# Names of what our packages need, one a line: nothing else may be missing when
# they are installed in a guest, which has no network.
image_needs() {
	local deb
	for deb in "$DEBS"/sallyport-*.deb; do
		dpkg-deb -f "$deb" Depends
	done | tr ',' '\n' | sed 's/[(|].*//; s/ //g; /^sallyport/d; /^$/d'
}

# image_make FILE PACKAGE...
image_make() {
	local out=$1 suite
	shift
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	echo "run: making a $suite with systemd in $CACHE" >&2
	# The hooks have the users of the new root, also where this is not root's;
	# /proc is mounted there, which the copy leaves out.
	timeout 900 mmdebstrap --quiet --variant=minbase --format=null \
	    --include="$(echo "$@" | tr ' ' ,)" \
	    --dpkgopt=path-exclude='/usr/share/doc/*' \
	    --dpkgopt=path-exclude='/usr/share/locale/*' \
	    --customize-hook='rm -f "$1"/etc/resolv.conf "$1"/etc/hostname' \
	    --customize-hook='rm -f "$1"/var/lib/dpkg/available*' \
	    --customize-hook='echo "# bench" >"$1"/etc/fstab' \
	    --customize-hook="rm -rf '$out.d' && cp -ax \"\$1\" '$out.d'" \
	    --customize-hook="mke2fs -q -t ext4 -O ^has_journal -m 0 \
		-d '$out.d' '$out.new' 1500M && rm -rf '$out.d'" \
	    "$suite" /dev/null >"$out.log" 2>&1 || {
		tail -n 20 "$out.log" >&2
		return 1
	}
	rm -f "$out.log"
	mv "$out.new" "$out"
}

image_prepare() {
	local list sum
	need mmdebstrap mmdebstrap
	need mke2fs e2fsprogs
	DEBS=$("$TREE/tests/debs") || kernel_die "the packages do not build"
	list=$({ sed 's/#.*//; /^$/d' "$VMDIR/image.txt"; image_needs; } |
	    sort -u)
	exec 8>"$CACHE/image.lock"
	flock -w 1200 8 || kernel_die "$CACHE/image.lock: held for 20 minutes"
	sum=$({ echo "$list"; cat "$VMDIR/image.sh" /etc/os-release; } |
	    sha256sum | cut -c1-16)
	IMAGE=$CACHE/image-$sum
	if [ ! -s "$IMAGE" ]; then
		rm -f "$CACHE"/image-*
		# shellcheck disable=SC2086 # a list of words
		image_make "$IMAGE" $list || kernel_die "$IMAGE: cannot make it"
	fi
	exec 8>&-
}
