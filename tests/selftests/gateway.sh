#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An stt device where a vxlan device would stand: as a bridge's port beside a
# vxlan one, with VLAN filtering, in a bond and a team, under a macvlan, and with
# another tunnel for its underlay.
#
#	h1                     gw                              h2
#	stt0 10.0.0.1          br0: stt0, vx0                  vx0 10.0.0.2
#	eth0 192.0.2.1 ------- eth0 192.0.2.254
#	                       eth1 198.51.100.254 ----------- eth0 198.51.100.2
#
# kernels: all
# timeout: 400

# check calls functions; namespaces are set by new_ns.
# shellcheck disable=SC2317,SC2154
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping iperf3 bridge python3

# --- between stt and vxlan ----------------------------------------------------

setup_routed v4
gw=$r g1=192.0.2.254 g2=198.51.100.254
stt_add "$h1" stt0 id 1 remote $g1
stt_add "$gw" stt0 id 1 remote 192.0.2.1
ip -n "$gw" link add vx0 type vxlan id 1 local $g2 remote 198.51.100.2 \
	dstport 4789
ip -n "$h2" link add vx0 type vxlan id 1 local 198.51.100.2 remote $g2 \
	dstport 4789
ip -n "$gw" link add br0 type bridge
for dev in stt0 vx0; do
	ip -n "$gw" link set $dev mtu 1400 master br0 up
done
ip -n "$gw" link set br0 up
ip -n "$h1" link set stt0 mtu 1400
ip -n "$h2" link set vx0 mtu 1400 up
addr "$h1" stt0 10.0.0.1/24
addr "$h2" vx0 10.0.0.2/24
check 'stt to vxlan: ping' in_ns "$h1" ping -q -c 3 -i 0.2 10.0.0.2
# size NS DEV DIRECTION COMMAND...: bytes a packet, while it runs.
size() {
	local ns=$1 dev=$2 dir=$3 p b

	shift 3
	p=$(linkstat "$ns" "$dev" "${dir}_packets")
	b=$(linkstat "$ns" "$dev" "${dir}_bytes")
	"$@" >"$tmp/out" 2>&1 || { cat "$tmp/out"; return 1; }
	p=$(($(linkstat "$ns" "$dev" "${dir}_packets") - p))
	b=$(($(linkstat "$ns" "$dev" "${dir}_bytes") - b))
	echo $((b / p))
}
iperf_server "$h1"
iperf_server "$h2"
check_num 'stt to vxlan: GSO packets go through the bridge whole' \
	"$(size "$gw" vx0 tx in_ns "$h1" iperf3 -c 10.0.0.2 -n 16M)" -gt 5000
before=$(ethstat "$gw" stt0 tx_sw_offload)
check_num 'vxlan to stt: GSO packets go through the bridge whole' \
	"$(size "$gw" stt0 tx in_ns "$h2" iperf3 -c 10.0.0.1 -n 16M)" -gt 3000
check_eq 'vxlan to stt: no offload is resolved in software' \
	"$(ethstat "$gw" stt0 tx_sw_offload)" "$before"
teardown

# --- VLAN filtering ------------------------------------------------------------

# tenants on both hosts behind br0, VLANs 10 and 20 tagged over stt0
setup_pair v4
stt_add "$h1" stt0 id 2 remote 192.0.2.2
stt_add "$h2" stt0 id 2 remote 192.0.2.1
for n in 1 2; do
	ns=h$n host=${!ns}
	ip -n "$host" link add br0 type bridge vlan_filtering 1
	ip -n "$host" link set br0 up
	ip -n "$host" link set stt0 master br0
	in_ns "$host" bridge vlan del dev stt0 vid 1
	for vid in 10 20; do
		new_ns "t${vid}_$n"
		tns=t${vid}_$n
		link_ns "$host" v$vid "${!tns}" eth0
		addr "${!tns}" eth0 10.0.0.$n/24
		ip -n "$host" link set v$vid master br0
		in_ns "$host" bridge vlan add dev v$vid vid $vid pvid untagged
		in_ns "$host" bridge vlan del dev v$vid vid 1
		in_ns "$host" bridge vlan add dev stt0 vid $vid
	done
done
check 'VLAN 10' in_ns "$t10_1" ping -q -c 2 -i 0.2 10.0.0.2
check 'VLAN 20, with the same addresses' in_ns "$t20_1" ping -q -c 2 -i 0.2 \
	10.0.0.2
in_ns "$h2" bridge vlan del dev stt0 vid 20
check_fails 'a VLAN that the port is not in' \
	in_ns "$t20_1" ping -q -c 1 -W 1 10.0.0.2
check 'the other is' in_ns "$t10_1" ping -q -c 1 10.0.0.2
teardown

# --- bond, team, macvlan -------------------------------------------------------

# What teamd would say: "mode" is how a team spreads packets.
cat >"$tmp/team.py" <<'END'
import socket, struct, sys

def attr(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + \
        b"\0" * (-len(data) % 4)

def ask(family, command, attrs):
    body = struct.pack("=BBH", command, 1, 0) + attrs
    s.send(struct.pack("=IHHII", len(body) + 16, family, 5, 1, 0) + body)
    reply = s.recv(65536)
    if struct.unpack("=H", reply[4:6])[0] == 2:
        err = -struct.unpack("=i", reply[16:20])[0]
        # ESRCH: done, but there is no listener for the notification.
        if err not in (0, 3):
            sys.exit("error %d" % err)
    return reply

def families(reply):
    reply = reply[20:]
    while len(reply) >= 4:
        n, kind = struct.unpack("=HH", reply[:4])
        yield kind, reply[4:n]
        reply = reply[n + 3 & ~3:]

s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
team = dict(families(ask(16, 3, attr(2, b"team\0"))))
s.recv(65536)
option = attr(1, b"mode\0") + attr(3, b"\5") + attr(4, b"roundrobin\0")
ask(struct.unpack("=H", team[1])[0], 1,
    attr(1, struct.pack("=I", socket.if_nametoindex(sys.argv[1]))) +
    attr(2 | 0x8000, attr(1 | 0x8000, option)))
END

# aggregate KIND [ARG]...: stt11 and stt12 of both hosts under one device.
aggregate() {
	local n ns host id kind=$1

	shift
	for n in 1 2; do
		ns=h$n host=${!ns}
		ip -n "$host" link add agg0 type "$kind" "$@" || return
		[ "$kind" != team ] ||
			in_ns "$host" python3 "$tmp/team.py" agg0 || return
		for id in 11 12; do
			ip -n "$host" link add "stt$id" type stt id "$id" \
				remote 192.0.2.$((3 - n)) &&
			ip -n "$host" link set "stt$id" master agg0 || return
		done
		ip -n "$host" link set agg0 up || return
		addr "$host" agg0 "10.0.0.$n/24"
	done
}

setup_pair v4
iperf_server "$h2"
for kind in 'bond mode active-backup miimon 100' 'bond mode balance-rr miimon 100' \
	    team
do
	what=${kind%% miimon*}
	# shellcheck disable=SC2086
	check "in a $what" aggregate $kind
	check "$what: traffic flows" \
		wait_for 10 in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
	check "$what: TCP" in_ns "$h1" iperf3 -c 10.0.0.2 -n 4M
	case $what in
	*active-backup) used=1 ;;
	*)		used=2 ;;
	esac
	check_eq "$what: the mode uses the right number of links" "$(
		for id in 11 12; do
			[ "$(linkstat "$h1" stt$id tx_packets)" -le 20 ] ||
				echo $id
		done | wc -l)" $used
	ip -n "$h1" link set stt11 down
	ip -n "$h2" link set stt11 down
	check "$what: one link fails: the other takes over" \
		wait_for 10 in_ns "$h1" ping -q -c 1 -W 1 10.0.0.2
	check "$what: TCP over that" in_ns "$h1" iperf3 -c 10.0.0.2 -n 4M
	check "$what: a port is deleted" ip -n "$h1" link del stt11
	check "$what: traffic flows over the other port" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
	for ns in "$h1" "$h2"; do
		ip -n "$ns" link del agg0
		ip -n "$ns" link del stt11 2>/dev/null
		ip -n "$ns" link del stt12
	done
done

stt_add "$h1" stt0 id 3 remote 192.0.2.2
stt_add "$h2" stt0 id 3 remote 192.0.2.1
for mode in bridge private passthru; do
	new_ns m1 m2
	for n in 1 2; do
		ns=h$n c=m$n
		ip -n "${!ns}" link add mv0 link stt0 netns "${!c}" \
			type macvlan mode $mode
		addr "${!c}" mv0 10.1.0.$n/24
		ip -n "${!c}" link set mv0 up
	done
	check "under a macvlan, $mode" \
		in_ns "$m1" ping -q -c 2 -i 0.2 -W 5 10.1.0.2
	iperf_server "$m2"
	check "under a macvlan, $mode: TCP" in_ns "$m1" iperf3 -c 10.1.0.2 -n 4M
	ip -n "$m1" link del mv0
	ip -n "$m2" link del mv0
done

# --- through another tunnel ----------------------------------------------------

for kind in 'vxlan id 9 dstport 4789' gre 'stt id 9 dstport 7470'; do
	for n in 1 2; do
		ns=h$n host=${!ns}
		# shellcheck disable=SC2086
		ip -n "$host" link add tun9 type $kind local 192.0.2.$n \
			remote 192.0.2.$((3 - n))
		ip -n "$host" link set tun9 up
		addr "$host" tun9 10.9.0.$n/24
		stt_add "$host" stt9 id 9 local 10.9.0.$n \
			remote 10.9.0.$((3 - n))
		addr "$host" stt9 10.10.0.$n/24
	done
	check "over ${kind%% *}: ping" in_ns "$h1" ping -q -c 2 -i 0.2 -s 3000 \
		10.10.0.2
	check "over ${kind%% *}: TCP" in_ns "$h1" iperf3 -c 10.10.0.2 -n 4M
	for host in "$h1" "$h2"; do
		ip -n "$host" link del stt9
		ip -n "$host" link del tun9
	done
done
tap_done
