#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The TCP port of an endpoint: kept from sockets as long as a device has it,
# refused when a socket has it, per family and namespace (INTERFACE); and
# several devices behind one (R11).
#
#	h1                                            h2
#	stt0, stt1, ...                               stt1, ...
#	eth0 192.0.2.1 --------------- veth --------- eth0 192.0.2.2
#	     2001:db8::1                                   2001:db8::2
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require python3

# can_bind NS 4|6|46 PORT [reuse]: a TCP socket gets the port.
can_bind() {
	in_ns "$1" python3 - "$2" "$3" "${4:-}" <<-'END'
	import socket, sys
	family, port, reuse = sys.argv[1:]
	s = socket.socket(socket.AF_INET if family == "4" else socket.AF_INET6)
	if family != "4":
	    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY,
	                 family == "6")
	if reuse:
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
	s.bind(("", int(port)))
	s.listen()
	END
}

setup_pair v4

# --- devices first -----------------------------------------------------------

check 'first device on the port' ip -n "$h1" link add stt0 type stt id 1
check 'second device on the port' ip -n "$h1" link add stt1 type stt id 2
check 'third, of the same id but with a peer' \
	ip -n "$h1" link add stt2 type stt id 1 remote 192.0.2.2
check_refused 'IPv4: no TCP socket gets the port' 'already in use' \
	can_bind "$h1" 4 7471
check_refused 'IPv4: no TCP socket with SO_REUSE* gets the port' \
	'already in use' can_bind "$h1" 4 7471 reuse
check_refused 'IPv4: no socket of both families gets the port' \
	'already in use' can_bind "$h1" 46 7471
check 'IPv4: the IPv6 port is free' can_bind "$h1" 6 7471
check 'IPv4: another namespace has the port free' can_bind "$h2" 4 7471
ip -n "$h1" link del stt0
ip -n "$h1" link del stt2
check_refused 'IPv4: the port is kept for the last device' 'already in use' \
	can_bind "$h1" 4 7471
ip -n "$h1" link del stt1
check 'IPv4: the port is free without a device' can_bind "$h1" 46 7471

check 'a device on the IPv6 port' \
	ip -n "$h1" link add stt0 type stt id 1 remote 2001:db8::2
check_refused 'IPv6: no TCP socket gets the port' 'already in use' \
	can_bind "$h1" 6 7471
check_refused 'IPv6: no TCP socket with SO_REUSE* gets the port' \
	'already in use' can_bind "$h1" 6 7471 reuse
check_refused 'IPv6: no socket of both families gets the port' \
	'already in use' can_bind "$h1" 46 7471
check 'IPv6: the IPv4 port is free' can_bind "$h1" 4 7471
check 'a device on the IPv4 port beside it' \
	ip -n "$h1" link add stt1 type stt id 1
check_refused 'both: the IPv4 port is taken' 'already in use' \
	can_bind "$h1" 4 7471
ip -n "$h1" link del stt0
ip -n "$h1" link del stt1
check 'IPv6: the port is free without a device' can_bind "$h1" 46 7471

# --- a socket first ----------------------------------------------------------

v4=(remote 192.0.2.2) v6=(remote 2001:db8::2)

cat >"$tmp/hold.py" <<'END'
import socket, sys, time
family, addr, listen = sys.argv[1:4]
s = socket.socket(socket.AF_INET if family == "4" else socket.AF_INET6)
if family == "6":
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind((addr, 7471))
if listen == "listen":
    s.listen()
open(sys.argv[4], "w").close()
time.sleep(1000)
END
for how in '4 0.0.0.0 listen' '4 0.0.0.0 bind' '4 192.0.2.1 listen' \
	   '6 :: listen' '6 :: bind' '6 2001:db8::1 listen' \
	   '46 :: listen'; do
	family=${how%% *}
	case $family in
	6) taken=("${v6[@]}") free=("${v4[@]}") ;;
	*) taken=("${v4[@]}") free=("${v6[@]}") ;;
	esac
	rm -f "$tmp/held"
	# shellcheck disable=SC2086
	in_ns "$h1" python3 "$tmp/hold.py" $how "$tmp/held" 2>/dev/null &
	holder=$!
	wait_for 20 test -e "$tmp/held"
	check_refused "port taken by a TCP socket ($how)" \
		'taken by a TCP socket' \
		ip -n "$h1" link add stt9 type stt "${taken[@]}"
	check_fails "port taken ($how): no device" \
		ip -n "$h1" link show stt9
	if [ "$family" = 46 ]; then
		check_refused 'port taken, IPv6 too' 'taken by a TCP socket' \
			ip -n "$h1" link add stt9 type stt "${free[@]}"
	else
		check "port taken ($how): the other family works" \
			ip -n "$h1" link add stt9 type stt "${free[@]}"
		ip -n "$h1" link del stt9
	fi
	ip netns pids "$h1" | xargs -r kill
	wait $holder 2>/dev/null
	check "port taken ($how): not any more" \
		ip -n "$h1" link add stt9 type stt "${taken[@]}"
	ip -n "$h1" link del stt9
done

check 'after all that the port is free' can_bind "$h1" 46 7471
teardown

# --- several devices behind one port -----------------------------------------

setup_pair v4
n=0
for id in 0 1 4294967296 18446744073709551615; do
	n=$((n + 1))
	stt_add "$h1" stt$n id $id remote "$a2"
	stt_add "$h2" stt$n id $id remote "$a1"
	addr "$h1" stt$n 10.0.$n.1/24
	addr "$h2" stt$n 10.0.$n.2/24
done
n=0
for id in 0 1 4294967296 18446744073709551615; do
	n=$((n + 1))
	check "id $id among others: ping (R11)" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 5 10.0.$n.2
done
teardown

tap_done
