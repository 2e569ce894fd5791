#!/bin/sh
# test_completion.sh DIR - what bash completes is what --help of the programs in
# DIR shows: each command, and each option of it.
bin=$(cd "${1:?directory of the programs}" && pwd) || exit 1
top=$(cd "$(dirname "$0")/../.." && pwd)
command -v bash >/dev/null || { echo "1..0 # skip bash is missing"; exit 77; }
n=0
failed=0

# complete FILE FUNCTION WORD...: one completion a line
complete() {
	bash -c '. "$1"; f=$2; shift 2; COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1)); "$f"; printf "%s\n" "${COMPREPLY[@]}"' \
	    bash "$@" | sort
}
# options PROGRAM COMMAND: those that begin a line of its help
options() {
	"$bin/$1" "$2" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
}
same() {
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "completed:" "$2" "helped:" "$3" | sed 's/^/# /'
		failed=1
	fi
}

f=$top/certs/sallyport-certs.bash
commands=$("$bin/sallyport-certs" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
same "sallyport-certs" \
    "$(complete "$f" _sallyport_certs sallyport-certs '' | grep -v '^-')" \
    "$(echo "$commands" | sort)"
for c in $commands; do
	same "sallyport-certs $c" \
	    "$(complete "$f" _sallyport_certs sallyport-certs "$c" --)" \
	    "$(options sallyport-certs "$c" | { cat; echo --help; } | sort -u)"
done
f=$top/vhci-glue/sallyport.bash
same "sallyport" \
    "$(complete "$f" _sallyport sallyport '' | grep -v '^-')" \
    "$("$bin/sallyport" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | sort)"
same "sallyport enroll" "$(complete "$f" _sallyport sallyport enroll --)" \
    "$(options sallyport enroll | { cat; echo --help; } | sort -u)"
echo "1..$n"
exit $failed
