#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DSCP and ECN: what the outer header gets from the inner one (W11) and the
# inner one from the outer (R14), all of RFC 6040's table, for every pair of
# families and both models of DSCP.
#
#	h1: p.py writes inner frames to stt0     h2: p.py reads eth0
#	          and outer segments to eth0               and stt0
#
#	      stt0                 veth                 stt0
#	      eth0 192.0.2.1 ------------------ 192.0.2.2 eth0
#
# kernels: all
# timeout: 240

# check calls functions.
# shellcheck disable=SC2317
. "${BASH_SOURCE[0]%/*}/lib.sh"
require python3 ethtool

cat >"$tmp/p.py" <<'END'
import ctypes, os, socket, struct, sys

NAMES = ["Not-ECT", "ECT(1)", "ECT(0)", "CE"]
NOT, ECT1, ECT0, CE = range(4)
# RFC 6040, figure 4: row inner, column outer; None is dropped.
DECAP = {
    NOT:  {NOT: NOT,  ECT0: NOT,  ECT1: NOT,  CE: None},
    ECT0: {NOT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE:   {NOT: CE,   ECT0: CE,   ECT1: CE,   CE: CE},
}
STT_PORT = 7471
ETH_P_X = 0x88b5                # a local experimental ethertype

def packet_socket(ns, dev):
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/run/netns/" + ns) as f:
        if libc.setns(f.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((dev, 3))
    s.settimeout(float(os.environ["PATIENCE"]))
    return s

def mac(ns, dev):
    s = packet_socket(ns, dev)
    return s.getsockname()[4]

def csum(data):
    if len(data) % 2:
        data += b"\0"
    n = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff

def ip4(src, dst, ds, proto, payload):
    src, dst = (socket.inet_aton(a) for a in (src, dst))
    h = struct.pack("!BBHHHBBH4s4s", 0x45, ds, 20 + len(payload), 0, 0x4000,
                    64, proto, 0, src, dst)
    return h[:10] + struct.pack("!H", csum(h)) + h[12:] + payload

def ip6(src, dst, ds, proto, payload):
    src, dst = (socket.inet_pton(socket.AF_INET6, a) for a in (src, dst))
    return struct.pack("!IHBB16s16s", 6 << 28 | ds << 20, len(payload),
                       proto, 64, src, dst) + payload

def dsfield(ip):
    if ip[0] >> 4 == 4:
        return ip[1]
    return struct.unpack("!H", ip[:2])[0] >> 4 & 0xff

def inner(family, ds, tag, size=16):
    """An inner frame: protocol 253 is for experiments (RFC 3692)."""
    payload = tag + b"\x5a" * (size - len(tag))
    eth = b"\2\0\0\0\0\2" + b"\2\0\0\0\0\1"
    if family == "v4":
        return eth + b"\x08\0" + ip4("10.9.0.1", "10.9.0.2", ds, 253, payload)
    if family == "v6":
        return eth + b"\x86\xdd" + ip6("fd09::1", "fd09::2", ds, 253, payload)
    return eth + struct.pack("!H", ETH_P_X) + payload

def segment(ctx, ds, frame, start, end, ident):
    part = frame[start:end]
    th = struct.pack("!HHIIBBHHH", 50000, STT_PORT, len(frame) << 16 | start,
                     ident, 0x50, 0x10, 0, 0, 0)
    fam = socket.AF_INET6 if ":" in ctx.a1 else socket.AF_INET
    pseudo = socket.inet_pton(fam, ctx.a1) + socket.inet_pton(fam, ctx.a2) + \
        struct.pack("!II", len(th) + len(part), 6)
    c = csum(pseudo + th + part)
    th = th[:16] + struct.pack("!H", c) + th[18:]
    if fam == socket.AF_INET:
        return ctx.mac2 + ctx.mac1 + b"\x08\0" + \
            ip4(ctx.a1, ctx.a2, ds, 6, th + part)
    return ctx.mac2 + ctx.mac1 + b"\x86\xdd" + \
        ip6(ctx.a1, ctx.a2, ds, 6, th + part)

def stt(frame):
    return struct.pack("!BBBBHHQH", 0, 0, 0, 0, 0, 0, 1, 0) + frame

def await_tag(s, tag):
    """The packet with this tag, or None when nothing comes any more."""
    try:
        while True:
            p = s.recv(65536)
            if tag in p:
                return p
    except socket.timeout:
        return None

class Ctx:
    pass

def setup():
    ctx = Ctx()
    h1, h2, ctx.a1, ctx.a2 = sys.argv[1:5]
    ctx.mac1, ctx.mac2 = mac(h1, "eth0"), mac(h2, "eth0")
    ctx.eth1, ctx.stt1 = packet_socket(h1, "eth0"), packet_socket(h1, "stt0")
    ctx.eth2, ctx.stt2 = packet_socket(h2, "eth0"), packet_socket(h2, "stt0")
    ctx.n = 0
    return ctx

def tag(ctx):
    ctx.n += 1
    return b"<%05d>" % ctx.n

def wrong(name, *what):
    print(name, *what)
    ctx.bad += 1

def encap(ctx, tos):
    """Outer DSCP is tos, or the inner one; outer ECN is the inner one."""
    for family in "v4", "v6", "other":
        for ecn in range(4):
            ds = 0xb8 | ecn
            t = tag(ctx)
            ctx.stt1.send(inner(family, ds, t))
            p = await_tag(ctx.eth2, t)
            if family == "other":
                want = 0 if tos == "inherit" else int(tos, 0)
            elif tos == "inherit":
                want = ds
            else:
                want = int(tos, 0) | ecn
            got = dsfield(p[14:]) if p else None
            if got != want:
                wrong("inner", family, hex(ds), "outer", got, "not", want)
            if p and inner(family, ds, t) not in p:
                wrong("inner", family, "changed on the way")

def decap_one(ctx, family, iecn, oecn, uniform, cuts=(), ce=None, order=None):
    """Send a frame cut at cuts; oecn is the outer ECN of segment ce, and of
    all when ce is None; the others are ECT(0). Only the first segment has
    the DSCP that counts."""
    ids, ods = 0x28 | iecn, 0x48
    t = tag(ctx)
    frame = stt(inner(family, ids, t, 200))
    edges = [0, *cuts, len(frame)]
    segs = []
    for i in range(len(edges) - 1):
        ds = (ods if i == 0 else 0xe0) | \
            (oecn if ce is None or ce == i else ECT0)
        segs.append(segment(ctx, ds, frame, edges[i], edges[i + 1], ctx.n))
    for i in order or range(len(segs)):
        ctx.eth1.send(segs[i])
    if family == "other":
        p = await_tag(ctx.stt2, t)
        if p != inner(family, ids, t, 200):
            wrong("a non-IP frame changed or was lost", "outer", NAMES[oecn])
        return
    want = DECAP[iecn][oecn]
    if want is None:
        # Not a wait, but a frame behind it: order is kept.
        t2 = tag(ctx)
        frame = stt(inner(family, ids, t2, 200))
        ctx.eth1.send(segment(ctx, 0, frame, 0, len(frame), ctx.n))
        got = []
        while True:
            p = ctx.stt2.recv(65536)
            got.append(p)
            if t2 in p:
                break
        ctx.drops += 1
        if any(t in p for p in got):
            wrong("inner", NAMES[iecn], "outer", NAMES[oecn], "not dropped")
        return
    want |= ods if uniform else 0x28
    p = await_tag(ctx.stt2, t)
    if p is None:
        wrong("inner", NAMES[iecn], "outer", NAMES[oecn], "lost")
    elif p != inner(family, want, t, 200):
        # Compares the IPv4 header checksum as well.
        wrong("inner", family, NAMES[iecn], "outer", NAMES[oecn], "gives",
              hex(dsfield(p[14:])), "not", hex(want))

def decap(ctx, model):
    uniform = model == "inherit"
    for family in "v4", "v6":
        for iecn in range(4):
            for oecn in range(4):
                decap_one(ctx, family, iecn, oecn, uniform)
    for oecn in range(4):
        decap_one(ctx, "other", 0, oecn, uniform)

def split(ctx, model):
    uniform = model == "inherit"
    for family in "v4", "v6", "other":
        for ce in range(3):
            for iecn in NOT, ECT0:
                decap_one(ctx, family, iecn, CE, uniform, (60, 130), ce)
        # The first segment's DSCP, also when it is the last to come.
        decap_one(ctx, family, ECT0, ECT0, uniform, (60, 130), None, (2, 1, 0))
        decap_one(ctx, family, ECT0, CE, uniform, (60, 130), 1, (1, 2, 0))

ctx = setup()
ctx.drops = 0
for part in encap, decap, split:
    ctx.bad = 0
    part(ctx, sys.argv[5])
    print(part.__name__, "is wrong" if ctx.bad else "is right")
print("drops", ctx.drops)
END
export PATIENCE=$((5 * slowness))

# said TEXT: p.py did.
said() {
	grep -qx "$1" "$tmp/said" || {
		cat "$tmp/said"
		return 1
	}
}

# p_py FAMILY TOS: the three parts, and the drops of the table are counted, by
# drop_ecn and by the device.
p_py() {
	local name="outer $1, tos $2" drops errors want

	drops=$(counter "$h2" drop_ecn)
	errors=$(linkstat "$h2" stt0 rx_errors)
	python3 "$tmp/p.py" "$h1" "$h2" "$a1" "$a2" "$2" >"$tmp/said" 2>&1
	want=$(awk '$1 == "drops" { print $2 }' "$tmp/said")

	check "$name: outer DSCP and ECN (W11)" said 'encap is right'
	check "$name: RFC 6040 decapsulation (R14)" said 'decap is right'
	check "$name: CE on one of three segments, DSCP of the first (R14)" \
		said 'split is right'
	check_num "$name: some were to be dropped" "${want:-0}" -gt 0
	check_eq "$name: drop_ecn (R14)" \
		$(($(counter "$h2" drop_ecn) - drops)) "$want"
	check_eq "$name: rx_errors" \
		$(($(linkstat "$h2" stt0 rx_errors) - errors)) "$want"
}

for family in v4 v6; do
	setup_pair $family
	# Nothing of the hosts' own gets between what p.py sends.
	for ns in "$h1" "$h2"; do
		in_ns "$ns" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	done
	# A way to the peer is known before the first frame.
	check "outer $family: the peer answers" \
		in_ns "$h1" ping -q -c 1 -W 5 "$a2"
	stt_add "$h1" stt0 id 1 remote "$a2"
	stt_add "$h2" stt0 id 1 remote "$a1"
	for tos in 0 0x48 inherit; do
		ip -n "$h1" link set stt0 type stt tos $tos
		ip -n "$h2" link set stt0 type stt tos $tos
		p_py $family $tos
	done
	teardown
done

tap_done
