#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ovs.sh WORKLOADS TYPE... - inside the VM: machines behind Open vSwitch, the
# distribution's, on the kernel's datapath; TYPE is a tunnel port's
#
#   t1 eth0 10.0.0.1/24 -- p0                          p0 -- eth0 10.0.0.2/24 t2
#                          |                            |
#                    h1: br0 -- tun0              tun0 -- br0 :h2
#                                  eth0 192.0.2.1 -- 192.0.2.2 eth0
#
# WORKLOADS tso, gso and rr as in guest.sh; the inner MTU is 1450 for all.
# Leaves results as guest.sh does, as of case ovs-TYPE.

cd "${BASH_SOURCE[0]%/*}/../tests/selftests" || exit 1
# shellcheck disable=SC2154 # namespaces are set by setup_pair
# shellcheck source=tests/selftests/lib.sh
. ./lib.sh
# shellcheck source=tests/selftests/lib_ovs.sh
. ./lib_ovs.sh
# shellcheck source=bench/iperf.sh
. ../../bench/iperf.sh
set -e

seconds=${DURATION:-1}
results=/run/vm/results
rm -rf "$results"
mkdir -p "$results"
read -ra workloads <<<"$1"
shift

# bulk tso|gso NAME
bulk() {
	local ns nic=(tso on gro off)

	[ "$1" = tso ] || nic=(tso off gro on)
	for ns in "$h1" "$h2"; do
		in_ns "$ns" ethtool -K eth0 "${nic[@]}" \
			tx-udp_tnl-segmentation off \
			tx-udp_tnl-csum-segmentation off
	done
	iperf "$t1" 10.0.0.2 /dev/null -n 32M
	iperf "$t1" 10.0.0.2 "$results/$2.json" -t "${seconds/#0.*/1}" -J
}

# When the guest waits for the host's disk, its clock runs to the next timeout:
# what the daemons consist of is read before they have one.
for program in ovsdb-server ovs-vswitchd ovs-vsctl ovsdb-tool ping iperf3 \
	       ethtool; do
	program=$(command -v "$program")
	ldd "$program" | grep -o '/[^ ]*' | xargs cat "$program" >/dev/null
done
ovs_modules stt.ko ovs/vport-stt.ko
cat /proc/kallsyms >/run/vm/kallsyms
setup_pair v4
t1='' t2=''
new_ns t1 t2
for i in 1 2; do
	h=h$i t=t$i
	ovs_start "${!h}"
	link_ns "${!h}" p0 "${!t}" eth0
	addr "${!t}" eth0 10.0.0.$i/24
	ip -n "${!t}" link set eth0 mtu 1450
	ovs_vsctl "${!h}" add-br br0 -- add-port br0 p0
done
iperf_server "$t2"
background in_ns "$t2" "$SOCKBENCH" rr-server 5001

for type in "$@"; do
	for i in 1 2; do
		h=h$i
		ovs_vsctl "${!h}" --if-exists del-port tun0 -- \
			add-port br0 tun0 -- set interface tun0 "type=$type" \
			options:remote_ip=192.0.2.$((3 - i)) options:key=5
	done
	# The flows are there before the clock starts, neighbours are known.
	in_ns "$t1" ping -q -c 3 -i 0.5 -W 5 10.0.0.2 >/dev/null
	for workload in "${workloads[@]}"; do
		name=$workload.ovs-$type
		if [ "$workload" = rr ]; then
			in_ns "$t1" "$SOCKBENCH" rr 10.0.0.2 5001 "$seconds" \
				>"$results/$name"
		else
			bulk "$workload" "$name"
		fi
		echo "# $name"
	done
done
ovs-vswitchd --version | head -n 1 >/run/vm/versions
