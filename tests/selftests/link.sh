#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The link kind as INTERFACE describes it: every attribute in and out, and every
# refusal, which says why and leaves nothing behind. Changes under traffic are
# in changelink.sh, the TCP port in port.sh.
#
#	h1                                            h2
#	stt0, stt1, ...
#	eth0 192.0.2.1 --------------- veth --------- eth0 192.0.2.2
#	     2001:db8::1                                   2001:db8::2
#
# kernels: all
# timeout: 400

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require jq python3

# shown NS DEV KEY VALUE [KEY VALUE]...: what ip -d -j link says of the kind.
shown() {
	local ns=$1 dev=$2 data rc=0 got

	shift 2
	data=$(ip -n "$ns" -d -j link show "$dev" |
	       jq -c '.[0].linkinfo | select(.info_kind == "stt").info_data')
	while [ $# -gt 0 ]; do
		got=$(jq -r ".$1" <<<"$data")
		if [ "$got" != "$2" ]; then
			echo "$1 is $got, not $2: $data"
			rc=1
		fi
		shift 2
	done
	return "$rc"
}

# words NS DEV: the part of ip -d link that says how to make such a device.
words() {
	ip -n "$1" -d link show "$2" |
	sed -n 's/^ *stt \(.*\) addrgenmode.*/\1/p'
}

# --- what is said comes back -------------------------------------------------

setup_pair v4

check 'a device without a name or an option' ip -n "$h1" link add type stt
check 'defaults of a new device' \
	shown "$h1" stt0 id 0 port 7471 port_range.low 49152 \
	port_range.high 65535 ttl 0 ttl_inherit null tos 0 df set label 0 \
	fwmark 0 partial true external false localbypass true gbp false \
	idbits null remote null remote6 null local null local6 null link null
check 'default MTU' \
	test "$(ip -n "$h1" -j link show stt0 | jq '.[0].mtu')" = 1500
check 'a device without options goes up' ip -n "$h1" link set stt0 up
check 'a device without options goes down' ip -n "$h1" link set stt0 down
check 'a device without options is deleted' ip -n "$h1" link del stt0

# round_trip NAME FAMILY-SUFFIX OPTIONS -- KEY VALUE...: and what ip prints
# makes the same device again.
round_trip() {
	local name=$1 options=() first second

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	check "$name: create" ip -n "$h1" link add stt1 type stt "${options[@]}"
	check "$name: JSON" shown "$h1" stt1 "$@"
	first=$(words "$h1" stt1)
	ip -n "$h1" link del stt1
	# shellcheck disable=SC2086
	check "$name: create again from what was printed" \
		ip -n "$h1" link add stt1 type stt $first
	second=$(words "$h1" stt1)
	check_eq "$name: the same again" "$second" "$first"
	ip -n "$h1" link del stt1
}

round_trip 'IPv4, all attributes' id 42 remote 192.0.2.2 local 192.0.2.1 \
	dev eth0 dstport 7000 srcport 40000 40100 ttl 7 tos 0x48 df unset \
	fwmark 0xdeadbeef partial -- \
	id 42 remote 192.0.2.2 local 192.0.2.1 link eth0 partial true \
	port 7000 port_range.low 40000 port_range.high 40100 ttl 7 tos 0x48 \
	df unset fwmark 0xdeadbeef
round_trip 'IPv6, all attributes' id 42 remote 2001:db8::2 \
	local 2001:db8::1 dev eth0 dstport 65535 srcport 1 65535 ttl 255 \
	tos 0xfc df inherit flowlabel 0xfffff fwmark 1 nopartial -- \
	id 42 partial false remote6 2001:db8::2 local6 2001:db8::1 link eth0 port 65535 \
	port_range.low 1 port_range.high 65535 ttl 255 tos 0xfc df inherit \
	label 0xfffff fwmark 0x1
round_trip 'IPv6, all that is inherited' remote 2001:db8::2 ttl inherit \
	tos inherit df inherit flowlabel inherit -- ttl_inherit true \
	tos inherit df inherit label inherit
round_trip 'id 0' id 0 remote 192.0.2.2 -- id 0
round_trip 'id 2^64-1' id 18446744073709551615 remote 192.0.2.2 -- \
	remote 192.0.2.2
round_trip 'id in hexadecimal, as key' key 0x123456789abcdef remote 192.0.2.2 \
	-- port 7471
check_eq 'an id in hexadecimal is shown to the digit' "$(
	ip -n "$h1" link add stt1 type stt key 0x123456789abcdef
	words "$h1" stt1 | sed 's/^id \([0-9]*\) .*/\1/'
	ip -n "$h1" link del stt1)" 81985529216486895
check_eq 'id 2^64-1 to the digit' "$(
	ip -n "$h1" link add stt1 type stt id 0xffffffffffffffff
	words "$h1" stt1 | sed 's/^id \([0-9]*\) .*/\1/'
	ip -n "$h1" link del stt1)" 18446744073709551615
round_trip 'local only' local 192.0.2.1 -- local 192.0.2.1 remote null
round_trip 'ARP and ND' remote 192.0.2.2 proxy l2miss l3miss -- \
	proxy true l2miss true l3miss true
round_trip 'group' group 239.0.0.1 dev eth0 -- group 239.0.0.1 link eth0 \
	remote null ttl 0
round_trip 'IPv6 group' group ff05::77 local 2001:db8::1 dev eth0 ttl 3 -- \
	group6 ff05::77 local6 2001:db8::1 link eth0 remote6 null ttl 3
round_trip 'IPv6, link-local with dev' remote fe80::2 dev eth0 -- \
	remote6 fe80::2 link eth0
round_trip 'IPv6 without addresses' remote :: -- remote6 :: local6 null

# --- its state ---------------------------------------------------------------

state() { ip -n "$h1" -j link show stt1 | jq -r '.[0].operstate'; }
is() { [ "$(state)" = "$1" ]; }
check 'a device is made in state up' \
	ip -n "$h1" link add stt1 up state up type stt remote 192.0.2.2
check_eq 'operstate is UP' "$(state)" UP
ip -n "$h1" link set stt1 down
check_eq 'operstate is DOWN after down' "$(state)" DOWN
ip -n "$h1" link set stt1 up
check_eq 'operstate is UP after up' "$(state)" UP
ip -n "$h1" link del stt1
stt_add "$h1" stt1 remote 192.0.2.2
check_eq 'operstate is UNKNOWN unless it was set' "$(state)" UNKNOWN
check 'held down' ip -n "$h1" link set stt1 protodown on
check 'held down: operstate is DOWN' wait_for 10 is DOWN
check 'held down no more' ip -n "$h1" link set stt1 protodown off
check 'held down no more: operstate is UP' wait_for 10 is UP

# --- addresses it listens to ----------------------------------------------

# As lldpd, mstpd and ptp4l ask for.
check 'a multicast address is added' \
	ip -n "$h1" maddr add 01:80:c2:00:00:0e dev stt1
check 'the multicast address is listed' eval \
	"ip -n $h1 maddr show dev stt1 | grep -q 01:80:c2:00:00:0e"
check 'the multicast address is removed' ip -n "$h1" maddr del 01:80:c2:00:00:0e dev stt1
check 'a macvlan adds a unicast address' ip -n "$h1" link add mv0 up \
	link stt1 type macvlan mode bridge
check_eq 'a macvlan does not make the device promiscuous' \
	"$(ip -n "$h1" -d -j link show stt1 | jq '.[0].promiscuity')" 0
ip -n "$h1" link del mv0
ip -n "$h1" link del stt1

# --- refusals ----------------------------------------------------------------

# What there is in h1. Through a process there, which is quicker.
background in_ns "$h1" sleep 10000
wait_for 10 eval "ip netns pids $h1 | grep -q ."
there=/proc/$(ip netns pids "$h1" | head -n 1)/net
all() { ip -n "$h1" -o link show | wc -l; cat "$there/stt"; }

# refused NAME PATTERN BAD-OPTIONS -- GOOD-OPTIONS: with nothing left behind,
# so that the right command works at once.
refused() {
	local name=$1 pattern=$2 bad=() before

	shift 2
	while [ "$1" != -- ]; do
		bad+=("$1")
		shift
	done
	shift
	before=$(all)
	check_refused "$name" "$pattern" ip -n "$h1" link add stt9 "${bad[@]}"
	check_eq "$name: nothing is left" "$(all)" "$before"
	check "$name: the corrected command is accepted" \
		ip -n "$h1" link add stt9 "$@"
	ip -n "$h1" link del stt9
}

v4=(remote 192.0.2.2) v6=(remote 2001:db8::2)

refused 'remote and local of two families' 'one family' \
	type stt remote 192.0.2.2 local 2001:db8::1 -- \
	type stt remote 192.0.2.2 local 192.0.2.1
refused 'destination port 0' 'port must not be 0' \
	type stt dstport 0 -- type stt dstport 1
refused 'source ports the wrong way round' 'Source ports' \
	type stt srcport 50000 49999 -- type stt srcport 50000 50000
refused 'source port 0' 'Source ports' \
	type stt srcport 0 1000 -- type stt srcport 1 1000
refused 'flow label over IPv4' 'IPv6' \
	type stt "${v4[@]}" flowlabel 5 -- type stt "${v6[@]}" flowlabel 5
refused 'broadcast remote' 'unicast' \
	type stt remote 255.255.255.255 -- type stt "${v4[@]}"
refused 'broadcast local' 'unicast' \
	type stt local 255.255.255.255 -- type stt local 192.0.2.1
refused 'IPv4-mapped remote' 'IPv4-mapped' \
	type stt remote ::ffff:192.0.2.2 -- type stt "${v6[@]}"
refused 'IPv4-mapped local' 'IPv4-mapped' \
	type stt local ::ffff:192.0.2.2 -- type stt local 2001:db8::1
refused 'link-local remote without dev' 'lower device' \
	type stt remote fe80::2 -- type stt remote fe80::2 dev eth0
refused 'lower device that is not there' 'eth7' \
	type stt dev eth7 -- type stt dev eth0
refused 'MTU above a frame, IPv4' 'MTU|mtu' \
	mtu 65464 type stt "${v4[@]}" -- mtu 65463 type stt "${v4[@]}"
refused 'MTU above a frame, IPv6' 'MTU|mtu' \
	mtu 65484 type stt "${v6[@]}" -- mtu 65483 type stt "${v6[@]}"
refused 'MTU too small' 'MTU|mtu' mtu 67 type stt -- mtu 68 type stt
refused 'multicast Ethernet address' 'unicast' \
	address 01:00:00:00:00:01 type stt -- address 02:00:00:00:00:01 type stt

refused 'group without dev' 'needs a lower device' \
	type stt group 239.0.0.1 -- type stt group 239.0.0.1 dev eth0
refused 'IPv6 group without dev' 'needs a lower device' \
	type stt group ff05::77 -- type stt group ff05::77 dev eth0

# What ip would not say: attributes straight to the kernel, which must answer
# without its help. Line by line: attribute number and value in hexadecimal.
cat >"$tmp/newlink.py" <<'END'
import socket, struct, sys

def attr(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + \
        b"\0" * (-len(data) % 4)

s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.setsockopt(270, 11, 1)        # SOL_NETLINK, NETLINK_EXT_ACK
for line in sys.stdin:
    data = b""
    for word in line.split():
        kind, value = word.split("=")
        data += attr(int(kind), bytes.fromhex(value))
    info = attr(1, b"stt\0") + attr(2 | 0x8000, data)
    body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attr(3, b"stt9\0") + \
        attr(18 | 0x8000, info)
    s.send(struct.pack("=IHHII", len(body) + 16, 16, 0x605, 1, 0) + body)
    reply = s.recv(65536)
    err = -struct.unpack("=i", reply[16:20])[0]
    text = ""
    flags = struct.unpack("=H", reply[6:8])[0]
    if err and flags & 0x200:
        pos = 20 + (16 if flags & 0x100 else
                    struct.unpack("=I", reply[20:24])[0])
        while pos + 4 <= len(reply):
            n, kind = struct.unpack("=HH", reply[pos:pos + 4])
            if kind & 0x3fff == 1:
                text = reply[pos + 4:pos + n - 1].decode()
            pos += n + 3 & ~3
    print(err, text)
    if not err:
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attr(3, b"stt9\0")
        s.send(struct.pack("=IHHII", len(body) + 16, 17, 5, 2, 0) + body)
        s.recv(65536)
END

EINVAL=22 ENODEV=19 ERANGE=34
# NAME;ERRNO;TEXT;ATTRIBUTES: number=value, the numbers being the interface.
cat >"$tmp/cases" <<END
a flow label of 21 bits;$EINVAL;20 bits;4=20010db8000000000000000000000002 13=00100000
ttl inherit 2;$ERANGE|$EINVAL;.;10=02
df 3;$ERANGE|$EINVAL;.;12=03
label policy 2;$ERANGE|$EINVAL;.;14=02000000
an id of 4 bytes;$EINVAL|$ERANGE;.;2=01000000
a port of 1 byte;$EINVAL|$ERANGE;.;1=01
an IPv6 address of 4 bytes;$EINVAL|$ERANGE;.;4=20010db8
a port range of 2 bytes;$EINVAL|$ERANGE;.;8=c000
a lower device by a wrong number;$ENODEV;No such lower device;7=0f270000
an attribute nobody knows;$EINVAL;.;99=00
multicast local;$EINVAL;unicast;5=ef000001
IPv6 multicast local;$EINVAL;unicast;6=ff020000000000000000000000000001
idbits 0;$ERANGE|$EINVAL;.;18=00
idbits 65;$ERANGE|$EINVAL;.;18=41
partial 2;$ERANGE|$EINVAL;.;16=02
END
before=$(all)
sed 's/.*;//' "$tmp/cases" |
	in_ns "$h1" python3 "$tmp/newlink.py" >"$tmp/answers" 2>&1
while IFS=';' read -r name errno text _ <&3 && read -r got said <&4; do
	check "netlink: $name" \
		grep -qE "^($errno) .*($text)" <<<"$got $said"
done 3<"$tmp/cases" 4<"$tmp/answers"
check_eq 'netlink: an answer to each' \
	"$(wc -l <"$tmp/answers")" "$(wc -l <"$tmp/cases")"
check_eq 'netlink: nothing is left' \
	"$(all)" "$before"

# Two of a kind.
for key in 'id 5' 'id 5 remote 192.0.2.2' 'id 5 local 192.0.2.1' \
	   'id 5 remote 192.0.2.2 local 192.0.2.1' \
	   'id 5 remote 2001:db8::2 local 2001:db8::1'; do
	# shellcheck disable=SC2086
	check "first device: $key" ip -n "$h1" link add stt8 type stt $key
	# shellcheck disable=SC2086
	refused "second device: $key" 'Another device' \
		type stt $key -- type stt $key dstport 7472
	# shellcheck disable=SC2086
	check "with another id: $key" \
		ip -n "$h1" link add stt9 type stt ${key/5/6}
	ip -n "$h1" link del stt8
	ip -n "$h1" link del stt9
done

# What cannot change says so, and nothing changes.
ip -n "$h1" link add stt8 type stt id 5 remote 192.0.2.2 local 192.0.2.1 \
	dev eth0 ttl 9
ip -n "$h1" link add stt9 type stt id 5 remote 192.0.2.3 local 192.0.2.1
ip -n "$h1" link set stt8 up
was=$(words "$h1" stt8)
cannot() {
	local name=$1 pattern=$2

	shift 2
	check_refused "cannot change: $name" "$pattern" \
		ip -n "$h1" link set stt8 type stt "$@"
	check_eq "cannot change: $name: nothing changed" \
		"$(words "$h1" stt8)" "$was"
}
cannot 'id' 'id cannot change' id 6
cannot 'dstport' 'port cannot change' dstport 7472
cannot 'srcport' 'port range cannot change' srcport 50000 50001
cannot 'family' 'family' remote 2001:db8::2 local 2001:db8::1
cannot 'flowlabel over IPv4' 'IPv6' flowlabel 7
cannot 'to a key that is taken' 'Another device' remote 192.0.2.3
cannot 'one right, one wrong' 'id cannot change' ttl 10 id 6
check 'the same again is no change' ip -n "$h1" link set stt8 type stt id 5 \
	dstport 7471 dev eth0 srcport 49152 65535 remote 192.0.2.2
check_eq 'indeed' "$(words "$h1" stt8)" "$was"
check_refused 'link set mtu above a frame' 'mtu|MTU' \
	ip -n "$h1" link set stt8 mtu 65464
check 'link set mtu, all of a frame' ip -n "$h1" link set stt8 mtu 65463
ip -n "$h1" link del stt8
ip -n "$h1" link del stt9

# No refusal kept a port.
cat >"$tmp/bind.py" <<'END'
import socket
for port in 1, 7000, 7471, 7472, 65535:
    socket.create_server(("", port), family=socket.AF_INET6,
                         dualstack_ipv6=True).close()
END
check 'all ports are free' in_ns "$h1" python3 "$tmp/bind.py"

tap_done
