#!/bin/bash
# vm: --guests 1 --timeout 120
#
# The bench itself, one guest: environment, monitor, plug and unplug.

# shellcheck source=functions.sh
. "$BENCH/functions.sh"

check "the role is both" [ "$ROLE" = both ]
check "this is the first boot" [ "$BOOT" = 1 ]
check "the host is named after the role" [ "$(hostname)" = both ]
check "root runs the test" [ "$(id -u)" = 0 ]
check "/shared is empty" [ -z "$(ls -A /shared)" ]
echo text >/shared/file
check "/shared is writable" [ "$(cat /shared/file)" = text ]
check "lo is up" ping -c 1 -W 2 127.0.0.1
check "a barrier alone returns at once" barrier alone 1
check "random numbers do not block" limit 5 head -c 16 /dev/random
check "standard error can be reopened" sh -c 'echo >/dev/stderr'

for fs in /proc /sys /dev/pts /dev/shm /tmp /run /sys/kernel/config \
    /sys/kernel/debug; do
	check "$fs is mounted" mountpoint -q "$fs"
done
for module in vhci-hcd usbip-host dummy_hcd libcomposite usb-storage uas \
    usbhid hid-generic evdev ext4 vfat xhci-pci; do
	check "module $module loads" modprobe "$module"
done

expect_line 'qemu-xhci|xhci' host info qtree
expect_line '^unknown command' host no_such_command
expect_exit 1 host no_such_command
expect_exit 1 host device_del no_such_device

check_not "no keyboard yet" usb_busid 0627 0001
check "plug a keyboard" host device_add usb-kbd,id=kbd,bus=xhci.0
check "it appears" wait_for 10 usb_busid 0627 0001
busid=$(usb_busid 0627 0001)
check "its usbfs node is there" [ -c "$(usb_node "$busid")" ]
check "pull it" host device_del kbd
check "it disappears" wait_gone 10 usb_busid 0627 0001

user_add sallyport
check "the user exists" id sallyport
check "it writes to /shared" setpriv --reuid sallyport --regid sallyport \
    --clear-groups sh -c 'echo mine >/shared/theirs'
check "its file is its own" [ "$(stat -c %U /shared/theirs)" = sallyport ]
check_not "it cannot change root's" setpriv --reuid sallyport \
    --regid sallyport --clear-groups sh -c 'echo mine >/shared/file'
say "leaving"
