#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The distribution's Open vSwitch, unmodified, on the kernel's own datapath
# with vport-stt: what docs/openvswitch.md says. Also W9, W11 and R11 as they
# are for a datapath's device.
#
#   t1 eth0 10.0.0.1/24 -- p0                          p0 -- eth0 10.0.0.2/24 t2
#                          |                            |
#                    h1: br0 -- stt0              stt0 -- br0 :h2
#                                  eth0 192.0.2.1 -- 192.0.2.2 eth0
# timeout: 900

# Functions are called by check.
# shellcheck disable=SC2317

cd "${BASH_SOURCE[0]%/*}" || exit 1
. ./lib.sh
. ./lib_ovs.sh

require ovs-vswitchd ovsdb-server ovs-vsctl
[ -e "${STT_KO%/*}/ovs/vport-stt.ko" ] ||
	skip_all "vport-stt was left out of this build"

# remote HOST [OPTION=VALUE]...: the port stt0 of the host, made anew.
remote() {
	local h=$1 o opts=()

	shift
	for o in "$@"; do
		opts+=("options:$o")
	done
	ovs_vsctl "$h" --if-exists del-port stt0 -- add-port br0 stt0 -- \
		set interface stt0 type=stt "${opts[@]}" 2>/dev/null
}

# error_of HOST PATTERN: what "ovs-vsctl show" tells about stt0.
error_of() {
	ovs_vsctl "$1" show
	ovs_vsctl "$1" show | sed -n '/Port stt0/,/Port/p' |
	grep -E "error: .*($2)"
}

no_error() {
	ovs_vsctl "$1" show
	! ovs_vsctl "$1" show | grep error:
}

ping_ok() { in_ns "$t1" ping -q -c "${1:-2}" -i 0.2 -W 3 10.0.0.2; }
ping_fails() { ! in_ns "$t1" ping -q -c 1 -W 1 10.0.0.2; }
dev_gone() { ! ip -n "$1" link show "$2"; }

# flow_has HOST PATTERN...: a flow of the datapath matches all patterns.
flow_has() {
	local h=$1 flows all p

	shift
	all=$(ovs_dpctl "$h" dump-flows -m)
	flows=$all
	for p in "$@"; do
		flows=$(grep -E -- "$p" <<<"$flows")
	done
	echo "$all"
	[ "$flows" ]
}

# seen NS NAME...: a packet of each kind was counted.
seen() {
	local ns=$1 name

	shift
	for name in "$@"; do
		[ "$(wired "$ns" "$name")" -gt 0 ] || { echo "no $name"; return 1; }
	done
}

# flows HOST FLOW...: these and no others, all or none.
flows() {
	local h=$1

	shift
	printf '%s\n' "$@" >"$tmp/flows"
	ovs_ofctl "$h" --bundle replace-flows br0 "$tmp/flows"
}

setup_pair v4
t1='' t2=''
new_ns t1 t2
ovs_modules stt.ko
for i in 1 2; do
	h=h$i t=t$i
	check "h$i: Open vSwitch starts" ovs_start "${!h}"
	link_ns "${!h}" p0 "${!t}" eth0
	addr "${!t}" eth0 10.0.0.$i/24
	ip -n "${!t}" link set eth0 address 02:00:00:00:00:0$i
	ovs_vsctl "${!h}" add-br br0 -- add-port br0 p0
done

# --- the module is missing, then there ---------------------------------------

remote "$h1" remote_ip=192.0.2.2 key=5
check "without vport-stt: ovs-vsctl show tells" \
	error_of "$h1" "Address family not supported"
ovs_modules stt.ko ovs/vport-stt.ko
remote "$h1" remote_ip=192.0.2.2 key=5
remote "$h2" remote_ip=192.0.2.1 key=5
check "with it: no error, and the datapath loads it by itself" no_error "$h1"
check "vport_stt is loaded" grep -w ^vport_stt /proc/modules
is_port() {
	ip -n "$1" -d link show stt_sys_7471 | tr -d '\n' |
	grep -E 'UP.* master ovs-system .*stt .*external'
}
check "the device is external, up, and the datapath's" is_port "$h1"
check_refused "an unload while a bridge has a port is refused" 'in use' \
	rmmod vport_stt
check_refused "an unload of stt while a bridge has a port is refused" \
	'in use' rmmod stt
dpif_show() {
	ovs_appctl "$1" dpif/show | tee /dev/stderr |
	grep -E 'stt0 .*: \(stt: key=5, remote_ip=192.0.2.2'
}
check "dpif/show" dpif_show "$h1"
dp_show() {
	ovs_dpctl "$1" show | tee /dev/stderr |
	grep -E 'port [0-9]+: stt_sys_7471 \(stt'
}
check "ovs-dpctl show" dp_show "$h1"

# --- a fixed key -------------------------------------------------------------

check "fixed key: ping" ping_ok 5
check "received: a megaflow on tunnel id and both addresses" flow_has "$h1" \
	'tunnel\(tun_id=0x5,src=192.0.2.2,dst=192.0.2.1' 'actions:p0'
check "sent: the flow sets the tunnel" flow_has "$h1" 'in_port\(p0\)' \
	'actions:set\(tunnel\(tun_id=0x5,dst=192.0.2.2,ttl=64'
iperf_server "$t2"
check "TCP" in_ns "$t1" iperf3 -c 10.0.0.2 -n 20M
check "TCP the other way" in_ns "$t1" iperf3 -c 10.0.0.2 -n 20M -R
check_num "as large frames" "$(ethstat "$h1" stt_sys_7471 tx_tso)" -gt 100
check_eq "without errors" "$(linkstat "$h1" stt_sys_7471 tx_errors)" 0
# Statistics reach the switch with the next look at the flows.
ofport_packets() {
	ovs_ofctl "$1" dump-ports br0 stt0 |
	sed -n "s/.* *$2 pkts=\([0-9]*\),.*/\1/p"
}
many_packets() {
	[ "$(ofport_packets "$h1" rx)" -gt 300 ] &&
	[ "$(ofport_packets "$h1" tx)" -gt 300 ]
}
check "OpenFlow's port statistics follow" wait_for 10 many_packets
db_packets() {
	[ "$(ovs_vsctl "$h1" get interface stt0 statistics:rx_packets)" -gt 300 ]
}
check "the database's statistics follow" wait_for 15 db_packets
remote "$h2" remote_ip=192.0.2.1 key=6
check "another key: nothing arrives" ping_fails

# --- keys from flows, all 64 bits --------------------------------------------

remote "$h1" remote_ip=flow key=flow
remote "$h2" remote_ip=flow key=flow
id=0xfedcba9876543210 other=0x7edcba9876543210
# to_peer ID PEER
to_peer() {
	echo "in_port=p0,actions=set_field:$1->tun_id,set_field:$2->tun_dst,output:stt0"
}
flows "$h1" "$(to_peer $id 192.0.2.2)" \
	"in_port=stt0,tun_id=$id,tun_src=192.0.2.2,actions=output:p0"
flows "$h2" "$(to_peer $id 192.0.2.1)" \
	"in_port=stt0,tun_id=$id,tun_src=192.0.2.1,actions=output:p0"
check "key=flow, remote_ip=flow: ping" ping_ok
check "a megaflow on all 64 bits of tun_id" flow_has "$h2" \
	"tunnel\(tun_id=$id,src=192.0.2.1" 'actions:p0'
flows "$h1" "$(to_peer $other 192.0.2.2)"
check "an id that differs in the highest bit is another tenant" ping_fails
check "an id that differs in the highest bit has its own flow" flow_has "$h2" \
	"tunnel\(tun_id=$other,src=192.0.2.1" 'actions:drop'

# --- ttl and tos -------------------------------------------------------------

remote "$h1" remote_ip=192.0.2.2 key=5 ttl=33 tos=0x28
remote "$h2" remote_ip=192.0.2.1 key=5
flows "$h1" 'actions=normal'
flows "$h2" 'in_port=p0,actions=output:stt0' \
	'in_port=stt0,arp,actions=output:p0' \
	'in_port=stt0,icmp,nw_tos=0,actions=output:p0'
wire "$h2" eth0 ttl "ip ttl 33 tcp dport 7471"
wire "$h2" eth0 tos "ip dscp 0xa tcp dport 7471"
wire "$h2" eth0 df "ip frag-off & 0x4000 != 0 tcp dport 7471"
check "fixed ttl and tos: ping" ping_ok
check "fixed ttl and tos are on the wire, with DF" seen "$h2" ttl tos df
check "a megaflow matches the outer tos" flow_has "$h2" \
	'tunnel\(tun_id=0x5,src=192.0.2.1,dst=192.0.2.2,tos=0x28,ttl='
unwire "$h2"

# Open vSwitch itself never asks for the ttl of what comes in: a datapath of our
# own does.
ttl_flows() {
	local port ttl

	ovs_dpctl "$h2" add-dp ttls &&
	ovs_dpctl "$h2" add-if ttls s9,type=stt,dst_port=9000,remote_ip=flow,key=flow || return
	port=$(ovs_dpctl "$h2" show ttls |
	       sed -nE 's/^ *port ([0-9]+): stt_sys_9000 .*/\1/p')
	for ttl in 33 44; do
		ovs_dpctl "$h2" add-flow ttls "recirc_id(0),in_port($port),tunnel(\
tun_id=9,src=192.0.2.1,dst=192.0.2.2,ttl=$ttl,flags(+key)),eth(),eth_type(0x0806),\
arp()" 0 || return
	done
	stt_add "$h1" s9 id 9 local 192.0.2.1 remote 192.0.2.2 dstport 9000 \
		ttl 44 &&
	addr "$h1" s9 10.9.0.1/24
}
# One that the kernel drops beside it has no flow to be counted by.
ttl_counts() {
	in_ns "$h1" ping -q -c 1 -W 1 10.9.0.2
	ovs_dpctl "$h2" dump-flows ttls | tee "$tmp/ttls"
	grep -E 'ttl=33.* packets:0,' "$tmp/ttls" &&
	grep -E 'ttl=44.* packets:[1-9]' "$tmp/ttls"
}
check "a datapath's flows on two outer ttls" ttl_flows
check "the flow with the right ttl counts" ttl_counts
check "the datapath and its device are deleted" \
	eval "ip -n $h1 link del s9 && ovs_dpctl $h2 del-dp ttls"

# --- the other options -------------------------------------------------------

flows "$h2" 'actions=normal'
remote "$h1" remote_ip=192.0.2.2 key=5 df_default=false csum=true tos=inherit \
	egress_pkt_mark=7
wire "$h2" eth0 nodf "ip frag-off & 0x4000 == 0 tcp dport 7471"
wire "$h2" eth0 tos "ip dscp 0x2e tcp dport 7471"
in_ns "$h1" nft -f - <<-EOF
	table ip outer {
		counter marked { }
		chain out {
			type filter hook postrouting priority 0
			meta mark 7 tcp dport 7471 counter name marked
		}
	}
	EOF
check "df_default, csum, tos=inherit, egress_pkt_mark: no error" no_error "$h1"
check "df_default, csum, tos=inherit: ping" \
	in_ns "$t1" ping -q -c 2 -Q 0xb8 -W 3 10.0.0.2
check "no DF, and the inner DSCP outside" seen "$h2" nodf tos
marked() {
	in_ns "$h1" nft list counter ip outer marked |
	awk '$1 == "packets" { print $2 }'
}
check_num "outer packets have the mark" "$(marked)" -gt 1
ip -n "$h1" rule add fwmark 7 prohibit
check "the route is looked up with egress_pkt_mark" ping_fails
ip -n "$h1" rule del fwmark 7 prohibit
unwire "$h2"

addr "$h1" eth0 192.0.2.11/24
remote "$h1" remote_ip=192.0.2.2 local_ip=192.0.2.11 key=5 dst_port=8000
remote "$h2" remote_ip=192.0.2.11 key=5 dst_port=8000
wire "$h2" eth0 local "ip saddr 192.0.2.11 tcp dport 8000"
check "dst_port, local_ip: no error" no_error "$h1"
check "dst_port, local_ip: ping" ping_ok
check "dst_port, local_ip: on the wire" seen "$h2" local
check "dst_port has a device of its own" ip -n "$h1" link show stt_sys_8000
check "the device of a port without users is gone" dev_gone "$h1" stt_sys_7471
unwire "$h2"

remote "$h1" remote_ip=2001:db8::2 key=5
remote "$h2" remote_ip=2001:db8::1 key=5
check "over IPv6: ping" ping_ok
check "with an IPv6 flow" flow_has "$h1" \
	'ipv6_src=2001:db8::2,ipv6_dst=2001:db8::1'

# --- bad input ---------------------------------------------------------------

remote "$h1" key=5
check "no remote_ip: ovs-vsctl show tells" \
	error_of "$h1" "requires valid 'remote_ip'"
remote "$h1" remote_ip=192.0.2.2 key=5 colour=blue
check "an unknown option is named in the switch's log" \
	grep "unknown stt argument 'colour'" "$tmp/ovs-$h1/ovs-vswitchd.log"
ovs_vsctl "$h1" del-port stt0
in_ns "$h1" bash -c "echo \$\$ >$tmp/taker; exec iperf3 -s -p 7471" \
	>/dev/null 2>&1 &
wait_for 10 iperf_listens "$h1" -p 7471
remote "$h1" remote_ip=192.0.2.2 key=5
check "port taken: ovs-vsctl show tells" \
	error_of "$h1" "Address already in use"
in_log() { dmesg | grep -E "$1"; }
check "port taken: the log of the kernel says by what" \
	in_log 'vport_stt: stt_sys_7471, port 7471: .*TCP socket'
check "no device is left" dev_gone "$h1" stt_sys_7471
kill "$(<"$tmp/taker")"
port_free() { ! iperf_listens "$h1" -p 7471; }
wait_for 10 port_free
remote "$h1" remote_ip=192.0.2.2 key=5
remote "$h2" remote_ip=192.0.2.1 key=5
check "once the port is free: no error" no_error "$h1"
check "once the port is free: ping" ping_ok
check_fails "a second external device for the port is refused" \
	ip -n "$h1" link add own type stt external
check "one with an id and a peer may be beside it" \
	ip -n "$h1" link add own type stt id 9 remote 192.0.2.9
ip -n "$h1" link del own

# What is left where the datapath takes no port types from others.
ovs_vsctl "$h1" del-port stt0
stt_add "$h1" s5 id 5 remote 192.0.2.2
ovs_vsctl "$h1" add-port br0 s5
check "an ordinary stt device is a port, too" ping_ok
ovs_vsctl "$h1" del-port s5
ip -n "$h1" link del s5
remote "$h1" remote_ip=192.0.2.2 key=5

# --- restarts and deletion ---------------------------------------------------

ovs_appctl "$h1" exit
wait_for 20 test ! -e "$tmp/ovs-$h1/ovs-vswitchd.pid"
ovs_switch "$h1"
check "a restart: no error" no_error "$h1"
check "a restart: ping" ping_ok
check_eq "a restart: one device" \
	"$(ip -n "$h1" -br link | grep -c stt_sys)" 1

ip -n "$h1" link del stt_sys_7471
no_port() { ! ovs_dpctl "$h1" show | grep stt_sys; }
check "a device deleted under the datapath takes its port along" \
	wait_for 10 no_port
# One transaction that removes and adds the same changes nothing.
ovs_vsctl "$h1" del-port stt0
remote "$h1" remote_ip=192.0.2.2 key=5
check "a device deleted under the datapath is made anew" no_error "$h1"
check "a device made anew: ping" wait_for 15 ping_ok

background in_ns "$t1" ping -q -f -W 1 10.0.0.2 >/dev/null 2>&1
for _ in 1 2 3; do
	ovs_vsctl "$h2" del-port stt0
	remote "$h2" remote_ip=192.0.2.1 key=5
done
check "in a flood, ports are added" no_error "$h2"
ovs_vsctl "$h1" del-port stt0
check "in a flood, ports are deleted" dev_gone "$h1" stt_sys_7471
check_eq "the TCP port is free" \
	"$(in_ns "$h1" ss -Htan sport = :7471 | wc -l)" 0
ovs_vsctl "$h2" del-br br0
check "a bridge takes its port along" dev_gone "$h2" stt_sys_7471

remote "$h1" remote_ip=192.0.2.2 key=5
check "one more port" no_error "$h1"
kill -9 "$(<"$tmp/ovs-$h1/ovs-vswitchd.pid")"
ovs_teardown
teardown
check "nothing holds vport_stt after its namespace is gone" \
	wait_for 20 rmmod vport_stt
check "nothing holds the datapath module" wait_for 20 rmmod openvswitch
tap_done
