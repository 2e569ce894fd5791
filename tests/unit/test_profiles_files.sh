#!/bin/sh
# sallyport-policy check and fmt with profiles, as a person uses them.
#
#   tests/unit/test_profiles_files.sh [PROGRAM, or the directory it is in]
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR
. tests/fake/tool.sh

mkdir stock
cat >stock/base.profile <<'EOF'
profile base { on setup { deny type vendor } }
EOF
cat >own.profile <<'EOF'
include "sub/more.profile"   # more
profile own extends base {
on setup { allow value 1..3 ; deny value 7 log }
}
EOF
mkdir sub
echo 'profile more { }' >sub/more.profile
echo 'profile base { }' >base.profile
printf 'profile p {\n  on setup { allow lba 1 }\n  meter m 0/s\n}\n' >bad.profile
echo 'default to any' >some.rules

expect 0 "check" check --stock stock own.profile
has out "own.profile: ok"
expect 1 "check without what it extends" check --stock sub own.profile
has err "own.profile:2:21: there is no profile \`base'"
expect 0 "check in the place of stock" check --stock=stock base.profile
has err "base.profile:1: warning: profile \`base' takes the place"
expect 0 "check of the stock itself" check --stock stock stock/base.profile
[ ! -s err ]
say $? "  without a warning"
expect 1 "check of errors" check --stock stock bad.profile
has err "bad.profile:2:20: \`lba' is no fact of \`on setup'"
has err "bad.profile:3:11: \`0/s' is no rate"
has err "2 errors: no profile is in force"
expect 1 "check --json of errors" check --json --stock stock bad.profile
has out '"error_count": 2'
has out '"column": 20'
expect 0 "check --json" check --json --stock stock own.profile
has out '"more"'
expect 0 "check with rules" check --stock stock own.profile some.rules
has out "some.rules: 0 rules, ok"
expect 1 "check with wrong rules" check --stock stock bad.profile some.rules
has out "some.rules: 0 rules, ok"
expect 2 "check --json with rules" check --json own.profile some.rules
expect 1 "check without the stock" check --stock none own.profile
has err "open: none: No such file"
expect 1 "check of no file" check --stock stock nothing.profile
has err "nothing.profile: no such file"

expect 0 "fmt" fmt own.profile
cat >want <<'EOF'
include "sub/more.profile" # more
profile own extends base {
  on setup {
    allow value 1..3
    deny value 7 log
  }
}
EOF
cmp -s out want
say $? "  is the canonical form"
cp out again.profile
expect 0 "fmt of it" fmt again.profile
cmp -s out want
say $? "  is the same"
echo 'profile {' >wrong.profile
expect 1 "fmt of an error" fmt wrong.profile
has err "wrong.profile:1:9: unexpected \`{'"
[ ! -s out ]
say $? "  prints nothing"

finish
