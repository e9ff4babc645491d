#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# External mode: one device for every context id and peer of both families,
# driven by tc's tunnel_key and flower and by lightweight tunnel routes; field
# by field on the wire and in what a receiver sees; and what it refuses.
#
#	h1                                        h2
#	stt0 external                             stt0 external
#	  lightweight tunnels:                      the same, the other way round
#	  10.1.0.1  id 2^60+101 over IPv4           10.1.0.2
#	  10.2.0.1  id 2^60+102 over IPv6           10.2.0.2
#	  tenants, by tc:
#	va --- ta 10.3.0.1  id 1 over IPv4          10.3.0.2
#	vb --- tb 10.3.0.1  id 2 over IPv6          10.3.0.2
#	eth0 192.0.2.1 ------------ veth ---------- eth0 192.0.2.2
#	     2001:db8::1                                 2001:db8::2
#
# kernels: all
# timeout: 400

# shellcheck disable=SC2154 # namespaces are set by new_ns
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require tc ping

setup_pair v4

# --- refusals ---------------------------------------------------------------

check 'an external device' stt_add "$h1" stt0 external
link_refused 'a second one on its port' 'Another external device' external
link_refused 'one of IPv6 alone beside it' 'Another external device' \
	external local 2001:db8::1
link_refused 'an id' 'name the context id' external dstport 7472 id 5
link_refused 'a remote address' 'name the remote' external dstport 7472 \
	remote 192.0.2.2
link_refused 'idbits without external' 'idbits is for external' idbits 32
link_refused 'idbits 0' '.' external dstport 7472 idbits 0
link_refused 'idbits 65' '.' external dstport 7472 idbits 65
check 'one on another port' ip -n "$h1" link add stt1 type stt external \
	dstport 7472 idbits 32 local 192.0.2.1
check 'one of the other family on that port' \
	ip -n "$h1" link add stt2 type stt \
	external dstport 7472 local 2001:db8::1
check 'a point-to-point device beside them' ip -n "$h1" link add stt3 \
	type stt id 5 remote 192.0.2.2 dstport 7472
check_eq 'ip shows external and idbits' "$(ip -n "$h1" -d link show stt1 |
	grep -oE ' external|idbits [0-9]+' | xargs)" 'idbits 32 external'
check_eq 'ip -j shows external and idbits' "$(ip -n "$h1" -d -j link show stt1 |
	grep -oE '"external":true|"idbits":[0-9]+' | xargs)" \
	'idbits:32 external:true'
cannot() {
	local name=$1 why=$2

	shift 2
	check_refused "cannot change: $name" "$why" \
		ip -n "$h1" link set "$@"
}
cannot 'external' 'External mode cannot' stt1 type stt noexternal
cannot 'point to point to external' 'External mode cannot' stt3 type stt external
cannot 'idbits' 'idbits cannot' stt1 type stt idbits 31
cannot 'a remote address' 'no remote' stt1 type stt remote 192.0.2.2
cannot 'a local address for both families' 'both address families' \
	stt0 type stt local 192.0.2.1
check 'options with their present values are accepted' \
	ip -n "$h1" link set stt1 type stt external idbits 32
check 'local 0.0.0.0 is accepted where there is none' \
	ip -n "$h1" link set stt0 type stt local 0.0.0.0
check 'one with a local address' stt_add "$h1" stt4 external \
	local 192.0.2.1 dstport 7001
cannot 'one local address to none, for both families' 'lose its local' \
	stt4 type stt local 0.0.0.0
ip -n "$h1" link del stt4
check 'the rest can change' ip -n "$h1" link set stt1 type stt ttl 9 \
	df unset fwmark 7 nopartial
for n in 1 2 3; do
	ip -n "$h1" link del stt$n
done
ip -n "$h1" link del stt0
check 'another takes its place' ip -n "$h1" link add stt0 type stt external
ip -n "$h1" link del stt0

# --- field by field ----------------------------------------------------------

for a in 192.0.2.9 2001:db8::9; do
	ip -n "$h1" neigh add $a dev eth0 lladdr "$(mac "$h2" eth0)"
done
quiet "$h1" default
quiet "$h2" default
py_checks external.py "$h1" "$h2"

# --- lightweight tunnels -----------------------------------------------------

stt_add "$h1" stt0 external
stt_add "$h2" stt0 external
# Not those of the tenants below in the low 32 bits, which are all that tc sees.
id4=$(((1 << 60) + 101)) id6=$(((1 << 60) + 102))
for n in 1 2; do
	[ $n = 1 ] && ns=$h1 || ns=$h2
	other=$((3 - n))
	addr "$ns" stt0 10.1.0.$n/32 10.2.0.$n/32
	ip -n "$ns" route add 10.1.0.$other/32 src 10.1.0.$n \
		encap ip id $id4 dst 192.0.2.$other dev stt0
	ip -n "$ns" route add 10.2.0.$other/32 src 10.2.0.$n \
		encap ip6 id $id6 dst 2001:db8::$other dev stt0
done
wire "$h2" eth0 v4 meta protocol ip tcp dport 7471
wire "$h2" eth0 v6 meta protocol ip6 tcp dport 7471
check 'ping through an IPv4 route' in_ns "$h1" ping -q -c 3 -i 0.2 10.1.0.2
n4=$(wired "$h2" v4)
check_num 'over IPv4' "$n4" -ge 3
check_eq 'over IPv4 only' "$(wired "$h2" v6)" 0
check 'ping through an IPv6 route' in_ns "$h1" ping -q -c 3 -i 0.2 10.2.0.2
check_num 'over IPv6' "$(wired "$h2" v6)" -ge 3
unwire "$h2"
iperf_server "$h2"
for a in 10.1.0.2 10.2.0.2; do
	before=$(ethstat "$h1" stt0 tx_tso)
	check "TCP to $a" in_ns "$h1" iperf3 -c $a -n 4M
	check_num "TCP to $a: frames are left to TSO" \
		"$(ethstat "$h1" stt0 tx_tso)" -gt "$before"
done
check_eq 'nothing was sent without metadata' \
	"$(ethstat "$h1" stt0 tx_bad_key)" 0

# Link-local addresses need a device that says on which link.
for n in 1 2; do
	[ $n = 1 ] && ns=$h1 || ns=$h2
	addr "$ns" eth0 fe80::$n/64
	stt_add "$ns" stt6 external dev eth0 dstport 7001
	addr "$ns" stt6 10.3.0.$n/32
	ip -n "$ns" route add 10.3.0.$((3 - n))/32 src 10.3.0.$n \
		encap ip6 id 6 dst fe80::$((3 - n)) dev stt6
done
check 'ping between link-local addresses' \
	in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.3.0.2
ip -n "$h1" link del stt6
ip -n "$h2" link del stt6

# The most specific device takes a frame: the external one does not see it.
stt_add "$h2" stt5 id $id4 remote 192.0.2.1
before=$(linkstat "$h2" stt0 rx_packets)
in_ns "$h1" ping -q -c 3 -i 0.2 -W 1 10.1.0.2 >/dev/null
check_eq 'a device that names id and peer takes its frames (R11)' \
	"$(linkstat "$h2" stt0 rx_packets)" "$before"
check_num 'the device that names id and peer receives them' \
	"$(linkstat "$h2" stt5 rx_packets)" -ge 3
ip -n "$h2" link del stt5
check 'the external device gets frames of a deleted device' \
	in_ns "$h1" ping -q -c 3 -i 0.2 10.1.0.2

# --- tenants by tc -----------------------------------------------------------

# tenant NS NAME ID SRC DST ADDRESS: a namespace that sends and receives in
# context ID.
tenant() {
	local ns=$1 name=$2 id=$3 src=$4 dst=$5 tns

	new_ns "t$name"
	tns=t$name
	tns=${!tns}
	link_ns "$ns" "v$name" "$tns" eth0
	addr "$tns" eth0 "$6"
	in_ns "$ns" tc qdisc add dev "v$name" clsact
	in_ns "$ns" tc filter add dev "v$name" ingress matchall \
		action tunnel_key set id "$id" src_ip "$src" dst_ip "$dst" \
		dst_port 7471 action mirred egress redirect dev stt0
	in_ns "$ns" tc filter add dev stt0 ingress pref "$id" protocol all \
		flower enc_key_id "$id" enc_src_ip "$dst" enc_dst_ip "$src" \
		enc_dst_port 7471 "${police[@]}" \
		action tunnel_key unset \
		action mirred egress redirect dev "v$name"
}

in_ns "$h1" tc qdisc add dev stt0 clsact
in_ns "$h2" tc qdisc add dev stt0 clsact
police=()
tenant "$h1" a 1 192.0.2.1 192.0.2.2 10.3.0.1/24
ta1=$ta
tenant "$h1" b 2 2001:db8::1 2001:db8::2 10.3.0.1/24
tb1=$tb
police=(action police rate 8kbit burst 3k conform-exceed drop/pipe)
tenant "$h2" a 1 192.0.2.2 192.0.2.1 10.3.0.2/24
police=()
tenant "$h2" b 2 2001:db8::2 2001:db8::1 10.3.0.2/24

check 'a tenant over IPv4: ping' in_ns "$ta1" ping -q -c 2 -i 0.2 10.3.0.2
check 'another with its addresses over IPv6: ping' \
	in_ns "$tb1" ping -q -c 2 -i 0.2 10.3.0.2
# The first packet alone of a frame names the tenant: whole frames are counted.
lost() {
	in_ns "$1" ping -q -c 12 -i 0.05 -W 1 -s 1000 10.3.0.2 |
	sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p'
}
check_num 'policing by enc_key_id: the tenant over its rate loses' \
	"$(lost "$ta1")" -gt 30
check_eq 'the other does not' "$(lost "$tb1")" 0

# --- in another namespace ----------------------------------------------------

new_ns c
ip -n "$h1" link set stt0 netns "$c"
addr "$c" stt0 10.1.0.1/32
ip -n "$c" link set stt0 up
ip -n "$c" route add 10.1.0.2/32 src 10.1.0.1 encap ip id $id4 dst 192.0.2.2 \
	dev stt0
check 'moved to another namespace, its underlay stays' \
	in_ns "$c" ping -q -c 3 -i 0.2 10.1.0.2
check_refused 'the port stays taken in the underlay namespace' \
	'Another external device' ip -n "$h1" link add stt9 type stt external
tap_done
