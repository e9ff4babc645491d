#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""profile.py DIR [N] - where the instructions go, by function

DIR holds what bench/run.sh --profile left: insn.txt of bench/insn.c's, and
guest/ with kallsyms and results/marks.  For each measurement beside the same
workload over no tunnel: instructions for each unit of work, which is 64 KB of
payload, a transaction or a datagram; the N functions that differ most.
"""

import bisect
import json
import os
import sys


def symbols(path):
    """Addresses of all functions, and their names, in order."""
    syms = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            addr, kind, name = line.split()[:3]
            if kind in "tTwW":
                syms[int(addr, 16)] = name
    addrs = sorted(syms)
    return addrs, [syms[a] for a in addrs]


def units(results, name):
    """How many units of work a measurement did."""
    path = os.path.join(results, name)
    if os.path.exists(path + ".json"):
        with open(path + ".json", encoding="utf-8") as report:
            return json.load(report)["end"]["sum_received"]["bytes"] / 65536
    with open(path, encoding="utf-8") as report:
        words = report.read().split()
    if len(words) == 1:
        # A rate over a second of 10^9 instructions.
        return None, float(words[0])
    return float(words[2]) / int(name_size(name))


def name_size(name):
    """Bytes of a datagram."""
    return {"udp64": 64, "udpgso": 48000}.get(name.split(".")[0], 32768)


def profiles(directory):
    """{measurement: {function: instructions for each unit}}"""
    addrs, names = symbols(os.path.join(directory, "guest", "kallsyms"))
    results = os.path.join(directory, "guest", "results")
    with open(os.path.join(results, "marks"), encoding="utf-8") as lines:
        marks = lines.read().split()
    found, counts = {}, {}
    with open(os.path.join(directory, "insn.txt"), encoding="utf-8") as lines:
        for line in lines:
            what, count = line.split()
            if what == "mark":
                counts = found[marks[int(count)]] = {}
                continue
            addr, name = int(what, 16), "(user space)"
            if addr:
                i = bisect.bisect_right(addrs, addr) - 1
                name = names[i] if i >= 0 else "?"
            counts[name] = counts.get(name, 0) + int(count)
    for measurement, counts in found.items():
        n = units(results, measurement)
        if isinstance(n, tuple):
            n = n[1] * sum(counts.values()) / 1e9
        for name in counts:
            counts[name] /= n
    return found


def main():
    """Print a table for each measurement."""
    found = profiles(sys.argv[1])
    top = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    for measurement, counts in found.items():
        workload, case = measurement.split(".")
        base = "none6" if case.endswith("6") else "none"
        bare = found.get(workload + "." + base, {})
        print("\n## %s: %.0f instructions, no tunnel %.0f\n" % (
            measurement, sum(counts.values()), sum(bare.values())))
        if case == base:
            bare = {}
        diff = {name: counts.get(name, 0) - bare.get(name, 0)
                for name in set(counts) | set(bare)}
        print("| function | instructions | beyond no tunnel |")
        print("| --- | ---: | ---: |")
        for name in sorted(diff, key=lambda n: -abs(diff[n]))[:top]:
            print("| %s | %.1f | %+.1f |" % (name, counts.get(name, 0),
                                            diff[name]))


if __name__ == "__main__":
    main()
