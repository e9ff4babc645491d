#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit.sh - run the unit tests; inside a VM whose kernel has KUnit
#
# They are linked into $STT_KO and run as it is loaded, so that statics can be
# tested. Turns what they left in the kernel log into one flat TAP, and misses
# none: every suite that the sources declare has to be there.

set -u
top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
: "${STT_KO:?}"

echo "stt-test: begin kunit" >/dev/kmsg
deps=$(modinfo -F depends "$STT_KO" | tr , ' ')
# shellcheck disable=SC2086
[ -z "$deps" ] || modprobe -a $deps
insmod "$STT_KO" || { echo "not ok - kunit: the module does not load"; exit 1; }

for _ in {1..100}; do
	rmmod stt 2>/dev/null && break
	sleep 0.1
done
[ ! -e /sys/module/stt ] || echo "not ok - kunit: the module does not unload"

log=$(mktemp)
dmesg | tac | sed '/stt-test: begin kunit$/q' | tac |
	sed 's/^\[[ 0-9.]*\] //' >"$log"

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
