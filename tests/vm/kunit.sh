#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit.sh - run the unit tests; inside a VM whose kernel has KUnit
#
# They are linked into $STT_KO and run as it is loaded, so that statics can be
# tested; kunit-tap.sh reads what they left in the kernel log.

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

dmesg | tac | sed '/stt-test: begin kunit$/q' | tac |
	"$top/tests/vm/kunit-tap.sh"
