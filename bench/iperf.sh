# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For what measures inside the VM.

# iperf NS TO OUTPUT [ARG]...: now and then, when both ways end in the same
# instant, iperf3 closes the connection it is controlled by, over any tunnel.
iperf() {
	local ns=$1 to=$2 output=$3

	shift 3
	for _ in 1 2 3; do
		ip netns exec "$ns" iperf3 -c "$to" "$@" >"$output" && return
		echo "# again: iperf3 to $to" >&2
		sleep 1
	done
	return 1
}
