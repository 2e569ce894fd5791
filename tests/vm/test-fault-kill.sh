#!/bin/bash
# vm: --guests 1 --smp 2 --timeout 450
# vm-slow
#
# kill -9 of every process in the states that test-kill.sh does not reach: in
# the handshake, while importing, while URBs are unlinked, and the parent in the
# foreground while it streams. Each row ends with the device usable again.

. "$BENCH/functions.sh"
. "$BENCH/sallyport.sh"
. "$BENCH/faults.sh"

need openssl openssl

pki_make || fail "pki"
gateway_config 'default to any' 'allow using "bench-any"'
workstation_config ws1
check "the gateway starts" gateway_start
gadget_hcd high
check "a source/sink is plugged in" gadget_sourcesink zero
wait_for 20 usb_busid 0525 a4a0 >/dev/null || fail "no gadget"
zero=$(usb_busid 0525 a4a0)
gateway_clean "$zero" "at first"
used_by=zero_again
mkfifo /tmp/in

session_is() {
	sallyctl --json sessions |
	    jq -e --arg s "$1" '.sessions | any(.state == $s)'
}

# Whatever was killed, the gateway is there afterwards.
gateway_again() {
	if runs sallyportd; then
		wait_for 60 sallyctl status || fail "no warden came back"
	else
		wait_for 20 nobody sallyport-warden sallyport-session ||
		    fail "they outlive the broker"
		gateway_start || fail "the gateway does not start again"
	fi
}

# played CMD...: a peer in the background that reads /tmp/in, its pid in $peer.
played() {
	"$@" <>/tmp/in >/tmp/peer.log 2>&1 &
	peer=$!
}

dismissed() {
	kill $peer
	wait $peer
} 2>/dev/null

import_request() {
	printf '\x01\x11\x80\x03\0\0\0\0%s' "$zero"
	head -c $((32 - ${#zero})) /dev/zero
}

say "the gateway's half, with a client that goes no further"
for whom in sallyport-session sallyport-warden sallyportd; do
	played busybox nc gateway 3241
	wait_for 20 session_is handshake || fail "no session"
	kill_one $whom
	gateway_again
	dismissed
	row_over "$zero" "handshake: kill -9 of $whom"
done
for whom in sallyport-session sallyport-warden sallyportd; do
	played openssl s_client -quiet -connect gateway:3241 \
	    -CAfile "$T/ca.pem" -cert "$T/cert.pem" -key "$T/key.pem"
	wait_for 60 session_is identified || fail "no session"
	# The broker is stopped when the request comes: it stays open.
	broker=$(pid_of sallyportd)
	kill -STOP "$broker"
	import_request >/tmp/in
	wait_for 20 session_is importing || fail "it does not import"
	kill_one $whom
	kill -CONT "$broker" 2>/dev/null
	gateway_again
	dismissed
	row_over "$zero" "importing: kill -9 of $whom"
done

connected() {
	ss -tnH state established '( dport = :4444 )' | grep -q . &&
	    { [ "$state" = handshake ] || grep -q "^CIPHER is" /tmp/peer.log; }
}

listens() {
	ss -tlnH "sport = :4444" | grep -q .
}

say "the workstation's half, with a gateway that goes no further"
for state in handshake importing; do
	for whom in sallyport-relay sallyport; do
		if [ $state = handshake ]; then
			played busybox nc -l -p 4444
		else
			played openssl s_server -accept 4444 \
			    -cert $GW/tls/cert.pem -key $GW/tls/key.pem
		fi
		wait_for 20 listens || fail "$(cat /tmp/peer.log)"
		sallyport attach --tls "$T" --port 4444 gateway "$zero" \
		    2>/dev/null &
		parent=$!
		wait_for 60 connected || fail "no connection"
		kill_one $whom
		wait $parent
		dismissed
		row_over "$zero" "$state: kill -9 of $whom"
	done
done

# busy MODE: URBs in the background, $urbs; they must be under way.
busy() {
	"$URBS" "$zero_node" "$@" >/tmp/urbs.out &
	urbs=$!
	sleep 1
	lives $urbs || fail "$1: $(cat /tmp/urbs.out)"
}

busy_no_more() {
	wait_gone 60 lives $urbs || fail "URBs are stuck"
	wait $urbs
	say "$1: $(cat /tmp/urbs.out)"
}

say "with URBs under way"
sallyport attach --foreground --tls "$T" gateway "$zero" >/dev/null &
parent=$!
wait_for 60 has_zero || fail "no source/sink"
busy read 32 16384
kill_one sallyport
wait $parent
busy_no_more streaming
row_over "$zero" "streaming: kill -9 of sallyport attach --foreground"
for whom in sallyport-session sallyport-relay sallyport-warden sallyportd; do
	attach_zero "$zero"
	busy unlink 16 16384
	kill_one $whom
	busy_no_more unlinking
	gateway_again
	row_over "$zero" "unlinking: kill -9 of $whom"
done
check "the gateway stops" gateway_stop
gadget_remove zero
