#!/bin/bash
# vm: --guests 1 --timeout 200
#
# A device in DFU mode (a software device): where `auto' has no profile for it,
# and where a rule forbids its class, it is not imported; under `probe-no-dfu' it
# is, and no firmware gets there.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/class.sh"

class_open
class_using auto
soft_plug dfu
wait_for 15 class_busid 1209 5a13 gateway || fail "no device"
device=$(class_busid 1209 5a13 gateway)
check "the gateway has $device" device_wait 20 "$device" ready
limit 30 sallyport attach --tls "$T" gateway "$device" >/tmp/attach 2>&1 &&
    fail "auto lets it be imported"
sed 's/^/    /' /tmp/attach
class_busid 1209 5a13 workstation && fail "it is there"
say "ok: not imported under auto: $(jq -r 'select(.event == "import") |
    "\(.outcome) \(.refusal // .detail // .how // "")"' "$AUDIT" | tail -n 1)"

printf '%s\n' 'default to any' 'forbid with-class one-of { dfu }' \
    'allow using "probe-no-dfu"' >$GW/rules.d/10-bench.rules
check "reload: DFU is forbidden" sallyctl reload
limit 30 sallyport attach --tls "$T" gateway "$device" >/tmp/attach 2>&1 &&
    fail "a forbidden device is imported"
sed 's/^/    /' /tmp/attach
class_busid 1209 5a13 workstation && fail "it is there"
say "ok: not imported where it is forbidden"

class_using probe-no-dfu
class_attach 1209 5a13
# DNLOAD of a block, then GETSTATUS.
limit 20 "$SALLYPORT_BUILD/$VARIANT/vm/xfer" "$(usb_node "$imported")" 0 \
	setup:2101000000000400:01020304 setup:a103000000000600 >/tmp/dfu
[ "$(sed -n 1p /tmp/dfu)" = 'Broken pipe' ] || fail "$(cat /tmp/dfu)"
say "ok: DNLOAD is refused: a STALL"
[ "$(sed -n 2p /tmp/dfu)" = 000000000200 ] || fail "$(cat /tmp/dfu)"
say "ok: GETSTATUS after that: $(sed -n 2p /tmp/dfu)"
refused_has setup deny request=dfu-dnload
class_detach
soft_unplug
grep -q ' 0 blocks of firmware written' /tmp/softdev.log ||
    fail "firmware got there"
class_close
