#!/bin/bash
# vm: --guests 1 --timeout 300
#
# A workstation fetches its certificate with a token, from a CA below the one
# that made the gateway's, and is let in by the names of the token; taken back,
# it is let in no more.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"

CA=/tmp/ca
truncate -s 8M /tmp/disk.img
pki_make || fail "pki"
gateway_config 'allow to "dns:ws3.bench.example"'
check "a root" sallyport-certs init --dir /tmp/root --intermediates
check "a CA below it" sallyport-certs init --dir $CA --parent /tmp/root
check "the gateway's certificate is the root's" sallyport-certs issue \
	gateway gateway --dir /tmp/root --san dns:gateway --out /tmp/gw
cp /tmp/gw/cert.pem /tmp/gw/key.pem $GW/tls/ || fail "keys"
# Workstations of the CA below, and of no other.
sed '/END CERT/q' $CA/ca.pem >$GW/tls/ca.pem
# list: in its place in one step
list() {
	sallyport-certs crl --dir $CA >/dev/null &&
	    cp $CA/crl.pem $GW/tls/crl.pem.new &&
	    mv $GW/tls/crl.pem.new $GW/tls/crl.pem
}
check "its list" list
printf '%s\n' "[tls]" "crl = $GW/tls/crl.pem" >>$GW/gateway.conf
hosts_add
chown -R nobody $CA
sallyport-certs serve --dir $CA --user nobody 2>/run/serve.log &
check "serve is ready" wait_for 15 grep -q ready /run/serve.log
usb_drivers
check "the gateway starts" gateway_start
gadget_hcd high
check "a drive is plugged in" gadget_storage drive /tmp/disk.img
wait_for 10 usb_busid 0525 a4a5 >/dev/null || fail "no gadget"
drive=$(usb_busid 0525 a4a5)
check "it is ready" device_wait 20 "$drive" ready

token=$(sallyport-certs token workstation ws3 --dir $CA \
	--san dns:ws3.bench.example 2>/dev/null)
check "enroll" eval 'limit 60 sallyport enroll --tls /tmp/ws3 gateway - \
	<<<"$token"'
expect_line "^enrolled|ws3: certificate" cat /run/serve.log
expect_line "$drive .*0525:a4a5.* free" \
	limit 60 sallyport list --tls /tmp/ws3 gateway
expect_line "works once" \
	limit 60 sallyport enroll --tls /tmp/ws4 gateway "$token"
check "nothing came of that" [ -z "$(ls -A /tmp/ws4)" ]

check "taken back" sallyport-certs revoke ws3 --dir $CA
check "its list" list
check_not "it is let in no more" limit 60 sallyport list --tls /tmp/ws3 gateway
