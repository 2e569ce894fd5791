#!/bin/sh
# test_require.sh DIR - --require-sandbox: in a user namespace that gives no
# further ones, as a machine may be set up that gives none to anybody, gateway and
# workstation refuse to start, and say for want of what. Without it they go on to
# what is wrong next.
bin=$1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

# says NAME PATTERN: that it is in what the last command said; ! PATTERN: not.
says() {
	n=$((n + 1))
	if [ "$2" = ! ]; then
		grep -q "$3" "$tmp/out" && r=1 || r=0
	else
		grep -q "$2" "$tmp/out" && r=0 || r=1
	fi
	if [ "$r" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$tmp/out"
		failed=1
	fi
}

# without COMMAND...: in such a namespace.
without() {
	unshare --user --map-current-user sh -c '
		echo 0 >/proc/sys/user/max_user_namespaces || exit 77
		exec "$@"' - "$@" >"$tmp/out" 2>&1
}

without true
status=$?
if [ "$status" != 0 ]; then
	echo "ok 1 - namespaces # SKIP there are none to be forbidden"
	echo "1..1"
	exit 0
fi

printf '[gateway]\nuser = nobody\n' >"$tmp/gateway.conf"
for part in mount ipc network pid; do
	without "$bin/sallyport" attach --require-sandbox gateway 1-1
	says "attach names $part namespaces" \
	    "attach: sandbox: $part namespaces: .*, and --require-sandbox"
	without "$bin/sallyport" agent --require-sandbox
	says "agent names $part namespaces" \
	    "agent: sandbox: $part namespaces: .*, and --require-sandbox"
	without "$bin/sallyportd" --require-sandbox -c "$tmp/gateway.conf" \
	    --check-config
	says "sallyportd names $part namespaces" \
	    "sandbox: $part namespaces: .*so the gateway does not start"
done
without "$bin/sallyport" list --tls "$tmp" gateway
says "list goes on without" "ca.pem: no such file"
without "$bin/sallyport" list --require-sandbox --tls "$tmp" gateway
says "and does not when it must not" ! "no such file"
without "$bin/sallyport" status --require-sandbox
says "who starts nobody has no such option" "not an option of it"

echo "1..$n"
exit $failed
