#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Machines behind the distribution's Open vSwitch on two hosts, joined by NICs
# that have TSO and no offloads for tunnels: by the same flows over stt, geneve
# and vxlan ports. Bulk TCP over stt goes as frames that the NIC segments.
# Prints what each makes of bulk TCP and of one byte to and fro, the best of
# three, which is no result: this machine's load is in it.
#
#	VM 1                                                  VM 2
#	t: eth0 10.0.0.1 --- p0 br0 tun0        tun0 br0 p0 --- eth0 10.0.0.2 :t
#	           eth0 192.0.2.1 ------ virtio-net ------ 192.0.2.2 eth0
#
# vms: 2
# slow: yes
# timeout: 900

# check calls functions; the other VM expands what is quoted.
# shellcheck disable=SC2154,SC2317,SC2016
cd "${BASH_SOURCE[0]%/*}" || exit 1
. ./lib.sh
. ./lib_peer.sh
. ./lib_ovs.sh

require iperf3 ethtool ovs-vswitchd
[ -e "${STT_KO%/*}/ovs/vport-stt.ko" ] ||
	skip_all "vport-stt was left out of this build"

# host N: the switch and the tenant of VM N, where this is called.
host() {
	ovs_modules stt.ko ovs/vport-stt.ko && ovs_start host &&
	ovs_vsctl host add-br br0 &&
	ip netns add t && ip -n t link set lo up &&
	ip link add p0 mtu 1450 type veth peer name eth0 netns t mtu 1450 &&
	ip link set p0 up && ip -n t link set eth0 up &&
	ip -n t addr add "10.0.0.$1/24" dev eth0 &&
	ovs_vsctl host add-port br0 p0
}

# tunnel TYPE N: to VM N
tunnel() {
	ovs_vsctl host --if-exists del-port tun0 -- add-port br0 tun0 -- \
		set interface tun0 "type=$1" "options:remote_ip=192.0.2.$2" \
		options:key=5
}

bulk() { in_ns t iperf3 -c 10.0.0.2 -t 4 -J | gbits; }

# One byte to and fro for two seconds, how often a second.
rr_server='
import socket
s = socket.create_server(("10.0.0.2", 5001))
while True:
    c = s.accept()[0]
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while c.send(c.recv(1)):
        pass
'
rr_client='
import socket, time
c = socket.create_connection(("10.0.0.2", 5001))
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
n, end = 0, time.monotonic() + 2
while time.monotonic() < end:
    c.send(b"x")
    c.recv(1)
    n += 1
print(n // 2)
'
sent_bytes() { cat /sys/class/net/stt_sys_7471/statistics/tx_bytes; }
here() { ethtool -S stt_sys_7471 | awk -v n="$1:" '$1 == n { print $2 }'; }

check "the other VM" peer_start
on_peer '. ./lib_ovs.sh; trap - EXIT INT TERM' || tap_done
on_peer "$(declare -f host tunnel)"
check "VM 1: Open vSwitch and a machine behind it" host 1
check "VM 2: the same" on_peer host 2
check "VM 2: servers" on_peer "iperf_server t
	background ip netns exec t python3 -c '$rr_server'"

# best ARRAY TYPE VALUE
best() {
	local -n of=$1

	of[$2]=$(printf '%s\n' "$3" "${of[$2]:-0}" | sort -g | tail -n 1)
}

times() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

declare -A rates=() trips=()
for round in 1 2 3; do
	for type in stt geneve vxlan; do
		check "$type, $round: ports" eval "tunnel $type 2 &&
			on_peer tunnel $type 1"
		check "$type, $round: ping" \
			wait_for 30 in_ns t ping -q -c 1 -W 1 10.0.0.2
		sent=0 frames=0 tso=0
		if [ $type = stt ]; then
			sent=$(sent_bytes) frames=$(here tx_frames)
			tso=$(here tx_tso)
		fi
		rate=$(bulk)
		check "$type, $round: bulk TCP" [ -n "$rate" ]
		best rates $type "${rate:-0}"
		if [ $type = stt ]; then
			frames=$(($(here tx_frames) - frames))
			tso=$(($(here tx_tso) - tso))
			sent=$(($(sent_bytes) - sent))
			check_num "$type, $round: frames are left to the NIC" \
				"$tso" -ge $((frames / 2))
			check_num "$type, $round: frames of 16 KB on average" \
				$((sent / frames)) -ge 16000
		fi
		trip=$(in_ns t python3 -c "$rr_client")
		check_num "$type, $round: one byte to and fro" "${trip:-0}" -gt 0
		best trips $type "${trip:-0}"
	done
done
for type in stt geneve vxlan; do
	echo "# $type: ${rates[$type]} Gbit/s, ${trips[$type]} to and fro a second;" \
		"stt's is $(times "${rates[stt]}" "${rates[$type]}")" \
		"and $(times "${trips[stt]}" "${trips[$type]}") times that"
done

for run in eval on_peer; do
	check "nothing stays behind" $run 'ovs_teardown; teardown
		ip netns del t
		! ip link show stt_sys_7471 2>/dev/null &&
		wait_for 20 rmmod vport_stt && wait_for 20 rmmod openvswitch'
done
check "the other VM ends well" peer_end
tap_done
