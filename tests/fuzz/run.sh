#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh - fuzz in a VM until something is found
#
#   DURATION=SECONDS  for so long; default: without end
#   SEED=N            begin with this seed, which repeats what was sent
#   K=KERNEL          default debug-6.12; see tests/vm/kernel.sh
#
# Runs tests/selftests/fuzz.sh in one VM after the other, half an hour each, so
# that leaks are looked for now and then. What was found is in build/fuzz-run.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/../vm/common.sh"
vm=$STT_TOP/tests/vm
cd "$STT_TOP"

kernel=${K:-debug-6.12}
end=${DURATION:+$((SECONDS + DURATION))}
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
out=$STT_TOP/build/fuzz-run

"$vm/deps.sh"
make ip >/dev/null
make -s -C tests/fuzz
"$vm/kernel.sh" "$kernel" >/dev/null
ko=$("$vm/build.sh" "$kernel")

while [ -z "$end" ] || [ "$SECONDS" -lt "$end" ]; do
	seconds=900
	if [ -n "$end" ]; then
		# Two runs, with and without netlink, share it.
		seconds=$(((end - SECONDS) / 2))
		[ "$seconds" -lt 900 ] || seconds=900
		[ "$seconds" -gt 0 ] || seconds=1
	fi
	echo "# seed $seed, $((2 * seconds)) s on $kernel"
	# Time for all that is not fuzzing, on a slow machine.
	"$vm/vm.sh" -k "$kernel" -t $((2 * seconds + 1800)) -o "$out" \
		-e "STT_KERNEL=$kernel" -e "STT_KO=$ko" \
		-e "STT_FUZZ_SECONDS=$seconds" -e "STT_FUZZ_SEED=$seed" \
		-e "STT_TIMEOUT=$((2 * seconds + 1200))" \
		-e "STT_PLUGIN_DIR=$STT_TOP/build/ip" -- \
		tests/selftests/run.sh fuzz || {
		echo "# found with seed $seed: logs are in $out"
		exit 1
	}
	seed=$(((seed + 2) % 4294967296))
done
