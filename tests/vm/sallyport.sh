#!/bin/bash
# sallyport.sh - a gateway and a workstation for test scripts, on top of
# functions.sh. Source it after that file.
#
# PKI lies in /shared/pki (both guests see it): a CA, the certificate of
# "gateway" (also for 127.0.0.1 and 10.0.0.1), workstations ws1 and ws2, and
# "stranger" of another CA.

PKI=/shared/pki
GW=/etc/sallyport
STOCK=/usr/share/sallyport/profiles
AUDIT=/var/log/sallyport/audit.jsonl
WS=gateway # the gateway's name in the certificate and in /etc/hosts

# pki_make: all certificates of a test.
pki_make() {
	sallyport-certs init --dir $PKI --name "Bench CA" >/dev/null &&
	    sallyport-certs issue gateway gateway --dir $PKI --san dns:gateway \
		--san ip:127.0.0.1 --san ip:10.0.0.1 >/dev/null &&
	    sallyport-certs issue workstation ws1 --dir $PKI \
		--san dns:ws1.bench.example --ou Bench >/dev/null &&
	    sallyport-certs issue workstation ws2 --dir $PKI \
		--san dns:ws2.bench.example --ou Bench >/dev/null &&
	    sallyport-certs init --dir $PKI/other --name "Other CA" \
		>/dev/null &&
	    sallyport-certs issue workstation stranger --dir $PKI/other \
		--san dns:ws1.bench.example --ou Bench >/dev/null
}

# hosts_add: the gateway's name, for whoever connects.
hosts_add() {
	grep -q 'gateway$' /etc/hosts && return 0
	if [ "$ROLE" = both ]; then
		echo "127.0.0.1 gateway" >>/etc/hosts
	else
		echo "10.0.0.1 gateway" >>/etc/hosts
	fi
}

# gateway_config RULE...: keys, configuration, rules and the stock profiles in
# their places. Rules may name a profile of the bench's own: "bench-any", which
# lets everything pass, for devices of a vendor's own class.
gateway_config() {
	user_add sallyport
	mkdir -p $GW/tls $GW/rules.d $GW/profiles.d $STOCK
	cp "$BENCH"/../../policy/profiles/stock/*.profile $STOCK/ || return 1
	printf '%s\n' 'profile bench-any {' \
	    'on setup { allow }' 'on out { allow }' 'on in { allow }' \
	    '}' >$GW/profiles.d/bench.profile
	cp $PKI/gateway/ca.pem $PKI/gateway/cert.pem $PKI/gateway/key.pem \
	    $GW/tls/ || return 1
	chmod 0600 $GW/tls/key.pem
	{
		echo "[gateway]"
		echo "listen = 0.0.0.0"
	} >$GW/gateway.conf
	printf '%s\n' "$@" >$GW/rules.d/10-bench.rules
}

# gateway_start: the daemon, in the background; its log is /run/sallyportd.log.
gateway_start() {
	sallyportd </dev/null >>/run/sallyportd.log 2>&1 &
	echo $! >/run/sallyportd.pid
	wait_for 15 sallyctl status >/dev/null || {
		cat /run/sallyportd.log
		return 1
	}
}

# Its processes, for pgrep -f.
GATEWAY_PROCESSES='(^|[/ ])sallyport(d|-warden|-session|-probe)( |$)'

gateway_stop() {
	kill "$(cat /run/sallyportd.pid)" &&
	    wait_gone 20 pgrep -f "$GATEWAY_PROCESSES"
}

# device_state BUSID: as the gateway has it.
device_state() {
	sallyctl --json devices | jq -r --arg b "$1" \
	    '.devices[] | select(.busid == $b) | .state'
}

# device_is BUSID STATE
device_is() {
	[ "$(device_state "$1")" = "$2" ]
}

# device_wait SECONDS BUSID STATE
device_wait() {
	wait_for "$1" device_is "$2" "$3" || {
		sallyctl devices
		tail -n 20 /run/sallyportd.log
		return 1
	}
}

# audit_has EVENT OUTCOME: such a line is in the audit log.
audit_has() {
	jq -es --arg e "$1" --arg o "$2" \
	    'any(.event == $e and .outcome == $o)' $AUDIT >/dev/null
}

# workstation_config NAME: keys of that workstation in their place.
workstation_config() {
	local from=$PKI/$1
	[ -d "$from" ] || from=$PKI/other/$1
	rm -rf $GW/tls-"$1"
	mkdir -p $GW/tls-"$1"
	# The stranger trusts the gateway; the gateway does not trust him.
	cp $PKI/gateway/ca.pem "$from"/{cert,key}.pem $GW/tls-"$1"/ ||
	    return 1
	chmod 0600 $GW/tls-"$1"/key.pem
	modprobe vhci-hcd
	hosts_add
}

# vhci_busids: the devices that this machine imports.
vhci_busids() {
	local dir
	for dir in /sys/devices/platform/vhci_hcd.*/usb*/[0-9]*-[0-9]*; do
		case ${dir##*/} in
		*:* | *'*'*) ;;
		*) echo "${dir##*/}" ;;
		esac
	done
}

# imported_disk: the disk of the first imported device.
imported_disk() {
	local b
	for b in $(vhci_busids); do
		usb_disk "$b" && return 0
	done
	return 1
}

# vhci_idle: no port is in use or stuck.
vhci_idle() {
	! awk 'FNR > 1 && $3 != 4 { bad = 1 } END { exit !bad }' \
	    /sys/devices/platform/vhci_hcd.*/status*
}
