#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit-tap.sh <LOG - what the unit tests left in a kernel log, as one flat TAP
#
# Misses none: every suite that the sources declare has to be there.

set -u
top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
tr -d '\r' | sed 's/^\[[ 0-9.]*\] //' >"$log"

# Suites stand at depth 0, cases at depth 4, parameters at depth 8. A case
# that failed is told with what was said since the one before it.
awk '
/^    # Subtest: |^# Subtest: /	{ sub(/.*# Subtest: /, ""); suite = $0 }
/^    (not )?ok [0-9]+ /	{
	bad = /^    not ok/
	name = $0
	sub(/^    (not )?ok [0-9]+ (- )?/, "", name)
	if (bad)
		printf "%s", said
	printf "%sok - kunit: %s.%s\n", bad ? "not " : "", suite, name
	said = ""
	next
}
/^(not )?ok [0-9]+ /		{ said = ""; next }
				{ said = said "# " $0 "\n" }
' "$log"

sed -n '/struct kunit_suite/,/^}/ s/.*\.name *= *"\(.*\)".*/\1/p' \
	"$top"/tests/kunit/*.c "$top"/*.c 2>/dev/null | sort -u |
while read -r suite; do
	grep -qE "^(not )?ok [0-9]+ (- )?$suite\$" "$log" ||
		echo "not ok - kunit: the suite $suite did not run to its end"
done
grep -qE '^(not )?ok ' "$log" || echo "not ok - kunit: no suite ran"
"$top/tests/vm/splats.sh" <"$log" | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 0 ] || echo "not ok - kunit: the kernel complained"
