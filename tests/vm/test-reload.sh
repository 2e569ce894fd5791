#!/bin/bash
# vm: --guests 1 --timeout 300
#
# Other rules: what they change is said before and after; what they forbid is
# ejected within a second; what they allow appears on a watching workstation;
# a changed file is enough; and rules that nobody confirms step back.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

T=$GW/tls-ws1
RULES=$GW/rules.d/10-bench.rules
truncate -s 8M /tmp/disk.img
pki_make || fail "pki"
gateway_config 'block'
usb_drivers
workstation_config ws1
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready
sallyport watch --json --tls "$T" gateway >/tmp/watch 2>/tmp/watch.err &
check "the workstation watches" wait_for 20 eval \
	'[ "$(sallyctl --json sessions | jq "[.sessions[] |
		select(.state == \"watching\")] | length")" = 1 ]'

# count EVENT OUTCOME: such lines of the audit log
count() {
	jq -s --arg e "$1" --arg o "$2" \
	    'map(select(.event == $e and .outcome == $o)) | length' $AUDIT
}
more_than() {
	[ "$(count "$2" "$3")" -gt "$1" ]
}

say "a rule is added while the device waits"
check_not "nothing is there" grep -q '"appeared"' /tmp/watch
n=$(count policy loaded)
printf '%s\n' 'allow to "dns:ws1.bench.example" key "IN"' >$RULES.new
mv $RULES.new $RULES
check "the file alone loads it" wait_for 10 more_than "$n" policy loaded
check "it appears" wait_for 10 grep -q '"appeared"' /tmp/watch
n=$(count policy loaded)
touch $RULES
# Writing in place empties the file first; what is read in that moment is
# another text.  So not when the touch is about to be looked at.
sleep 2
cat $RULES >/tmp/same && cat /tmp/same >$RULES
sleep 2
check "the same text is no change" [ "$(count policy loaded)" = "$n" ]

say "what would change"
check "attach" limit 60 sallyport attach --tls "$T" gateway "$drive"
sallyctl devices | sed 's/^/    /'
check "nothing" eval 'sallyctl --json reload --dry-run |
	jq -e ".changes == [] and .dry_run"'

say "a rule is removed"
n=$(count policy loaded)
echo 'block key "OUT"' >$RULES && sallyctl --json reload >/tmp/diff
jq -c . /tmp/diff | sed 's/^/    /'
check "the disk is gone" wait_gone 15 imported_disk
figures=$(jq -rs '
	(map(select(.event == "policy" and .outcome == "loaded")) |
		map(.mono_ms)) as $loads |
	(map(select(.event == "session" and .outcome == "ejected")) |
		last | .mono_ms) as $at |
	$at - ($loads | map(select(. <= $at)) | max)' $AUDIT)
say "ejected $figures ms after the rules were loaded"
check "that is less than a second" [ "$figures" -lt 1000 ]
check "with its rule" eval 'jq -es "map(select(.event == \"session\" and
	.outcome == \"ejected\")) | last |
	.reason == \"rules changed\" and .rule.key == \"OUT\"" $AUDIT'
check "the person hears why" wait_for 10 grep -q "rules changed" /tmp/watch
check "no port is in use" wait_for 20 vhci_idle

say "other rules, tried while the files are watched"
check "it is ready" device_wait 30 "$drive" ready
printf '%s\n' 'default to any' 'allow key "TRY"' >/etc/sallyport/try.rules
check "what they would do" eval \
	'sallyctl reload --dry-run /etc/sallyport/try.rules | tee /tmp/dry | grep try.rules:2'
sed 's/^/    /' /tmp/dry
check "for five seconds" sallyctl reload --confirm-within 5s /etc/sallyport/try.rules
check "they are in force" eval 'sallyctl status | grep -q /etc/sallyport/try.rules'
check "it is allowed for now" eval \
	'sallyport list --tls "$T" gateway | grep -q "$drive"'
check "nobody confirms" wait_for 20 audit_has policy "rolled back"
check_not "it is not allowed any more" eval \
	'sallyport list --tls "$T" gateway | grep -q "$drive"'

say "rules to be confirmed"
check "it is ready" device_wait 30 "$drive" ready
check_not "nothing is allowed now" eval \
	'sallyport list --tls "$T" gateway | grep -q "$drive"'
# the change of the file and this race for the first load: either way the
# rules before it come back
gateway_stop
echo "watch-rules = no" >>$GW/gateway.conf
check "the gateway starts" gateway_start
check "it is ready" device_wait 30 "$drive" ready
printf '%s\n' 'allow to "dns:ws1.bench.example"' >$RULES
sallyctl reload --confirm-within 5s | sed 's/^/    /'
expect_line "come back in" sallyctl status
check "it is allowed for now" eval \
	'sallyport list --tls "$T" gateway | grep -q "$drive"'
check "nobody confirms" wait_for 20 eval \
	'[ "$(grep -c "rolled back" $AUDIT)" = 2 ]'
check_not "it is not allowed any more" eval \
	'sallyport list --tls "$T" gateway | grep -q "$drive"'
expect_exit 5 sallyctl reload --confirm
check "once more" sallyctl reload --confirm-within 1m
check "confirmed" sallyctl reload --confirm
check_not "nothing waits" eval 'sallyctl status | grep -q "come back"'
check "it is allowed" eval \
	'sallyport list --tls "$T" gateway | grep -q "$drive"'

say "rules that do not load"
echo 'allow to "dns:x" window { Noday 08:00-09:00 }' >$RULES
expect_exit 1 sallyctl reload
echo 'allow to "dns:x" window { Mon 08:00-09:00 } tz "No/Where"' >$RULES
expect_exit 1 sallyctl reload --dry-run
echo 'allow to "dns:x" using "no-such"' >$RULES
expect_exit 1 sallyctl reload
check "those before stay" eval \
	'sallyport list --tls "$T" gateway | grep -q "$drive"'
expect_exit 2 sallyctl reload --confirm-within soon

say "explained"
printf '%s\n' 'allow id 1234:*' \
	'allow to "dns:ws1.bench.example" if armed("svc") key "SVC"' \
	>$RULES
sed -i '1s/$/ to "dns:ws1.bench.example"/' $RULES
check "reload" sallyctl reload
sallyctl explain "$drive" dns:ws1.bench.example | sed 's/^/    /'
expect_line "block, no rule matches" \
	sallyctl explain "$drive" dns:ws1.bench.example
check "arm" sallyctl policy arm svc 1m
expect_line "armed: *svc" sallyctl policy status
expect_line 'allow by .*key "SVC"' \
	sallyctl explain "$drive" dns:ws1.bench.example
check "disarm" sallyctl policy disarm svc
expect_exit 5 sallyctl policy disarm svc
expect_exit 5 sallyctl explain nothing dns:ws1.bench.example
expect_exit 5 sallyctl explain "$drive" nobody
expect_exit 2 sallyctl policy arm svc
check "the gateway stops" gateway_stop
gadget_remove drive
