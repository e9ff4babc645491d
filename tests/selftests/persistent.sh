#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The configurations of examples/: ifupdown's own ifup and ifdown, the dispatcher
# script as NetworkManager calls it, what the unit for systemd runs, and
# systemd-networkd itself, which gives addresses to what the unit made.
#
#      h1                                          h2
#      eth0 192.0.2.1/24 --------- veth ---------- eth0 192.0.2.2/24
#      stt0 10.0.0.1/24   (by the examples)        stt0 10.0.0.2/24
#
# kernels: stock
# timeout: 200

# shellcheck disable=SC2016,SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping
top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
examples=$top/examples
[ -d "$examples" ] || skip_all 'the examples are not here'

# A new device has a new MAC address here, where no udev keeps it, and the peer
# may trust the old one for a minute.
pings() {
	ip -n "$h2" neigh flush dev stt0
	wait_for 10 in_ns "$h1" ping -c 1 -W 1 "$1"
}
exists() { ip -n "$h1" link show stt0 >/dev/null 2>&1; }

setup_pair v4
stt_add "$h2" stt0 id 42 local "$a2" remote "$a1"
addr "$h2" stt0 10.0.0.2/24 fd00::2/64

configured() {
	ip -n "$h1" addr show dev stt0 up | grep -q 'inet 10.0.0.1/24' &&
	ip -n "$h1" addr show dev stt0 -tentative | grep -q 'inet6 fd00::1/64'
}

# ifupdown: its state is in /run/network.
ifup=$(command -v ifup ||
       find "$top/build/tools" -path '*/sbin/ifup' 2>/dev/null | head -n 1)
if [ -n "$ifup" ]; then
	# It keeps the environment from what it runs: for it only.
	ip_that_knows
	ifupdown() {
		in_ns "$h1" sh -c 'mount --bind "$0" "$1" && shift && "$@"' \
			"$tmp/ip.sh" "$ip_program" "${ifup%ifup}$1" --no-scripts \
			-i "$examples/ifupdown/interfaces" stt0
	}
	mkdir -p /run/network
	check 'ifup' ifupdown ifup
	check 'ifup: IPv4 through it' pings 10.0.0.2
	check 'ifup: IPv6 through it' pings fd00::2
	check_eq 'ifup: MTU' \
		"$(in_ns "$h1" cat /sys/class/net/stt0/mtu)" 9000
	check 'ifdown' ifupdown ifdown
	check_eq 'ifdown: says nothing of errors' \
		"$(grep -iE 'error|cannot|failed|exist' "$tmp/out")" ''
	check_fails 'ifdown: the device is gone' exists
else
	skip 'ifupdown' 'ifup is missing'
fi

# As NetworkManager calls it, by interface and event; networkmanager.sh has that
# program itself.
script=$examples/networkmanager/50-stt
check 'dispatcher: another interface' in_ns "$h1" sh "$script" lo up
check_fails 'dispatcher: makes nothing' exists
check 'dispatcher: up' in_ns "$h1" sh "$script" eth0 up
check 'dispatcher: traffic' pings 10.0.0.2
check 'dispatcher: up again' in_ns "$h1" sh "$script" eth0 up
check 'dispatcher: down' in_ns "$h1" sh "$script" eth0 down
check_fails 'dispatcher: the device is gone' exists
check 'dispatcher: down again' in_ns "$h1" sh "$script" eth0 down

# systemd: the commands of the unit with the variables of its file.
unit() {
	local line

	line=$(sed -n "s/^$1=//p" "$examples/networkd/stt@.service")
	# shellcheck disable=SC1091
	. "$examples/networkd/stt0.conf"
	line=${line//%i/stt0}
	export LINK TUNNEL
	in_ns "$h1" sh -c "$line"
}
# networkd runs in h1 only. Without udev: it believes that there is none where
# it may not write to /sys, as in a container.
networkd=/lib/systemd/systemd-networkd
if [ -x $networkd ]; then
	mkdir -p /run/systemd/network /run/systemd/netif/{links,leases,lldp}
	chown -R systemd-network: /run/systemd/netif
	cp "$examples/networkd/50-stt0.network" /run/systemd/network
	printf '[NetDev]\nName=stt9\nKind=stt\n' >/run/systemd/network/9.netdev
	background in_ns "$h1" sh -c "mount -o remount,ro,bind /sys &&
		SYSTEMD_LOG_TARGET=console exec $networkd" >"$tmp/networkd" 2>&1
fi
check 'unit: start' unit ExecStart
check_eq 'unit: MTU' "$(in_ns "$h1" cat /sys/class/net/stt0/mtu)" 9000
if [ -x $networkd ]; then
	check 'networkd: brings it up, with addresses' eval \
		"wait_for 30 configured || { cat $tmp/networkd; false; }"
	check 'networkd: IPv4 through it' pings 10.0.0.2
	check 'networkd: IPv6 through it' pings fd00::2
	# What it cannot do, and docs/persistent.md says so.
	check 'networkd: does not know the kind' grep -i 'failed to parse.*stt' \
		"$tmp/networkd"
	check_fails 'networkd: makes no device of an unknown kind' \
		ip -n "$h1" link show stt9
else
	skip 'networkd' 'systemd-networkd is missing'
fi
check 'unit: stop' unit ExecStop
check_fails 'unit: the device is gone' exists
tap_done
