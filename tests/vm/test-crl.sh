#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A new list of revoked certificates acts on who is connected: the device is
# gone within a second, whoever watches hears why, and no new handshake passes.
# A broken or missing list lets nobody in and takes nothing from anybody.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
need openssl openssl

T=$GW/tls-ws1
CRL=$GW/tls/crl.pem
truncate -s 8M /tmp/disk.img
pki_make || fail "pki"

# The CA's list, by openssl from the CA's own key: crl_make FILE [CERT]... has
# these certificates in it.
mkdir -p /tmp/ca
cat >/tmp/ca/openssl.cnf <<'END'
[ca]
default_ca = bench
[bench]
database = /tmp/ca/index.txt
default_md = sha256
END
crl_make() {
	local out=$1 cert serial
	shift
	# what it has besides, $others
	seq -f "R	401231235959Z	260101000000Z	%032.0f	unknown	/CN=y" \
	    "${others:-0}" >/tmp/ca/index.txt
	for cert; do
		serial=$(openssl x509 -in "$cert" -noout -serial) || return 1
		printf 'R\t401231235959Z\t260101000000Z\t%s\tunknown\t/CN=x\n' \
		    "${serial#serial=}" >>/tmp/ca/index.txt
	done
	openssl ca -gencrl -config /tmp/ca/openssl.cnf -keyfile $PKI/ca-key.pem \
	    -cert $PKI/ca.pem -crldays 7 -out "$out"
}

gateway_config 'allow to "dns:ws1.bench.example" hold 5m' \
	'allow to "dns:ws2.bench.example"'
check "an empty list" crl_make $CRL
printf '%s\n' "[tls]" "crl = $CRL" >>$GW/gateway.conf
usb_drivers
workstation_config ws1
workstation_config ws2
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

# watching N: so many workstations watch.
watching() {
	[ "$(sallyctl --json sessions | jq '[.sessions[] |
		select(.state == "watching")] | length')" = "$1" ]
}
# error_like PATTERN: what sallyctl says of the list.
error_like() {
	sallyctl --json status | jq -r .crl_error | grep -qE "$1"
}
# loads: how many good lists there were.
loads() {
	jq -s 'map(select(.event == "crl" and .outcome == "loaded")) | length' \
	    $AUDIT
}
more_loads() {
	[ "$(loads)" -gt "$1" ]
}

sallyport watch --json --tls "$T" gateway >/tmp/watch.1 2>/tmp/watch.1.err &
sallyport watch --json --tls $GW/tls-ws2 gateway >/tmp/watch.2 2>&1 &
check "two watch" wait_for 20 watching 2
expect_line "^ready: *(.*, )?/dev/sd[a-z]" \
	limit 60 sallyport attach --tls "$T" gateway "$drive"
check "the disk is there" wait_for 20 imported_disk
link=$(sallyport status --json | jq -c ".ports[0].link")
say "the link: $link"
check "it is measured" jq -e ".latency_ms > 0 and .bytes_in > 0" <<<"$link"
expect_line "^crl: *0 certificates revoked" sallyctl status

say "a list that is none"
echo nonsense >$CRL
check "it is told" wait_for 5 error_like "cannot be read as one"
expect_line "nobody can connect: CRL: it cannot be read" sallyctl status
check_not "nobody is let in" limit 30 sallyport list --tls "$T" gateway
expect_line "start of tls: CRL" cat /run/sallyportd.log
check "the audit log has it" eval 'grep -q "\"tls.config\"" $AUDIT'
rm $CRL
check "it is told" wait_for 5 error_like "no such"
check_not "nobody is let in" limit 30 sallyport list --tls "$T" gateway
expect_line "without all of the files of .tls. nobody" cat /run/sallyportd.log
openssl ca -gencrl -config /tmp/ca/openssl.cnf -keyfile $PKI/other/ca-key.pem \
    -cert $PKI/other/ca.pem -crldays 7 -out $CRL
check "one of another CA" wait_for 5 error_like "not one of the CA's"
check_not "nobody is let in" limit 30 sallyport list --tls "$T" gateway
openssl ca -gencrl -config /tmp/ca/openssl.cnf -keyfile $PKI/ca-key.pem \
    -cert $PKI/ca.pem -crlsec 1 -out $CRL
check "one that is over soon" wait_for 5 error_like "out of date since"
check_not "nobody is let in" limit 30 sallyport list --tls "$T" gateway
expect_line "nobody can be let in: CRL: .* is out of date" cat $AUDIT
check "who is connected stays" imported_disk
check "and watches" watching 2
n=$(loads)
check "a good list" crl_make $CRL.new
mv $CRL.new $CRL
check "it is taken" wait_for 5 more_loads "$n"
check "no error is left" error_like '^$'
check "who may connect is let in" eval \
	'limit 30 sallyport list --tls $GW/tls-ws2 gateway'
n=$(loads)
check "a reload reads it anew" sallyctl reload
check "it was read" wait_for 5 more_loads "$n"
n=$(loads)
kill -HUP "$(cat /run/sallyportd.pid)"
check "so it was by a signal" wait_for 5 more_loads "$n"

say "a list that no message has room for"
n=$(loads)
others=3000
check "a good list" crl_make $CRL.new
others=0
check "it is over 64 KiB" [ "$(stat -c %s $CRL.new)" -gt 65536 ]
mv $CRL.new $CRL
check "it is taken" wait_for 5 more_loads "$n"
expect_line "^crl: *3000 certificates revoked" sallyctl status
check "who may connect is let in" eval \
	'limit 30 sallyport list --tls $GW/tls-ws2 gateway'
check "the disk stays" imported_disk

say "revoked"
n=$(loads)
check "a list with ws1" crl_make $CRL.new $PKI/ws1/cert.pem
mv $CRL.new $CRL
at=$(stat -c %.3Z $CRL) # when it was renamed: to run mv takes its time
check "the disk is gone" wait_gone 15 imported_disk
check "that was this list" more_loads "$n"
check "who watches is gone, too" wait_for 5 watching 1
jq -c 'select(.outcome == "revoked")' $AUDIT | sed 's/^/    /'
figures=$(jq -rs --arg at "$at" '
	def since: (.time[0:19] + "Z" | fromdate) * 1000 +
		(.time[20:23] | tonumber) - ($at | tonumber * 1000) | floor;
	(map(select(.event == "crl" and .outcome == "loaded")) |
		last | .mono_ms) as $loaded |
	map(select(.event == "session" and .outcome == "revoked")) as $out |
	($out | map(select(.device != null)) | first) as $device |
	"\($device.mono_ms - $loaded) \($device | since) " +
		"\($out | last | since)"' $AUDIT)
read -r judged device all <<<"$figures"
say "the device was taken $judged ms after the list was loaded," \
    "$device ms after it was put there, the last connection after $all ms"
check "that is less than a second" \
	[ "$device" -lt 1000 -a "$all" -lt 1000 ]
check "the person hears why" wait_for 10 \
	grep -q '"message".*certificate revoked' /tmp/watch.1
check_not "others do not" grep -q "certificate revoked" /tmp/watch.2
check "no port is in use" wait_for 20 vhci_idle
check "no hold follows" device_wait 30 "$drive" ready
expect_line "^crl: *1 certificates revoked" sallyctl status
check_not "a new handshake is refused" limit 30 \
	sallyport list --tls "$T" gateway
expect_line "is revoked" cat $AUDIT
check "another may have it" limit 60 \
	sallyport attach --tls $GW/tls-ws2 gateway "$drive"
check "detach" sallyport detach "$drive"
check "it is ready" device_wait 30 "$drive" ready

say "on hold when it is revoked"
check "a list without ws1" crl_make $CRL.new
n=$(loads)
mv $CRL.new $CRL
check "it is taken" wait_for 5 more_loads "$n"
check "it is let in again" limit 60 \
	sallyport attach --tls "$T" gateway "$drive"
check "detach" sallyport detach "$drive"
check "it is on hold" wait_for 30 eval 'sallyctl devices | grep "on hold"'
check "a list with ws1" crl_make $CRL.new $PKI/ws1/cert.pem
mv $CRL.new $CRL
check "the hold is over" wait_for 5 audit_has hold revoked
check_not "it is free" eval 'sallyctl devices | grep "on hold"'
check "the gateway stops" gateway_stop
gadget_remove drive
