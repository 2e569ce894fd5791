#!/bin/sh
# test_enroll.sh DIR - `sallyport-certs serve', `token' and `sallyport enroll' in
# DIR, against each other over loopback, and every way to misuse them that needs
# real processes. Requests of every wrong kind are test_desk's.
bin=$(cd "${1:?directory of the programs}" && pwd) || exit 1
command -v openssl >/dev/null || { echo "1..0 # skip openssl is missing"; exit 77; }
tmp=$(mktemp -d) || exit 1
server=
other=
cleanup() {
	for p in $server $other; do
		kill "$p" 2>/dev/null
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$tmp"
cd "$tmp" || exit 1
LC_ALL=C
export LC_ALL
n=0
failed=0

# report STATUS TEXT
report() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
		for f in out err serve.log; do
			[ -s "$f" ] && sed "s/^/# $f: /" "$f"
		done
	fi
}
certs() {
	"$bin/sallyport-certs" "$@"
}
# The CA's directory belongs to who serves it.
user=
[ "$(id -u)" = 0 ] && user=nobody
give() {
	[ -z "$user" ] || chown -R "$user" "$1"
}
# token ARG...: a new token of pki
token() {
	certs token workstation ws1 --dir pki --san dns:ws1.example "$@" \
	    2>/dev/null
}
# enroll DIR TOKEN: exit status in $got
enroll() {
	timeout 30 "$bin/sallyport" enroll --tls "$1" --port "$port" \
	    127.0.0.1 "$2" >out 2>err </dev/null
	got=$?
}
# refused STATUS WORDS TEXT DIR: what the last one said; it left no file
refused() {
	[ "$got" -eq "$1" ] && [ "$(wc -l <err)" -eq 1 ] &&
	    grep -qF -- "$2" err && [ -z "$(ls "$4" 2>/dev/null)" ]
	report $? "$3"
}
# wait_log PATTERN
wait_log() {
	i=0
	until grep -qE -- "$1" serve.log; do
		i=$((i + 1))
		[ $i -lt 100 ] || return 1
		sleep 0.1
	done
}
# serve DIR: starts one on a free port
serve() {
	: >serve.log
	for port in $(seq $((20000 + $$ % 10000)) 7 40000); do
		"$bin/sallyport-certs" serve --dir "$1" --listen 127.0.0.1 \
		    --port "$port" ${user:+--user $user} 2>serve.log &
		server=$!
		wait_log "ready|choose another" || return 1
		grep -q ready serve.log && return 0
		wait $server
	done
	return 1
}
stop() {
	kill "$server"
	wait "$server"
	rc=$?
	server=
	return $rc
}

certs init --dir pki >/dev/null && certs init --dir twin >/dev/null &&
certs issue gateway gw1 --dir pki >/dev/null || exit 1
give pki

if [ -n "$user" ]; then
	certs serve --dir pki --port 20001 2>err
	[ $? = 1 ] && grep -q "does not run as root" err
	report $? "root alone does not serve"
	certs serve --dir pki --port 20001 --user root 2>err
	[ $? = 1 ] && grep -q "is root" err
	report $? "nor as root by name"
fi
serve pki
report $? "serve is ready"
[ -z "$user" ] || [ "$(stat -c %U /proc/$server/fd 2>/dev/null)" = root ]
report $? "and nobody of its user looks into it"
grep -q "^Seccomp:[[:space:]]*2$" /proc/$server/status
report $? "its list of system calls is in force"

# --- as it should be
t=$(token)
[ ${#t} -eq 72 ]
report $? "a token"
! grep -rqF "$(printf %s "$t" | cut -c5-28)" pki/tokens
report $? "whose secret is not kept"
enroll ws "$t"
[ "$got" -eq 0 ] && grep -q "^enrolled: " out && [ ! -s err ]
report $? "enroll"
[ "$(cd ws && stat -c '%n %a' ./* . | tr '\n' ' ')" = \
    "./ca.pem 600 ./cert.pem 600 ./key.pem 600 . 700 " ]
report $? "three files, for their owner alone"
openssl verify -CAfile ws/ca.pem -purpose sslclient ws/cert.pem >out 2>err
report $? "openssl verifies it as a TLS client"
[ "$(openssl x509 -in ws/cert.pem -noout -pubkey)" = \
    "$(openssl pkey -in ws/key.pem -pubout)" ]
report $? "it is for the key"
openssl x509 -in ws/cert.pem -noout -text >out
grep -q "DNS:ws1.example" out && grep -q "Subject: CN *= *ws1$" out
report $? "with the names of the token"
cmp -s ws/ca.pem pki/ca.pem
report $? "ca.pem is the CA's"
serial=$(openssl x509 -in ws/cert.pem -noout -serial | tr 'A-F' 'a-f')
[ -f "pki/issued/$(printf %s "${serial#serial=}" | sed 's/^0*//').pem" ] ||
    [ -f "pki/issued/${serial#serial=}.pem" ]
report $? "and the CA remembers it"
wait_log "enroll 127.0.0.1:[0-9]*: ws1: certificate [0-9a-f]*$"
report $? "the log says who got what"
certs revoke ws1 --dir pki >/dev/null
report $? "so that it can be revoked"

# --- misuse
enroll again "$t"
refused 3 "works once" "a token works once" again
enroll ws "$(token)"
[ "$got" -eq 1 ] && grep -q "key.pem: is there already" err
report $? "nothing is overwritten"
t=$(token)
printf '%s\n' "$t" | timeout 30 "$bin/sallyport" enroll --tls stdin \
    --port "$port" 127.0.0.1 - >out 2>err
report $? "and a token that was not sent is still good, from standard input"

enroll x "$(token)x"
refused 2 "this is no token" "a token that is too long" x
enroll x "$(token | cut -c1-71)"
refused 2 "this is no token" "or too short" x

# Twenty-four bits of number, then the secret: its first character is the 9th.
t=$(token)
bad=$(printf %s "$t" | cut -c1-8)$(printf %s "$t" | cut -c9 | tr 'A-Za-z' 'B-ZAb-za')$(printf %s "$t" | cut -c10-)
[ "$bad" != "$t" ] || bad=$(printf %s "$t" | cut -c1-8)A$(printf %s "$t" | cut -c10-)
for i in 1 2 3 4 5; do
	enroll x "$bad"
done
refused 3 "the token is not good" "a wrong secret" x
enroll x "$t"
refused 3 "the token is not good" "five of them close the token" x
wait_log "closed by failures"
report $? "and the log says so"

t=$(token)
f=$(ls -t pki/tokens/*.json | head -n 1)
sed -i 's/"until": "[^"]*"/"until": "2026-01-01T00:00:00Z"/' "$f"
give pki
enroll x "$t"
refused 3 "the token is not good" "a token that is over" x

# The token of another CA, as somebody in between would look.
t=$(certs token workstation ws1 --dir twin 2>/dev/null)
enroll x "$t"
refused 3 "the server does not have the CA that the token is of" \
    "a server of another CA" x
! grep -q "token $(printf %s "$t" | cut -c5-8)" serve.log
report $? "hears nothing of it"

# A gateway of the same CA, and somebody who shows the CA's certificate alone.
certs issue gateway bad --dir pki --san dns:enroll.sallyport.invalid \
    >/dev/null 2>err
[ $? = 2 ] && grep -q "serve' alone" err
report $? "the server's name is given to nobody else"
cat pki/gw1/cert.pem pki/ca.pem >gw1.pem
cp pki/gw1/key.pem gw1-key.pem
impostor=$((port + 1))
mkfifo open
exec 9<>open # whoever reads it waits
openssl s_server -accept 127.0.0.1:$impostor -cert gw1.pem -key gw1-key.pem \
    -cert_chain pki/ca.pem -alpn sallyport-enroll/1 <open >heard 2>&1 &
other=$!
i=0
while ! grep -q ACCEPT heard && [ $i -lt 100 ]; do
	i=$((i + 1))
	sleep 0.1
done
real=$port
port=$impostor
t=$(token)
enroll x "$t"
refused 3 "the server is not the one of the token's CA" \
    "a gateway of the same CA is not taken for it" x
port=$real
kill $other
wait $other 2>/dev/null
other=
enroll late "$t"
[ "$got" -eq 0 ]
report $? "and did not get the token: it still works"

port=$impostor
enroll x "$(token)"
refused 4 "Connection refused" "nobody there" x
port=$real

# Names that the request cannot choose: there is no room for any; and a token for
# a gateway makes no workstation.
t=$(certs token gateway gw2 --dir pki 2>/dev/null)
enroll gw2 "$t"
openssl verify -CAfile pki/ca.pem -purpose sslserver gw2/cert.pem >out 2>err &&
    ! openssl verify -CAfile pki/ca.pem -purpose sslclient gw2/cert.pem \
    >out 2>&1
report $? "a token of a gateway makes a gateway's certificate"

# --- strangers
echo "GET / HTTP/1.0" | timeout 10 openssl s_client -connect \
    "127.0.0.1:$port" -alpn sallyport-enroll/1 -quiet >out 2>&1
wait_log "front\[127.0.0.1:[0-9]*\]: request: "
report $? "a request that is none ends with a word in the log"
timeout 10 openssl s_client -connect "127.0.0.1:$port" -alpn usbip </dev/null \
    >out 2>&1
timeout 10 openssl s_client -connect "127.0.0.1:$port" </dev/null >out 2>&1
wait_log "handshake: no sallyport-enroll/1"
report $? "nobody comes in without the protocol's name"
timeout 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port
	echo SSH-2.0-x >&3; cat <&3" >out 2>&1
wait_log "front\[127.0.0.1:[0-9]*\]: handshake: "
report $? "nor without TLS"
fronts() {
	pgrep -P "$server" | wc -l
}
# wait_fronts N: up to ten seconds
wait_fronts() {
	i=0
	until [ "$(fronts)" -eq "$1" ] || [ $i -ge 100 ]; do
		i=$((i + 1))
		sleep 0.1
	done
}
wait_fronts 0
holders=
for i in 1 2 3 4; do
	openssl s_client -connect "127.0.0.1:$port" -quiet \
	    -alpn sallyport-enroll/1 <open >/dev/null 2>&1 &
	holders="$holders $!"
done
wait_fronts 4
enroll x "$(token)"
[ "$got" -ne 0 ] && [ "$(fronts)" -eq 4 ]
report $? "one address has four connections at most"
! openssl s_client -connect "127.0.0.1:$port" </dev/null >out 2>&1
report $? "and no fifth"
if grep -qaE '__asan_init|__gcov' "$bin/sallyport-front"; then
	n=$((n + 1))
	echo "ok $n - fronts are confined # skip instrumented"
else
	for p in $(pgrep -P "$server"); do
		grep -E '^(Seccomp|NoNewPrivs):' "/proc/$p/status"
	done | sort | uniq -c | tr -s ' \t' ' ' >out
	[ "$(cat out)" = " 4 NoNewPrivs: 1
 4 Seccomp: 2" ]
	report $? "fronts are confined"
fi
kill $holders
wait_fronts 0
enroll after "$(token)"
[ "$got" -eq 0 ]
report $? "then it goes on"
stop
report $? "serve ends when it is told to"

# --- an intermediate CA
certs init --dir root --intermediates >/dev/null &&
    certs init --dir sub --parent root >/dev/null
report $? "a CA below another"
certs init --dir subsub --parent sub >out 2>err
[ $? = 1 ] && grep -q "may not sign other CAs" err
report $? "which signs no other"
give sub
serve sub
report $? "serves"
t=$(certs token workstation ws1 --dir sub 2>/dev/null)
enroll below "$t"
[ "$got" -eq 0 ] && openssl verify -CAfile root/ca.pem -untrusted \
    below/cert.pem below/cert.pem >out 2>err
report $? "and what it gives is good for who knows the root alone"
[ "$(grep -c BEGIN below/ca.pem)" = 2 ]
report $? "both CAs are handed out"
stop
report $? "it ends"

echo "1..$n"
exit $failed
