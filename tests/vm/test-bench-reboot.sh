#!/bin/bash
# vm: --guests 2 --timeout 150
# vm-long: test-identity and test-bundle-power reboot
#
# The bench itself: a reset runs the script again, /shared stays, a power cut
# ends one guest while the other goes on.

# shellcheck source=functions.sh
. "$BENCH/functions.sh"

if [ "$ROLE" = workstation ]; then
	check "gateway is up" barrier first
	check "gateway came back" barrier second 90
	check "the gateway kept /shared" [ "$(cat /shared/boots)" = "1 2" ]
	check "the gateway answers" wait_for 10 ping -c 1 -W 1 gateway
	check "ready for the power cut" barrier cut
	check "the gateway is gone" wait_gone 15 ping -c 1 -W 1 gateway
	check_not "a barrier with the dead fails" barrier never 10
	exit 0
fi

case $BOOT in
1)
	printf 1 >/shared/boots
	echo lost >/root/lost
	barrier first || fail "no workstation"
	say "reset"
	host reboot
	fail "the guest survived its reset"
	;;
2)
	printf ' 2\n' >>/shared/boots
	check "other files start afresh" [ ! -e /root/lost ]
	check "the monitor works after a reset" host info status
	barrier second || fail "no workstation"
	barrier cut || fail "no workstation"
	say "power cut"
	host kill 0
	fail "the guest survived its power cut"
	;;
*)
	fail "boot $BOOT"
	;;
esac
