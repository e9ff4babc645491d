#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# docs/ipsec.md, run to the letter: blocks "sh A" on host A, "sh B" on host B,
# "sh both" on both, for one family where it says so, in their order. Then:
# everything is protected, nothing is fragmented, frames stay whole up to the
# transformation, and senders without the key are refused.
#
#	h1 = A                                        h2 = B
#	stt0 10.0.0.1                                 stt0 10.0.0.2
#	eth0 -------- ESP in transport mode --------- eth0
#	                                              eth1 --- a stranger, x
#
# kernels: all
# timeout: 150

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require nft iperf3

doc=${BASH_SOURCE[0]%/*}/../../docs/ipsec.md
x=''

# block HOST FAMILY: the commands for a host.
block() {
	awk -v host="$1" -v family="$2" '
		/^```sh / {
			on = ($2 == host || ($2 == "both" && host != "keys")) &&
			     ($3 == "" || $3 == family)
			next
		}
		/^```/ { on = 0 }
		on' "$doc"
}

keys=$(block keys '')
[ -n "$keys" ] || skip_all 'docs/ipsec.md has no keys'
eval "$keys"
export KEY_AB KEY_BA

setup_pair v4
ip -n "$h1" xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 \
	mode transport aead 'rfc4106(gcm(aes))' "$KEY_AB" 128 \
	2>"$tmp/err" || skip_all "no IPsec here: $(cat "$tmp/err")"
teardown

for family in v4 v6; do
	setup_pair $family
	new_ns x
	link_ns "$h2" eth1 "$x" eth0
	addr "$h2" eth1 198.51.100.2/24 2001:db8:5::2/64
	addr "$x" eth0 198.51.100.9/24 2001:db8:5::9/64
	# Blocks that both have come after the links: the file's order.
	for host in A:$h1 B:$h2; do
		block "${host%%:*}" $family >"$tmp/recipe"
		check "$family: the recipe of host ${host%%:*}" \
			in_ns "${host#*:}" bash -e "$tmp/recipe"
	done
	if [ $family = v4 ]; then esp='ip protocol esp' frag='ip frag-off & 0x3fff != 0'
	else esp='ip6 nexthdr esp' frag='exthdr frag exists'; fi
	wire "$h2" eth0 clear tcp dport 7471
	wire "$h2" eth0 esp "$esp"
	wire "$h2" eth0 frag "$frag"

	check "$family: traffic flows" \
		wait_for 10 in_ns "$h1" ping -q -c 2 -i 0.2 -W 2 -s 5000 10.0.0.2
	iperf_server "$h2"
	frames=$(ethstat "$h1" stt0 tx_frames)
	tso=$(ethstat "$h1" stt0 tx_tso)
	esp=$(wired "$h2" esp)
	check "$family: TCP" in_ns "$h1" timeout $((30 * slowness)) \
		iperf3 -c 10.0.0.2 -n 3M
	frames=$(($(ethstat "$h1" stt0 tx_frames) - frames))
	tso=$(($(ethstat "$h1" stt0 tx_tso) - tso))
	esp=$(($(wired "$h2" esp) - esp))
	echo "# $family: $frames frames, $tso left to be cut, $esp ESP packets"
	check_num "$family: everything is in ESP" "$esp" -gt 300
	check_eq "$family: nothing in the clear" "$(wired "$h2" clear)" 0
	check_eq "$family: no fragments" "$(wired "$h2" frag)" 0
	check_num "$family: most frames are left to be cut" \
		$((tso * 2)) -gt "$frames"
	check_num "$family: behind the transformation" "$esp" -gt \
		$((frames * 2))
	check "$family: TCP the other way" in_ns "$h1" \
		timeout $((30 * slowness)) iperf3 -c 10.0.0.2 -n 1M -R
	check_eq "$family: nothing was refused" "$(counter "$h2" drop_policy)" 0

	# Without a key: as the peer, by its address; and as anybody.
	py_checks ipsec_recipe.py "$h1" "$x" "$h2" $family
	check "$family: traffic flows all the time" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 2 10.0.0.2
	teardown
done

tap_done
