#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Text that a reader relies on: prints findings, any makes it fail.

 - Each rule number cited in code, tests and documents (W4, R15a) is defined
   in docs/protocol.md, and in what upstream/edit.py makes of it.
 - The worked example there is the frame that it says it is.
 - The name of each selftest is a statement that stands alone in a log.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PROTOCOL = 'docs/protocol.md'
RULE = re.compile(r'(?<![\w=/#-])[WR][0-9]{1,2}a?(?![\w=-])')

# What no name of a test begins with, nor what follows a colon in it.
STARTS = """and but he it its nobody nor or she so still than that their them
then there these they this those too what which who whoever whose yet also
""".split()
SHELL_NAME = re.compile(r"""^\s*(?:if )?[a-z_]+ (['"])(.*?)\1""", re.M)
PYTHON_NAME = re.compile(
    r"""\b(?:check\w*|ok|not_ok|skip)\(\s*(?:\w+ \+ )?(['"])(.*?)\1""")

sys.path[:0] = [str(TOP / 'tests/selftests'), str(TOP / 'upstream')]
sys.dont_write_bytecode = True


def files(*patterns):
    """Those in git, and new ones."""
    out = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard',
         '--', *patterns], cwd=TOP, check=True, capture_output=True, text=True)
    return [name for name in out.stdout.splitlines() if (TOP / name).is_file()]


def lines(name):
    return enumerate((TOP / name).read_text().splitlines(), 1)


def rules():
    defined = [m[1] for _, line in lines(PROTOCOL)
               if (m := re.fullmatch(r'### ([WR][0-9]+a?)', line))]
    for rule in sorted(set(defined)):
        if defined.count(rule) > 1:
            yield '%s: %s is defined twice' % (PROTOCOL, rule)

    import edit  # pylint: disable=import-outside-toplevel,import-error
    with tempfile.TemporaryDirectory() as work:
        edit.docs(TOP, Path(work))
        page = Path(work, 'Documentation/networking/stt.rst').read_text()
    there = re.findall(r'^([WR][0-9]+a?)\n-+$', page, re.M)
    if there != defined:
        yield 'upstream/edit.py: stt.rst defines other rules: %s' % (
            ' '.join(set(there) ^ set(defined)))

    for name in files('*.[ch]', '*.sh', '*.py', '*.md', '*.rst', '*.msg',
                      'Kbuild', 'Kconfig'):
        for n, line in lines(name):
            for rule in RULE.findall(line):
                if rule not in defined:
                    yield '%s:%d: no rule %s in %s' % (name, n, rule, PROTOCOL)


def example():
    """The frame in docs/protocol.md, as the selftests would make it."""
    # pylint: disable-next=import-outside-toplevel,import-error
    from sttlib import ACK, PSH, Flow, eth, frame, ip, udp
    text = (TOP / PROTOCOL).read_text()
    shown = bytes.fromhex(''.join(
        line[:47] for line in
        re.search(r'^```hex\n(.*?)^```', text, re.M | re.S)[1].splitlines()))
    src, dst = '10.0.0.1', '10.0.0.2'
    datagram = udp(b'STT!', src, dst, sport=4000, dport=5000, partial=True)
    inner = eth(ip(datagram, src, dst, 17), 0x0800)
    data = frame(inner, id=42, flags=0x02 | 0x04, l4=34,
                 vlan=3 << 13 | 1 << 12 | 100)
    made = Flow('192.0.2.1', '192.0.2.2', 51234).segment(
        data, 0x5eed1234, flags=ACK | PSH)
    if shown != made:
        yield '%s: the example should be\n%s' % (PROTOCOL, made.hex(' '))


def names():
    for name in files('tests/selftests/*.sh', 'tests/selftests/*.py'):
        text = (TOP / name).read_text()
        for m in (SHELL_NAME if name.endswith('.sh') else
                  PYTHON_NAME).finditer(text):
            for part in m[2].split(': '):
                if re.match('[A-Za-z]*', part)[0] in STARTS:
                    yield '%s:%d: a name that does not stand alone: %s' % (
                        name, text.count('\n', 0, m.start(2)) + 1, m[2])


def main():
    found = [finding for check in (rules, example, names)
             for finding in check()]
    print('\n'.join(found), end='\n' if found else '')
    return bool(found)


if __name__ == '__main__':
    sys.exit(main())
