#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""report.py FILE DIR... - BENCH.md from what run.sh measured
report.py --check DIR - whether stt is where it should be

Each DIR holds what guest.sh left: guest/results, guest/versions. A DIR with
"-again" at its end is a second run of another, to be compared. The plots go
to bench/plots beside FILE.
"""

import json
import os
import sys

WORKLOADS = {
    "tso": ("Bulk TCP, NIC with TSO, receiver gets aggregates", "Gbit/s", 3),
    "gso": ("Bulk TCP, every segment crosses singly, software GSO and GRO",
            "Gbit/s", 3),
    "rr": ("TCP request and response of one byte", "1/s", 0),
    "udp64": ("UDP datagrams of 64 bytes", "Gbit/s", 4),
    "udp32k": ("UDP datagrams of 32 KB; inner MTU 64000 for stt, the tunnel's "
               "own for the others", "Gbit/s", 3),
    "jumbo": ("Bulk TCP as the first, inner MTU 65429 for stt", "Gbit/s", 3),
    "bidir": ("Bulk TCP both ways at once, NIC with TSO, sum", "Gbit/s", 3),
    "flows": ("Bulk TCP, 64 flows, NIC with TSO", "Gbit/s", 3),
    "flowsgso": ("Bulk TCP, 64 flows, software GSO and GRO", "Gbit/s", 3),
    "fwd": ("Bulk TCP between machines behind bridges, NIC with TSO",
            "Gbit/s", 3),
    "fwdgso": ("Bulk TCP between machines behind bridges, software GSO and "
               "GRO", "Gbit/s", 3),
    "tsov6": ("Bulk TCP, IPv6 inside, NIC with TSO", "Gbit/s", 3),
    "big": ("Bulk TCP, NIC with TSO, BIG TCP", "Gbit/s", 3),
    "bigv6": ("Bulk TCP, IPv6 inside, NIC with TSO, BIG TCP", "Gbit/s", 3),
    "udpgso": ("Sends of 48,000 bytes that the kernel cuts into UDP datagrams "
               "of 1,200", "Gbit/s", 3),
    "filtertso": ("Bulk TCP, NIC with TSO, both hosts with a firewall: input "
                  "policy drop, connection tracking, eight rules", "Gbit/s",
                  3),
    "filterrr": ("TCP request and response of one byte, both hosts with that "
                 "firewall", "1/s", 0),
}

# What bench/loss.sh does to segments, each of which crosses a router singly.
WAYS = {
    "ok": "nothing lost",
    "nth1000": "each 1000th lost",
    "nth100": "each 100th lost",
    "netem0.1": "0.1 % lost by chance",
    "netem1": "1 % lost by chance",
    "reorder1": "1 % overtake the others",
    "reorder25": "25 % overtake the others",
}

# How a device can be used, after the type.
MODES = {
    "lwt": "external, by a lightweight tunnel's route",
    "bpf": "external, by an eBPF program",
    "fdb": "forwards by MAC address, one entry",
    "fdbmany": "forwards by MAC address, 100,000 entries",
    "many": "one of 10,000 devices, the others without IPv6",
}

CASES = {
    "none": "no tunnel",
    "vxlan": "vxlan",
    "vxlan-nic": "vxlan, NIC offload",
    "geneve": "geneve",
    "geneve-nic": "geneve, NIC offload",
    "gretap": "gretap",
    "stt": "**stt**",
    "none6": "no tunnel, IPv6",
    "vxlan6": "vxlan over IPv6",
    "geneve6": "geneve over IPv6",
    "stt6": "**stt over IPv6**",
}

# --check: stt of no tunnel, and of the better of the other tunnels, if any can
# do that. Some hundredths below what was reached: this is to notice what got
# lost.
GUARD = {"tso": (0.92, 2.2), "gso": (0.92, 1.05), "rr": (0.80, 1.03),
         "udp64": (0.75, 1.05), "udp32k": (2.0, 3.5), "bigv6": (0.86, None),
         "udpgso": (0.52, 1.0), "filtertso": (0.90, 2.5),
         "filterrr": (0.73, 1.03)}


def rate(directory, workload, case):
    """The rate of one measurement in its workload's unit, or None."""
    path = os.path.join(directory, "guest", "results",
                        "%s.%s" % (workload, case))
    if os.path.exists(path + ".json"):
        with open(path + ".json", encoding="utf-8") as report:
            end = json.load(report).get("end", {})
        bits = end.get("sum_received", {}).get("bits_per_second", 0)
        back = end.get("sum_received_bidir_reverse", {})
        return (bits + back.get("bits_per_second", 0)) / 1e9 or None
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as report:
        words = report.read().split()
    if len(words) == 1:
        return float(words[0])
    if len(words) == 3:
        return int(words[2]) * 8 / float(words[1]) / 1e9
    return None


def read(directory):
    """{workload: {case: rate}}"""
    found = {}
    for workload in WORKLOADS:
        rates = {c: rate(directory, workload, c) or
                 rate(directory + "-more", workload, c) for c in CASES}
        rates = {c: r for c, r in rates.items() if r}
        if rates:
            found[workload] = rates
    return found


def best_other(rates, case):
    """The best other tunnel over the same IP version, without NIC help."""
    six = case.endswith("6")
    others = [r for c, r in rates.items()
              if not c.startswith(("none", "stt")) and c.endswith("6") == six
              and "-" not in c]
    return max(others, default=None)


def table(workload, rates):
    """One workload in Markdown."""
    title, unit, digits = WORKLOADS[workload]
    lines = ["### %s" % title, "",
             "![%s](bench/plots/%s.svg)" % (title, workload), "",
             "| over | %s | of no tunnel | times the best other |" % unit,
             "| --- | ---: | ---: | ---: |"]
    for case, value in rates.items():
        bare = rates.get("none6" if case.endswith("6") else "none")
        best = best_other(rates, case)
        lines.append("| %s | %.*f | %s | %s |" % (
            CASES[case], digits, value,
            "%.1f %%" % (100 * value / bare) if bare else "",
            "%.2f" % (value / best)
            if best and case.startswith("stt") else ""))
    ahead = [CASES[c] for c, r in rates.items()
             if "stt" in rates and not c.startswith(("none", "stt")) and
             not c.endswith("6") and r >= rates["stt"]]
    if ahead:
        lines += ["", "Ahead of stt: %s." % ", ".join(ahead)]
    return lines + [""]


def plot(path, workload, rates):
    """One workload as bars."""
    title, unit, digits = WORKLOADS[workload]
    top, rows = max(rates.values()), []
    for i, (case, value) in enumerate(rates.items()):
        y = 40 + 26 * i
        colour = "#d9480f" if case.startswith("stt") else (
            "#868e96" if case.startswith("none") else "#4dabf7")
        rows.append(
            '<text x="180" y="%d" text-anchor="end">%s</text>'
            '<rect x="190" y="%d" width="%.1f" height="18" fill="%s"/>'
            '<text x="%.1f" y="%d">%.*f</text>' % (
                y + 14, CASES[case].replace("*", ""), y, 440 * value / top,
                colour, 196 + 440 * value / top, y + 14, digits, value))
    with open(path, "w", encoding="utf-8") as svg:
        svg.write('<svg xmlns="http://www.w3.org/2000/svg" width="720" '
                  'height="%d" font-family="sans-serif" font-size="13">'
                  '<rect width="100%%" height="100%%" fill="white"/>'
                  '<text x="10" y="22" font-weight="bold">%s (%s)</text>'
                  "%s</svg>\n" % (50 + 26 * len(rates), title, unit,
                                  "\n".join(rows)))


def text(directory, name):
    """A file that the guest or run.sh left."""
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as lines:
        return lines.read().strip()


def repeated(directory):
    """How far a second run was from the first."""
    first, second = read(directory), read(directory + "-again")
    worst, n = 0, 0
    lines = ["| measurement | first run | second run | differs by |",
             "| --- | ---: | ---: | ---: |"]
    for workload, rates in second.items():
        for case, value in rates.items():
            was = first.get(workload, {}).get(case)
            if not was:
                continue
            n += 1
            worst = max(worst, abs(value / was - 1))
            lines.append("| %s, %s | %.5g | %.5g | %+.2f %% |" % (
                workload, CASES[case], was, value, 100 * (value / was - 1)))
    if not n:
        return []
    return ["### A second run", "",
            "%d measurements were made again, in another boot. They differ by "
            "%.2f %% at most%s." % (
                n, 100 * worst, ": the first three digits stand"
                if worst < 0.005 else ""), ""] + lines + [""]


def losses(directory):
    """TCP where segments get lost or overtake each other."""
    results = directory + "-loss"
    types = ("none", "vxlan", "geneve", "gretap", "stt")
    lines = []
    for way, title in WAYS.items():
        rates = {t: rate(results, way, t) for t in types}
        if not all(rates.values()):
            continue
        best = max(r for t, r in rates.items() if t not in ("none", "stt"))
        lines.append("| %s | %s | %.1f %% | %.2f |" % (
            title, " | ".join("%.3f" % rates[t] for t in types),
            100 * rates["stt"] / rates["none"], rates["stt"] / best))
    if not lines:
        return []
    return ["### Bulk TCP through a router that loses or reorders", "",
            "Every segment crosses singly, with software GSO and GRO. Gbit/s.",
            "", "| segments | %s | stt of no tunnel | times the best other |" %
            " | ".join(CASES[t] for t in types),
            "| --- | " + "---: | " * 7] + lines + [""]


def modes(directory):
    """What the ways to use a device cost, beside point to point."""
    results = directory + "-modes"
    work = ("tso", "rr", "udp64")
    lines = []
    for mode, title in MODES.items():
        cells = []
        for kind in ("vxlan", "stt"):
            for workload in work:
                plain = rate(results, workload, kind)
                value = rate(results, workload, "%s-%s" % (kind, mode))
                cells.append("%.3f" % (plain / value)
                             if plain and value else "")
        if any(cells):
            lines.append("| %s | %s |" % (title, " | ".join(cells)))
    if not lines:
        return []
    lines = ["### Ways to use a device", "",
             "Instructions for the same work, as multiples of what a device "
             "with one remote takes.", "",
             "| | %s |" % " | ".join("%s: %s" % (k, w) for k in
                                     ("vxlan", "stt") for w in work),
             "| --- | " + "---: | " * 6] + lines + [""]
    memory = {k: text(results, "guest/results/memory." + k)
              for k in ("vxlan", "stt")}
    if all(memory.values()):
        lines += ["A device without IPv6 takes %s KB of memory with one CPU, "
                  "vxlan's %s." % tuple("%.1f" % (int(memory[k]) / 1024)
                                        for k in ("stt", "vxlan")), ""]
    return lines


def alone(directory):
    """What a packet costs on each side, by what pktgen got through."""
    results = directory + "-alone"
    lines = []
    for case, title in CASES.items():
        bare = rate(results, "xmit", "none6" if case[-1] == "6" else "none")
        xmit, recv = (rate(results, w, case) for w in ("xmit", "recv"))
        if bare and xmit and recv and not case.startswith("none"):
            lines.append("| %s | %d | %d |" % (
                title, 1e9 / xmit - 1e9 / bare, 1e9 / recv - 1e9 / xmit))
    if not lines:
        return []
    lines = ["### Transmit alone, receive alone", "",
             "Instructions for a packet of 64 bytes: from the tunnel device to "
             "the NIC, beyond what the NIC takes without a tunnel, and from "
             "the NIC to the tunnel device.", "",
             "| | transmit | receive |", "| --- | ---: | ---: |"] + lines + [""]
    memory = {c: rate(results, "memory", c)
              for c in ("none", "vxlan", "geneve", "gretap", "stt")}
    if all(m is not None for m in memory.values()):
        bare = memory.pop("none")
        lines += ["20,000 packets of 10,000 flows took so many KB of memory "
                  "more than without a tunnel: %s." % ", ".join(
                      "%s %d" % (CASES[c], m - bare)
                      for c, m in memory.items()), ""]
    return lines


def switches(directory):
    """Machines behind Open vSwitch."""
    results = directory + "-ovs"
    types = ("geneve", "vxlan", "stt")
    lines = []
    for workload in ("tso", "gso", "rr"):
        title, unit, digits = WORKLOADS[workload]
        rates = [rate(results, workload, "ovs-" + t) for t in types]
        if all(rates):
            lines.append("| %s, %s | %s | %.2f |" % (
                title, unit, " | ".join("%.*f" % (digits, r) for r in rates),
                rates[2] / max(rates[:2])))
    if not lines:
        return []
    return ["### Machines behind Open vSwitch", "",
            "The distribution's %s, by the same flows; inner MTU 1450." %
            text(results, "guest/versions"), "",
            "| | %s | times the best other |" %
            " | ".join(CASES[t] for t in types),
            "| --- | " + "---: | " * 4] + lines + [""]


def cpus(directory):
    """64 flows where there are more CPUs, which take the time they take."""
    types = ("vxlan", "geneve", "gretap", "stt")
    lines = []
    for n in 1, 2, 4:
        results = "%s-cpus%d" % (directory, n)
        bare = rate(results, "flows", "none")
        rates = [rate(results, "flows", t) for t in types]
        if bare and all(rates):
            lines.append("| %d | %s |" % (
                n, " | ".join("%.2f" % (r / bare) for r in rates)))
    if not lines:
        return []
    return ["### 64 flows on more than one CPU", "",
            "Bulk TCP, NIC with TSO, as a part of what no tunnel carries on as "
            "many CPUs. Emulated side by side, on a machine with %d; these "
            "are times, which repeat to a tenth." % os.cpu_count(), "",
            "| CPUs | %s |" % " | ".join(CASES[t] for t in types),
            "| --- | " + "---: | " * 4] + lines + [""]


INTRO = """# Benchmark

Written by `make bench`, from what it measured; not edited.

One VM with one CPU whose clock counts instructions, one nanosecond each: a rate
measured inside tells how many instructions the work took, from socket to
socket, both hosts together, and comes out the same on every machine and under
any load. It says nothing about cache misses. Two namespaces joined by a veth
pair of MTU 1500, which has TSO and, but for the rows with "NIC offload", no
offloads for tunnels; for "every segment crosses singly" it has no TSO either,
and GRO at the receiver. The commands are in `bench/guest.sh`.
`bench/run.sh --profile` tells what the instructions were spent on.
"""


def main():
    """Check, or write the report."""
    if sys.argv[1] == "--check":
        return check(read(sys.argv[2]))
    target, dirs = sys.argv[1], sys.argv[2:]
    top = os.path.dirname(os.path.abspath(target))
    plots = os.path.join(top, "bench", "plots")
    os.makedirs(plots, exist_ok=True)
    lines = [INTRO]
    for number, directory in enumerate(d for d in dirs
                                       if not d.endswith("-again")):
        found = read(directory)
        lines += ["## %s" % os.path.basename(directory), ""]
        note = text(directory, "note")
        lines += [note, ""] if note else []
        for workload, rates in found.items():
            if number:
                part = table(workload, rates)
                lines += [p for p in part if not p.startswith("![")]
                continue
            lines += table(workload, rates)
            plot(os.path.join(plots, workload + ".svg"), workload, rates)
        for part in alone, switches, cpus, losses, modes, repeated:
            lines += part(directory)
        profile = text(directory, "profile.md")
        lines += [profile, ""] if profile else []
        versions = text(directory, "guest/versions")
        lines += ["Versions:", "", "```", versions, "```", ""]
    limit = text(top, "bench/limit.md")
    lines += [limit] if limit else []
    with open(target, "w", encoding="utf-8") as report:
        report.write("\n".join(lines).replace("\n\n\n", "\n\n").rstrip() +
                     "\n")
    return 0


def check(found):
    """Whether stt keeps its distance from the others."""
    bad = 0
    for workload, (bare, others) in GUARD.items():
        rates = found.get(workload, {})
        best = best_other(rates, "stt")
        if others is None:
            best, others = rates.get("none"), 0
        if not all((rates.get("stt"), rates.get("none"), best)):
            print("# %s: results are missing" % workload)
            bad = 1
            continue
        got = rates["stt"] / rates["none"], rates["stt"] / best
        fine = got[0] >= bare and got[1] >= others
        print("# %s: %.3f of no tunnel (at least %.2f), %.2f times the best "
              "other (at least %.2f)%s" % (workload, got[0], bare, got[1],
                                           others, "" if fine else ": LESS"))
        bad |= not fine
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
