#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Where packets to an endpoint's port are ours, and where they stay TCP's (R1):
# the port is reserved in each VRF in which a device has it, and only there.
#
#	h1                                             h2
#	stt0, over eth0, in no VRF
#	eth0 192.0.2.1, 2001:db8::1 ------ veth ------ eth0 192.0.2.2, 2001:db8::2
#	                                               h3
#	stt1, over eth1
#	eth1 198.51.100.1 in VRF blue ---- veth ------ eth0 198.51.100.2
#	     2001:db8:1::1                                  2001:db8:1::2
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2016,SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require python3 nft

h3=''

# tcp.py serve 4|6 PORT DEVICE READY | bind 4|6 PORT DEVICE | get 4|6 ADDRESS:
# a server sends 100,000 bytes to each client; DEVICE may be empty, or a - for a
# transparent proxy's socket.  The client closes first, so that its side is the
# one that keeps the port in TIME_WAIT.
cat >"$tmp/tcp.py" <<'END'
import _socket as socket, sys
what, family, where = sys.argv[1:4]
v6 = family == "6"
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
if what == "get":
    s.settimeout(20)
    s.connect((where, 7471))
    n = 0
    while n < 100000:
        data = s.recv(65536)
        if not data:
            break
        n += len(data)
    s.close()
    sys.exit(n != 100000)
if v6:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
device = sys.argv[4]
if device == "-":
    s.setsockopt(*((socket.IPPROTO_IPV6, 75) if v6 else
                   (socket.IPPROTO_IP, 19)), 1)
elif device:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
if what == "serve":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(where)))
s.listen()
if what == "bind":
    sys.exit(0)
open(sys.argv[5], "w").close()
while True:
    fd, _ = s._accept()
    c = socket.socket(fileno=fd)
    c.sendall(bytes(100000))
    c.recv(1)
    c.close()
END
# Without the modules that python loads by itself: there are many calls.
tcp() { in_ns "$1" python3 -I -S "$tmp/tcp.py" "${@:2}"; }

# serve FAMILY PORT DEVICE: until stop_server.
server=''
serve() {
	rm -f "$tmp/ready"
	tcp "$h1" serve "$1" "$2" "$3" "$tmp/ready" &
	server=$!
	wait_for 20 test -e "$tmp/ready"
}
stop_server() {
	ip netns pids "$h1" | xargs -r kill
	wait $server 2>/dev/null
}

# free FAMILY DEVICE: a TCP socket can have the port; taken: it cannot.
free() { tcp "$h1" bind "$1" 7471 "$2"; }
taken() { ! tcp "$h1" bind "$1" 7471 "$2" 2>"$tmp/err" && grep -q 'in use' "$tmp/err"; }

drops() {
	in_ns "$h1" awk '/^drop_/ { n += $2 } END { print n }' /proc/net/stt
}

for family in 4 6; do
	new_ns h1 h2 h3
	link_ns "$h1" eth0 "$h2" eth0
	link_ns "$h1" eth1 "$h3" eth0
	for vrf in 'blue 10' 'red 20'; do
		ip -n "$h1" link add "${vrf% *}" type vrf table "${vrf#* }"
		ip -n "$h1" link set "${vrf% *}" up
	done
	ip -n "$h1" link set eth1 master blue
	case $family in
	4)	a1=192.0.2.1 a2=192.0.2.2 b1=198.51.100.1 b2=198.51.100.2
		far=203.0.113.9 len=24 ip=ip ;;
	6)	a1=2001:db8::1 a2=2001:db8::2 b1=2001:db8:1::1
		b2=2001:db8:1::2 far=2001:db8:9::9 len=64 ip=ip6 ;;
	esac
	addr "$h1" eth0 $a1/"$len"
	addr "$h2" eth0 $a2/"$len"
	addr "$h1" eth1 "$b1"/"$len"
	addr "$h3" eth0 "$b2"/"$len"

	# --- a server in a VRF beside a device in none -------------------------
	stt_add "$h1" stt0 id 1 remote $a2
	check "v$family: no TCP socket gets the port where a device has it" \
		taken $family ''
	check "v$family: a TCP server in a VRF gets the port" \
		serve $family 7471 blue
	before=$(drops)
	modprobe -q nf_conntrack
	in_ns "$h1" nft -f - <<-END
	table inet t {
		counter untracked { }
		chain c {
			type filter hook input priority 0
			iifname { "eth1", "blue" } tcp dport 7471 ct state untracked \
				counter name untracked
		}
	}
	END
	check "v$family: clients reach a TCP server in a VRF" tcp "$h3" get $family "$b1"
	check_eq "v$family: no packet of them counts as a segment" \
		"$(drops)" "$before"
	check "v$family: connections of the server in a VRF are tracked" \
		eval "in_ns '$h1' nft list counter inet t untracked | grep -q 'packets 0 '"
	in_ns "$h1" nft delete table inet t
	check_refused "v$family: a device in the VRF is refused the port" \
		"taken by a TCP socket of the lower device's VRF" \
		ip -n "$h1" link add stt1 type stt id 2 remote "$b2" dev eth1
	check_refused "v$family: an external device in the VRF is refused the port" \
		"taken by a TCP socket of the lower device's VRF" \
		ip -n "$h1" link add stt1 type stt external local "$b1" dev eth1
	stop_server

	# --- reservation per VRF ------------------------------------------------
	check "v$family: a device in the VRF gets the port without the server" \
		stt_add "$h1" stt1 id 2 remote "$b2" dev eth1
	check "v$family: the port is taken in the VRF of a device" taken $family blue
	check "v$family: the port is free in a VRF without a device" free $family red
	ip -n "$h1" link del stt0
	check "v$family: the port is free outside of VRFs without a device there" \
		free $family ''
	ip -n "$h1" link set eth1 nomaster
	check "v$family: the lower device leaves the VRF: the port is free there" \
		free $family blue
	check "v$family: the lower device leaves the VRF: taken outside" \
		taken $family ''
	ip -n "$h1" link set eth1 master blue
	check "v$family: back in the VRF: taken there" taken $family blue
	check "v$family: back in the VRF: free outside" free $family ''

	# --- where to go is a server's ------------------------------------------
	serve $family 7471 red
	ip -n "$h1" link set eth1 master red
	[ $family = 4 ] || addr "$h1" eth1 "$b1"/"$len"
	check "v$family: into the VRF of a server: the server works" \
		tcp "$h3" get $family "$b1"
	stop_server
	ip -n "$h1" link set eth1 nomaster
	ip -n "$h1" link set eth1 master blue
	[ $family = 4 ] || addr "$h1" eth1 "$b1"/"$len"
	check "v$family: back from the VRF of a server: the port is taken again" taken $family blue
	ip -n "$h1" link del stt1
	check "v$family: without the device the VRF's port is free" \
		free $family blue

	# --- sockets of one VRF that listen in all ------------------------------
	in_ns "$h1" sysctl -qw net.ipv4.tcp_l3mdev_accept=1
	check "v$family: tcp_l3mdev_accept: a device in a VRF gets the port" \
		stt_add "$h1" stt1 id 2 remote "$b2" dev eth1
	check "v$family: tcp_l3mdev_accept: one outside of VRFs gets it as well" \
		stt_add "$h1" stt0 id 1 remote $a2
	check "v$family: tcp_l3mdev_accept: no socket gets the port" \
		taken $family ''
	check "v$family: tcp_l3mdev_accept: no socket of the VRF gets the port" taken $family blue
	ip -n "$h1" link del stt1
	check "v$family: tcp_l3mdev_accept: a device joins one outside of VRFs" \
		stt_add "$h1" stt1 id 2 remote "$b2" dev eth1
	ip -n "$h1" link del stt0
	check "v$family: tcp_l3mdev_accept: the VRF's keeps it from all" \
		taken $family ''
	ip -n "$h1" link del stt1
	check "v$family: tcp_l3mdev_accept: free without devices" \
		free $family ''
	check "v$family: tcp_l3mdev_accept: a server for all VRFs gets the port" \
		serve $family 7471 ''
	check_refused "v$family: tcp_l3mdev_accept: a server for all VRFs keeps devices off" \
		'taken by a TCP socket' \
		ip -n "$h1" link add stt1 type stt id 2 remote "$b2" dev eth1
	stop_server
	in_ns "$h1" sysctl -qw net.ipv4.tcp_l3mdev_accept=0

	# --- transparent proxy --------------------------------------------------
	stt_add "$h1" stt0 id 1
	if [ $family = 4 ]; then
		in_ns "$h1" sysctl -qw net.ipv4.ip_forward=1
	else
		in_ns "$h1" sysctl -qw net.ipv6.conf.all.forwarding=1
	fi
	ip -n "$h2" route add "$far" via $a1
	ip -n "$h1" -$family rule add fwmark 1 lookup 100
	ip -n "$h1" -$family route add local default dev lo table 100
	in_ns "$h1" nft -f - <<-END
	table $ip tp {
		chain c {
			type filter hook prerouting priority mangle
			$ip daddr $far tcp dport 7471 tproxy to :50080 \
				meta mark set 1 accept
		}
	}
	END
	serve $family 50080 -
	before=$(drops)
	check "v$family: a transparent proxy gets its connections" \
		tcp "$h2" get $family "$far"
	check_eq "v$family: no packet of the proxy counts as a segment" \
		"$(drops)" "$before"
	teardown
done

# --- which device has a frame, and what waits for one ---------------------------

new_ns h1 h2 h3
link_ns "$h1" eth0 "$h2" eth0
link_ns "$h1" eth1 "$h3" eth0
ip -n "$h1" link add blue type vrf table 10
ip -n "$h1" link set blue up
ip -n "$h1" link set eth1 master blue
addr "$h1" eth0 192.0.2.1/24 2001:db8::1/64 fe80::1/64
addr "$h1" eth1 198.51.100.1/24 2001:db8:1::1/64
for ns in "$h1" "$h2" "$h3"; do
	quiet "$ns" default
done
py_checks scope.py "$h1" "$h2" "$h3"

tap_done
