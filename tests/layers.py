#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""layers.py BUILD - the order of the module's files, proved by its objects

Kbuild lists the objects of stt.ko from the top to the bottom. An object may use
symbols of those behind it, never of those before it. Prints each use that goes
up, and each name that two objects give to functions of their own; any makes it
fail. BUILD holds the objects: build/KERNEL.
"""

import collections
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def order():
    text = (TOP / 'Kbuild').read_text()
    objs = re.search(r'^stt-y := ((?:.*\\\n)*.*)\n', text, re.M).group(1)
    return re.findall(r'\w+(?=\.o\b)', objs)


def symbols(path):
    out = subprocess.run(['nm', path], check=True, capture_output=True,
                         text=True).stdout
    for line in out.splitlines():
        *_, kind, name = line.split()
        yield kind, name


def findings(build):
    objs = order()
    defines, uses = {}, collections.defaultdict(list)
    static = collections.defaultdict(set)
    for src in sorted(TOP.glob('stt_*.c')):
        if src.stem not in objs:
            yield 'Kbuild: %s.o is not in the list' % src.stem
    for obj in objs:
        for kind, name in symbols(Path(build, obj + '.o')):
            if kind == 'U':
                uses[obj].append(name)
            elif kind in 'TDBRVWC':
                defines[name] = obj
            elif kind == 't':
                # What the compiler made of one function has a suffix.
                static[name.split('.')[0]].add(obj)
    for obj in objs:
        for name in uses[obj]:
            used = defines.get(name, obj)
            if objs.index(used) < objs.index(obj):
                yield '%s.c: uses %s of %s.c, which is above' % (obj, name,
                                                                 used)
    for name, where in sorted(static.items()):
        where |= {defines[name]} if name in defines else set()
        if name.startswith('stt_') and len(where) > 1:
            yield '%s: a function of %s' % (name, ' and '.join(
                x + '.c' for x in sorted(where)))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = list(findings(sys.argv[1]))
    for line in found:
        print(line)
    sys.exit(bool(found))


if __name__ == '__main__':
    main()
