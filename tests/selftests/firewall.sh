#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The host's firewall: policies of drop with the recipes of docs/firewall.md as
# they are printed, nftables, iptables, ufw and firewalld, over IPv4 and IPv6.
#
#      h1                                          h2: rules
#      eth0 192.0.2.1/24 --------- veth ---------- eth0 192.0.2.2/24
#           2001:db8::1/64                              2001:db8::2/64
#      stt0 10.0.0.1/24                            stt0 10.0.0.2/24
#
# kernels: stock
# timeout: 300

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

# --- docs/firewall.md, to the letter -------------------------------------------

page=${BASH_SOURCE[0]%/*}/../../docs/firewall.md

# recipe HEADING [N]: run the Nth block below that heading on h2.
recipe() {
	local commands

	commands=$(awk -v title="## $1" -v want="${2:-1}" '
		/^## / { on = $0 == title; block = 0; inside = 0 }
		on && /^    / { if (!inside) block++; inside = 1
				if (block == want) print substr($0, 5); next }
		{ inside = 0 }' "$page")
	[ -n "$commands" ] || { echo "no block below $1"; return 1; }
	in_ns "$h2" "${shell[@]}" -c "set -e; $commands"
}

# tried NAME: without the recipe nothing passes, with it all does.
tried() {
	local name=$1

	shift
	check "$name: nothing passes before" ping_dead
	check "$name: the recipe runs" recipe "$@"
	check "$name: the recipe lets the tunnel through" ping_ok
}

shell=(bash)
setup_pair v4
stt_pair

# nft_policy TABLE CHAIN: everything is dropped but ICMP on the underlay.
nft_policy() {
	in_ns "$h2" nft -f - <<-EOR
	table $1 {
		chain $2 {
			type filter hook input priority filter; policy drop
			iifname lo accept
			iifname eth0 meta l4proto { icmp, ipv6-icmp } accept
		}
	}
	EOR
}
nft_policy 'inet filter' input
tried 'nftables' 'nftables with a table inet filter'
in_ns "$h2" nft flush ruleset
nft_policy 'inet host' incoming
tried 'nftables without inet filter' 'nftables with other tables'
in_ns "$h2" nft flush ruleset

if in_ns "$h2" iptables -P INPUT DROP 2>/dev/null; then
	in_ns "$h2" iptables -A INPUT -p tcp --dport 7471 \
		-m conntrack --ctstate NEW -j ACCEPT
	in_ns "$h2" iptables -A INPUT -i stt0 -j ACCEPT
	check 'iptables: a rule with ctstate NEW never matches' ping_dead
	in_ns "$h2" iptables -F INPUT
	tried 'iptables' iptables
	check 'iptables: the second block of the recipe runs' recipe iptables 2
	in_ns "$h2" iptables -P INPUT ACCEPT
	in_ns "$h2" iptables -F INPUT
else
	skip 'iptables' 'iptables does not work here'
fi

# ufw's own program, from a root of its own that is unpacked in build/tools.
tools=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/tools
if [ -e "$tools/usr/sbin/ufw" ]; then
	root=$tmp/root
	mkdir -p "$root/usr/share" "$tmp/bin"
	cp -r "$tools/usr/share/ufw" "$root/usr/share/"
	cp -r "$tools/lib" "$tools/etc" "$root/"
	cp "$root"/usr/share/ufw/*.{rules,init} "$root/usr/share/ufw/ufw.conf" \
		"$root/etc/ufw/"
	cp "$root"/usr/share/ufw/iptables/*.rules "$root/etc/ufw/"
	[ -e "$root/etc/default/ufw" ] || printf '%s\n' IPV6=yes \
		DEFAULT_INPUT_POLICY=DROP DEFAULT_OUTPUT_POLICY=ACCEPT \
		DEFAULT_FORWARD_POLICY=DROP \
		DEFAULT_APPLICATION_POLICY=SKIP MANAGE_BUILTINS=no \
		>"$root/etc/default/ufw"
	cat >"$tmp/bin/ufw" <<-EOR
	#!/bin/sh
	PYTHONPATH=$tools/usr/lib/python3/dist-packages exec \
		python3 $tools/usr/sbin/ufw --rootdir=$root \
		--datadir=$root "\$@"
	EOR
	chmod +x "$tmp/bin/ufw"
	shell=(env "PATH=$tmp/bin:$PATH" bash)
	check 'ufw: is enabled' in_ns "$h2" "${shell[@]}" -c 'ufw --force enable'
	tried 'ufw' ufw
	check 'ufw: is disabled' in_ns "$h2" "${shell[@]}" -c 'ufw disable'
else
	skip 'ufw' 'its package is not in build/tools'
fi

# firewalld's own daemon, on a bus of its own. The underlay's interface is in the
# default zone, as everywhere where no one has said otherwise.
program() { PATH=$tools/usr/sbin:$tools/usr/bin:$PATH command -v "$1"; }

running() {
	in_ns "$h2" "${shell[@]}" -c 'firewall-cmd --state' | grep -qx running
}

if bus=$(program dbus-daemon) && daemon=$(program firewalld) &&
   client=$(program firewall-cmd); then
	libs=$tools/usr/lib/$(uname -m)-linux-gnu
	for name in firewalld:$daemon firewall-cmd:$client; do
		cat >"$tmp/${name%%:*}" <<-EOR
		#!/bin/sh
		PYTHONPATH=$tools/usr/lib/python3/dist-packages \
		LD_LIBRARY_PATH=$libs GI_TYPELIB_PATH=$libs/girepository-1.0 \
			exec python3 ${name#*:} "\$@"
		EOR
		chmod +x "$tmp/${name%%:*}"
	done
	mkdir -p "$tmp/etc-firewalld"
	cp "$tools/etc/firewalld/firewalld.conf" "$tmp/etc-firewalld/"
	shell=(env "PATH=$tmp:$PATH" bash)
	LD_LIBRARY_PATH=$libs message_bus "$bus"
	background in_ns "$h2" "$tmp/firewalld" --nofork --nopid \
		--default-config "$tools/usr/lib/firewalld" \
		--system-config "$tmp/etc-firewalld" --log-file "$tmp/firewalld.log" \
		>"$tmp/firewalld.out" 2>&1
	if wait_for 90 running; then
		ok 'firewalld: runs'
		tried 'firewalld' firewalld
	else
		not_ok 'firewalld: runs' "$(cat "$tmp"/firewalld.{out,log} "$tmp/bus.log")"
	fi
else
	skip 'firewalld' 'its package is not in build/tools'
fi
teardown
tap_done
