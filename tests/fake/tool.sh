# shellcheck shell=sh
# The words of the tests of sallyport-policy, for a script to read with `.': it
# is started in the top folder with the program, or its folder, in $1, and goes
# on in an empty one. $top and $prog are absolute.
# shellcheck disable=SC2034 # for the tests
top=$PWD
prog=${1:-build/release/bin}
case $prog in /*) ;; *) prog=$PWD/$prog ;; esac
[ -d "$prog" ] && prog=$prog/sallyport-policy
n=0
bad=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

say() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		bad=1
		echo "not ok $n - $2"
		cut -c1-200 out err | head -n 40 | sed 's/^/# /'
	fi
}

# expect STATUS NAME ARGUMENT...: the exit code; out and err are kept.
expect() {
	want=$1 name=$2
	shift 2
	"$prog" "$@" >out 2>err
	got=$?
	[ "$got" -eq "$want" ]
	say $? "$name (exit $want)"
}

# has FILE TEXT: that text is in out or err.
has() {
	grep -qF -- "$2" "$1"
	say $? "  $1 has: $2"
}

# last TEXT: the last line of out.
last() {
	[ "$(tail -n 1 out)" = "$1" ]
	say $? "  ends in: $1"
}

finish() {
	echo "1..$n"
	exit $bad
}
