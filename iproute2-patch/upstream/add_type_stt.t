#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

. lib/generic.sh

NEW_DEV="$(rand_dev)"

if ! $IP link add dev "$NEW_DEV" type stt 2>/dev/null; then
	ts_log "[This kernel has no STT]"
	ts_skip
fi
$IP link del dev "$NEW_DEV"

ts_log "[Testing Add STT interface, unicast IPv4]"
NEW_DEV="$(rand_dev)"

ts_ip "$0" "Add $NEW_DEV STT interface (IPv4)" link add dev $NEW_DEV type stt id 0x100000001 remote 192.0.2.2 local 192.0.2.1 ttl 64 tos inherit

ts_ip "$0" "Show $NEW_DEV STT interface (IPv4)" -d link show dev $NEW_DEV
test_on "$NEW_DEV"
test_on "stt id 4294967297"
test_on "remote 192.0.2.2"
test_on "local 192.0.2.1"
test_on "srcport 49152 65535"
test_on "dstport 7471"
test_on "ttl 64"
test_on "tos inherit"
test_on "df set"
test_on "partial"

ts_ip "$0" "Change $NEW_DEV STT interface (IPv4)" link set dev $NEW_DEV type stt ttl inherit df unset nopartial
ts_ip "$0" "Show $NEW_DEV STT interface (IPv4, changed)" -d link show dev $NEW_DEV
test_on "remote 192.0.2.2"
test_on "ttl inherit"
test_on "df unset"
test_on "nopartial"

ts_ip "$0" "Del $NEW_DEV STT interface (IPv4)" link del dev $NEW_DEV


ts_log "[Testing Add STT interface, unicast IPv6]"
NEW_DEV="$(rand_dev)"

ts_ip "$0" "Add $NEW_DEV STT interface (IPv6)" link add dev $NEW_DEV type stt key 7 remote 2001:db8::2 flowlabel inherit dstport 7472

ts_ip "$0" "Show $NEW_DEV STT interface (IPv6)" -d link show dev $NEW_DEV
test_on "$NEW_DEV"
test_on "stt id 7"
test_on "remote 2001:db8::2"
test_on "dstport 7472"
test_on "flowlabel inherit"

ts_ip "$0" "Del $NEW_DEV STT interface (IPv6)" link del dev $NEW_DEV


ts_log "[Testing Add STT interface, metadata]"
NEW_DEV="$(rand_dev)"

ts_ip "$0" "Add $NEW_DEV STT interface (metadata)" link add dev $NEW_DEV type stt external idbits 32

ts_ip "$0" "Show $NEW_DEV STT interface (metadata)" -d link show dev $NEW_DEV
test_on "$NEW_DEV"
test_on "external"
test_on "idbits 32"

ts_ip "$0" "Del $NEW_DEV STT interface (metadata)" link del dev $NEW_DEV
