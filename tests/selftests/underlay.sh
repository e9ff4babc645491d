#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the underlay may be made of: policy routing by mark and by port, bonds,
# packets steered to other CPUs (RPS, RFS, XPS), qdiscs on the device and below
# it, devices with LRO.
#
#	h1                                     h2
#	bond0 { eth0, eth1 } ==== 2 veth ==== bond0 { eth0, eth1 }
#	      192.0.2.1/24                          192.0.2.2/24
#	stt0  10.0.0.1/24                     stt0  10.0.0.2/24
#
# For policy routing these are plain links, the second with addresses
# 198.51.100.1 and .2, which the table of the mark leads to; for steering and
# qdiscs it is one link of two queues.
#
# kernels: stock
# slow: yes
# timeout: 300

# check and in_ns call functions and scripts.
# shellcheck disable=SC2016,SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ethtool iperf3 ping tc nft taskset

pings() { in_ns "$h1" ping -q -i 0.2 -c "${1:-2}" -W 5 "$i2"; }
tcp() { in_ns "$h1" timeout $((30 * slowness)) iperf3 -c "$i2" -n 1M; }

# --- policy routing ----------------------------------------------------------

setup_pair v4
link_ns "$h1" eth1 "$h2" eth1
addr "$h1" eth1 198.51.100.1/24
addr "$h2" eth1 198.51.100.2/24
# Addresses of their own, reached by either link.
ip -n "$h1" addr add 203.0.113.1/32 dev lo
ip -n "$h2" addr add 203.0.113.2/32 dev lo
ip -n "$h1" route add 203.0.113.2 via 192.0.2.2
ip -n "$h2" route add 203.0.113.1 via 192.0.2.1
ip -n "$h1" route add 203.0.113.2 via 198.51.100.2 table 77
in_ns "$h2" sysctl -qw net.ipv4.conf.{all,eth0,eth1}.rp_filter=0
a1=203.0.113.1 a2=203.0.113.2
stt_pair

# over NAME LINK: traffic flows, and only over eth0 or eth1.
over() {
	wire "$h2" eth0 at0 tcp dport 7471
	wire "$h2" eth1 at1 tcp dport 7471
	check "policy routing: $1" pings 2
	check_num "policy routing: $1: over eth$2" \
		"$(wired "$h2" "at$2")" -ge 2
	check_eq "policy routing: $1: not over eth$((1 - $2))" \
		"$(wired "$h2" "at$((1 - $2))")" 0
	unwire "$h2"
}
in_ns "$h1" ping -q -c 1 -W 5 "$i2" >/dev/null
ip -n "$h1" rule add fwmark 7 lookup 77
over 'no mark' 0
ip -n "$h1" link set stt0 type stt fwmark 7
over 'a mark' 1
ip -n "$h1" link set stt0 type stt fwmark 0
over 'no mark again' 0
ip -n "$h1" rule add from 203.0.113.1 ipproto tcp dport 7471 lookup 77
over 'source, protocol and port' 1
teardown

# --- bonds, LRO --------------------------------------------------------------

# What the kernel said of LRO, since this test began.
echo "stt-test: underlay: LRO" >/dev/kmsg
said_lro() {
	dmesg | sed -n '/stt-test: underlay: LRO/,$p' |
	grep -c "LRO is on.*${1-}"
}

# bonded ARG...: hosts joined by bonds made with these options.
bonded() {
	local ns n

	new_ns h1 h2
	for n in 0 1; do
		link_ns "$h1" eth$n "$h2" eth$n
	done
	for ns in "$h1" "$h2"; do
		ip -n "$ns" link add bond0 type bond miimon 50 "$@"
		for n in 0 1; do
			ip -n "$ns" link set eth$n down
			ip -n "$ns" link set eth$n master bond0
		done
		ip -n "$ns" link set bond0 up
	done
	a1=192.0.2.1 a2=192.0.2.2
	addr "$h1" bond0 $a1/24
	addr "$h2" bond0 $a2/24
	check "bond, $*: the underlay" \
		wait_for 10 in_ns "$h1" ping -q -c 1 -W 1 $a2
	stt_pair dev bond0
	iperf_server "$h2"
	check "bond, $*: ping" pings
	check "bond, $*: TCP" tcp
	check_num "bond, $*: left to TSO" "$(ethstat "$h1" stt0 tx_tso)" -gt 0
}

bonded mode active-backup
active=$(in_ns "$h1" cat /sys/class/net/bond0/bonding/active_slave)
other=eth$((1 - ${active#eth}))
wire "$h2" "$other" other tcp dport 7471
check 'bond: over the active link' pings
check_eq 'bond: not over the other link' "$(wired "$h2" other)" 0
ip -n "$h1" link set "$active" down
check 'bond: traffic flows after the active link failed' wait_for 10 pings 1
check_num 'bond: over the other link after the active one failed' \
	"$(wired "$h2" other)" -ge 1
unwire "$h2"
# A bond claims LRO, but its links would do the merging, and veth cannot.
check 'LRO: the bond allows it' eval \
	"in_ns $h1 ethtool -k bond0 | grep -q 'large-receive-offload: on'"
check_eq 'LRO: nothing to warn of where no link has it' "$(said_lro)" 0
teardown

bonded mode balance-xor xmit_hash_policy layer3+4
wire "$h2" eth0 at0 tcp dport 7471
wire "$h2" eth1 at1 tcp dport 7471
in_ns "$h1" bash -c 'for port in {9000..9031}; do
			echo >/dev/udp/10.0.0.2/$port
		     done' 2>/dev/null
check_num 'bond: many flows use eth0 (W5)' "$(wired "$h2" at0)" -ge 5
check_num 'bond: many flows use eth1 (W5)' "$(wired "$h2" at1)" -ge 5
teardown

# A NIC that has it: vm.sh gives one to the guest.
nic=''
if modprobe -q vmxnet3; then
	nic=$(grep -lx DRIVER=vmxnet3 /sys/class/net/*/device/uevent |
	      cut -d/ -f5)
fi
check 'LRO: a NIC with LRO is here' test -n "$nic"
new_ns h1
ip link set "$nic" netns "$h1" name nic0 up
addr "$h1" nic0 192.0.2.1/24
check 'LRO: is on' eval \
	"in_ns $h1 ethtool -k nic0 | grep -q 'large-receive-offload: on'"
stt_add "$h1" stt0 id 1 remote 192.0.2.2
check_eq 'LRO: a line' "$(said_lro 'ethtool -K nic0 lro off')" 1
stt_add "$h1" stt1 id 2 remote 192.0.2.2
ip -n "$h1" link set stt0 down
ip -n "$h1" link set stt0 up
check_eq 'LRO: one warning, however many devices there are' "$(said_lro)" 1
in_ns "$h1" ethtool -K nic0 lro off
check_eq 'LRO: no warning when LRO is turned off' "$(said_lro)" 1
in_ns "$h1" ethtool -K nic0 lro on
check_eq 'LRO: a warning when LRO is turned on again' "$(said_lro)" 2
# The same below a bond, which allows it from the start.
ip -n "$h1" link del stt0
ip -n "$h1" link del stt1
in_ns "$h1" ethtool -K nic0 lro off
ip -n "$h1" link set nic0 down
ip -n "$h1" link add bond0 type bond mode active-backup
ip -n "$h1" link set nic0 master bond0
ip -n "$h1" link set bond0 up
addr "$h1" bond0 198.51.100.1/24
stt_add "$h1" stt0 id 1 remote 198.51.100.2
check_eq 'LRO: none below a bond, no line' "$(said_lro)" 2
in_ns "$h1" ethtool -K nic0 lro on
check_eq 'LRO: on below a bond, and its name' \
	"$(said_lro 'ethtool -K nic0 lro off')" 3
teardown

# --- steering ----------------------------------------------------------------

new_ns h1 h2
ip link add name eth0 netns "$h1" numtxqueues 2 numrxqueues 2 type veth \
	peer name eth0 netns "$h2" numtxqueues 2 numrxqueues 2
a1=192.0.2.1 a2=192.0.2.2
addr "$h1" eth0 $a1/24
addr "$h2" eth0 $a2/24
ip -n "$h1" link set eth0 up
ip -n "$h2" link set eth0 up
stt_pair
iperf_server "$h2"
check 'steering: before' tcp

# steer DEV QUEUE FILE VALUE: in both hosts.
steer() {
	local ns

	for ns in "$h1" "$h2"; do
		in_ns "$ns" sh -c "echo $4 >/sys/class/net/$1/queues/$2/$3" ||
			return
	done
}
for dev in eth0 stt0; do
	check "RPS on $dev" steer $dev rx-0 rps_cpus 3
done
check 'RPS on the other queue' steer eth0 rx-1 rps_cpus 3
before=$(steered)
check 'RPS: TCP' tcp
# PREEMPT_RT wakes a thread on the other CPU, and counts nothing.
if pgrep -x backlog_napi/0 >/dev/null; then
	check_eq 'RPS: threads do it, uncounted' "$(steered)" "$before"
else
	check_num 'RPS: packets change their CPU' "$(steered)" -gt "$before"
fi
echo 1024 >/proc/sys/net/core/rps_sock_flow_entries
for queue in rx-0 rx-1; do
	check "RFS on $queue" steer eth0 $queue rps_flow_cnt 512
done
check 'RFS on stt0' steer stt0 rx-0 rps_flow_cnt 512
check 'RFS: TCP' tcp
echo 0 >/proc/sys/net/core/rps_sock_flow_entries
check_eq 'RPS, RFS: no frame was lost' \
	"$(counter "$h2" reasm_timeout) $(counter "$h2" drop_length)" '0 0'

# tx_packets QUEUE: what went out by that queue of h1's eth0.
tx_packets() {
	in_ns "$h1" tc -s class show dev eth0 |
	awk -v c=":$(($1 + 1))" '$1 == "class" { mine = $3 == "8000" c }
				 mine && /Sent/ { print $4 }'
}
check 'XPS on tx-0' steer eth0 tx-0 xps_cpus 1
check 'XPS on tx-1' steer eth0 tx-1 xps_cpus 2
in_ns "$h1" tc qdisc replace dev eth0 root handle 8000: mq
for cpu in 0 1; do
	before=$(tx_packets $cpu) other=$(tx_packets $((1 - cpu)))
	check "XPS: CPU $cpu" taskset -c $cpu ip netns exec "$h1" \
		ping -q -c 3 -i 0.2 -W 5 "$i2"
	check_num "XPS: CPU $cpu uses its own queue" \
		"$(tx_packets $cpu)" -ge $((before + 3))
	check_num "XPS: CPU $cpu leaves the other queue alone" \
		"$(tx_packets $((1 - cpu)))" -le $((other + 2))
done
check 'XPS: TCP' tcp
in_ns "$h1" tc qdisc del dev eth0 root

# --- qdiscs ------------------------------------------------------------------

# qdisc DEV KIND [ARG]...
qdisc() {
	in_ns "$h1" tc qdisc del dev "$1" root 2>/dev/null
	in_ns "$h1" tc qdisc add dev "$1" root handle 1: "${@:2}" || return
	[ "$2" != htb ] || in_ns "$h1" tc class add dev "$1" parent 1: \
		classid 1:1 htb rate 500mbit
}

# sent DEV KIND: bytes that went through it.
sent() {
	in_ns "$h1" tc -s qdisc show dev "$1" |
	awk -v k="$2" '/^qdisc/ { mine = $2 == k && $3 == "1:" }
		       mine && /Sent/ { print $2; found = 1 }
		       END { if (!found) print 0 }'
}

for dev in eth0 stt0; do
	while read -ra args; do
		check "${args[0]} on $dev" qdisc $dev "${args[@]}"
		check "${args[0]} on $dev: TCP" tcp
		check_num "${args[0]} on $dev: packets went through the qdisc" \
			"$(sent $dev "${args[0]}")" -gt 100000
	done <<-END
	fq
	fq_codel
	tbf rate 200mbit burst 256k latency 50ms
	prio
	htb default 1
	END
	in_ns "$h1" tc qdisc del dev $dev root
done
tap_done
