#!/bin/bash
# vm: --guests 2 --init systemd --timeout 900
# vm-slow
#
# A gateway and a workstation that are Debian's: our packages are installed from
# their files, started by systemd, enrolled with a token; a drive is attached.
# Each unit runs under its restrictions, the gateway's processes under AppArmor.
# An upgrade takes no device away, and a purge leaves nothing.

. "$BENCH/functions.sh"

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
TLS=/etc/sallyport/tls

# files: all that a package or a program could leave, and who is a user. An empty
# directory of apparmor's goes with the last of dh_apparmor's profiles.
files() {
	find / -xdev \( -path /var/cache -o -path /var/lib/apt -o \
	    -path /var/lib/dpkg -o -path /var/lib/systemd -o \
	    -path /var/log/journal -o -path /var/log/apt -o -path /root -o \
	    -path /tmp -o -path /var/tmp \) -prune -o -print |
	    grep -v '/etc/ld.so.cache\|/etc/[a-z]*-$\|/\.pwd\.lock\|dpkg.log' |
	    grep -v '/etc/apparmor.d/disable$'
	cut -d: -f1 /etc/passwd /etc/group
}

# install NAME...: as a person does, without a network. By dpkg an upgrade is the
# same, and sooner done.
install() {
	# shellcheck disable=SC2046 # words are wanted
	(cd "$DEBS" && limit 500 apt-get -y -q --no-install-recommends \
	    install $(printf './%s_*.deb ' "$@"))
}
upgrade() {
	# shellcheck disable=SC2046
	(cd "$DEBS/next" && limit 500 dpkg -i $(printf './%s_*.deb ' "$@"))
}

# unit NAME TENTHS: it runs, and systemd counts no more than that.
unit() {
	check "$1 runs" wait_for 30 systemctl is-active "$1"
	limit 200 systemd-analyze --no-pager security --threshold="$2" "$1" \
	    >/tmp/security || fail "$1 is exposed: $(tail -n 1 /tmp/security)"
	say "$(sed -n 's/^.*\(Overall.*: [0-9.]*\).*$/\1/p' /tmp/security)"
}

# purge NAME...
purge() {
	local left
	check "purge $*" limit 500 apt-get -y -q purge "$@"
	files | sort | uniq -c >/tmp/after
	diff /tmp/before /tmp/after || fail "something is left"
	say "ok: nothing is left"
	systemctl daemon-reload
	systemctl list-units -a --plain --no-legend 'sally*'
	left=$(systemctl list-units --state=active --plain --no-legend 'sally*')
	[ -z "$left" ] || fail "units are left: $left"
	check_not "no process is left" pgrep sallyport
}

gateway() {
	local drive pid name

	check "install the gateway" install sallyport-gateway \
	    sallyport-policy
	check_not "it does not start by itself" systemctl is-active sallyportd

	say "a CA, and one below it for those who enroll"
	sallyport-certs init --dir /root/pki --intermediates >/dev/null &&
	    sallyport-certs init --dir /var/lib/sallyport-certs \
		--parent /root/pki >/dev/null &&
	    sallyport-certs issue gateway gateway --dir /root/pki --rsa 2048 \
		--out /root/gw >/dev/null &&
	    cp /root/gw/{cert,key}.pem $TLS/ &&
	    sed '/END CERT/q' /var/lib/sallyport-certs/ca.pem >$TLS/ca.pem ||
	    fail "certificates"
	printf '[control]\nmetrics = sallyport-metrics\n' \
	    >/etc/sallyport/gateway.conf
	echo 'allow with-interface one-of { 08:06:50 } to "dns:ws-01"' \
	    >/etc/sallyport/rules.d/10-drives.rules
	check "the configuration is good" sallyportd --check-config
	check "sallyport-certs" systemctl enable -q --now sallyport-certs
	check "sallyportd" systemctl enable -q --now sallyportd
	check "sallyport-metrics" systemctl enable -q --now sallyport-metrics
	sallyport-certs token workstation ws-01 --dir /var/lib/sallyport-certs \
	    2>/dev/null >/shared/token || fail "no token"
	truncate -s 64M /shared/stick.img
	host drive_add 0 if=none,id=stick,file=shared/stick.img,format=raw
	check "a drive is plugged in" host device_add \
	    usb-storage,drive=stick,bus=xhci.0
	barrier ready 400

	say "meanwhile, the units"
	unit sallyportd 40
	unit sallyport-metrics 20
	unit sallyport-certs 20
	drive=$(usb_busid 46f4 0001) || fail "no drive"
	check "the drive is ready" wait_for 200 eval \
	    'sallyctl devices | grep -q "$drive *ready"'
	[ "$(stat -c '%a %U' "$(usb_node "$drive")")" = "600 root" ] ||
	    fail "udev left its node to others"
	check "metrics" eval 'exec 5<>/dev/tcp/127.0.0.1/3243 &&
		printf "GET /metrics HTTP/1.0\r\n\r\n" >&5 &&
		grep -q "^sallyport_up 1" <&5'

	barrier attached 400
	say "AppArmor"
	for name in sallyportd sallyport-warden sallyport-session; do
		wait_for 60 under $name || fail "$name is not confined: $label"
		say "ok: $label"
	done
	confined
	expect_line 'pid,network,mount.* sallyport-session' sallyctl sandbox
	sallyctl sandbox | grep 'not there'

	barrier upgrade 400
	pid=$(systemctl show -P MainPID sallyportd)
	check "upgrade" upgrade sallyport-gateway sallyport-policy
	[ "$(systemctl show -P MainPID sallyportd)" = "$pid" ] ||
	    fail "the upgrade restarted it"
	expect_line "$drive.*held" sallyctl devices
	barrier upgraded 400
	barrier survived 400
	published
	printf '%s\n' '[tls]' 'key-holder = yes' '[bundle]' \
	    'source = /srv/publisher' 'keys = /etc/sallyport/publisher.pub' \
	    >>/etc/sallyport/gateway.conf
	check "it is to have a publisher, and who holds its key" \
	    sallyportd --check-config
	check "restart" systemctl restart sallyportd
	[ ! -e "/sys/bus/usb/devices/$drive:1.0/driver" ] || fail "a driver of" \
	    "this machine: $(readlink "/sys/bus/usb/devices/$drive:1.0/driver")"
	barrier restarted 400
	barrier again 400

	say "those that come and go"
	check "what passes is captured" sallyctl capture "$drive" systemd.pcap
	check "the one with the key, and it" both
	barrier captured 400
	barrier read 400
	check "it ends" sallyctl capture "$drive" --stop
	[ "$(stat -c %s /var/lib/sallyport/captures/systemd.pcap)" -gt 4096 ] ||
		fail "nothing was captured"
	sallyctl --json status | grep -o '"bundle":{[^}]*}'
	denied
	barrier over 400
	rm -r /srv/publisher
	purge sallyport-gateway sallyport-policy
	! grep sallyport /sys/kernel/security/apparmor/profiles ||
	    fail "profiles are left in the kernel"
}

# published: a list of a publisher, with a test of its own, that is found in a
# directory which AppArmor is told of.
published() {
	local src=/root/list
	mkdir -p $src/rules.d $src/tests /srv/publisher
	cp /etc/sallyport/rules.d/10-drives.rules $src/rules.d/
	printf '%s\n' 'rules "../rules.d"' \
	    'device drive id 46f4:0001 with-interface { 08:06:50 }' \
	    'identity ws "dns:ws-01"' 'allow drive to ws' >$src/tests/drives.t
	openssl ecparam -name prime256v1 -genkey -noout -out /root/publisher.key &&
	    openssl ec -in /root/publisher.key -pubout 2>/dev/null \
		>/etc/sallyport/publisher.pub &&
	    sallyport-policy bundle create $src --serial 1 --expires 30d \
		-o /srv/publisher/bundle.tar &&
	    sallyport-policy bundle sign /srv/publisher/bundle.tar \
		--key /root/publisher.key || fail "no list"
	echo '/srv/publisher/{,**} r,' >/etc/apparmor.d/local/sallyportd
	apparmor_parser -r /etc/apparmor.d/sallyportd || fail "AppArmor"
}

# under NAME: it is under the profile of that name and the broker's, by $label.
under() {
	label=$(tr -d '\0' <"/proc/$(pgrep -o -f "^[^ ]*$1( |$)")/attr/current")
	[[ $label == *"$1"* && $label == *sallyportd* && $label == *"(enforce)" ]]
}

# both: each is under its profile.
both() {
	local name
	for name in sallyport-signer sallyport-capture; do
		wait_for 60 under $name || fail "$name is not confined: $label"
		say "ok: $label"
	done
}

# confined: what a profile does not have is denied, whoever asks.
confined() {
	local p
	for p in session warden probe capture fetch trial signer; do
		limit 20 unshare -m sh -c "
			mount --bind /bin/cat /usr/libexec/sallyport/sallyport-$p
			/usr/libexec/sallyport/sallyport-$p $TLS/key.pem >/dev/null ||
				exit 0
			! aa-exec -p sallyport-$p -- \
				/usr/libexec/sallyport/sallyport-$p $TLS/key.pem" \
		    2>/tmp/why >/dev/null || fail "sallyport-$p reads the key"
		grep -q 'key.pem: Permission denied' /tmp/why ||
		    fail "sallyport-$p: $(cat /tmp/why)"
		say "ok: sallyport-$p may not read the key, root or not"
	done
	check "and the log says so" eval 'dmesg |
	    grep -q "DENIED.*profile=\"sallyport-warden\".*key.pem"'
}

# denied: nothing else was
denied() {
	dmesg | grep 'apparmor="DENIED"' | grep -v 'key.pem' >/tmp/denied || return 0
	cat /tmp/denied
	fail "AppArmor denies what it needs"
}

workstation() {
	local reader

	check "install the workstation" install sallyport-workstation
	barrier ready 400
	check "enroll" limit 500 sallyport enroll gateway "$(cat /shared/token)"
	check "vhci_hcd" modprobe vhci-hcd
	check "it is offered" wait_for 200 eval \
	    'limit 200 sallyport list gateway | grep -q free'
	check "attach" limit 500 sallyport attach gateway \
	    "$(limit 200 sallyport list --json gateway | sed -n \
		's/.*"busid": *"\([^"]*\)".*/\1/p' | head -n 1)"
	check "its disk is there" wait_for 200 disk
	check "and is read" dd if="$(disk)" of=/dev/null bs=64k count=16 \
	    iflag=direct
	barrier attached 400
	# no logind here, and so nothing to tell of desktops
	printf '[agent]\nattach = gateway *\ndesktops = no\n' \
	    >/etc/sallyport/workstation.conf
	check "agent" systemctl enable -q --now sallyport-agent
	check "tunnel" systemctl start sallyport-tunnel@gateway
	unit sallyport-agent 40
	unit sallyport-tunnel@gateway 20
	check "the tunnel leads there" wait_for 100 tunnel
	while dd if="$(disk)" of=/dev/null bs=64k count=16 iflag=direct; do
		:
	done 2>/tmp/dd &
	reader=$!
	barrier upgrade 400
	check "upgrade" upgrade sallyport-workstation
	barrier upgraded 400
	check "the drive was read all the time" kill $reader
	check "it is still there" dd if="$(disk)" of=/dev/null bs=64k count=16 \
	    iflag=direct
	barrier survived 400
	barrier restarted 400
	check "the agent has it again" wait_for 200 disk
	check "and it is read" dd if="$(disk)" of=/dev/null bs=64k count=16 \
	    iflag=direct
	barrier again 400
	barrier captured 400
	check "and once more, while somebody captures" dd if="$(disk)" \
	    of=/dev/null bs=64k count=1 iflag=direct
	barrier read 400
	barrier over 400
	purge sallyport-workstation
}

# tunnel: the gateway answers a stock client's OP_REQ_DEVLIST.
tunnel() {
	local answer
	exec 5<>/dev/tcp/127.0.0.1/3240 || return 1
	printf '\x01\x11\x80\x05\0\0\0\0' >&5
	answer=$(head -c 4 <&5 | od -An -tx1)
	exec 5<&-
	[ "$answer" = " 01 11 00 05" ]
}

disk() {
	local d
	for d in /sys/devices/platform/vhci_hcd.*/usb*/*/*/host*/target*/*/block/*; do
		[ -e "$d" ] && echo "/dev/${d##*/}" && return 0
	done
	return 1
}

files | sort | uniq -c >/tmp/before
systemd-analyze | head -n 1
$ROLE
