#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# IPsec on the underlay, which is STT's answer to having no authentication
# (R2a): a policy that requires protection refuses cleartext segments, and
# outgoing policies with port selectors are obeyed, also those that are added
# while traffic flows.
#
#	h1                                            h2
#	stt0 10.0.0.1                                 stt0 10.0.0.2
#	eth0 -------- ESP in transport mode --------- eth0
#
# kernels: all
# timeout: 300

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require nft iperf3

setup_pair v4
ip -n "$h1" xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 \
	mode transport aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128 \
	2>"$tmp/err" || skip_all "no IPsec here: $(cat "$tmp/err")"
teardown

# policy NS DIR SRC DST SELECTOR...
policy() {
	local ns=$1 dir=$2 src=$3 dst=$4

	shift 4
	ip -n "$ns" xfrm policy add src "$src" dst "$dst" proto tcp "$@" \
		dir "$dir" tmpl src "$src" dst "$dst" proto esp mode transport
}

# sa SRC DST SPI ALGORITHM...: on both hosts.
sa() {
	local src=$1 dst=$2 spi=$3 ns

	shift 3
	for ns in "$h1" "$h2"; do
		ip -n "$ns" xfrm state add src "$src" dst "$dst" proto esp \
			spi "$spi" mode transport "$@" || return
	done
}

key20=0x0102030405060708090a0b0c0d0e0f1011121314
key16=0x0102030405060708090a0b0c0d0e0f10
key32=${key16}1112131415161718191a1b1c1d1e1f20

ping_inner() { in_ns "$h1" ping -q -c 2 -i 0.2 -W 2 "$@" 10.0.0.2; }

for family in v4 v6; do
	setup_pair $family
	check "$family: create both ends" stt_pair
	check "$family: cleartext flows without a policy" ping_inner -s 3000

	# R2a. Only what comes to h2 is to be protected, and h1 does not know.
	policy "$h2" in "$a1" "$a2" dport 7471
	frames=$(ethstat "$h2" stt0 rx_frames)
	check_fails "$family: cleartext is refused by policy (R2a)" ping_inner
	check_num "$family: drop_policy counts (R2a)" \
		"$(counter "$h2" drop_policy)" -gt 0
	check_eq "$family: no frame came past the policy" \
		"$(ethstat "$h2" stt0 rx_frames)" "$frames"
	dropped=$(counter "$h2" drop_policy)
	check_fails "$family: segments too" ping_inner -s 5000
	check_num "$family: drop_policy counts segments" \
		"$(counter "$h2" drop_policy)" -gt "$dropped"
	check_eq "$family: no memory is spent on them" \
		"$(counter "$h2" reasm_mem)" 0

	# Both ends protect; h1's policy comes while frames flow.
	if [ $family = v4 ]; then
		alg=(aead 'rfc4106(gcm(aes))' "$key20" 128)
		proto='ip protocol esp'
	else
		alg=(enc 'cbc(aes)' "$key16" auth-trunc 'hmac(sha256)'
		     "$key32" 128)
		proto='ip6 nexthdr esp'
	fi
	sa "$a1" "$a2" 0x1001 "${alg[@]}"
	sa "$a2" "$a1" 0x1002 "${alg[@]}"
	background in_ns "$h1" ping -q -i 0.02 -s 2000 10.0.0.2 >/dev/null
	policy "$h2" out "$a2" "$a1" dport 7471
	policy "$h1" in "$a2" "$a1" dport 7471
	policy "$h1" out "$a1" "$a2" dport 7471
	dropped=$(counter "$h2" drop_policy)
	wire "$h2" eth0 clear tcp dport 7471
	wire "$h2" eth0 esp "$proto"
	check "$family: traffic flows protected (R2a)" ping_inner -s 3000
	iperf_server "$h2"
	check "$family: TCP, protected" \
		in_ns "$h1" timeout $((20 * slowness)) iperf3 -c 10.0.0.2 -n 500K
	check "$family: TCP the other way, protected" in_ns "$h1" \
		timeout $((20 * slowness)) iperf3 -c 10.0.0.2 -n 500K -R
	check_eq "$family: no cleartext on the wire (no stale route)" \
		"$(wired "$h2" clear)" 0
	check_num "$family: ESP on the wire" "$(wired "$h2" esp)" -gt 10
	check_eq "$family: nothing refused any more" \
		"$(counter "$h2" drop_policy)" "$dropped"
	check_eq "$family: no damage" "$(counter "$h2" drop_csum)" 0

	# A policy that names a source port catches that port only.
	ip -n "$h1" xfrm policy flush
	ip -n "$h2" xfrm policy flush
	check "$family: cleartext again without policies" ping_inner
	check_num "$family: on the wire as well" "$(wired "$h2" clear)" -gt 0
	stt_add "$h1" stt1 id 2 remote "$a2" srcport 50001 50001
	stt_add "$h2" stt1 id 2 remote "$a1" srcport 50001 50001
	addr "$h1" stt1 10.1.0.1/24
	addr "$h2" stt1 10.1.0.2/24
	policy "$h1" out "$a1" "$a2" sport 50001 dport 7471
	policy "$h2" in "$a1" "$a2" sport 50001 dport 7471
	unwire "$h2"
	wire "$h2" eth0 clear tcp sport 50001 tcp dport 7471
	wire "$h2" eth0 others tcp sport != 50001 tcp dport 7471
	wire "$h2" eth0 esp "$proto"
	check "$family: a flow with a policy of its own" \
		in_ns "$h1" ping -q -c 2 -i 0.2 -W 2 10.1.0.2
	check_eq "$family: a flow with a policy is not in the clear" \
		"$(wired "$h2" clear)" 0
	check_num "$family: a flow with a policy is in ESP" \
		"$(wired "$h2" esp)" -gt 0
	check "$family: a flow without a policy" ping_inner
	check_num "$family: a flow without a policy is in the clear" \
		"$(wired "$h2" others)" -gt 0
	teardown
done

tap_done
