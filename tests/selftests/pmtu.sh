#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Path MTU (W12): segments follow what routers say, whatever the host's rules
# and whichever way its routes are chosen; forged messages change nothing.
#
#	h1                     r                            h2
#	stt0 10.0.0.1 --------------- STT ----------------- stt0 10.0.0.2
#	eth0 ----------------- eth0  eth1 ----------------- eth0
#	        MTU 1500                      MTU 1300
#
# kernels: all
# timeout: 400

. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require nft ping

# narrow FAMILY: the topology, with segments on the wire one by one.
narrow() {
	setup_routed "$1"
	ip -n "$r" link set eth1 mtu 1300
	ip -n "$h2" link set eth0 mtu 1300
	one_by_one "$h1" eth0
	one_by_one "$h2" eth0
	if [ "$1" = v4 ]; then
		full='ip length 1500' fits='ip length 1300'
		over='ip length > 1300' gw=192.0.2.254
	else
		full='ip6 length 1460' fits='ip6 length 1260'
		over='ip6 length > 1260' gw=2001:db8:1::ff
	fi
}

# follows NAME [ROUTE-GET-ARGS]...: the tunnel of h1 finds out.
follows() {
	local name=$1

	shift
	wire "$r" eth0 full "tcp dport 7471 $full"
	wire "$r" eth0 over "tcp dport 7471 $over"
	wire "$r" eth0 fits "tcp dport 7471 $fits"
	check "$name: large packets pass after a while" \
		wait_for 20 in_ns "$h1" ping -q -c 1 -W 1 -s 8000 10.0.0.2
	check_num "$name: segments were of the link's MTU at first" \
		"$(wired "$r" full)" -gt 0
	in_ns "$r" nft reset counters table netdev wire >/dev/null
	check "$name: all large packets pass now (W12)" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 20000 10.0.0.2
	check_eq "$name: no segment is above the path's MTU (W12)" \
		"$(wired "$r" over)" 0
	check_num "$name: segments are as large as the path's MTU allows" \
		"$(wired "$r" fits)" -gt 20
	check "$name: the route shows it" eval \
		"ip -n $h1 route get $a2 $* | tee $tmp/route | grep -w 'mtu 1300' ||
		 ! cat $tmp/route"
}

for family in v4 v6; do
	narrow $family
	stt_pair
	follows "$family"
	teardown

	# A host that drops what its connection tracking does not know, and
	# whatever else it was not told to accept.
	narrow $family
	for ns in "$h1" "$h2"; do
		in_ns "$ns" nft -f - <<-END
		table inet fw {
			chain prerouting {
				type filter hook prerouting priority -100
				ct state invalid drop
			}
			chain input {
				type filter hook input priority 0
				policy drop
				ct state invalid drop
				ct state established,related accept
				tcp dport 7471 accept
				iifname stt0 accept
				icmpv6 type { nd-neighbor-solicit,
					nd-neighbor-advert, nd-router-advert } accept
			}
			chain output {
				type filter hook output priority 0
				ct state invalid drop
			}
		}
		END
		in_ns "$ns" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
	done
	stt_pair
	follows "$family, strict firewall"
	teardown

	# The way to the peer is known to marked packets only.
	narrow $family
	stt_pair fwmark 7
	ip -n "$h1" route del default
	ip -n "$h1" -6 route del default
	if [ $family = v4 ]; then
		ip -n "$h1" route add default via "$gw" table 100
		ip -n "$h1" rule add fwmark 7 lookup 100
	else
		ip -n "$h1" -6 route add default via "$gw" table 100
		ip -n "$h1" -6 rule add fwmark 7 lookup 100
	fi
	follows "$family, fwmark" mark 7
	teardown

	narrow $family
	stt_pair dev eth0
	follows "$family, dev" oif eth0
	teardown

	narrow $family
	ip -n "$h1" link add blue type vrf table 10
	ip -n "$h1" link set blue up
	ip -n "$h1" link set eth0 master blue
	[ $family = v4 ] || addr "$h1" eth0 "$a1/64"
	ip -n "$h1" route add default via "$gw" vrf blue
	stt_pair dev eth0
	follows "$family, VRF" vrf blue
	teardown
done

# DF as configured, IPv4 only.
narrow v4
stt_pair df unset
wire "$r" eth0 df 'tcp dport 7471 ip frag-off & 0x4000 != 0'
wire "$r" eth0 full "tcp dport 7471 $full"
wire "$h2" eth0 frags 'ip frag-off & 0x3fff != 0'
check 'df unset: large packets pass' \
	in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 8000 10.0.0.2
check_eq 'df unset: no DF on the wire' "$(wired "$r" df)" 0
check_num 'df unset: the router fragments' "$(wired "$h2" frags)" -gt 0
check_num "df unset: segments stay of the link's MTU" \
	"$(wired "$r" full)" -gt 0
teardown

narrow v4
stt_pair df inherit
# The inner neighbours know each other, and IPv6 does not talk in between.
in_ns "$h1" sysctl -qw net.ipv6.conf.stt0.disable_ipv6=1
check 'df inherit: the peer answers' \
	in_ns "$h1" ping -q -c 1 -W 5 10.0.0.2
wire "$r" eth0 df 'tcp dport 7471 ip frag-off & 0x4000 != 0'
wire "$r" eth0 nodf 'tcp dport 7471 ip frag-off & 0x4000 == 0'
in_ns "$h1" ping -q -c 5 -i 0.2 -W 5 -M 'do' 10.0.0.2 >/dev/null
check_num 'df inherit: inner DF gives outer DF' "$(wired "$r" df)" -ge 5
before=$(wired "$r" df)
in_ns "$h1" ping -q -c 5 -i 0.2 -W 5 -M dont 10.0.0.2 >/dev/null
check_num 'df inherit: none gives none' "$(wired "$r" nodf)" -ge 5
check_num 'df inherit: at most a neighbour probe had DF' \
	$(($(wired "$r" df) - before)) -le 1
teardown

# Forgeries. stt1's peer was never sent to: the device is down.
for family in v4 v6; do
	setup_routed $family
	one_by_one "$h1" eth0
	if [ $family = v4 ]; then
		router=192.0.2.254 silent=198.51.100.77
		full='ip length 1500' small='ip length 1400'
	else
		router=2001:db8:1::ff silent=2001:db8:2::77
		full='ip6 length 1460' small='ip6 length 1360'
	fi
	stt_pair
	ip -n "$h1" link add stt1 type stt id 9 local "$a1" remote "$silent"
	check "$family: the peer answers" \
		in_ns "$h1" ping -q -c 1 -W 5 10.0.0.2
	py_checks pmtu.py forged "$h1" "$r" "$a1" "$a2" "$router" "$silent"
	wire "$r" eth0 full "tcp dport 7471 $full"
	wire "$r" eth0 small "tcp dport 7471 $small"
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 -s 8000 10.0.0.2 >/dev/null
	check_num "$family: after all forgeries segments are as large as ever" \
		"$(wired "$r" full)" -gt 0
	check_eq "$family: after all forgeries no segment is cut smaller" \
		"$(wired "$r" small)" 0
	py_checks pmtu.py right "$h1" "$r" "$a1" "$a2" "$router" "$silent"
	unwire "$r"
	wire "$r" eth0 full "tcp dport 7471 $full"
	wire "$r" eth0 small "tcp dport 7471 $small"
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 -s 8000 10.0.0.2 >/dev/null
	check_num "$family: after a right one they are smaller (W12)" \
		"$(wired "$r" small)" -gt 0
	check_eq "$family: all of them" "$(wired "$r" full)" 0
	teardown
done

tap_done
