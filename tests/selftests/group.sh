#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Multicast underlay (R16): a device is a member of its group while it is up,
# and its frames reach all other members, whole, and no other device.
#
#	h1                      sw                     h2
#	stt0 10.0.0.1           br0                    stt0 10.0.0.2
#	eth0 192.0.2.1 -------- p1   p2 -------------- eth0 192.0.2.2
#	     2001:db8::1                                    2001:db8::2
#	                                               h3
#	                                               stt0 10.0.0.3
#	                             p3 -------------- eth0 192.0.2.3
#	                                                    2001:db8::3
#
# kernels: all
# timeout: 600

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping nft python3 ethtool

h3='' sw='' c1=''

# setup_switch: hosts on a switch.
setup_switch() {
	local n ns

	new_ns h1 h2 h3 sw
	ip -n "$sw" link add br0 type bridge forward_delay 0
	ip -n "$sw" link set br0 up
	n=0
	for ns in "$h1" "$h2" "$h3"; do
		n=$((n + 1))
		link_ns "$ns" eth0 "$sw" p$n
		ip -n "$sw" link set p$n master br0
		addr "$ns" eth0 192.0.2.$n/24 2001:db8::$n/64
	done
}

# host_dev NS NUMBER [ARG]...: stt0 with its inner address. IPv6 is off, so that
# it sends nothing by itself.
host_dev() {
	local ns=$1 n=$2

	shift 2
	ip -n "$ns" link add stt0 mtu 40000 type stt id 1 "$@" &&
	in_ns "$ns" sysctl -qw net.ipv6.conf.stt0.disable_ipv6=1 &&
	ip -n "$ns" link set stt0 up &&
	addr "$ns" stt0 "10.0.0.$n/24"
}

# group_dev NS NUMBER [ARG]...: the same, in the group
group_dev() {
	host_dev "$1" "$2" group "$group" dev eth0 "${@:3}"
}

# member NS [GROUP] [DEV]: as the stack says it.
member() {
	ip -n "$1" maddr show dev "${3:-eth0}" |
	grep -qE "inet6? +${2:-$group}( |\$)"
}
not_member() { ! member "$@"; }

# users NS: how many times eth0 is in the group.
users() {
	ip -n "$1" maddr show dev eth0 |
	awk -v g="$group" '$2 == g { print $3 == "users" ? $4 : 1 }'
}

# Sends 20 KB to all inner hosts, and prints which received them unchanged.
cat >"$tmp/cast.py" <<'END'
import socket, sys, threading
sys.path.insert(0, sys.argv[1])
import sttlib as s
size = int(sys.argv[2])
data = bytes(i * 7 & 255 for i in range(size))
socks = []
for ns in sys.argv[4:]:
    with s.netns(ns):
        r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    r.bind(('', 5000))
    r.settimeout(s.PATIENCE)
    socks.append(r)
with s.netns(sys.argv[3]):
    t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
t.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
t.sendto(data, ('10.0.0.255', 5000))
for ns, r in zip(sys.argv[4:], socks):
    got = r.recvfrom(65535)[0]
    if got != data:
        sys.exit('%s: got %d bytes, not those sent' % (ns, len(got)))
    r.settimeout(0.1)
    try:
        r.recvfrom(65535)
        sys.exit('%s: got it twice' % ns)
    except socket.timeout:
        pass
END
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# cast SIZE FROM TO...
cast() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$tmp/cast.py" "$here" "$@"
}

# pinged NS ADDRESS [ARG]...: answered, and no answer comes twice.
pinged() {
	local ns=$1

	shift
	in_ns "$ns" ping -q -c 2 -i 0.2 -W 5 "$@" >"$tmp/ping" || return
	! grep -q duplicates "$tmp/ping"
}

for family in v4 v6; do
	if [ $family = v4 ]; then
		group=239.1.2.3 group2=239.1.2.4 a1=192.0.2.1 a2=192.0.2.2
		a3=192.0.2.3 ttl='ip ttl'
	else
		group=ff05::123 group2=ff05::124 a1=2001:db8::1 a2=2001:db8::2
		a3=2001:db8::3 ttl='ip6 hoplimit'
	fi

	# --- membership --------------------------------------------------------

	setup_switch
	ip -n "$h1" link add stt0 type stt id 1 group $group dev eth0
	check "$family: down: not in the group" not_member "$h1"
	check "$family: up" ip -n "$h1" link set stt0 up
	check "$family: up: in the group" member "$h1"
	if [ $family = v4 ]; then
		check "$family: in the group, says /proc/net/igmp" \
			in_ns "$h1" grep -q 030201EF /proc/net/igmp
	else
		check "$family: in the group, says /proc/net/igmp6" \
			in_ns "$h1" grep -q 'eth0 *ff05.*0123 ' \
			/proc/net/igmp6
	fi
	check "$family: set down" ip -n "$h1" link set stt0 down
	check "$family: set down: left" not_member "$h1"
	ip -n "$h1" link set stt0 up
	ip -n "$h1" link set eth0 down
	ip -n "$h1" link set eth0 up
	[ $family = v4 ] || addr "$h1" eth0 2001:db8::1/64
	check "$family: member after the lower device was down" \
		member "$h1"

	# IP needs an MTU.
	ip -n "$h1" link add low type dummy
	ip -n "$h1" link set low up
	stt_add "$h1" stt1 id 4 group $group2 dev low
	check "$family: another lower device" member "$h1" $group2 low
	ip -n "$h1" link set low mtu 60
	check "$family: no IP below: not in it" not_member "$h1" $group2 low
	ip -n "$h1" link set low mtu 1500
	check "$family: IP is back: in it again" member "$h1" $group2 low
	ip -n "$h1" link set low mtu 60
	ip -n "$h1" link set stt1 down
	check_fails "$family: no IP below: up is refused" \
		ip -n "$h1" link set stt1 up
	ip -n "$h1" link set low mtu 1500
	check "$family: IP is back: up is accepted" ip -n "$h1" link set stt1 up
	check "$family: up: a member of the group" member "$h1" $group2 low
	ip -n "$h1" link set low mtu 60
	check "$family: delete the lower device without IP" \
		ip -n "$h1" link del low
	check_fails "$family: the device went with it" \
		ip -n "$h1" link show stt1

	# The port counts as one member, however many devices use it.
	stt_add "$h1" stt1 id 2 group $group dev eth0
	check_eq "$family: two devices, one membership" "$(users "$h1")" 1
	stt_add "$h1" stt2 id 3 group $group dev eth0 dstport 7000
	check_eq "$family: another port's is another" "$(users "$h1")" 2
	ip -n "$h1" link del stt2
	ip -n "$h1" link del stt0
	check "$family: one of two left: in the group" member "$h1"
	ip -n "$h1" link del stt1
	check "$family: both gone: left" not_member "$h1"

	# --- refusals and changes -------------------------------------------------

	group_dev "$h1" 1
	check_refused "$family: the same again" 'Another device' \
		ip -n "$h1" link add stt1 type stt id 1 group $group dev eth0
	check_refused "$family: the same with a local address" \
		'id and group on the lower device' \
		ip -n "$h1" link add stt1 type stt id 1 group $group \
		dev eth0 local $a1
	ip -n "$h1" link add red type vrf table 10
	check_refused "$family: on a VRF" 'not on the VRF' \
		ip -n "$h1" link add stt1 type stt id 5 group $group dev red
	check_refused "$family: a unicast address" 'multicast address' \
		ip -n "$h1" link add stt1 type stt id 5 group $a2 dev eth0
	check "$family: change to another group" \
		ip -n "$h1" link set stt0 type stt group $group2
	check "$family: left one for the other" \
		eval "not_member $h1 && member $h1 $group2"
	check "$family: change to a peer" \
		ip -n "$h1" link set stt0 type stt remote $a2
	check "$family: change to a peer: left the group" \
		not_member "$h1" $group2
	check "$family: change to a group again" \
		ip -n "$h1" link set stt0 type stt group $group
	check "$family: change to a group: joined it" member "$h1"
	check "$family: ip shows the group" eval \
		"ip -n $h1 -d link show stt0 | grep -q 'group $group dev eth0'"
	ip -n "$h1" link set stt0 down
	ip -n "$h1" link set stt0 type stt group $group2
	check "$family: no change joins while down" not_member "$h1" $group2
	ip -n "$h1" link del stt0
	ip -n "$h1" link add stt0 type stt id 1 remote $a2
	check_refused "$family: change to a group, without dev" \
		'needs a lower device' \
		ip -n "$h1" link set stt0 type stt group $group
	ip -n "$h1" link del stt0
	ip -n "$h1" link del red

	# --- frames -------------------------------------------------------------

	group_dev "$h1" 1
	group_dev "$h2" 2 local $a2
	group_dev "$h3" 3
	# One packet a segment, or the receiver would have little to do.
	one_by_one "$h1" eth0
	in_ns "$h1" nft -f - <<-END
	table inet fw {
		chain out {
			type filter hook output priority 0
			tcp dport 7471 $ttl 1 counter
		}
	}
	END
	check "$family: all members reach each other (R16)" eval \
		"pinged $h1 10.0.0.2 && pinged $h1 10.0.0.3 &&
		 pinged $h2 10.0.0.3"
	check "$family: frames to the group stay on the link" eval \
		"in_ns $h1 nft list table inet fw | grep -q 'packets [1-9]'"
	segs=$(ethstat "$h2" stt0 rx_segments)
	check "$family: 20 KB reach both others unchanged (R16)" \
		cast 20000 "$h1" "$h2" "$h3"
	check_num "$family: in segments" \
		$(($(ethstat "$h2" stt0 rx_segments) - segs)) -ge 14
	check_num "$family: put together again" \
		"$(ethstat "$h3" stt0 rx_reassembled)" -gt 0
	check "$family: from a third" cast 20000 "$h3" "$h1" "$h2"
	check "$family: ttl" ip -n "$h1" link set stt0 type stt ttl 9
	wire "$h2" eth0 ttl "tcp dport 7471 $ttl 9"
	check "$family: ttl: traffic flows" cast 100 "$h1" "$h2" "$h3"
	check_num "$family: ttl: on the wire" "$(wired "$h2" ttl)" -gt 0

	# Frames to groups are not tracked either (R1).
	strict_firewall "$h2"
	check "$family: strict firewall" cast 5000 "$h1" "$h2" "$h3"
	check "$family: strict firewall, the other way" \
		cast 5000 "$h2" "$h1" "$h3"
	in_ns "$h2" nft delete table inet fw

	# With a queue of its own, the stack loops what is sent back.
	frames=$(ethstat "$h1" stt0 rx_frames)
	in_ns "$h1" tc qdisc add dev stt0 root pfifo
	check "$family: with a queue" cast 5000 "$h1" "$h2" "$h3"
	# And so do some networks.
	ip -n "$sw" link set p1 type bridge_slave hairpin on
	check "$family: reflected" cast 5000 "$h1" "$h2" "$h3"
	ip -n "$sw" link set p1 type bridge_slave hairpin off
	check_eq "$family: own frames reach no device" \
		"$(ethstat "$h1" stt0 rx_frames)" "$frames"
	check_eq "$family: none of them lacked a device" \
		"$(counter "$h1" drop_no_device)" 0
	[ $family = v4 ] ||
		check_num "$family: reflected ones are counted" \
			"$(counter "$h1" drop_peer)" -gt 0

	# Another device on the same wire has a copy, and keeps out of it.
	link_ns "$h2" eth1 "$sw" p4
	ip -n "$sw" link set p4 master br0
	stt_add "$h2" stt1 id 7 group $group dev eth1
	check "$family: member on two lower devices" member "$h2" "$group" eth1
	drops=$(counter "$h2" drop_no_device)
	check "$family: two lower devices: frames come once" \
		cast 20000 "$h1" "$h2" "$h3"
	check_num "$family: two lower devices: copies reach no device" \
		$(($(counter "$h2" drop_no_device) +
		   $(counter "$h2" drop_peer) - drops)) -gt 0
	ip -n "$h2" link del eth1

	# Not every device of that id takes what is sent to a group (R11): h3 is
	# in the group for id 2, and has a device for id 1.
	ip -n "$h3" link del stt0
	host_dev "$h3" 3 local $a3
	stt_add "$h3" stt1 id 2 group $group dev eth0
	frames=$(ethstat "$h3" stt0 rx_frames)
	check "$family: id 1 to the group" cast 20000 "$h1" "$h2"
	check_eq "$family: not for a device without it (R11)" \
		"$(ethstat "$h3" stt0 rx_frames) $(ethstat "$h3" stt1 rx_frames)" \
		"$frames 0"
	check_num "$family: counted" "$(counter "$h3" drop_no_device)" -gt 0

	# Unicast to a group's member.
	ip -n "$h3" link del stt1
	ip -n "$h3" link set stt0 type stt remote $a2
	ip -n "$h3" neigh replace 10.0.0.2 dev stt0 lladdr \
		"$(in_ns "$h2" cat /sys/class/net/stt0/address)"
	frames=$(ethstat "$h2" stt0 rx_frames)
	in_ns "$h3" ping -q -c 2 -i 0.2 -W 1 -s 3000 10.0.0.2 >/dev/null
	check_num "$family: unicast frames of its id reach a member" \
		$(($(ethstat "$h2" stt0 rx_frames) - frames)) -ge 2

	# --- the lower device moves, the device moves -------------------------------

	ip -n "$h1" link add red type vrf table 10
	ip -n "$h1" link set red up
	ip -n "$h1" link set eth0 master red
	[ $family = v4 ] || addr "$h1" eth0 $a1/64
	check "$family: into a VRF: a member" member "$h1"
	check "$family: into a VRF: receives" wait_for 10 cast 20000 "$h2" "$h1"
	check "$family: into a VRF: sends" wait_for 10 cast 20000 "$h1" "$h2"
	ip -n "$h1" link set eth0 nomaster
	[ $family = v4 ] || addr "$h1" eth0 $a1/64
	check "$family: out of the VRF: a member" member "$h1"
	check "$family: out of the VRF: receives" \
		wait_for 10 cast 20000 "$h2" "$h1"

	new_ns c1
	ip -n "$h1" link set stt0 netns "$c1"
	check "$family: moved and down: left" not_member "$h1"
	addr "$c1" stt0 10.0.0.1/24
	ip -n "$c1" link set stt0 up
	check "$family: moved and up: a member" member "$h1"
	check "$family: moved: traffic flows" pinged "$c1" 10.0.0.2
	background in_ns "$h2" ping -q -f -s 20000 10.0.0.1 >/dev/null 2>&1
	background in_ns "$c1" ping -q -f -s 20000 10.0.0.2 >/dev/null 2>&1
	check "$family: delete the lower device" ip -n "$h1" link del eth0
	check_fails "$family: the moved device goes with its lower device" \
		ip -n "$c1" link show stt0
	# h2's device goes with its namespace, up and under traffic.
	teardown
done

check_fails 'no device was waited for in vain' \
	grep -q 'unregister_netdevice: waiting' <(dmesg)

tap_done
