#!/bin/bash
# vm: --guests 2 --timeout 60
# vm-expect: 3
#
# The bench itself: the exit status is the first that is not 0, by role.

# shellcheck source=functions.sh
. "$BENCH/functions.sh"

if [ "$ROLE" = gateway ]; then
	sleep 1
	exit 3
fi
exit 5
