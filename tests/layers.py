#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""layers.py BUILD - the order of the module's files, proved by its objects

Kbuild lists the objects of stt.ko from the top to the bottom. An object may use
symbols of those behind it, never of those before it. Prints each use that goes
up. Of the sources it prints what two functions, or a function and a structure,
are both called, unless the function finds that structure; and headers
above 350 lines. Any finding makes it fail. BUILD holds the objects:
build/KERNEL.
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
    for src in sorted(TOP.glob('stt_*.c')):
        if src.stem not in objs:
            yield 'Kbuild: %s.o is not in the list' % src.stem
    for obj in objs:
        for kind, name in symbols(Path(build, obj + '.o')):
            if kind == 'U':
                uses[obj].append(name)
            elif kind in 'TDBRVWC':
                defines[name] = obj
    for obj in objs:
        for name in uses[obj]:
            used = defines.get(name, obj)
            if objs.index(used) < objs.index(obj):
                yield '%s.c: uses %s of %s.c, which is above' % (obj, name,
                                                                 used)


FUNCTION = re.compile(r'^(?!\s|#|\})((?:[\w\s*]*?[\s*])?)(stt_\w+)'
                      r'\((?:[^;{}()]|\([^()]*\))*\)\s*\{', re.M)
STRUCT = re.compile(r'^(?:struct|union|enum) (stt_\w+) \{', re.M)


def names():
    functions, structs = collections.defaultdict(list), {}
    for path in sorted([*TOP.glob('stt_*.c'), *TOP.glob('include/*.h')]):
        text = path.read_text()
        if path.suffix == '.h' and text.count('\n') > 350:
            yield '%s: above 350 lines' % path.name
        text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
        for made, name in FUNCTION.findall(text):
            functions[name].append((path.name, made))
        structs.update((name, path.name) for name in STRUCT.findall(text))
    for name, there in functions.items():
        if len({path for path, _ in there}) > 1:
            yield '%s: a function of %s' % (name, ' and '.join(
                path for path, _ in there))
        if name in structs and 'struct %s *' % name not in there[0][1]:
            yield '%s: a function of %s and a structure of %s' % (
                name, there[0][0], structs[name])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = [*findings(sys.argv[1]), *names()]
    for line in found:
        print(line)
    sys.exit(bool(found))


if __name__ == '__main__':
    main()
