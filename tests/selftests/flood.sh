#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Floods of incomplete frames (R8): first segments, middle segments, single
# bytes, random ids; from one source, inside one flow, from a peer that has
# completed frames, and from thousands of spoofed sources. Meanwhile honest
# peers' frames come in parts, and not one is lost; memory never exceeds its
# limit. docs/security.md says what is guaranteed.
#
#	h1: flood on one CPU             h2
#	    honest peers on the other    stt4, stt6: id 1, from the peer .200
#	eth0 192.0.2.1 ------ veth ----- any4, any6: id 2, from anybody
#	     2001:db8::1                 peer: alone on its port
#
# kernels: all
# timeout: 400

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib_py.sh"
require unshare

setup_pair v4
quiet "$h2" default
# Checksums are left to the receiver's trust: the flood is faster.
check 'devices' eval "stt_add $h2 stt4 id 1 remote 192.0.2.200 &&
	stt_add $h2 stt6 id 1 remote 2001:db8::200 &&
	stt_add $h2 any4 id 2 && stt_add $h2 any6 id 2 local :: &&
	stt_add $h2 peer id 1 dstport 7473 remote 192.0.2.200"
for dev in stt4 stt6 any4 any6; do
	in_ns "$h2" ethtool -K $dev gro off >/dev/null
done
py_checks flood.py "$h1" "$h2"
teardown

# --- limits of namespaces -----------------------------------------------------

knob=/proc/sys/net/stt/reasm_high_thresh
# In a user namespace of its own, which has no rights here.
inside() { unshare -Urn "$@"; }

was=$(<$knob)
check 'a user has the limit that the host has' \
	test "$(inside cat $knob)" = "$was"
check_fails 'a user cannot have more' \
	inside sh -c "echo $((was + 1)) >$knob"
check 'a user can lower the limit' inside sh -c "echo 100000 >$knob"
check 'the host lowers its limit' eval "echo 1000000 >$knob"
check_eq 'a new user namespace starts with the limit of the host' \
	"$(inside cat $knob)" 1000000
check_fails 'a user cannot exceed the limit of the host' \
	inside sh -c "echo 1000001 >$knob"
check 'the host can set any limit' eval "echo $((was * 4)) >$knob"
check 'a user can have as much as the host' \
	inside sh -c "echo $((was * 4)) >$knob"
check 'the host restores its limit' eval "echo $was >$knob"
check_fails 'a user cannot keep frames for longer than 30 s' \
	inside sh -c 'echo 30001 >/proc/sys/net/stt/reasm_time_ms'

# --- nothing outlives its namespace ------------------------------------------------

ns_count() { awk '$1 == "net_namespace" { print $2 }' /proc/slabinfo; }

setup_pair v4
stt_add "$h2" any4 id 2
in_ns "$h2" sh -c 'echo 10000 >/proc/sys/net/stt/reasm_time_ms'
py_checks flood.py "$h1" "$h2" open
check_num 'frames are open, and have 10 s' "$(counter "$h2" reasm_queues)" -gt 50
h2_name=$h2
ip netns del "$h2"
check_fails 'a namespace with open frames goes at once' \
	ip netns exec "$h2_name" true
# The module can go only when the namespace is gone: timers and all.
check 'the module unloads before the frames time out' eval '
	for _ in {1..60}; do
		rmmod stt 2>/dev/null && break
		sleep 0.1
	done
	! lsmod | grep -qw stt'
check 'the module loads again' insmod "$STT_KO"

tap_done
