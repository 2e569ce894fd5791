#!/bin/bash
# vm: --guests 1 --timeout 60
# vm-expect: 125
#
# The bench itself: a kernel that crashes fails the run, before the deadline.

# shellcheck source=functions.sh
. "$BENCH/functions.sh"

say "crashing this kernel on purpose"
echo c >/proc/sysrq-trigger
sleep 1000
