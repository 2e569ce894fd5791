#!/bin/bash
# vm: --guests 1 --timeout 20
# vm-expect: 124
#
# The bench itself: a script that hangs is ended by the deadline.

# shellcheck source=functions.sh
. "$BENCH/functions.sh"

say "hanging"
trap '' TERM INT HUP
while :; do
	sleep 1000
done
