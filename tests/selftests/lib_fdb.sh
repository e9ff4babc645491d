# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests of the forwarding database: sourced after lib.sh.

require bridge

# shellcheck disable=SC2034
zero=00:00:00:00:00:00
# What setup_three sets besides.
# shellcheck disable=SC2034
h3='' a3='' sw=''

# setup_three v4|v6: three hosts on one network. Sets h1 to h3 (namespaces) and
# a1 to a3 (underlay addresses of that family); sw is the switch between them.
#
#	h1                 h2                 h3
#	eth0 192.0.2.1     eth0 192.0.2.2     eth0 192.0.2.3
#	  |  2001:db8::1     |  2001:db8::2     |  2001:db8::3
#	  +------------ bridge br0 in sw --------+
# shellcheck disable=SC2034
setup_three() {
	local i h

	new_ns h1 h2 h3 sw
	ip -n "$sw" link add name br0 up type bridge mcast_snooping 0
	for i in 1 2 3; do
		h=h$i
		link_ns "${!h}" eth0 "$sw" p$i
		ip -n "$sw" link set p$i master br0
		addr "${!h}" eth0 192.0.2.$i/24 2001:db8::$i/64
	done
	case ${1:-v4} in
	v4) a1=192.0.2.1 a2=192.0.2.2 a3=192.0.2.3 any=0.0.0.0 ;;
	v6) a1=2001:db8::1 a2=2001:db8::2 a3=2001:db8::3 any=:: ;;
	esac
}

# station HOST: its stt0's MAC address.
station() { printf '02:00:00:00:00:0%s' "$1"; }

# stt_three [ARG]...: stt0 in all three, without a remote; MAC addresses as
# station says, inner addresses 10.0.0.1 to .3.
stt_three() {
	local i h a

	for i in 1 2 3; do
		h=h$i a=a$i
		ip -n "${!h}" link add stt0 address "$(station $i)" type stt \
			id 1 local "${!a}" "$@" &&
		quiet_dev "${!h}" stt0 &&
		ip -n "${!h}" link set stt0 up &&
		ip -n "${!h}" addr add 10.0.0.$i/24 dev stt0 || return
	done
}

# quiet_dev NS DEV: without IPv6, that nothing is sent unasked.
quiet_dev() {
	in_ns "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
}

# fdb NS COMMAND...: bridge fdb.
fdb() {
	local ns=$1

	shift
	bridge -n "$ns" fdb "$@"
}

# entries NS DEV [PATTERN]: how many lines of the device's FDB match.
entries() {
	bridge -n "$1" fdb show dev "$2" | grep -cE -- "${3:-.}"
}

# entry NS DEV MAC: its line, without spaces at the end.
entry() {
	bridge -n "$1" fdb show dev "$2" | grep -- "^$3 " | sed 's/ *$//'
}

# has NS DEV PATTERN
has() { bridge -n "$1" fdb show dev "$2" | grep -qE -- "$3"; }
hasnt() { ! has "$@"; }

# fdb_monitor NS DEV ADDRESS: bridge monitor writes to $tmp/monitor. It listens
# when this returns: an entry was made and deleted until it said so.
# shellcheck disable=SC2154 # tmp is lib.sh's
fdb_monitor() {
	background in_ns "$1" stdbuf -oL bridge monitor fdb \
		>"$tmp/monitor" 2>&1
	wait_for 20 fdb_monitor_hears "$@"
}

fdb_monitor_hears() {
	local probe=02:00:00:00:ff:ff

	fdb "$1" replace $probe dev "$2" dst "$3" static
	fdb "$1" del $probe dev "$2"
	grep -q $probe "$tmp/monitor"
}

# fdb_flush NS DEV [state S MASK] [flags F MASK] [dst A] [vni N] [port N] [nhid N]
# [src_vni N]: bridge fdb flush, with what older tools do not know.
fdb_flush() {
	local ns=$1

	shift
	in_ns "$ns" python3 - "$@" <<-'EOF'
	import errno, os, socket, struct, sys
	RTM_DELNEIGH, AF_BRIDGE = 29, 7
	REQUEST, ACK, BULK = 1, 4, 0x200
	state = flags = 0
	attrs = b''
	def attr(kind, data):
	    global attrs
	    attrs += struct.pack('=HH', 4 + len(data), kind) + data
	    attrs += b'\0' * (-len(attrs) % 4)
	arg = iter(sys.argv[2:])
	for word in arg:
	    value = next(arg)
	    if word == 'state':
	        state = int(value, 0)
	        attr(16, struct.pack('=H', int(next(arg), 0)))
	    elif word == 'flags':
	        flags = int(value, 0)
	        attr(17, struct.pack('=B', int(next(arg), 0)))
	    elif word == 'dst':
	        family = socket.AF_INET6 if ':' in value else socket.AF_INET
	        attr(1, socket.inet_pton(family, value))
	    elif word == 'port':
	        attr(6, struct.pack('!H', int(value)))
	    elif word == 'vni':
	        attr(7, struct.pack('=I', int(value)))
	    elif word == 'src_vni':
	        attr(11, struct.pack('=I', int(value)))
	    elif word == 'nhid':
	        attr(13, struct.pack('=I', int(value)))
	    elif word == 'vlan':
	        attr(5, struct.pack('=H', int(value)))
	body = struct.pack('=BBHiHBB', AF_BRIDGE, 0, 0,
	                   socket.if_nametoindex(sys.argv[1]), state, flags | 2, 0)
	body += attrs
	s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
	s.send(struct.pack('=IHHII', 16 + len(body), RTM_DELNEIGH,
	                   REQUEST | ACK | BULK, 1, 0) + body)
	err = struct.unpack_from('=i', s.recv(4096), 16)[0]
	if err:
	    sys.exit(os.strerror(-err))
	EOF
}
