#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The host's firewall: a policy of drop with the one accept line that README
# names, in nftables' and in firewalld's manner, over IPv4 and IPv6.
#
#      h1                                          h2: rules
#      eth0 192.0.2.1/24 --------- veth ---------- eth0 192.0.2.2/24
#           2001:db8::1/64                              2001:db8::2/64
#      stt0 10.0.0.1/24                            stt0 10.0.0.2/24
#
# kernels: stock
# timeout: 200

# shellcheck disable=SC2016,SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft ping conntrack

ping_ok() { in_ns "$h1" ping -q -c 1 -W 5 "$i2"; }
ping_dead() { ! in_ns "$h1" ping -q -c 1 -W 1 "$i2"; }

tracked() { in_ns "$h2" conntrack -L -p "$1" 2>/dev/null | wc -l; }

# A zone as firewalld lays it out: chains per zone, jumps by interface, a final
# reject, and everything invalid dropped.
firewalld_like() {
	in_ns "$h2" nft -f - <<-EOR
	table inet firewalld {
		chain filter_INPUT {
			type filter hook input priority filter + 10; policy accept
			ct state { established, related } accept
			iifname "lo" accept
			iifname "stt0" accept
			jump filter_INPUT_ZONES
			ct state invalid drop
			reject with icmpx admin-prohibited
		}
		chain filter_INPUT_ZONES {
			iifname "eth0" goto filter_IN_public
		}
		chain filter_IN_public {
			jump filter_IN_public_allow
			icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
			meta l4proto { icmp, ipv6-icmp } accept
		}
		chain filter_IN_public_allow {
			tcp dport 22 accept
			$1
		}
	}
	EOR
}

for fam in v4 v6; do
	setup_pair "$fam"
	stt_pair
	check "$fam: without rules" ping_ok

	in_ns "$h2" nft -f - <<-EOR
	table inet filter {
		chain input {
			type filter hook input priority filter; policy drop
			iifname { lo, stt0 } accept
			meta l4proto { icmp, ipv6-icmp } accept
		}
	}
	EOR
	before=$(ethstat "$h2" stt0 rx_frames)
	check "$fam: policy drop: nothing arrives" ping_dead
	check_eq "$fam: policy drop: no frame taken" \
		"$(ethstat "$h2" stt0 rx_frames)" "$before"
	in_ns "$h2" nft add rule inet filter input tcp dport 7471 accept
	check "$fam: policy drop, the one line" ping_ok
	in_ns "$h2" nft delete table inet filter

	firewalld_like ''
	before=$(ethstat "$h2" stt0 rx_frames)
	check "$fam: a firewalld zone: nothing arrives" ping_dead
	check_eq "$fam: a firewalld zone: no frame taken" \
		"$(ethstat "$h2" stt0 rx_frames)" "$before"
	in_ns "$h2" nft delete table inet firewalld
	# What firewall-cmd --add-port=7471/tcp makes; it asks for no state.
	firewalld_like 'tcp dport 7471 accept'
	check "$fam: a firewalld zone with the port" ping_ok
	# Connection tracking is on: the ping inside is an entry.
	check_num "$fam: inner packets are tracked" "$(tracked icmp)" -gt 0
	check_eq "$fam: STT segments are not tracked" "$(tracked tcp)" 0
	teardown
done
tap_done
