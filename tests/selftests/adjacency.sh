#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Devices above and below a tunnel: links to the lower device, a lower device
# that changes, stacks, and routes that lead back to the tunnel itself.
#
#	h1                                        h2
#	stt0 10.0.0.1/24                          stt0 10.0.0.2/24
#	eth0 192.0.2.1 ---------- veth ---------- eth0 192.0.2.2
#	eth1 198.51.100.1 ------- veth ---------- eth1 198.51.100.2
#
# The layout that a bridge makes of the uplink, with the host's address on the
# bridge and the tunnel as a port of the same bridge:
#
#	h1                                        h2
#	br0 192.0.2.1 { eth0, stt0 } --- veth --- eth0 192.0.2.2, stt0
#
# kernels: all
# timeout: 600

# check and wait_for call functions and scripts.
# shellcheck disable=SC2016,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require ethtool nft ping setpriv

h1=''
# lowers NS DEV, uppers NS DEV: names, as sysfs links them.
linked() {
	in_ns "$1" find "/sys/class/net/$2/" -maxdepth 1 -name "$3_*" -printf '%f\n' |
	sed "s/$3_//" | sort | xargs
}
lowers() { linked "$1" "$2" lower; }
uppers() { linked "$1" "$2" upper; }
has_dev() { ip -n "$1" link show "$2" >/dev/null 2>&1; }
# maxima NS DEV: what must not drift.
maxima() {
	ip -n "$1" -d link show "$2" |
	grep -o '\(gso\|tso\)_max_size [0-9]*' | xargs
}
# gso_max DEV: of a device in h1.
gso_max() {
	ip -n "$h1" -d link show "$1" |
	sed -n 's/.* gso_max_size \([0-9]*\).*/\1/p'
}
speed() { in_ns "$1" cat "/sys/class/net/$2/speed"; }
pings() { in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 -s "${1:-3000}" 10.0.0.2; }

# --- links ---------------------------------------------------------------------

setup_pair v4
link_ns "$h1" eth1 "$h2" eth1
addr "$h1" eth1 198.51.100.1/24 2001:db8:1::1/64
addr "$h2" eth1 198.51.100.2/24 2001:db8:1::2/64

stt_add "$h1" stt0 id 1 remote 192.0.2.2
check_eq 'without dev no device is linked' "$(lowers "$h1" stt0)" ''
ip -n "$h1" link del stt0

check 'a device with dev' stt_add "$h1" stt0 id 1 remote 192.0.2.2 dev eth0
check_eq 'dev is a lower device' "$(lowers "$h1" stt0)" eth0
check_eq 'the tunnel is its upper device' "$(uppers "$h1" eth0)" stt0
check_eq 'the speed of a tunnel is that of dev' "$(speed "$h1" stt0)" "$(speed "$h1" eth0)"
ip -n "$h1" link del stt0
check_eq 'the link goes with the tunnel' "$(uppers "$h1" eth0)" ''

check_fails 'a tunnel that is refused' \
	ip -n "$h1" link add stt0 mtu 70000 type stt id 1 remote 192.0.2.2 \
		dev eth0
check_eq 'a refused tunnel leaves no link' "$(uppers "$h1" eth0)" ''

# --- dev changes ---------------------------------------------------------------

for family in v4 v6; do
	if [ $family = v4 ]; then
		a2=192.0.2.2 b2=198.51.100.2 any=0.0.0.0
	else
		a2=2001:db8::2 b2=2001:db8:1::2 any=::
	fi
	# h2 takes the frames from wherever they come.
	stt_add "$h2" stt0 id 1 remote $any
	addr "$h2" stt0 10.0.0.2/24
	stt_add "$h1" stt0 id 1 remote $a2 dev eth0
	addr "$h1" stt0 10.0.0.1/24
	check "$family: ping over eth0" pings
	wire "$h2" eth1 b tcp dport 7471
	check "$family: dev and remote change while up" \
		ip -n "$h1" link set stt0 type stt dev eth1 remote $b2
	check_eq "$family: eth1 is the lower device" "$(lowers "$h1" stt0)" eth1
	check_eq "$family: eth0 is not linked any more" \
		"$(uppers "$h1" eth0)" ''
	check "$family: the tunnel shows its new dev" eval \
		"ip -n $h1 -d link show stt0 | grep -q 'dev eth1'"
	check "$family: ping over eth1" pings
	check_num "$family: frames leave by eth1" "$(wired "$h2" b)" -ge 2
	unwire "$h2"

	# What is refused changes nothing.
	check_refused "$family: dev that does not exist" 'Cannot find|No such' \
		ip -n "$h1" link set stt0 type stt dev nix0
	check_refused "$family: dev is the tunnel itself" 'own lower device' \
		ip -n "$h1" link set stt0 type stt dev stt0
	ip -n "$h1" link add link stt0 name vlan7 type vlan id 7
	check_refused "$family: dev stands on the tunnel" \
		'stands on this device' \
		ip -n "$h1" link set stt0 type stt dev vlan7
	check_eq "$family: eth1 is still the lower device" \
		"$(lowers "$h1" stt0)" eth1
	check "$family: ping after refusals" pings
	ip -n "$h1" link del vlan7
	ip -n "$h1" link add stt9 type stt id 1 remote $a2 dev eth1
	check_refused "$family: a change to a taken key" 'Another device' \
		ip -n "$h1" link set stt0 type stt dev eth0 remote $a2
	check_eq "$family: a deleted tunnel leaves no link" "$(uppers "$h1" eth0)" ''
	ip -n "$h1" link del stt9

	check "$family: dev changes back" \
		ip -n "$h1" link set stt0 type stt dev eth0 remote $a2
	check "$family: ping over eth0 again" pings
	ip -n "$h1" link add eth2 type dummy
	ip -n "$h1" link set stt0 type stt dev eth2
	ip -n "$h1" link set stt0 type stt dev eth0
	check "$family: a dev that it had goes" ip -n "$h1" link del eth2
	check "$family: the tunnel stays" has_dev "$h1" stt0
	ip -n "$h1" link add eth2 type dummy
	ip -n "$h1" link set stt0 type stt dev eth2
	check "$family: the present dev goes" ip -n "$h1" link del eth2
	check_fails "$family: the tunnel goes with its present dev" \
		has_dev "$h1" stt0
	ip -n "$h2" link del stt0
done

# A membership follows, and so do the limits.
member() {
	in_ns "$h1" ip maddr show dev "$1" | grep -qE 'inet +239\.1\.1\.1'
}
stt_add "$h1" stt0 id 1 group 239.1.1.1 dev eth0
check 'group: member on dev' member eth0
ip -n "$h1" link set stt0 type stt dev eth1
check 'group: member on the new dev' member eth1
check_fails 'group: not on the old one' member eth0
# The kernel tells no one of gso_max_size alone.
gso() {
	ip -n "$h1" link set "$1" gso_max_size "$2"
	ip -n "$h1" link set "$1" mtu "$3"
}
gso eth1 30000 1400
check_num 'the GSO maximum follows the new dev' "$(gso_max stt0)" -le 30000
gso eth1 65536 1500
was=$(maxima "$h1" stt0)
gso eth0 20000 1400
check_eq 'limits do not follow the old lower device' "$(maxima "$h1" stt0)" "$was"
gso eth0 65536 1500
ip -n "$h1" link del stt0

# A tunnel over a tunnel has room for both headers, and follows.
stt_add "$h1" stt0 id 1 remote 192.0.2.2 dev eth0
stt_add "$h1" stt1 id 2 remote 10.0.0.2 dev stt0
was=$(gso_max stt1)
check_num 'over another STT device: GSO packets fit' "$was" -lt "$(gso_max stt0)"
gso eth0 30000 1400
check_num 'over another STT device: limits follow the lowest device' \
	"$(gso_max stt1)" -lt "$(gso_max stt0)"
check_num 'over another STT device: limits are below those of the lowest device' \
	"$(gso_max stt1)" -lt 30000
gso eth0 65536 1500
check_eq 'over another STT device: limits go up again' "$(gso_max stt1)" "$was"
ip -n "$h1" link del stt1
ip -n "$h1" link del stt0

# The scope follows: eth1 is in a VRF.
ip -n "$h1" link add blue type vrf table 10
ip -n "$h1" link set blue up
ip -n "$h1" link set eth1 master blue
stt_add "$h2" stt0 id 1 remote 0.0.0.0
addr "$h2" stt0 10.0.0.2/24
stt_add "$h1" stt0 id 1 remote 192.0.2.2 dev eth0
addr "$h1" stt0 10.0.0.1/24
check 'VRF: before' pings
ip -n "$h1" link set stt0 type stt dev eth1 remote 198.51.100.2
check 'VRF: over a dev in the VRF' pings
ip -n "$h1" link set stt0 type stt dev eth0 remote 192.0.2.2
check 'VRF: over a dev outside of it' pings

# --- namespaces ------------------------------------------------------------------

c1=''
new_ns c1
ip -n "$h1" link set stt0 netns "$c1"
check_eq 'moved: no link to a device of another namespace in sysfs' \
	"$(lowers "$c1" stt0)" ''
addr "$c1" stt0 10.0.0.1/24
ip -n "$c1" link set stt0 up
check 'moved: ping' in_ns "$c1" ping -q -c 2 -i 0.2 -W 5 10.0.0.2
check 'moved: a change from the other namespace' \
	ip -n "$c1" link set stt0 type stt remote 192.0.2.2
ip -n "$c1" link set stt0 netns "$h1"
check_eq 'moved back: the link is there' "$(lowers "$h1" stt0)" eth0
ip -n "$h1" link set stt0 netns "$c1"
check 'moved: dev goes' ip -n "$h1" link del eth0
check_fails 'moved: the tunnel goes with it' has_dev "$c1" stt0
teardown

# --- stacks ----------------------------------------------------------------------

new_ns h1
ip -n "$h1" link add low type dummy
ip -n "$h1" link set low up
below=low
for depth in {1..20}; do
	out=$(ip -n "$h1" link add "s$depth" type stt id "$depth" \
		remote 10.9.9.9 dev "$below" 2>&1) || break
	below=s$depth
done
check_eq 'a stack ends where the core stops, at eight devices' "$depth" 8
check_eq 'the refusal says why' \
	"$(grep -o 'Too many devices above each other' <<<"$out")" \
	'Too many devices above each other'
check_fails 'refused tunnels do not exist' has_dev "$h1" s8
check 'the speed of the topmost can be asked for' eval \
	"speed $h1 $below; in_ns $h1 ethtool $below; true"
ip -n "$h1" link add s9 type stt id 9 remote 10.9.9.9
check_refused 'a change is held to the same limit' 'Too many devices' \
	ip -n "$h1" link set s9 type stt dev "$below"
check 'the lowest goes' ip -n "$h1" link del low
check_eq 'all above it go' "$(ip -n "$h1" -br link show type stt |
	awk '{ print $1 }' | xargs)" s9
teardown

# --- routes that lead back -------------------------------------------------------

# An unprivileged user routes a tunnel through itself, and reads its speed.
check 'a tunnel routed through itself: speed' \
	setpriv --reuid 65534 --regid 65534 --clear-groups \
	unshare -Urnm bash -c '
	ip link set lo up
	ip link add stt0 type stt id 1 remote 10.9.9.9 || exit 1
	ip link set stt0 up
	ip addr add 10.0.0.1/8 dev stt0
	mount -t sysfs s /sys
	cat /sys/class/net/stt0/speed
	ethtool stt0
	true'

# stays NAME DEV...: whatever happens to these devices, their maxima stay what
# they are. What was sent before has set them by where routes lead.
stays() {
	local name=$1 was _

	shift
	sleep 1
	was=$(for dev; do maxima "$h1" "$dev"; done)
	for _ in {1..8}; do
		for dev; do
			ip -n "$h1" link set "$dev" mtu 1400
			ip -n "$h1" link set "$dev" mtu 1500
			in_ns "$h1" ethtool -K "$dev" gro off
			in_ns "$h1" ethtool -K "$dev" gro on
		done
	done >/dev/null
	check_eq "$name: maxima stay" \
		"$(for dev; do maxima "$h1" "$dev"; done)" \
		"${was:-no maxima}"
}

new_ns h1
stt_add "$h1" t1 id 1 remote 10.2.0.9
stt_add "$h1" t2 id 2 remote 10.1.0.9
addr "$h1" t1 10.1.0.1/16
addr "$h1" t2 10.2.0.1/16
ip -n "$h1" neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev t1
ip -n "$h1" neigh add 10.2.0.9 lladdr 02:00:00:00:00:09 dev t2
check_fails 'a through b and b through a: nothing arrives' \
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.1.0.9
stays 'a through b and b through a' t1 t2
check_num 'a through b and b through a: the loop is counted' \
	$(($(ethstat "$h1" t1 tx_loop) + $(ethstat "$h1" t2 tx_loop))) -ge 2
teardown

# A chain by routes alone, longer than the core's limit for nested transmits.
new_ns h1
for n in {1..16}; do
	stt_add "$h1" "c$n" id "$n" remote 10.$((n + 1)).0.9
	addr "$h1" "c$n" "10.$n.0.1/16"
	ip -n "$h1" neigh add "10.$n.0.9" lladdr 02:00:00:00:00:09 dev "c$n"
done
check_fails '16 tunnels by routes: nothing arrives' \
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 -s 3000 10.1.0.9
ip -n "$h1" route add 10.17.0.0/16 dev c1
ip -n "$h1" neigh add 10.17.0.9 lladdr 02:00:00:00:00:09 dev c1
check_fails '16 tunnels in a circle: nothing arrives' \
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 -s 3000 10.1.0.9
stays '16 tunnels in a circle' c1 c2 c3
teardown

# Through devices that stand on the tunnel. A bond takes a moment to send.
looped() {
	in_ns "$h1" ping -q -c 1 -W 1 10.1.0.9
	[ "$(ethstat "$h1" stt0 tx_loop)" -ge 1 ]
}
for kind in vlan macvlan bridge bond; do
	new_ns h1
	stt_add "$h1" stt0 id 1 remote 10.1.0.9
	case $kind in
	vlan) ip -n "$h1" link add link stt0 name top type vlan id 7 ;;
	macvlan) ip -n "$h1" link add link stt0 name top type macvlan ;;
	bridge|bond)
		ip -n "$h1" link add top type $kind
		[ $kind = bridge ] || ip -n "$h1" link set stt0 down
		ip -n "$h1" link set stt0 master top
		ip -n "$h1" link set stt0 up
		;;
	esac
	ip -n "$h1" link set top up
	addr "$h1" top 10.1.0.1/16
	ip -n "$h1" neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev top
	check "a $kind on the tunnel carries it: the loop is counted" \
		wait_for 20 looped
	stays "a $kind on the tunnel carries it" stt0 top
	check "a $kind on the tunnel carries it: speeds can be asked for" \
		eval "speed $h1 top; speed $h1 stt0; true"
	teardown
done

# --- the host's bridge -------------------------------------------------------------

new_ns h1 h2
link_ns "$h1" eth0 "$h2" eth0
addr "$h2" eth0 192.0.2.2/24
ip -n "$h1" link add br0 type bridge
ip -n "$h1" link set br0 address 02:00:00:00:00:b0
ip -n "$h1" link set eth0 master br0
ip -n "$h1" link set br0 up
addr "$h1" br0 192.0.2.1/24
in_ns "$h1" ping -q -c 1 -W 5 192.0.2.2 >/dev/null
first=$(maxima "$h1" br0 | sed 's/.*gso_max_size \([0-9]*\).*/\1/')
stt_add "$h2" stt0 id 1 remote 192.0.2.1
stt_add "$h1" stt0 id 1 local 192.0.2.1 remote 192.0.2.2
stt_add "$h1" stt1 id 2 local 192.0.2.1 remote 192.0.2.2
ip -n "$h1" link set stt0 master br0
ip -n "$h1" link set stt1 master br0
was=$(maxima "$h1" br0; maxima "$h1" stt0)
for _ in {1..8}; do
	ip -n "$h1" link add p type veth peer name q
	ip -n "$h1" link set p up
	ip -n "$h1" link set p master br0
	ip -n "$h1" link del p
done
check_eq 'tunnels in the bridge that carries them: maxima stay' \
	"$(maxima "$h1" br0; maxima "$h1" stt0)" "$was"
check_num 'the bridge loses one header, once' \
	"$(maxima "$h1" br0 | sed 's/.*gso_max_size \([0-9]*\).*/\1/')" \
	-ge $((first - 100))
check 'the speed of the bridge can be asked for' eval "speed $h1 br0; true"
check 'frames still arrive' \
	in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 192.0.2.2
tap_done
