#!/bin/bash
# kernel.sh - the guests' kernel and the first thing that runs in them.
#
# Sourced by tests/vm/run.  Fetches Debian's kernel package with apt, unpacks it
# into a cache and packs a small initramfs beside it; nothing is installed.
# Two runs may start at once: one fills the cache, the other waits for it.
# Needs: VMDIR (this directory), CACHE.  Sets: KERNEL, MODULES, INITRD.
#
# shellcheck disable=SC2034 # those three are for the caller

# Modules that the initramfs loads: what it takes to see the host's files, then
# what every guest uses (loading them over 9p would cost a second).
KERNEL_BASE='virtio_pci 9pnet_virtio 9p overlay
virtio_console virtio_net xhci_pci configfs'
# And those of a guest that has an image of its own.
KERNEL_IMAGE='virtio_blk ext4'

kernel_die() {
	echo "run: $*" >&2
	exit 1
}

# Name of the versioned package behind linux-image-amd64, empty if unknown.
kernel_package() {
	apt-cache depends linux-image-amd64 2>/dev/null |
	    sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}

# Download it into the current directory.
kernel_download() {
	local pkg
	pkg=$(kernel_package)
	[ -n "$pkg" ] || return 1
	echo "run: fetching $pkg" >&2
	timeout 600 apt-get -q -o APT::Sandbox::User=root \
	    download "$pkg" >apt.log 2>&1
}

# Fetch and unpack into $CACHE/kernel; the rename at the end makes it valid.
kernel_fetch() {
	local tmp=$CACHE/kernel.new version deb
	rm -rf "$tmp"
	mkdir -p "$tmp/pkg"
	cd "$tmp/pkg" || return 1
	if ! kernel_download; then
		if [ "$(id -u)" -ne 0 ]; then
			kernel_die "kernel package: apt does not know" \
			    "linux-image-amd64: run 'apt-get update' as root"
		fi
		timeout 300 apt-get -q update >update.log 2>&1
		if ! kernel_download; then
			cat ./*.log >&2
			kernel_die "kernel package: download failed:" \
			    "check the network and /etc/apt/sources.list"
		fi
	fi
	deb=$(echo linux-image-*.deb)
	dpkg -x "$deb" "$tmp" || kernel_die "$deb: cannot unpack"
	cd / || return 1
	rm -rf "${tmp:?}/pkg" "${tmp:?}/usr/share"
	# Some releases ship modules in /usr/lib; one place for both.
	[ -d "$tmp/lib/modules" ] || ln -s usr/lib "$tmp/lib"
	version=$(ls "$tmp/lib/modules")
	depmod -b "$tmp" "$version" || kernel_die "depmod: $version: failed"
	kernel_unpack "$tmp/boot/vmlinuz-$version" "$tmp/kernel"
	echo "$version" >"$tmp/version"
	rm -rf "$CACHE/kernel"
	mv "$tmp" "$CACHE/kernel"
}

# Little-endian number of $3 bytes at offset $2 of file $1.
kernel_number() {
	od -An "-tu$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# Take the ELF image out of a bzImage (boot protocol fields setup_sects,
# payload_offset, payload_length): unpacking it under emulation costs seconds
# of every boot.  If this kernel's packing is not known, the bzImage serves.
kernel_unpack() {
	local image=$1 out=$2 start len
	start=$((($(kernel_number "$image" 497 1) + 1) * 512))
	start=$((start + $(kernel_number "$image" 584 4)))
	len=$(($(kernel_number "$image" 588 4) - 4))
	tail -c "+$((start + 1))" "$image" | head -c "$len" |
	    xz -dc >"$out" 2>/dev/null &&
	    [ "$(head -c 4 "$out" | tail -c 3)" = ELF ] && return 0
	cp "$image" "$out"
}

# kernel_modules VERSION DIR LIST NAME...: put modules and what they need into
# DIR, and their order into DIR/LIST.
kernel_modules() {
	local version=$1 dir=$2 list=$3 ko
	shift 3
	modprobe -d "$CACHE/kernel" -S "$version" -a --show-depends "$@" |
	    sed -n 's/^insmod \(.*\.ko[.xz]*\).*/\1/p' |
	    awk '!seen[$0]++' >"$dir/list"
	: >"$dir/$list"
	while read -r ko; do
		case $ko in
		*.xz) xz -dc "$ko" >"$dir/$(basename "$ko" .xz)" ;;
		*) cp "$ko" "$dir/" ;;
		esac || return 1
		ko=$(basename "$ko" .xz)
		grep -qx "$ko" "$dir"/order* || echo "$ko" >>"$dir/$list"
	done <"$dir/list"
	rm "$dir/list"
}

# Pack busybox, the base modules and guest/init, named by what went into it.
kernel_initramfs() {
	local version=$1 out=$2 tmp=$CACHE/initramfs.new
	rm -rf "$tmp"
	mkdir -p "$tmp/bin" "$tmp/modules" "$tmp/dev" "$tmp/proc" "$tmp/sys"
	cp "$(command -v busybox)" "$tmp/bin/busybox"
	cp "$VMDIR/guest/init" "$tmp/init"
	chmod 755 "$tmp/init"
	# shellcheck disable=SC2086 # lists of words
	kernel_modules "$version" "$tmp/modules" order $KERNEL_BASE &&
	    kernel_modules "$version" "$tmp/modules" order.image \
		$KERNEL_IMAGE || return 1
	(cd "$tmp" && find . | cpio -o -H newc --quiet | gzip -1) \
	    >"$out.new" || return 1
	rm -rf "$tmp"
	mv "$out.new" "$out"
}

# The whole preparation, under one lock.
kernel_prepare() {
	local version sum
	mkdir -p "$CACHE" || kernel_die "$CACHE: cannot make the cache"
	exec 8>"$CACHE/lock"
	flock -w 1200 8 || kernel_die "$CACHE/lock: held for 20 minutes"
	if [ ! -s "$CACHE/kernel/version" ]; then
		(kernel_fetch) || exit 1
	fi
	version=$(cat "$CACHE/kernel/version")
	sum=$(cat "$VMDIR/guest/init" "$VMDIR/kernel.sh" \
	    "$(command -v busybox)" | sha256sum | cut -c1-16)
	KERNEL=$CACHE/kernel/kernel
	MODULES=$(realpath "$CACHE/kernel/lib/modules")
	INITRD=$CACHE/initramfs-$version-$sum
	if [ ! -s "$INITRD" ]; then
		rm -f "$CACHE"/initramfs-*
		kernel_initramfs "$version" "$INITRD" ||
		    kernel_die "initramfs: cannot pack it in $CACHE"
	fi
	exec 8>&-
}
