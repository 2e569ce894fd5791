#!/bin/sh
# sallyport-policy and files that nobody should be given: each gets a clear
# error and an exit code, in bounded memory, and nothing waits for ever.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh

# Address space in KiB; a sanitizer maps terabytes of it.
limit=300000
if grep -q __asan_init "$prog" 2>/dev/null; then
	limit=unlimited
fi

# Root may read all, unless it gives that up.
as=
[ "$(id -u)" -ne 0 ] ||
	as="setpriv --bounding-set=-dac_override,-dac_read_search"

# refused NAME TEXT ARGUMENT...: exit code 1, soon and in little memory, and
# that text on standard error.
refused() {
	name=$1 text=$2
	shift 2
	(
		# shellcheck disable=SC3045 # dash and bash have it
		ulimit -v "$limit"
		# shellcheck disable=SC2086
		exec $as timeout 60 "$prog" "$@" >out 2>err
	)
	[ $? -eq 1 ]
	say $? "$name"
	has err "$text"
	[ "$(wc -c <err)" -lt 100000 ]
	say $? "  says no more than needed"
}

# everywhere FILE TEXT: by all commands that read it as rules.
everywhere() {
	for args in "check $1" "check --usbguard $1" "fmt $1" \
		"explain device.json --to cn:x $1" "check include-$1"; do
		# shellcheck disable=SC2086
		refused "$args" "$2" $args
	done
}

echo '{"id": "1234:5678"}' >device.json
includes() {
	echo "include \"$1\"" >"include-$1"
}

truncate -s 100M zeros
yes 'allow to "cn:x"' | head -c 100000000 >big
printf 'rules "big"\ndevice a id 1234:5678\nblock a\n' >big.t
for f in zeros big; do
	includes $f
	everywhere $f "larger than 16 MiB"
	for kind in usbguard usbredir citrix; do
		refused "import $kind $f" "larger than 16 MiB" import $kind $f
	done
	refused "test $f" "larger than 1 MiB" test $f
	refused "check --each-line $f" "larger than 16 MiB" check --each-line $f
	refused "explain $f" "larger than 1 MiB" explain $f big
done
refused "test of big rules" "larger than 16 MiB" test big.t
rm -f zeros big

{ printf 'allow id '; printf '{%.0s' $(seq 10000)
	printf '}%.0s' $(seq 10000); echo; } >braces
includes braces
everywhere braces ":1:11:"
refused "test braces" "braces:1:" test braces
{ printf 'allow if one-of { exported-matches('
	printf '(%.0s' $(seq 10000); echo; } >parens
refused "parentheses" "parens:1:" check parens
head -c 1000000 /dev/zero | tr '\0' '[' >deep.json
refused "deep JSON" "deep.json:1:" explain deep.json device.json

echo 'include "circle-b"' >circle-a
echo 'include "circle-a"' >circle-b
echo 'include "circle-c"' >circle-c
refused "a circle of includes" "includes itself, in a circle" check circle-a
refused "an include of itself" "includes itself, in a circle" check circle-c
for i in $(seq 1 40); do
	echo "include \"chain-$((i + 1))\"" >"chain-$i"
done
refused "a chain of includes" "nested more than 16 deep" check chain-1
yes 'include "empty"' | head -n 2000 >many
: >empty
refused "many includes" "more than 1000 files" check many
for i in 1 2 3 4 5 6; do
	{ for _ in 1 2 3 4 5 6 7 8 9 10; do
		echo "include \"tree-$((i + 1))\""
	done; } >tree-$i
done
: >tree-7
refused "a tree of includes" "more than 1000 files" check tree-1

printf 'allow id 1234:5678\000 to "cn:x"\n' >nul
includes nul
everywhere nul ":1:19: NUL byte"
refused "test nul" "nul:1:" test nul
printf '1,-1,-1,-1,1|\0' >nul
refused "import usbredir nul" "nul:1:14: a NUL byte" import usbredir nul
refused "import citrix nul" "nul:1:14: a NUL byte" import citrix nul

mkdir folder
mkfifo pipe
includes folder
includes pipe
includes nothing
refused "a folder without rules" "no *.rules in this directory" check folder
refused "a folder, included" "a directory, not a file" check include-folder
refused "a folder, imported" "a directory, not a file" import citrix folder
refused "a folder of a device" "expected the directory of a device" \
	explain folder device.json
everywhere pipe "a pipe or device, not a file"
refused "a pipe, imported" "a pipe or device, not a file" import usbguard pipe
refused "a pipe of tests" "a pipe or device, not a file" test pipe
refused "a pipe of a device" "a pipe or device, not a file" \
	explain pipe device.json
refused "a terminal that never ends" "a pipe or device, not a file" \
	check /dev/zero
everywhere nothing "no such file"
echo 'allow' >secret
chmod 0 secret
includes secret
everywhere secret "ermission denied"

# Errors without end, and texts of the file itself on a terminal.
yes 'alow' | head -n 100000 >wrong
refused "100000 errors" "... and 99900 more" check wrong
refused "100000 errors of tests" "100002 errors" test wrong
printf 'allow id 1234:5678 name "\033[31mred" to\n' >escapes
refused "an escape sequence" "?[31mred" check escapes
grep -q "$(printf '\033')" err out
[ $? -eq 1 ]
say $? "  is not printed"
finish
