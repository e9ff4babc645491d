#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""table.py DIR - the results of guest.sh as a table in Markdown"""

import json
import os
import sys

NAMES = {
    "none": "no tunnel",
    "none6": "no tunnel, IPv6",
    "vxlan": "vxlan",
    "vxlan6": "vxlan over IPv6",
    "geneve": "geneve",
    "gretap": "gretap",
    "stt": "**stt**",
    "stt6": "**stt over IPv6**",
}


def rate(path):
    """Gbit/s at the receiver, 0 when the run failed."""
    with open(path, encoding="utf-8") as report:
        end = json.load(report).get("end", {})
    return end.get("sum_received", {}).get("bits_per_second", 0) / 1e9


def main():
    """Print a row for each case there is a result of."""
    rates = {}
    for name in NAMES:
        path = os.path.join(sys.argv[1], name + ".json")
        if os.path.exists(path):
            rates[name] = rate(path)
    if not rates or not all(rates.values()):
        sys.exit("table.py: results are missing")
    print("| TCP over | Gbit/s | of no tunnel | times vxlan |")
    print("| --- | ---: | ---: | ---: |")
    for name, value in rates.items():
        six = "6" if name.endswith("6") else ""
        bare, vxlan = rates.get("none" + six), rates.get("vxlan" + six)
        print("| %s | %.2f | %s | %s |" % (
            NAMES[name], value,
            "%.0f %%" % (100 * value / bare) if bare else "",
            "%.2f" % (value / vxlan) if vxlan else ""))


if __name__ == "__main__":
    main()
