#!/bin/sh
# The include rules of docs/INTERNALS.md ("arrows point down"), checked
# against the tree: which folder may include which, and which library stays in
# which room.
set -u
cd "$(dirname "$0")/../.." || exit 1
n=0
bad=0

say() {
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		bad=1
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

# Lines "file:include" of our own headers, and of system headers.
sources() {
	find "$@" \( -name '*.c' -o -name '*.h' -o -name '*.y' \) | sort
}

# allow FOLDER PATTERN: what the files of FOLDER may include of ours.
allow() {
	files=$(sources "$1")
	if [ -z "$files" ]; then
		say "$1 has sources" "nothing found"
		return
	fi
	# shellcheck disable=SC2086
	say "$1 includes only: $2" "$(grep -HoE '^#include "[^"]+"' $files |
		sed 's/:#include "/ /; s/"$//' |
		grep -vE " ($2)\$")"
}

any='[^ ]*'
allow wire "wire/$any|base/err\.h"
allow base "base/$any|wire/(identity|cursor)\.h"
allow policy "policy/$any|parse\.h|wire/$any|base/$any"
allow policy/text "policy/text/$any|base/err\.h"
allow policy/rules "policy/(rules|text)/$any|parse\.h|wire/$any|base/err\.h"
allow policy/facts "policy/facts/$any|wire/$any|base/err\.h"
allow policy/decode "policy/(decode|facts)/$any|wire/$any|base/err\.h"
allow policy/profiles "policy/(profiles|facts|text)/$any|parse\.h|wire/$any|base/err\.h"
allow policy/bundle "policy/(bundle|text)/$any|base/$any|wire/$any"
allow policy/vet "policy/vet/$any|wire/$any|base/err\.h"
allow proxy/usb "proxy/usb/$any|base/$any|wire/$any"
allow proxy/broker "proxy/(broker/$any|conf\.h)|base/$any|wire/$any"
allow proxy/warden "proxy/(warden/$any|conf\.h)|policy/(rules|profiles|facts|vet|bundle)/$any|wire/$any|base/$any"
allow proxy/fetch "proxy/fetch/$any|wire/$any|base/$any"
allow proxy/session "proxy/(session|usb)/$any|policy/$any|wire/$any|base/$any"
allow proxy/signer "proxy/signer/$any|wire/$any|base/$any"
allow proxy/capture "proxy/capture/$any|policy/facts/$any|wire/$any|base/$any"
allow proxy/metrics "proxy/metrics/$any|base/$any"
allow proxy/ctl "proxy/ctl/$any|verdict/sallyport-verdict\.h|base/$any|wire/class_words\.h"
allow verdict "verdict/$any"
allow vhci-glue "vhci-glue/$any|policy/rules/(rules|hid)\.h|wire/$any|base/$any"
allow certs "certs/$any|base/$any|wire/$any"

# room HEADER PATTERN: only files that match may include that library.
room() {
	# shellcheck disable=SC2046
	say "only $2 include <$1>" "$(grep -HE "^#[ \t]*include <$1" \
		$(sources base wire policy proxy verdict vhci-glue certs) |
		cut -d: -f1 | sort -u | grep -vE "^($2)\$")"
}

room 'mbedtls/' 'base/(tls|tls_[a-z]+|digest|sign|sign_make|x509|x509_[a-z]+)\.[ch]|certs/.*'
room '(libusb-1\.0/)?libusb\.h' 'proxy/usb/.*'
room 'ev\.h' 'base/loop\.c|[a-z/-]*main\.c'
room 'libudev\.h' 'proxy/warden/hotplug\.c'
room 'pcap/' 'proxy/capture/.*|policy/tool/.*'
room 'curses\.h' 'proxy/ctl/top\.c'
room 'microhttpd\.h' 'proxy/metrics/http\.c'
room 'jansson\.h' 'proxy/(warden|ctl|capture|metrics)/.*|vhci-glue/.*|policy/(tool|bundle)/.*|certs/.*|verdict/.*'
room 'ini\.h' 'base/conf\.c'
room 'seccomp\.h' 'base/sandbox_seccomp\.c'
room 'curl/' 'proxy/fetch/(http|post|server)\.[ch]'

# wire/ and the rule engine do no I/O and keep no time.
pure='stdio\.h|fcntl\.h|unistd\.h|sys/socket\.h|time\.h|sys/time\.h'
# shellcheck disable=SC2046
say "wire/ does no I/O" "$(grep -HnE \
	"\\b(malloc|calloc|realloc|free|open|read|write|fopen|printf|time|clock_gettime)[ ]*\\(" \
	$(sources wire) | grep -v '^\S*:[0-9]*:[ \t]*/\?\*')"
# shellcheck disable=SC2046
say "rules, texts and bundles do no I/O" "$(grep -HnE \
	"\\b(open|read|write|fopen|printf|fprintf|time|clock_gettime|getenv)[ ]*\\(" \
	$(sources policy/rules policy/text policy/bundle) | grep -v '^\S*:[0-9]*:[ \t]*/\?\*')"

# The privilege map: what must not be linked into whom.
absent() {
	list=$(sed -n "/^$1_srcs := /,/[^\\\\]\$/p" Makefile)
	say "$1 is not linked with $2" "$(printf '%s\n' "$list" | grep -E "$2")"
}
absent sallyportd 'tls|rules_srcs|policy/|libusb'
absent sallyport-session 'rules_srcs|policy/rules|base/net|base/spawn|base/file'
absent sallyport-metrics 'tls|wire_srcs|rules_srcs|base/(net|spawn|file|digest|x509)'
absent sallyport-capture 'tls|rules_srcs|profiles_srcs|base/(net|spawn|file|loop)'
absent sallyport-fetch 'base_tls|rules_srcs|profiles_srcs|policy/|base/(net|spawn|file|loop)'
absent sallyport-signer 'base_tls|base/(tls|stream|net|file|spawn|sealed)\.c|policy/|rules_srcs|libusb'
absent sallyport-session 'tls_key'
absent sallyport-warden 'sign_make|libusb|base/spawn|base_tls|base/tls|base/stream'
absent sallyport-session 'tls_enroll|certs/'
absent sallyport-relay 'tls_enroll|certs/'
absent sallyport 'tls|certs/'
absent sallyport-front 'certs/(ca|desk|file|issued|key|tokens)|base/(net|file|spawn|loop)|base_loop'
absent sallyport-enroll 'certs/(ca|desk|file|issued|tokens)|base/(file|spawn|loop)|base_loop'
absent sallyport-certs 'base_tls|base/tls|base/stream'
say "sallyport-warden has no TLS library" "$(grep '^sallyport-warden_libs' \
	Makefile | grep -E 'MBEDTLS|-lmbedtls|-lusb')"
say "nor has sallyport-signer" "$(grep '^sallyport-signer_libs' \
	Makefile | grep -E 'MBEDTLS|-lmbedtls|-lusb')"

echo "1..$n"
exit $bad
