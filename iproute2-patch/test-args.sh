#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does every option of "ip link ... type stt" become the right attribute, does
# every attribute print as the option that makes it, and is every wrong value
# refused by the option's name?  nl-shim.c stands in for the kernel, so no
# module and no privilege is needed:
#
#	ip link add ... --> link_stt.so --> nl-shim.so --> $tmp/saved
#	ip -d link show <-- link_stt.so <-- nl-shim.so <-- $tmp/saved
#
# TAP on stdout; exit status 0, 1, or 4 when nothing could be tried.
#
#   IP=command		the ip to test with (default: ip)
#   PLUGIN=file		what that ip loads (default: ../build/ip/link_stt.so);
#			empty for an ip that knows stt by itself

set -u
cd "$(dirname "$0")" || exit 1

PATH=$PATH:/usr/sbin:/sbin
IP=${IP:-ip}
PLUGIN=${PLUGIN-../build/ip/link_stt.so}

if ! command -v "$IP" >/dev/null; then
	echo "1..0 # SKIP no $IP"
	exit 4
fi
if ! command -v "${CC:-cc}" >/dev/null; then
	echo "1..0 # SKIP no C compiler for nl-shim.c"
	exit 4
fi

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$tmp/lib"
if [ -n "$PLUGIN" ]; then
	[ -f "$PLUGIN" ] || make -s || exit 1
	cp "$PLUGIN" "$tmp/lib/link_stt.so" || exit 1
fi
"${CC:-cc}" -shared -fPIC -o "$tmp/nl-shim.so" nl-shim.c || exit 1

# Colours and other habits of the user's must not decide.
unset NO_COLOR COLORFGBG
export IP_LIB_DIR="$tmp/lib"

tests=0
failed=0

ok()	# name
{
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

not_ok()	# name, expected, got
{
	tests=$((tests + 1))
	failed=$((failed + 1))
	echo "not ok $tests - $1"
	printf '%s\n' "$2" | sed 's/^/# expected: /'
	printf '%s\n' "$3" | sed 's/^/# got:      /'
}

is()	# name, got, expected
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "$3" "$2"
	fi
}

# Numbers as the kernel finds them in memory: u16 to u64 in the host's order.
if [ "$(printf '\1\0' | od -An -tu2 | tr -d ' ')" = 1 ]; then
	swap() { echo "$1" | sed 's/../& /g' | awk '{
		for (i = NF; i; i--) printf "%s", $i }'; }
else
	swap() { printf %s "$1"; }
fi
u8()	{ printf %02x "$1"; }
u32()	{ swap "$(printf %08x "$1")"; }
be16()	{ printf %04x "$1"; }
be32()	{ printf %08x "$1"; }

# Attributes by number: the numbers are the interface, so no header is asked.
PORT=1 ID=2 REMOTE=3 REMOTE6=4 LOCAL=5 LOCAL6=6 LINK=7 PORT_RANGE=8 TTL=9
TTL_INHERIT=10 TOS=11 DF=12 LABEL=13 LABEL_POLICY=14 FWMARK=15 PARTIAL=16
COLLECT_METADATA=17 IDBITS=18 LEARNING=19 AGEING=20 LIMIT=21 PROXY=22
L2MISS=23 L3MISS=24 LOCALBYPASS=25 GBP=26

# ------------------------------------------------------------------ encoding

add()	# options of type stt; prints the attributes
{
	rm -f "$tmp/saved"
	NL_SAVE=$tmp/saved LD_PRELOAD=$tmp/nl-shim.so \
		"$IP" link add stt0 txqueuelen 1000 type stt "$@" 2>"$tmp/err"
}

encodes()	# "options" attribute...
{
	options=$1
	shift
	# options are words on purpose
	# shellcheck disable=SC2086
	got=$(add $options)
	is "encodes: ${options:-nothing}" "$got$(cat "$tmp/err")" "$*"
}

A1=fd000000000000000000000000000001
A0=00000000000000000000000000000000

encodes ''
encodes 'id 0' $ID=0000000000000000
encodes 'id 42' $ID="$(swap 000000000000002a)"
encodes 'key 42' $ID="$(swap 000000000000002a)"
encodes 'id 0x123456789abcdef0' $ID="$(swap 123456789abcdef0)"
encodes 'id 18446744073709551615' $ID=ffffffffffffffff
encodes 'id 0xffffffffffffffff' $ID=ffffffffffffffff
encodes 'remote 10.1.2.3' $REMOTE=0a010203
encodes 'remote fd00::1' $REMOTE6=$A1
encodes 'remote 0.0.0.0' $REMOTE=00000000
encodes 'remote any' $REMOTE=00000000
encodes 'local any' $LOCAL=00000000
encodes 'remote any local 10.1.2.3' $LOCAL=0a010203 $REMOTE=00000000
encodes 'remote any local fd00::1' $LOCAL6=$A1 $REMOTE6=$A0
encodes 'remote fd00::1 local any' $REMOTE6=$A1 $LOCAL6=$A0
encodes 'group 239.1.1.1' $REMOTE=ef010101
encodes 'group ff02::1' $REMOTE6=ff020000000000000000000000000001
encodes 'local 10.1.2.3' $LOCAL=0a010203
encodes 'local fd00::1' $LOCAL6=$A1
encodes 'remote 10.1.2.3 local fd00::1' $REMOTE=0a010203 $LOCAL6=$A1
encodes 'dev lo' $LINK="$(u32 1)"
encodes 'group 239.1.1.1 dev lo' $REMOTE=ef010101 $LINK="$(u32 1)"
encodes 'dstport 7471' $PORT="$(be16 7471)"
encodes 'dstport 0' $PORT=0000
encodes 'dstport 65535' $PORT=ffff
encodes 'srcport 49152 65535' $PORT_RANGE=c000ffff
encodes 'srcport 0 0' $PORT_RANGE=00000000
encodes 'srcport 2000 1000' $PORT_RANGE="$(be16 2000)$(be16 1000)"
encodes 'ttl 64' $TTL="$(u8 64)"
encodes 'hoplimit 255' $TTL=ff
encodes 'ttl auto' $TTL=00
encodes 'ttl 0' $TTL=00
encodes 'ttl inherit' $TTL_INHERIT=01
encodes 'tos 0x10' $TOS=10
encodes 'dsfield b8' $TOS=b8
encodes 'tos 0' $TOS=00
encodes 'tos inherit' $TOS=01
encodes 'df unset' $DF=00
encodes 'df set' $DF=01
encodes 'df inherit' $DF=02
encodes 'flowlabel 0xfffff' $LABEL="$(be32 0xfffff)" $LABEL_POLICY="$(u32 0)"
encodes 'label 0' $LABEL="$(be32 0)" $LABEL_POLICY="$(u32 0)"
encodes 'flowlabel inherit' $LABEL_POLICY="$(u32 1)"
encodes 'fwmark 0' $FWMARK="$(u32 0)"
encodes 'fwmark 0xfedcba98' $FWMARK="$(u32 0xfedcba98)"
encodes 'idbits 1' $IDBITS=01
encodes 'idbits 64' $IDBITS=40
encodes 'ageing 300' $AGEING="$(u32 300)"
encodes 'ageing none' $AGEING="$(u32 0)"
encodes 'maxaddress 1000' $LIMIT="$(u32 1000)"
encodes 'maxaddress unlimited' $LIMIT="$(u32 0)"

for flag in "partial $PARTIAL" "external $COLLECT_METADATA" \
	    "learning $LEARNING" "proxy $PROXY" "l2miss $L2MISS" \
	    "l3miss $L3MISS" "localbypass $LOCALBYPASS" "gbp $GBP"; do
	encodes "${flag% *}" "${flag#* }=01"
	encodes "no${flag% *}" "${flag#* }=00"
done

everything="id 0x1122334455667788 remote 10.0.0.2 local 10.0.0.1 dev lo \
srcport 50000 60000 dstport 7472 ttl 9 tos 0x20 df inherit flowlabel 0x12345 \
fwmark 0x55 idbits 32 ageing 10 maxaddress 20 external nopartial nolearning \
proxy l2miss l3miss nolocalbypass gbp"
encodes "$everything" \
	$ID="$(swap 1122334455667788)" $REMOTE=0a000002 $LOCAL=0a000001 \
	$LINK="$(u32 1)" $PORT_RANGE="$(be16 50000)$(be16 60000)" \
	$PORT="$(be16 7472)" $TTL=09 $TOS=20 $DF=02 \
	$LABEL="$(be32 0x12345)" $LABEL_POLICY="$(u32 0)" $FWMARK="$(u32 0x55)" \
	$IDBITS=20 $AGEING="$(u32 10)" $LIMIT="$(u32 20)" $COLLECT_METADATA=01 \
	$PARTIAL=00 $LEARNING=00 $PROXY=01 $L2MISS=01 $L3MISS=01 \
	$LOCALBYPASS=00 $GBP=01

# A change sends what was said, too.
add id 1 >/dev/null
cp "$tmp/saved" "$tmp/device"
got=$(NL_SHOW=$tmp/device NL_SAVE=$tmp/saved LD_PRELOAD=$tmp/nl-shim.so \
	"$IP" link set dev stt0 type stt ttl 7 nolearning 2>&1)
is 'encodes: set ttl 7 nolearning' "$got" "$TTL=07 $LEARNING=00"
got=$(NL_SHOW=$tmp/device NL_SAVE=$tmp/saved LD_PRELOAD=$tmp/nl-shim.so \
	"$IP" link set dev stt0 type stt dev lo 2>&1)
is 'encodes: set dev lo' "$got" "$LINK=$(u32 1)"

# With -4 or -6 an address is of that family, and "any" is one.
add_family()	# -4 or -6, options of type stt
{
	family=$1
	shift
	NL_SAVE=$tmp/saved LD_PRELOAD=$tmp/nl-shim.so \
		"$IP" "$family" link add stt0 type stt "$@" 2>&1
}

is 'encodes: -4, remote any' "$(add_family -4 remote any)" $REMOTE=00000000
is 'encodes: -6, remote any local fd00::1' \
	"$(add_family -6 remote any local fd00::1)" \
	"$LOCAL6=$A1 $REMOTE6=$A0"
is 'encodes: -6' "$(add_family -6 id 0)" \
	"$ID=0000000000000000 $REMOTE6=00000000000000000000000000000000"
is 'encodes: -6, replace' "$(NL_SAVE=$tmp/saved LD_PRELOAD=$tmp/nl-shim.so \
	"$IP" -6 link replace stt0 type stt id 0 2>&1)" $ID=0000000000000000
is 'encodes: -6, external' "$(add_family -6 external)" $COLLECT_METADATA=01
is 'encodes: -4' "$(add_family -4 id 0)" $ID=0000000000000000
is 'refuses: -6, remote 10.0.0.1' "$(add_family -6 remote 10.0.0.1)" \
	'Error: argument "10.0.0.1" is wrong: "remote" must be a unicast address or "any"; "group" takes multicast'

# ------------------------------------------------------------------ refusals

refuses()	# "options" "what the complaint contains"
{
	# shellcheck disable=SC2086
	if got=$(add $1); then
		not_ok "refuses: $1" "non-zero exit status" 0
	elif [ -e "$tmp/saved" ]; then
		not_ok "refuses: $1" "no request to the kernel" "$got"
	elif grep -qF -- "$2" "$tmp/err"; then
		ok "refuses: $1"
	else
		not_ok "refuses: $1" "... $2 ..." "$(cat "$tmp/err")"
	fi
}

for value in -1 foo 1x 0x 18446744073709551616 0x10000000000000000; do
	refuses "id $value" '"id" must be'
done
for value in foo 239.1.1.1 ff02::1 10.0.0.256 fd00::g 10.0.0.1/24; do
	refuses "remote $value" '"remote" must be'
done
for value in foo 10.1.1.1 fd00::1; do
	refuses "group $value" '"group" must be'
done
for value in foo 239.1.1.1 ff02::1; do
	refuses "local $value" '"local" must be'
done
refuses 'dev nosuchdevice' 'Cannot find device "nosuchdevice"'
for value in foo 65536 -1; do
	refuses "dstport $value" '"dstport" must be'
done
refuses 'srcport 65536 1' '"srcport" minimum'
refuses 'srcport foo 1' '"srcport" minimum'
refuses 'srcport 1 65536' '"srcport" maximum'
refuses 'srcport 1 foo' '"srcport" maximum'
for value in foo 256 -1; do
	refuses "ttl $value" '"ttl" must be'
done
for value in foo 0x100 -1; do
	refuses "tos $value" '"tos" must be'
done
# 16 is 0x16, as everywhere in ip: no number means two things here.
for value in 2 3 0x11 16 ff; do
	refuses "tos $value" '"tos" must leave the ECN bits 0, and is hex'
done
for value in foo 1 SET; do
	refuses "df $value" '"df" must be'
done
for value in foo 0x100000 -1; do
	refuses "flowlabel $value" '"flowlabel" must be'
done
for value in foo 0x100000000 -1; do
	refuses "fwmark $value" '"fwmark" must be'
done
for value in foo 0 65 256; do
	refuses "idbits $value" '"idbits" must be'
done
for value in foo 4294967296; do
	refuses "ageing $value" '"ageing" must be'
	refuses "maxaddress $value" '"maxaddress" must be'
done
refuses 'maxaddress 0' '"maxaddress" must be 1 or more'

for option in id key remote group local dev dstport srcport 'srcport 1' ttl \
	      tos df flowlabel fwmark idbits ageing maxaddress; do
	refuses "$option" 'not complete'
done

refuses 'id 1 id 1' '"id" is duplicate'
refuses 'id 1 key 2' '"id" is duplicate'
refuses 'remote 10.0.0.1 remote 10.0.0.2' '"remote" is duplicate'
refuses 'remote 10.0.0.1 group 239.1.1.1' '"remote" and "group" exclude'
refuses 'group 239.1.1.1 remote 10.0.0.1' '"remote" and "group" exclude'
refuses 'group 239.1.1.1 group 239.1.1.2' '"group" is duplicate'
refuses 'remote 10.0.0.1 remote fd00::1' '"remote" is duplicate'
refuses 'local 10.0.0.1 local fd00::1' '"local" is duplicate'
refuses 'ttl 1 ttl inherit' '"ttl" is duplicate'
refuses 'flowlabel 1 flowlabel inherit' '"flowlabel" is duplicate'
refuses 'partial nopartial' '"partial" and "nopartial" contradict'
refuses 'noproxy proxy' '"proxy" and "noproxy" contradict'
refuses 'partial partial' '"partial" is duplicate'

for option in vni noid nono no nohelp port 1; do
	refuses "$option" "stt: unknown option \"$option\""
done

# What was meant, where one can tell; the whole usage only where it is asked.
while read -r said meant; do
	refuses "$said" "did you mean \"$meant\"?"
done <<'END'
vni id
idd id
di id
port dstport
destport dstport
dstprot dstport
sport srcport
remot remote
remtoe remote
peer remote
dst remote
locl local
src local
devv dev
tll ttl
toss tos
fwmrk fwmark
mark fwmark
flowlable flowlabel
aging ageing
maxaddr maxaddress
maxadress maxaddress
learn learning
partail partial
externl external
idbit idbits
END
for option in foo xyzzy 10.0.0.1; do
	refuses "$option" '"ip link help stt" lists them'
done
for option in mtu address master txqueuelen up netns; do
	refuses "id 1 $option" "put it before \"type stt\""
done
add id 1 xyzzy 5 >/dev/null
is 'a refusal is one line' "$(grep -c . "$tmp/err")" 1

# ------------------------------------------------------------------ printing

show()	# options of ip; prints the device saved last
{
	NL_SHOW=$tmp/saved LD_PRELOAD=$tmp/nl-shim.so \
		"$IP" "$@" link show stt0 2>&1
}

# The words of type stt in plain output.
plain()	# options of ip
{
	show "$@" | sed -n 's/^    stt //; t found; b; :found; s/ *$//; p'
}

# The members of info_data in JSON output.
json()
{
	show -d -j | sed -n 's/.*"info_data":{\(.*\)}}}\]$/\1/p'
}

prints()	# "options" "plain" "JSON"
{
	# shellcheck disable=SC2086
	add $1 >/dev/null
	is "prints: $1" "$(plain -d)" "$2"
	is "prints JSON: $1" "$(json)" "$3"
}

prints 'id 0' 'id 0' '"id":0'
prints 'id 0xffffffffffffffff' \
	'id 18446744073709551615' '"id":18446744073709551615'
prints 'remote 10.0.0.1' 'remote 10.0.0.1' '"remote":"10.0.0.1"'
prints 'remote fd00::1' 'remote fd00::1' '"remote6":"fd00::1"'
prints 'group 239.1.1.1' 'group 239.1.1.1' '"group":"239.1.1.1"'
prints 'group ff02::1' 'group ff02::1' '"group6":"ff02::1"'
prints 'local 10.0.0.1' 'local 10.0.0.1' '"local":"10.0.0.1"'
prints 'local fd00::1' 'local fd00::1' '"local6":"fd00::1"'
prints 'dev lo' 'dev lo' '"link":"lo"'
prints 'remote 0.0.0.0 local 0.0.0.0 id 1' 'id 1' '"id":1'
prints 'remote :: local :: id 1' 'id 1 remote ::' '"id":1,"remote6":"::"'
prints 'dstport 7471' 'dstport 7471' '"port":7471'
prints 'srcport 49152 65535' \
	'srcport 49152 65535' '"port_range":{"low":49152,"high":65535}'
prints 'ttl 64' 'ttl 64' '"ttl":64'
prints 'ttl auto' 'ttl auto' '"ttl":0'
prints 'ttl inherit' 'ttl inherit' '"ttl_inherit":true'
prints 'tos 0x10' 'tos 0x10' '"tos":"0x10"'
prints 'tos inherit' 'tos inherit' '"tos":"inherit"'
prints 'df unset' 'df unset' '"df":"unset"'
prints 'df set' 'df set' '"df":"set"'
prints 'df inherit' 'df inherit' '"df":"inherit"'
prints 'flowlabel 0x12345' 'flowlabel 0x12345' '"label":"0x12345"'
prints 'flowlabel inherit' 'flowlabel inherit' '"label":"inherit"'
prints 'fwmark 0x55' 'fwmark 0x55' '"fwmark":"0x55"'
prints 'idbits 32' 'idbits 32' '"idbits":32'
prints 'ageing 300' 'ageing 300' '"ageing":300'
prints 'ageing none' 'ageing none' '"ageing":0'
prints 'maxaddress 20' 'maxaddress 20' '"limit":20'
prints 'id 1 tos 0 flowlabel 0 fwmark 0 maxaddress unlimited' 'id 1' \
	'"id":1,"tos":"0","label":"0","fwmark":"0","limit":0'

# What is on by default shows both states, what is off shows when it is on.
for flag in partial learning localbypass; do
	prints "$flag" "$flag" "\"$flag\":true"
	prints "no$flag" "no$flag" "\"$flag\":false"
done
for flag in external proxy l2miss l3miss gbp; do
	prints "$flag" "$flag" "\"$flag\":true"
	prints "no$flag id 1" 'id 1' "\"id\":1,\"$flag\":false"
	is "prints at -d -d: no$flag" "$(plain -d -d)" "id 1 no$flag"
done

# shellcheck disable=SC2086
add $everything >/dev/null
is 'prints: everything' "$(plain -d)" "$(
	printf %s "$everything" | sed 's/0x1122334455667788/1234605616436508552/')"
is 'colours nothing' "$(plain -d -c=always)" "$(plain -d)"

# What is printed makes the same device, in whatever order.
feeds_back()	# "options"
{
	# shellcheck disable=SC2086
	want=$(add $1 | tr ' ' '\n' | sort)
	# shellcheck disable=SC2046
	got=$(add $(plain -d -d) | tr ' ' '\n' | sort)
	is "feeds back: $1" "$got$(cat "$tmp/err")" "$want"
}

feeds_back "$everything"
feeds_back "id 7 group ff05::7 dev lo local fd00::1 ttl inherit tos inherit \
flowlabel inherit df unset ageing none partial learning localbypass"
feeds_back 'noexternal idbits 64 noproxy nol2miss nol3miss nogbp ttl auto'

# ---------------------------------------------------------------------- help

# Usage goes to stdout where it is asked of "ip link help".
"$IP" link help stt >"$tmp/help" 2>/dev/null
"$IP" link add type stt help 2>"$tmp/help2" >/dev/null
for option in id key remote group local dev dstport srcport ttl tos df \
	      flowlabel fwmark '\[no\]partial' '\[no\]external' idbits \
	      '\[no\]learning' ageing maxaddress '\[no\]proxy' \
	      '\[no\]l2miss' '\[no\]l3miss' '\[no\]localbypass' \
	      '\[no\]gbp'; do
	if grep -q "[[{ ]${option}[] ]" "$tmp/help"; then
		ok "help names: $option"
	else
		not_ok "help names: $option" "$option" "$(cat "$tmp/help")"
	fi
done
is 'type stt help: the same' "$(cat "$tmp/help2")" "$(cat "$tmp/help")"

echo "1..$tests"
[ "$failed" -eq 0 ]
