#!/bin/sh
# test_site.sh DIR - the documents as a site: it is built, no link leads nowhere,
# no page is an orphan, and what looks for these finds them.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
for tool in cmark-gfm mandoc python3; do
	command -v $tool >/dev/null ||
		{ echo "1..0 # skip $tool is missing"; exit 77; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0
bad=0

say() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		bad=1
		echo "not ok $n - $2"
		head -n 40 "$work/out" | sed 's/^/# /'
	fi
}
check() {
	"$top/docs/site/check" "$work/site" >"$work/out" 2>&1
}
# finds TEXT NAME: what was just broken is named, and nothing else.
finds() {
	! check && grep -qF "$1" "$work/out" &&
		[ "$(wc -l <"$work/out")" = "${3:-1}" ]
	say $? "$2"
	rm -rf "$work/site"
	cp -r "$work/good" "$work/site"
}

docs/site/build "$work/site" >"$work/out" 2>&1
say $? "the site is built: $(cut -d: -f1 <"$work/out")"
check
say $? "all links lead somewhere: $(tail -n 1 "$work/out")"
cp -r "$work/site" "$work/good"
find ./*/*.[1-8] ./*/*/*.[1-8] -name '*.[1-8]' ! -path './tests/*' |
	sed 's|.*/||' | sort >"$work/manuals"
ls "$work/site/man" | sed '/^index.html$/d; s/\.html$//' | sort |
	diff - "$work/manuals" >"$work/out"
say $? "it has each man page"
for f in docs/*.md docs/tutorials/*.md; do
	[ -e "$f" ] || continue
	f=$(echo "${f#docs/}" | tr '[:upper:]' '[:lower:]')
	[ -e "$work/site/${f%.md}.html" ] || echo "$f"
done >"$work/out"
[ ! -s "$work/out" ]
say $? "and each document"
[ "$(du -sk "$work/site" | cut -f1)" -lt 6144 ]
say $? "in less than 6 MiB"
find docs/images -name '*.png' -size +120k >"$work/out"
[ ! -s "$work/out" ] && [ "$(find "$work/site/images" -name '*.png' | wc -l)" -ge 4 ]
say $? "its pictures are small"
expires=$(sed -n 's/^Expires: //p' "$work/site/.well-known/security.txt")
grep -q '^Contact: mailto:' "$work/site/.well-known/security.txt" &&
	[ "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \< "$expires" ]
say $? "security.txt has a contact, and is not out of date"
fragment=$(sed -n 's|^Policy: .*/\(.*\)|\1|p' \
	"$work/site/.well-known/security.txt")
grep -q "id=\"${fragment#*#}\"" "$work/site/${fragment%#*}"
say $? "  and names a page that is there"

page=$work/site/threats.html
sed -i 's|</main>|<p><a href="nowhere.html">x</a></p></main>|' "$page"
finds "threats.html: nowhere.html is not there" "a broken link is found"
sed -i 's|</main>|<p><a href="audit.html#no">x</a></p></main>|' "$page"
finds "audit.html#no has no such place" "  and one to a place that is not there"
sed 's|</h1>| again</h1>|' "$page" >"$work/site/orphan.html"
finds "orphan.html: nothing leads to it" "a page without a way to it is found"
sed -i 's|</main>|<script>1</script></main>|' "$page"
finds "threats.html: <script>" "a script is found"
sed -i 's|</main>|<img alt="x" src="https://example.org/x.png"></main>|' "$page"
finds "needs https://example.org/x.png" "what is elsewhere is found"
sed -i 's|</table>||' "$page"
finds "ends <table>" "a table without an end is found" \
	"$(grep -c '</table>' "$work/good/threats.html")"

# a document with a link that leads nowhere is no site at all
mkdir -p "$work/tree/docs/site"
cp docs/site/* "$work/tree/docs/site"
cp Makefile "$work/tree"
echo "Begin
	README.md" >"$work/tree/docs/site/contents"
printf '# X\n\n[no](docs/NO.md)\n' >"$work/tree/README.md"
! "$work/tree/docs/site/build" "$work/none" >"$work/out" 2>&1 &&
	grep -qF "README.md: docs/NO.md is not there" "$work/out" &&
	[ ! -e "$work/none" ]
say $? "a document whose link leads nowhere is an error"
echo "1..$n"
exit $bad
