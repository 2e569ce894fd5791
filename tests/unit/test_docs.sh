#!/bin/sh
# test_docs.sh DIR - what the documents say of the tree is so: each file they
# name is there, the page about the processes is one page and has them all, each
# message they quote is one that a program says, and what commands print is what
# they print now.
set -u
bin=$(cd "${1:?directory of the programs}" && pwd) || exit 1
cd "$(dirname "$0")/../.." || exit 1
n=0
bad=0

# say WHAT FOUND: FOUND is what is wrong.
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

# Paths between backticks, from the top of the tree; `a/{b,c}' and globs too, but
# not those with a word to be put in.
absent() {
	for doc in README.md docs/*.md docs/*/*.md; do
		[ -e "$doc" ] || continue
		grep -oE '`(base|certs|debian|docker|docs|policy|proxy|tests|verdict|vhci-glue|wire)/[][A-Za-z0-9_.,{}*/-]*`' \
			"$doc" | tr -d '`' | grep -vE 'NAME|NNN|AREA' | sort -u |
		while read -r path; do
			ok=
			for p in $(bash -c "echo $path"); do
				[ -e "$p" ] || [ -e "$p.c" ] && ok=yes
			done
			[ -n "$ok" ] || echo "$doc: $path"
		done
	done
}

say "each file that a document names is there" "$(absent)"
say "ARCHITECTURE.md is one page" "$(wc -lc < docs/ARCHITECTURE.md |
	awk '$1 > 120 || $2 > 9000 { print $1 " lines, " $2 " bytes" }')"
say "each program is in ARCHITECTURE.md" "$(
	sed -n '/^programs := /,/[^\\]$/p' Makefile | tr -s ' \\\t' '\n' |
		grep -E '^sally' | grep -vxE 'sallyctl|sallyport-policy' |
		while read -r p; do
			grep -qE "^\\| \`$p( serve)?\` \\|" docs/ARCHITECTURE.md ||
				echo "$p"
		done)"

if command -v python3 >/dev/null; then
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	found=$(tests/docs/messages docs/TROUBLESHOOTING.md)
	say "each message of TROUBLESHOOTING.md is said by a program" "$(
		echo "$found" | grep -v '^[0-9]* messages$')"
	printf '### `no device here is for this workstation`\n%s\n' \
		'### `nobody ever says this`' >"$work/one.md"
	found=$(tests/docs/messages "$work/one.md")
	[ "$found" = "nobody says: nobody ever says this" ] && found=
	say "and one that none says is found" "$found"
	found=$(tests/docs/output "$bin" --check README.md docs/*.md)
	say "what commands print in documents is what they print" "$(
		echo "$found" | grep -v '^[1-9][0-9]* outputs$')"
	printf '```console output\n$ echo 1\n2\n```\n' >"$work/one.md"
	tests/docs/output "$bin" --check "$work/one.md" >"$work/out" &&
		echo "not found" >>"$work/out"
	tests/docs/output "$bin" "$work/one.md" >/dev/null
	[ "$(sed -n 3p "$work/one.md")" = 1 ] &&
		[ "$(grep -c 'one.md:1: not what' "$work/out")" = 1 ] &&
		! grep -q '^not found' "$work/out" && : >"$work/out"
	say "and what is stale is found, and mended" "$(cat "$work/out")"
else
	for i in 1 2 3 4; do
		n=$((n + 1))
		echo "ok $n - $i of 4 # skip python3 is missing"
	done
fi

echo "1..$n"
exit $bad
