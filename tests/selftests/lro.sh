#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A lower device that is named has its LRO turned off: some NICs merge segments
# of different frames, which cannot be taken apart again. Where only a route
# leads there is a line in the log; see the selftest underlay.
#
#	h1: stt0 --- (vlan5, bond0) --- nic0, a vmxnet3 without a peer
#
# kernels: stock

# shellcheck disable=SC2154
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ethtool

nic=''
if modprobe -q vmxnet3; then
	nic=$(grep -lx DRIVER=vmxnet3 /sys/class/net/*/device/uevent |
	      cut -d/ -f5)
fi
check 'a NIC with LRO is here' test -n "$nic"
new_ns h1
ip link set "$nic" netns "$h1" name nic0
ip -n "$h1" link set nic0 up
addr "$h1" nic0 192.0.2.1/24

echo "stt-test: lro $$" >/dev/kmsg
said() {
	dmesg | sed -n "/stt-test: lro $$\$/,\$p" | grep -c "LRO is $1"
}
lro() {
	in_ns "$h1" ethtool -k nic0 |
	awk '$1 == "large-receive-offload:" { print $2 }'
}

# lro_on: off first, because what was asked for while a tunnel kept it off stays
# asked for, and asking again does nothing.
lro_on() {
	in_ns "$h1" ethtool -K nic0 lro off >/dev/null 2>&1
	in_ns "$h1" ethtool -K nic0 lro on >/dev/null 2>&1
}

lro_on
check_eq 'LRO is on' "$(lro)" on
check_refused 'a device that is refused' 'mtu|MTU' \
	ip -n "$h1" link add stt0 mtu 65535 type stt id 1 remote 192.0.2.2 dev nic0
check_eq 'a refused device leaves LRO on' "$(lro)" on
stt_add "$h1" stt0 id 1 remote 192.0.2.2 dev nic0
check_eq 'dev turns LRO off' "$(lro)" off
check_eq 'turning LRO off is logged' "$(said 'turned off')" 1
lro_on
check_eq 'LRO stays off while the tunnel is there' "$(lro)" off
stt_add "$h1" stt1 id 2 remote 192.0.2.2 dev nic0
check_eq 'a second tunnel finds nothing to turn off' \
	"$(said 'turned off')" 1
ip -n "$h1" link del stt0
ip -n "$h1" link del stt1
lro_on
check_eq 'LRO can be turned on when the tunnels are gone' "$(lro)" on

# Below another device.
ip -n "$h1" link add vlan5 up link nic0 type vlan id 5
stt_add "$h1" stt0 id 1 remote 192.0.2.2 dev vlan5
check_eq 'dev on a VLAN: LRO of the NIC is off' "$(lro)" off
ip -n "$h1" link del stt0
ip -n "$h1" link del vlan5
lro_on

# A tunnel that changes its lower device.
stt_add "$h1" stt0 id 1 remote 192.0.2.2
check_eq 'without dev LRO stays on' "$(lro)" on
check_num 'LRO that stays on is logged' "$(said on)" -ge 1
if ip -n "$h1" link set stt0 type stt dev nic0 2>/dev/null; then
	check_eq 'dev set later turns it off' "$(lro)" off
else
	skip 'dev set later turns it off' 'the lower device cannot change'
fi
ip -n "$h1" link set nic0 netns 1 2>/dev/null
tap_done
