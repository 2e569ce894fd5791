#!/bin/sh
# Nothing that is installed, or needed to build, is forgotten by who packs it:
# each program and man page is in a Debian package, and those are built with the
# libraries that tests/packages.txt has under "To build". Images are made of them:
# test_containers.sh.
cd "$(dirname "$0")/../.." || exit 1
n=0
bad=0

say() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		bad=1
		echo "not ok $n - $2"
	fi
}

# list VARIABLE: the words of one of the Makefile's.
list() {
	make -s --no-print-directory --eval "print-it: ; @echo \$($1)" print-it
}

# lost WORDS FILE...: those of WORDS that are in none of the files.
lost() {
	words=$1
	shift
	for w in $words; do
		cat "$@" | grep -qE -e "(^|[/[:space:]])$w([,[:space:]]|\$)" ||
			printf ' %s' "$w"
	done
}

# all NAME WORDS FILE...: there are WORDS, and none is lost.
all() {
	name=$1
	shift
	gone=$(lost "$@")
	[ -n "$1" ] && [ -z "$gone" ]
	say $? "$name${gone:+; not:$gone}"
}

programs=$(list programs)
needs=$(sed -n '/^# To build/,/^# To test/p' tests/packages.txt |
	grep -e '-dev$' | grep -v '^libc6-dev$')
all "each program is in a Debian package" "$programs" debian/*.install
all "each man page is" "$(list 'notdir $(man_pages)')" debian/*.install
all "Debian's packages are built with all libraries" "$needs" debian/control
[ "$(lost 'sallyport-none sallyportd' debian/*.install)" = " sallyport-none" ]
say $? "what is not there is found out"
echo "1..$n"
exit $bad
