#!/bin/bash
# vm: --guests 2 --timeout 120
# vm-long: each test of two guests needs what it tries
#
# The bench itself, two guests: network, barrier, /shared, a cut cable.

# shellcheck source=functions.sh
. "$BENCH/functions.sh"

case $ROLE in
gateway) other=workstation mine=10.0.0.1 ;;
workstation) other=gateway mine=10.0.0.2 ;;
*) fail "role $ROLE in a test of two guests" ;;
esac

check "the host is named after the role" [ "$(hostname)" = "$ROLE" ]
expect_line "inet $mine/24" ip addr show eth0
check "/shared has no file of mine" [ ! -e "/shared/$ROLE" ]

check "both are up" barrier up
check "the other answers" ping -c 2 -W 3 "$other"

echo "$ROLE was here" >"/shared/$ROLE"
check "both have written" barrier written
check "the other's file is seen" grep -q "^$other was here" "/shared/$other"

if [ "$ROLE" = gateway ]; then
	check "cut the cable" host set_link eth0 off
fi
check "the cable is cut" barrier cut
check_not "the other does not answer" ping -c 2 -W 1 "$other"
check "both have tried" barrier tried
if [ "$ROLE" = gateway ]; then
	check "join the cable" host set_link eth0 on
fi
check "the cable is joined" barrier joined
check "the other answers again" wait_for 10 ping -c 1 -W 1 "$other"
check "both have ended" barrier end
