#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh WORKLOADS CASE... - inside the VM: measure each workload over each
# case; both are lists of words
#
#      a                                    b
#      eth0 192.0.2.1/24 ------ veth ------ eth0 192.0.2.2/24
#           2001:db8::1/64      MTU 1500         2001:db8::2/64
#      tun0 10.0.0.1/24                     tun0 10.0.0.2/24
#
# CASE is none, vxlan, geneve, gretap or stt; with 6 behind it over IPv6, and
# with one of these at its end:
#   -nic	over a NIC that has offloads for tunnels. veth would segment any
#		tunnel for nothing: without tunnel offloads it is the ordinary
#		NIC, with TSO for TCP, and software for everything in a tunnel
#   -lwt	an external device, told by a lightweight tunnel's route
#   -bpf	an external device, told by an eBPF program
#   -many	beside 9,999 other devices, without IPv6
#   -fdb	a device that forwards by MAC address, with one entry
#   -fdbmany	and with 100,000
#
# WORKLOADS are
#   tso     bulk TCP; the NIC has TSO, the receiver gets aggregates
#   gso     bulk TCP; every segment crosses singly, software GSO and GRO
#   rr      TCP, one byte to and fro
#   udp64   UDP datagrams of 64 bytes
#   udp32k  UDP datagrams of 32 KB; the inner MTU is the tunnel's own, but
#           64000 for stt
#   jumbo   as tso; the inner MTU is 65429 for stt
#   bidir   as tso, both ways at once
#   flows   as tso, 64 flows
#   flowsgso	as gso, 64 flows
#   xmit    packets of 64 bytes from pktgen, dropped before b's IP sees them
#   recv    and those that b drops when it has unpacked them
#   memory  as recv, from 10,000 ports: how much of it that takes
#   fwd, fwdgso	as tso and gso, but from and to machines of their own, behind a
#		bridge that the tunnel, or the NIC, is a port of
#   tsov6   as tso, IPv6 inside
#   big, bigv6	as tso and tsov6, with BIG TCP: the tunnel, or the NIC, has a
#		gso_max_size and gro_max_size of $BIG
#   udpgso  sends of 48,000 bytes that the kernel cuts into UDP datagrams of
#           1,200 (UDP_SEGMENT), as QUIC servers do
#   filtertso, filterrr	as tso and rr; both hosts have an input policy of drop,
#		connection tracking and eight rules
#
# Leaves iperf3's report in results/WORKLOAD.CASE.json, what sockbench says in
# results/WORKLOAD.CASE, and in results/marks the measurements in their order.

set -eu
. "${BASH_SOURCE[0]%/*}/iperf.sh"
# All for this time, iperf3 for one second at least, as it does not know parts of
# one. Not for a number of bytes: iperf3 from 3.16 on would look all the time
# whether that is reached, and keep the CPU from those who do the work.
seconds=${DURATION:-1}
results=/run/vm/results
rm -rf "$results"
mkdir -p "$results"

deps=$(modinfo -F depends "$STT_KO" | tr , ' ')
# shellcheck disable=SC2086
[ -z "$deps" ] || modprobe -a $deps
insmod "$STT_KO"
cat /proc/kallsyms >/run/vm/kallsyms
{
	uname -srv
	iperf3 --version | head -n 1
	ethtool --version
	ip -V
} >/run/vm/versions

ip netns add a
ip netns add b
ip link add eth0 netns a type veth peer name eth0 netns b
for ns in a b; do
	ip -n "$ns" link set lo up
	ip -n "$ns" link set eth0 up
done
ip -n a addr add 192.0.2.1/24 dev eth0
ip -n b addr add 192.0.2.2/24 dev eth0
ip -n a addr add 2001:db8::1/64 dev eth0 nodad
ip -n b addr add 2001:db8::2/64 dev eth0 nodad
BIG=${BIG:-524280}
ip netns exec b iperf3 -s -D --pidfile /run/iperf3.pid
ip netns exec b "$SOCKBENCH" rr-server 5001 &
rr_server=$!

a() { ip netns exec a "$@"; }
b() { ip netns exec b "$@"; }

# nic tso|gso, tunnel offloads on|off
nic() {
	local ns tso=on gro=off

	[ "$1" = tso ] || tso=off gro=on
	for ns in a b; do
		ip netns exec $ns ethtool -K eth0 tso $tso gso $tso gro $gro \
			tx-udp_tnl-segmentation "$2" \
			tx-udp_tnl-csum-segmentation "$2" \
			tx-gre-segmentation "$2" tx-gre-csum-segmentation "$2"
	done
}

# device NS TYPE LOCAL REMOTE [ARG]...
device() {
	local ns=$1 type=$2 local=$3 remote=$4

	shift 4
	[ "$type" = geneve ] || set -- "$@" local "$local"
	[ "$remote" = any ] || set -- "$@" remote "$remote"
	ip -n "$ns" link add tun0 type "$type" "$@"
	ip -n "$ns" link set tun0 up
}

# mac NS
mac() { ip netns exec "$1" cat /sys/class/net/tun0/address; }

# others NS TYPE: 9,999 more, to peers that are not there
others() {
	awk -v type="$2" -v port="${port[*]}" 'BEGIN {
		for (i = 2; i <= 10000; i++) {
			printf "link add o%d type %s id %d remote 10.99.%d.%d %s\n",
				i, type, i, i / 250, i % 250 + 1, port
			printf "link set o%d up\n", i
		}
	}' | ip -n "$1" -b -
}

# entries NS N: stations that do not speak
entries() {
	awk -v n="$2" 'BEGIN {
		for (i = 1; i < n; i++)
			printf "fdb add 02:01:%02x:%02x:%02x:01 dev tun0 dst 10.99.%d.%d\n",
				int(i / 65536), int(i / 256) % 256, i % 256,
				int(i / 250) % 250, i % 250 + 1
	}' | bridge -n "$1" -b -
}

available() { awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo; }

# tunnel TYPE 4|6 VARIANT
tunnel() {
	local type=$1 a=192.0.2.1 b=192.0.2.2 variant=$3 id=(id 1) before

	[ "$2" = 4 ] || { a=2001:db8::1 b=2001:db8::2; }
	port=()
	case $type in
	vxlan)	port=(dstport 4789) ;;
	*gretap) id=() ;;
	esac
	case $variant in
	lwt|bpf)
		device a "$type" $a any external "${port[@]}"
		device b "$type" $b any external "${port[@]}" ;;
	fdb|fdbmany)
		device a "$type" $a any "${id[@]}" "${port[@]}" nolearning
		device b "$type" $b any "${id[@]}" "${port[@]}" nolearning
		bridge -n a fdb add "$(mac b)" dev tun0 dst $b
		bridge -n b fdb add "$(mac a)" dev tun0 dst $a
		bridge -n a fdb append 00:00:00:00:00:00 dev tun0 dst $b
		bridge -n b fdb append 00:00:00:00:00:00 dev tun0 dst $a ;;
	*)	device a "$type" $a $b "${id[@]}" "${port[@]}"
		device b "$type" $b $a "${id[@]}" "${port[@]}" ;;
	esac
	# What vxlan's headers leave: a program cannot be told of path MTUs.
	[ "$type$variant" != vxlanbpf ] || for ns in a b; do
		ip -n $ns link set tun0 mtu 1450
	done
	case $variant in
	lwt)	ip -n a addr add 10.0.0.1/32 dev tun0
		ip -n b addr add 10.0.0.2/32 dev tun0
		ip -n a route add 10.0.0.2 encap ip id 1 dst $b dev tun0
		ip -n b route add 10.0.0.1 encap ip id 1 dst $a dev tun0
		# Such a route has no word for what ARP asks.
		ip -n a neigh add 10.0.0.2 dev tun0 lladdr "$(mac b)"
		ip -n b neigh add 10.0.0.1 dev tun0 lladdr "$(mac a)"
		return ;;
	bpf)	a tc qdisc add dev tun0 clsact
		b tc qdisc add dev tun0 clsact
		a tc filter add dev tun0 egress bpf direct-action \
			object-file "$BPF" section tc/set4_1
		b tc filter add dev tun0 egress bpf direct-action \
			object-file "$BPF" section tc/set4_2 ;;
	many)	# What IPv6 does on its own on each of them is not measured.
		for ns in a b; do
			ip netns exec $ns sysctl -qw \
				net.ipv6.conf.default.disable_ipv6=1
		done
		before=$(available)
		others a "$type"
		others b "$type"
		echo $(((before - $(available)) * 1024 / 19998)) \
			>"$results/memory.$type" ;;
	fdbmany)
		entries a 100000
		entries b 100000 ;;
	esac
	ip -n a addr add 10.0.0.1/24 dev tun0
	ip -n b addr add 10.0.0.2/24 dev tun0
	[ "$variant" = many ] || {
		ip -n a addr add fd00::1/64 dev tun0 nodad
		ip -n b addr add fd00::2/64 dev tun0 nodad
	}
}

# machines up|down: c behind a and d behind b
machines() {
	local ns nic=tun0 mtu

	[ "$type" != none ] || nic=eth0
	mtu=$(a cat /sys/class/net/$nic/mtu)
	for ns in a:c:1 b:d:2; do
		IFS=: read -r ns vm n <<<"$ns"
		if [ "$1" = down ]; then
			ip netns del "$vm"
			ip -n "$ns" link del br0
			continue
		fi
		ip netns add "$vm"
		ip link add vm netns "$ns" type veth peer name eth0 netns "$vm"
		ip -n "$ns" link add br0 up type bridge
		ip -n "$ns" link set vm up mtu "$mtu" master br0
		ip -n "$ns" link set $nic master br0
		ip -n "$vm" link set eth0 up mtu "$mtu"
		ip -n "$vm" addr add "10.1.0.$n/24" dev eth0
	done
	[ "$1" = up ] || return 0
	ip netns exec d iperf3 -s -D --pidfile /run/iperf3-d.pid
	ip netns exec c ping -q -c 3 -i 0.5 -W 5 10.1.0.2 >/dev/null
}

# bulk NS NAME TO [ARG]...: with warm caches
bulk() {
	local ns=$1 name=$2 to=$3

	shift 3
	iperf "$ns" "$to" /dev/null -n 32M "$@"
	echo "$name" >>"$results/marks"
	"$SOCKBENCH" mark 1
	iperf "$ns" "$to" "$results/$name.json" -t "${seconds/#0.*/1}" -J "$@"
	"$SOCKBENCH" mark 0
}

# transactions NAME TO
transactions() {
	echo "$1" >>"$results/marks"
	a "$SOCKBENCH" rr "$2" 5001 "$seconds" >"$results/$1"
}

# datagrams NAME TO SIZE [SEGMENT ROOM]
datagrams() {
	local name=$1 to=$2 size=$3 server

	b "$SOCKBENCH" udp-server 5002 ${5:+"$5"} >"$results/$name.received" &
	server=$!
	sleep 0.1
	echo "$name" >>"$results/marks"
	a "$SOCKBENCH" udp "$to" 5002 "$size" "$seconds" ${4:+"$4"} \
		>"$results/$name"
	wait "$server"
	cat "$results/$name.received" >>"$results/$name"
	rm "$results/$name.received"
}

# drop NIC: b's tc drops what that brings
drop() {
	b tc qdisc add dev "$1" clsact
	b tc filter add dev "$1" ingress matchall action drop
}

# packets NAME NIC [COMMAND]...: of 64 bytes, as fast as it goes; how many in a
# second
packets() {
	local name=$1 nic=$2 dir=/proc/net/pktgen to more=''

	shift 2
	[ $# -eq 0 ] || more=$(printf "'%s' " "$@")
	modprobe pktgen
	# Nobody answers who drops all.
	for to in 192.0.2.2 2001:db8::2; do
		ip -n a neigh replace $to dev eth0 nud permanent \
			lladdr "$(b cat /sys/class/net/eth0/address)"
	done
	a sh -c "echo rem_device_all >$dir/kpktgend_0
		 echo add_device $nic >$dir/kpktgend_0
		 printf '%s\n' 'count 20000' 'clone_skb 0' 'pkt_size 64' \
			'dst 10.0.0.2' $more'dst_mac $(b cat "/sys/class/net/$nic/address")' |
		 while read -r line; do echo \"\$line\" >$dir/$nic; done
		 echo start >$dir/pgctrl"
	a sed -nE 's/^ *([0-9]+)pps.*/\1/p' "$dir/$nic" >"$results/$name"
	a sh -c "echo rem_device_all >$dir/kpktgend_0"
}

# mtu CASE MTU: only stt has a choice
mtu() {
	case $1 in stt*)
		ip -n a link set tun0 mtu "$2"
		ip -n b link set tun0 mtu "$2" ;;
	esac
}

# big DEV GSO GRO: limits. IPv4 has its own since 6.3, which iproute2 may not
# know: attributes 63 and 64 of RTM_NEWLINK.
big() {
	local ns

	for ns in a b; do
		ip -n $ns link set "$1" gso_max_size "$2" gro_max_size "$3" ||
			return
		ip netns exec $ns /usr/bin/python3 - "$@" <<-'EOF'
		import socket, struct, sys
		dev, gso, gro = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
		s.send(struct.pack('=IHHIIBxHiIIHHIHHI', 48, 16, 5, 1, 0, 0, 0,
				   socket.if_nametoindex(dev), 0, 0,
				   8, 63, gso, 8, 64, gro))
		s.recv(4096)
		EOF
	done
}

# as_big NAME TO: bulk TCP with BIG TCP, in place of what the device has
as_big() {
	local was

	was=$(a ip -d -j link show dev "$tunnel" |
	      sed -nE 's/.*"gso_max_size":([0-9]+).*/\1/p')
	# Not all do.
	big "$tunnel" "$BIG" "$BIG" || return 0
	bulk a "$1" "$2"
	big "$tunnel" "$was" 65536
}

# rules up|down: a host's firewall
rules() {
	local ns

	for ns in a b; do
		if [ "$1" = down ]; then
			ip netns exec $ns nft delete table inet filter
			continue
		fi
		ip netns exec $ns nft -f - <<-'EOF'
		table inet filter {
			chain input {
				type filter hook input priority 0; policy drop
				iif lo accept
				ct state established,related accept
				ct state invalid counter drop
				meta l4proto { icmp, icmpv6 } accept
				tcp dport 22 accept
				udp dport { 4789, 6081 } accept
				tcp dport 7471 accept
				tcp dport { 5001, 5201 } accept
			}
		}
		EOF
	done
}

# run WORKLOAD CASE TO
run() {
	local name=$1.$2 to=$3 to6=fd00::2 offload=off tunnel=tun0 before

	[ "$type" != none ] || tunnel=eth0 to6=2001:db8::2
	case $2 in *-nic) offload=on ;; esac
	case $1 in
	*gso)	nic gso $offload ;;
	*)	nic tso $offload ;;
	esac
	case $1 in
	tso|gso) bulk a "$name" "$to" ;;
	tsov6)	bulk a "$name" "$to6" ;;
	big)	as_big "$name" "$to" ;;
	bigv6)	as_big "$name" "$to6" ;;
	filter*) rules up
		case $1 in
		filtertso) bulk a "$name" "$to" ;;
		filterrr) transactions "$name" "$to" ;;
		esac
		rules down ;;
	udpgso)	datagrams "$name" "$to" 48000 1200 8000000 ;;
	jumbo)	mtu "$2" 65429; bulk a "$name" "$to"; mtu "$2" 1500 ;;
	bidir)	bulk a "$name" "$to" --bidir ;;
	flows*)	bulk a "$name" "$to" -P 64 ;;
	fwd*)	machines up
		bulk c "$name" 10.1.0.2
		kill "$(cat /run/iperf3-d.pid)"
		machines down ;;
	rr)	transactions "$name" "$to" ;;
	udp64)	datagrams "$name" "$to" 64 ;;
	udp32k)
		mtu "$2" 64000
		datagrams "$name" "$to" 32768
		mtu "$2" 1500 ;;
	xmit)	drop eth0
		packets "$name" "$tunnel"
		b tc qdisc del dev eth0 clsact ;;
	recv)	drop "$tunnel"
		packets "$name" "$tunnel"
		b tc qdisc del dev "$tunnel" clsact ;;
	memory)	drop "$tunnel"
		packets "$name" "$tunnel"
		sync
		echo 3 >/proc/sys/vm/drop_caches
		before=$(available)
		packets "$name" "$tunnel" 'udp_src_min 10000' 'udp_src_max 19999'
		echo $((before - $(available))) >"$results/$name"
		b tc qdisc del dev "$tunnel" clsact ;;
	*)	echo "unknown workload $1"; exit 1 ;;
	esac
	echo "# $name"
}

read -ra workloads <<<"$1"
shift
for name in "$@"; do
	to=10.0.0.2 v=4 variant=
	type=${name%%-*}
	case $name in *-*) variant=${name#*-} ;; esac
	case $type in *6) v=6 ;; esac
	type=${type%6}
	case $type$v in
	none4)	to=192.0.2.2 ;;
	none6)	to=2001:db8::2 ;;
	gretap6) tunnel ip6gretap 6 "$variant" ;;
	*)	tunnel "$type" $v "$variant" ;;
	esac
	# Neighbours are resolved before the clock starts, both ways, and have
	# been asked once more: until then each packet goes the long way.
	a ping -q -c 1 -W 5 $to >/dev/null
	sleep 6
	a ping -q -c 1 -W 5 $to >/dev/null
	for workload in "${workloads[@]}"; do
		run "$workload" "$name" $to
	done
	[ "$type" = none ] || ip -n a link del tun0
	[ "$type" = none ] || ip -n b link del tun0
	[ "$variant" != many ] || for ns in a b; do
		ip netns exec $ns sysctl -qw net.ipv6.conf.default.disable_ipv6=0
		ip -n $ns -o link show type "$type" |
		sed -nE 's/^[0-9]+: ([^:@]*).*/link del \1/p' |
		ip -n $ns -b -
	done
done

kill "$(cat /run/iperf3.pid)" $rr_server
ip netns del a
ip netns del b
for _ in {1..50}; do
	rmmod stt 2>/dev/null && break
	sleep 0.1
done
[ ! -e /sys/module/stt ]
