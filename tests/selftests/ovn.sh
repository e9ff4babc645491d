#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The distribution's OVN, unmodified, with ovn-encap-type=stt: two VMs are the
# hypervisors, this one has ovn-central as well.
#
#   hv1 (this VM)                                          hv2 (the other VM)
#   a1 (DHCP, 10.0.1.1) --- br-int                  br-int --- a2 10.0.1.2
#   x1 10.0.1.1 ----------- br-int                  br-int --- x2 10.0.1.2
#                              |                       |   `-- b1 10.0.2.1
#                          eth0 192.0.2.1 ------ 192.0.2.2 eth0
#
#   logical: switch a (a1, a2) --- router lr --- switch b (b1); switch x (x1, x2),
#   with the same IP and MAC addresses as a
# vms: 2
# slow: yes
# timeout: 1800

# Functions are called by check; the other VM expands what is quoted.
# shellcheck disable=SC2317,SC2016
cd "${BASH_SOURCE[0]%/*}" || exit 1
. ./lib.sh
. ./lib_peer.sh
. ./lib_ovs.sh

require ovs-vswitchd ovn-northd ovn-controller
[ -e "${STT_KO%/*}/ovs/vport-stt.ko" ] ||
	skip_all "vport-stt was left out of this build"

mac() { echo "02:00:00:00:0$1:0$2"; }

# ping_from PORT ADDRESS: from a tenant of this host.
ping_from() { in_ns "$1" ping -q -c 2 -i 0.3 -W 3 "$2"; }
no_ping() { ! in_ns "$1" ping -q -c 1 -W 2 "$2"; }

check "the other VM" peer_start
on_peer '. ./lib_ovs.sh; trap - EXIT INT TERM' || tap_done
for run in eval on_peer; do
	check "Open vSwitch starts" \
		$run 'ovs_modules stt.ko ovs/vport-stt.ko && ovs_start host'
done
check "OVN's databases and northd start" ovn_central
check "hv1: ovn-controller" ovn_host hv1 192.0.2.1 192.0.2.1
check "hv2: ovn-controller" on_peer 'ovn_host hv2 192.0.2.2 192.0.2.1'

# --- what is asked for -------------------------------------------------------

topology() {
	local sw

	for sw in a b x; do
		ovn_nbctl ls-add "$sw" || return
	done
	ovn_nbctl lsp-add a a1 -- lsp-add a a2 -- lsp-add b b1 \
		-- lsp-add x x1 -- lsp-add x x2 \
		-- lsp-set-addresses a1 "$(mac 1 1) 10.0.1.1" \
		-- lsp-set-addresses a2 "$(mac 1 2) 10.0.1.2" \
		-- lsp-set-addresses x1 "$(mac 1 1) 10.0.1.1" \
		-- lsp-set-addresses x2 "$(mac 1 2) 10.0.1.2" \
		-- lsp-set-addresses b1 "$(mac 2 1) 10.0.2.1" \
		-- lr-add lr \
		-- lrp-add lr lr-a "$(mac f 1)" 10.0.1.254/24 \
		-- lrp-add lr lr-b "$(mac f 2)" 10.0.2.254/24 || return
	for sw in a b; do
		ovn_nbctl lsp-add "$sw" "$sw-lr" -- lsp-set-type "$sw-lr" router \
			-- lsp-set-addresses "$sw-lr" router \
			-- lsp-set-options "$sw-lr" "router-port=lr-$sw" || return
	done
}

dhcp() {
	local uuid

	uuid=$(ovn_nbctl create dhcp_options cidr=10.0.1.0/24 \
		options:server_id=10.0.1.254 \
		options:server_mac='"02:00:00:00:0f:01"' \
		options:lease_time=3600 options:router=10.0.1.254) &&
	ovn_nbctl lsp-set-dhcpv4-options a1 "$uuid"
}

check "switches, ports and a router" topology
check "DHCP" dhcp
# OVN itself makes the tunnels, once both hypervisors are known.
check "hv1: tenants" eval 'wait_for 60 ovs_vsctl host br-exists br-int &&
	ovn_tenant a1 "$(mac 1 1)" &&
	ovn_tenant x1 "$(mac 1 1)" 10.0.1.1/24'
on_peer "$(declare -f mac)"
check "hv2: tenants" on_peer 'wait_for 60 ovs_vsctl host br-exists br-int &&
	ovn_tenant a2 "$(mac 1 2)" 10.0.1.2/24 10.0.1.254 &&
	ovn_tenant x2 "$(mac 1 2)" 10.0.1.2/24 &&
	ovn_tenant b1 "$(mac 2 1)" 10.0.2.1/24 10.0.2.254'
ports_up() {
	[ "$(ovn_nbctl --bare --columns=name find logical_switch_port \
		up=true | grep -cE '^[abx][12]$')" -eq 5 ]
}
check "all ports are bound" wait_for 120 ports_up
ovn_nbctl --wait=hv sync

# --- the tunnel --------------------------------------------------------------

encaps() { ovn_sbctl --bare --columns=type list encap | grep . | sort -u; }
check_eq "the hypervisors agreed on stt" "$(encaps)" stt
has_port() {
	ovs_appctl host dpif/show | tee /dev/stderr |
	grep -E 'ovn-hv2-0 .*\(stt: .*key=flow, remote_ip=192.0.2.2'
}
check "hv1 has an stt port to hv2" wait_for 30 has_port
check "the device is there" ip link show stt_sys_7471

# --- tenants -----------------------------------------------------------------

cat >"$tmp/udhcpc" <<-'EOF'
	#!/bin/sh
	[ "$1" = bound ] || exit 0
	ip addr add "$ip/$mask" dev "$interface"
	ip route add default via "$router"
	EOF
chmod +x "$tmp/udhcpc"
check "a1 gets its address by OVN's DHCP" in_ns a1 \
	busybox udhcpc -i eth0 -n -q -t 20 -T 1 -s "$tmp/udhcpc"
check_eq "a1's address is the one in OVN's database" \
	"$(ip -n a1 -4 -br addr show eth0 | awk '{ print $3 }')" 10.0.1.1/24
check "a1 reaches a2" ping_from a1 10.0.1.2
check "a1 reaches b1 through the router" ping_from a1 10.0.2.1
check "x1 reaches x2" ping_from x1 10.0.1.2

# Same addresses, same MAC addresses, another switch: which host answers?
received() {
	on_peer ip netns exec "$1" cat /sys/class/net/eth0/statistics/rx_packets
}
before=$(received x2)
in_ns a1 ping -q -c 50 -i 0.02 10.0.1.2 >/dev/null
after=$(received x2)
check_num "nothing of a1's is seen by x2" $((after - before)) -lt 10
check "x1 has no way to the router's network" no_ping x1 10.0.2.1

# Datapath below 2^24, output port from bit 24, input port from bit 40 on.
ids() {
	ovs_dpctl host dump-flows | tee /dev/stderr |
	grep -oE 'tunnel\(tun_id=0x[0-9a-f]+' | grep -E '0x[0-9a-f]{11,}'
}
check "ids use the bits above 32" ids

check "TCP from a1" eval 'on_peer "iperf_server a2" &&
	in_ns a1 iperf3 -c 10.0.1.2 -n 40M'
check "TCP to a1" in_ns a1 iperf3 -c 10.0.1.2 -n 40M -R
check_num "TCP goes as large frames" \
	"$(ethtool -S stt_sys_7471 | awk '$1 == "tx_tso:" { print $2 }')" -gt 100

# --- policy, and a move ------------------------------------------------------

ovn_nbctl --wait=hv acl-add a to-lport 1001 'outport == "a2" && icmp4' drop
check "an ACL: a1 no longer pings a2" no_ping a1 10.0.1.2
check "an ACL: a1 still reaches b1" ping_from a1 10.0.2.1
ovn_nbctl --wait=hv acl-del a
check "without the ACL: a1 pings a2" ping_from a1 10.0.1.2

check "b1 leaves hv2" on_peer 'ovn_leave b1'
check "b1 starts on hv1" ovn_tenant b1 "$(mac 2 1)" 10.0.2.1/24 10.0.2.254
moved() {
	[ "$(ovn_sbctl --bare --columns=chassis find port_binding logical_port=b1)" = \
	  "$(ovn_sbctl --bare --columns=_uuid find chassis name=hv1)" ]
}
check "OVN binds b1 to hv1" wait_for 60 moved
ovn_nbctl --wait=hv sync
check "a1 reaches b1 on hv1" ping_from a1 10.0.2.1
check "a2 reaches b1 on hv1" on_peer ip netns exec a2 ping -q -c 2 -W 3 10.0.2.1

# --- the end -----------------------------------------------------------------

for run in eval on_peer; do
	check "nothing stays behind" $run 'ovs_teardown; teardown
		! ip link show stt_sys_7471 2>/dev/null &&
		wait_for 20 rmmod vport_stt && wait_for 20 rmmod openvswitch'
done
check "the other VM ends well" peer_end
tap_done
