#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# NetworkManager itself with the files of examples/networkmanager: the daemon
# and its dispatcher in h1, where the underlay is one of its connections.
#
#      h1                                          h2
#      eth0 192.0.2.1/24 --------- veth ---------- eth0 192.0.2.2/24
#      stt0 10.0.0.1/24  (by the dispatcher)       stt0 10.0.0.2/24
#
# kernels: stock
# timeout: 300

# shellcheck disable=SC2119,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ping
top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
tools=$top/build/tools
examples=$top/examples/networkmanager
[ -d "$examples" ] || skip_all 'the examples are not here'

nm=$(PATH=$tools/usr/sbin:$PATH command -v NetworkManager)
nmcli=$(PATH=$tools/usr/bin:$PATH command -v nmcli)
bus=$(PATH=$tools/usr/bin:$PATH command -v dbus-daemon)
for dispatcher in {"$tools",}/usr/lib{exec,/NetworkManager}/nm-dispatcher; do
	[ ! -x "$dispatcher" ] || break
done
for program in "$nm" "$nmcli" "$bus" "$dispatcher"; do
	[ -x "$program" ] || skip_all 'NetworkManager is missing'
done
LD_LIBRARY_PATH=$tools/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH

setup_pair v4
stt_add "$h2" stt0 id 42 local "$a2" remote "$a1"
addr "$h2" stt0 10.0.0.2/24 fd00::2/64

# --- what a host has in /etc -------------------------------------------------

etc=$tmp/etc
mkdir -p "$etc/NetworkManager"/{conf.d,dispatcher.d,system-connections} \
	"$tmp/state"
cp -r /etc/{passwd,group,nsswitch.conf,ld.so.cache,alternatives} "$etc/"
cp -r /etc/iproute2 "$etc/" 2>/dev/null
install -m 755 "$examples/50-stt" "$etc/NetworkManager/dispatcher.d/"
install -m 644 "$examples/90-stt-unmanaged.conf" "$etc/NetworkManager/conf.d/"
cat >"$etc/NetworkManager/NetworkManager.conf" <<END
[main]
plugins=keyfile
auth-polkit=false
dns=none
rc-manager=unmanaged
systemd-resolved=false
no-auto-default=*
END
cat >"$etc/NetworkManager/system-connections/underlay.nmconnection" <<END
[connection]
id=underlay
type=ethernet
interface-name=eth0
autoconnect=false
[ipv4]
method=manual
address1=$a1/24
[ipv6]
method=disabled
END
chmod 600 "$etc"/NetworkManager/system-connections/*

# The dispatcher gives its scripts an environment of their own.
ip_that_knows

# host COMMAND...: in h1, as such a host. With /sys read-only, as in a
# container, NetworkManager does without udev.
# shellcheck disable=SC2016
host() {
	in_ns "$h1" sh -c 'mount --bind "$0/etc" /etc &&
		mount --bind "$0/state" /var/lib &&
		mount --bind "$0/ip.sh" "$1" && shift &&
		mount -o remount,ro,bind /sys && exec "$@"' "$tmp" "$ip_program" "$@"
}
cli() { in_ns "$h1" "$nmcli" "$@"; }
running() { [ "$(cli -g RUNNING general)" = running ]; }
exists() { ip -n "$h1" link show stt0 >/dev/null 2>&1; }
gone() { ! exists; }
# Without udev, which keeps a device's MAC address, a new device has a new one,
# and the peer may trust the old one for a minute.
pings() {
	ip -n "$h2" neigh flush dev stt0
	in_ns "$h1" ping -c 1 -W 1 "$1"
}
unmanaged() { cli -g GENERAL.STATE device show stt0 | grep unmanaged; }

check 'the bus' message_bus "$bus"
background host "$dispatcher" --persist --debug >"$tmp/dispatcher" 2>&1
# There is nothing on this bus that starts it when it is called.
check 'the dispatcher answers' wait_for 60 \
	grep -q 'name.*nm_dispatcher' "$tmp/dispatcher"
background host "$nm" --no-daemon --pid-file="$tmp/nm.pid" >"$tmp/nm" 2>&1
check 'NetworkManager runs' eval \
	"wait_for 60 running || { tail -n 30 $tmp/nm; false; }" ||
	tap_done
# It takes over what it finds running.
check 'the underlay is up already: the tunnel is made' eval \
	"wait_for 60 exists || { tail -n 30 $tmp/dispatcher $tmp/nm; false; }"
for round in 'first time' again; do
	check "$round: the connection comes up" cli connection up underlay
	check "$round: the tunnel is there" eval "wait_for 30 pings 10.0.0.2 ||
		{ tail -n 20 $tmp/dispatcher $tmp/nm; ip -n $h1 addr; false; }"
	check "$round: IPv6 through it" wait_for 20 pings fd00::2
	check "$round: NetworkManager leaves it alone" wait_for 20 unmanaged
	check "$round: the connection goes down" cli connection down underlay
	check "$round: the tunnel is gone" wait_for 30 gone
done
tap_done
