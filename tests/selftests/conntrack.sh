#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A stateful firewall on the endpoint (R1): STT is not tracked in either
# direction, other packets are tracked as before, also TCP that only has STT's
# port number, and the host's filter rules come first.
#
#	h1                       r                          h2
#	stt0 10.0.0.1 -- STT --- stt0 10.0.0.2
#	eth0 ------------------- eth0   eth1 -------------- eth0
#	                                    TCP server on port 7471
#
# r tracks connections, drops invalid packets, and does not pick up connections
# without their start; h1 does the same.
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require conntrack nft iperf3 python3

# firewall NS: a strict one. Its counters are named, and do not count inner
# traffic: a TCP connection may end in a way that conntrack calls invalid.
firewall() {
	in_ns "$1" nft -f - <<-END
	table inet fw {
		counter untracked_in { }
		counter untracked_out { }
		counter invalid_in { }
		counter invalid_out { }
		counter invalid_fwd { }
		chain input {
			type filter hook input priority 0
			ct state untracked tcp dport 7471 counter name untracked_in
			iifname != stt0 ct state invalid counter name invalid_in drop
			ct state invalid drop
		}
		chain output {
			type filter hook output priority 0
			ct state untracked tcp dport 7471 counter name untracked_out
			oifname != stt0 ct state invalid counter name invalid_out drop
			ct state invalid drop
		}
		chain forward {
			type filter hook forward priority 0
			ct state invalid counter name invalid_fwd drop
		}
	}
	END
	in_ns "$1" sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0
}

fw() {
	in_ns "$1" nft list counter inet fw "$2" |
	awk '$1 == "packets" { print $2 }'
}

# tracked NS CONNTRACK-ARGS...: how many entries.
tracked() {
	local ns=$1

	shift
	in_ns "$ns" conntrack -L "$@" 2>"$tmp/conntrack" | wc -l
	grep -q 'shown' "$tmp/conntrack" || cat "$tmp/conntrack"
}

cat >"$tmp/server.py" <<'END'
import socket, sys
s = socket.create_server((sys.argv[1], 7471), family=socket.AF_INET6
                         if ":" in sys.argv[1] else socket.AF_INET)
while True:
    c = s.accept()[0]
    c.sendall(c.recv(1000))
    c.close()
END
cat >"$tmp/client.py" <<'END'
import socket, sys
s = socket.create_connection((sys.argv[1], 7471), float(sys.argv[2]))
s.sendall(b"hello")
sys.exit(s.recv(1000) != b"hello")
END
client() {
	in_ns "$1" python3 "$tmp/client.py" "$2" $((10 * slowness))
}

for family in v4 v6; do
	setup_routed $family
	if [ $family = v4 ]; then
		f=ipv4 ar=192.0.2.254 ar2=198.51.100.254
	else
		f=ipv6 ar=2001:db8:1::ff ar2=2001:db8:2::ff
	fi
	firewall "$h1"
	firewall "$r"
	stt_add "$h1" stt0 id 1 local "$a1" remote "$ar"
	stt_add "$r" stt0 id 1 local "$ar" remote "$a1"
	addr "$h1" stt0 10.0.0.1/24
	addr "$r" stt0 10.0.0.2/24
	# What h1 sent before r had a device was TCP without a handshake.
	for ns in "$h1" "$r"; do
		in_ns "$ns" nft reset counters table inet fw >/dev/null
	done

	check "$family: ping through strict firewalls" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 -s 3000 10.0.0.2
	iperf_server "$r"
	check "$family: TCP through strict firewalls" \
		in_ns "$h1" timeout $((20 * slowness)) iperf3 -c 10.0.0.2 -n 1M
	check "$family: TCP the other way" \
		in_ns "$h1" timeout $((20 * slowness)) iperf3 -c 10.0.0.2 -n 1M -R
	for ns in "$h1" "$r"; do
		check_eq "$family: ${ns%-*}: no entry for STT" \
			"$(tracked "$ns" -f $f -p tcp --dport 7471)" 0
		check_num "$family: ${ns%-*}: STT comes in untracked" \
			"$(fw "$ns" untracked_in)" -gt 0
		check_num "$family: ${ns%-*}: STT goes out untracked" \
			"$(fw "$ns" untracked_out)" -gt 0
		check_eq "$family: ${ns%-*}: nothing invalid came" \
			"$(fw "$ns" invalid_in)" 0
		check_eq "$family: ${ns%-*}: nothing invalid went" \
			"$(fw "$ns" invalid_out)" 0
		check_num "$family: ${ns%-*}: inner TCP is tracked on stt0" \
			"$(tracked "$ns" -p tcp --dport 5201)" -gt 0
	done

	# R1: the port number alone does not make it STT.
	background in_ns "$h2" python3 "$tmp/server.py" "$a2"
	wait_for 20 eval "in_ns $h2 ss -Hltn sport = :7471 | grep -q LISTEN"
	check "$family: forwarded TCP to port 7471 (R1)" client "$h1" "$a2"
	check_num "$family: is tracked where it is forwarded" \
		"$(tracked "$r" -f $f -p tcp --dport 7471 -s "$a1")" -gt 0
	check "$family: the host's own TCP to port 7471 (R1)" client "$r" "$a2"
	check_num "$family: is tracked" \
		"$(tracked "$r" -f $f -p tcp --dport 7471 -s "$ar2")" -gt 0
	check_eq "$family: none of it was invalid" \
		"$(fw "$r" invalid_fwd)$(fw "$r" invalid_in)" 00

	# R1: behind the host's filter rules.
	in_ns "$r" nft add rule inet fw input tcp dport 7471 counter drop
	before=$(ethstat "$r" stt0 rx_frames)
	check_fails "$family: a filter rule drops STT (R1)" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2
	check_eq "$family: nothing came past it" \
		"$(ethstat "$r" stt0 rx_frames)" "$before"
	check "$family: the rule saw it" eval "in_ns $r nft list chain inet \
		fw input | grep -q 'dport 7471 counter packets [1-9].*drop'"
	in_ns "$r" nft flush chain inet fw input
	check "$family: without the rule it flows" \
		in_ns "$h1" ping -q -c 3 -i 0.2 -W 5 10.0.0.2

	# What tracks inner traffic may drop it, without touching the rest.
	in_ns "$r" nft add rule inet fw input iifname stt0 ct state new drop
	in_ns "$r" conntrack -F >/dev/null 2>&1
	check_fails "$family: inner traffic under state rules" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 1 10.0.0.2
	# The same from r: its answers are of an established connection.
	check "$family: inner answers are established" \
		in_ns "$r" ping -q -c 2 -i 0.2 -W 5 10.0.0.1
	teardown
done

tap_done
