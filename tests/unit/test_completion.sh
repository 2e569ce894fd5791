#!/bin/sh
# test_completion.sh DIR - what bash and zsh complete is what --help of the
# programs in DIR shows: each command, and each option of it. A shell that is not
# here is skipped.
bin=$(cd "${1:?directory of the programs}" && pwd) || exit 1
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
LC_ALL=C
export LC_ALL
n=0
failed=0

# The files of all, as they are installed for zsh: _PROGRAM.
mkdir "$tmp/zsh"
for f in "$top"/*/*.zsh "$top"/*/*/*.zsh; do
	case $f in
	*/tests/*) ;;
	*) cp "$f" "$tmp/zsh/_$(basename "$f" .zsh)" ;;
	esac
done

# What should come behind each line, LINE<tab>WORD, into $tmp/want. The commands
# of a program, and with it the words of each line that ends in --.
commands() {
	"$bin/$1" --help | sed -n 's/^  \([a-z]\{1,\}\)\( .*\)*$/\1/p' | sort -u
}
# want LINE: those are the options, on standard input
want() {
	grep -o -e '--[a-z][a-z-]*' | sort -u | sed "s|^|$1 --	|"
}
# The lines of a command in a help that has all of them.
part() {
	awk -v c="$1" '/^  [a-z]/ { on = $1 == c } /^$/ { on = 0 }
		on { sub(/see `.*/, ""); print }'
}
# The usage of a command, up to the next.
usage() {
	awk -v c="$1" '/^$/ { exit } / sallyctl / { on = index($0, c) } on'
}
# Those of its options that begin a line, where prose speaks of others'.
only() {
	case $1 in
	sallyport-certs) sed -n 's/^  \(--[a-z-]*\).*/\1/p' ;;
	*) cat ;;
	esac
}
for p in sallyport sallyport-certs sallyport-policy; do
	for c in $(commands $p); do
		echo "$p 	$c"
		{ "$bin/$p" "$c" --help | only $p; echo --help; } |
			want "$p $c"
	done
done >"$tmp/want"
{
	commands sallyctl | sed 's/^/sallyctl 	/'
	for c in top kick capture reload verdict; do
		"$bin/sallyctl" --help | part $c | want "sallyctl $c"
	done
	for c in verify search key; do
		"$bin/sallyctl" audit --help | usage "audit $c " |
			want "sallyctl audit $c"
	done
	"$bin/sallyport-metrics" --help | want sallyport-metrics
} >>"$tmp/want"
cut -f1 "$tmp/want" | sort -u >"$tmp/lines"

# One completion a line, from the array that bash shows.
with_bash() {
	cat "$top"/*/*.bash "$top"/*/*/*.bash >"$tmp/all.bash"
	bash -c '. "$1"
		while IFS= read -r line; do
			read -ra COMP_WORDS <<<"$line"
			[[ $line != *" " ]] || COMP_WORDS+=("")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			f=_${COMP_WORDS[0]//-/_}
			COMPREPLY=()
			"$f"
			printf "$line\t%s\n" "${COMPREPLY[@]}"
		done <"$2"' bash "$tmp/all.bash" "$tmp/lines" >"$tmp/bash"
}
with_zsh() {
	set --
	while IFS= read -r line; do
		set -- "$@" "$line"
	done <"$tmp/lines"
	HOME=$tmp zsh -f "$top/tests/unit/complete.zsh" "$tmp/zsh" \
	    "$tmp/zsh.out" "$@"
}
# same SHELL FILE: each line has exactly what it should; of a program's first
# word only commands count.
same() {
	grep -v -e ' 	-' -e '	--$' "$2" | sort -u >"$tmp/got"
	while IFS= read -r line; do
		n=$((n + 1))
		grep -F "$line	" "$tmp/want" | sort -u >"$tmp/a"
		grep -F "$line	" "$tmp/got" >"$tmp/b"
		if [ -s "$tmp/b" ] && cmp -s "$tmp/a" "$tmp/b"; then
			echo "ok $n - $1: $line"
		else
			echo "not ok $n - $1: $line"
			diff "$tmp/a" "$tmp/b" | sed -n 's/^[<>]/# &/p'
			failed=1
		fi
	done <"$tmp/lines"
}
if command -v bash >/dev/null; then
	with_bash
	same bash "$tmp/bash"
else
	echo "ok $((n += 1)) - bash # SKIP it is missing"
fi
if command -v zsh >/dev/null; then
	with_zsh
	same zsh "$tmp/zsh.out"
else
	echo "ok $((n += 1)) - zsh # SKIP it is missing; install zsh"
fi
echo "1..$n"
exit $failed
