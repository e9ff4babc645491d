#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Steps of make-series.sh that change text: from this tree to the kernel's."""

import re
import sys
import textwrap
from pathlib import Path

# What compat/ has words for, in those of the newest kernel. A word that is
# missing here, the kernel's compiler will not know.
PLAIN = [
    (r'^(RTNL_NEWLINK|PERNET_EXIT_RTNL)_SHIM\(\w+\)\n\n', ''),
    (r'RTNL_NEWLINK\((\w+)\)', r'\1'),
    (r'^#ifdef CONFIG_NET_POLL_CONTROLLER\nNDO_NETPOLL_SETUP_SHIM\(\w+\)\n'
     r'#endif\n', ''),
    (r'NDO_NETPOLL_SETUP\((\w+)\)', r'\1'),
    (r'^(NDO_FDB_\w+_SHIM\(\w+\)\n)+\n', ''),
    (r'NDO_FDB_\w+\((\w+)\)', r'\1'),
    (r'PERNET_EXIT_RTNL\((\w+)\)', r'.exit_rtnl\t= \1'),
    (r'^\tSYSCTL_SENTINEL\n', ''),
    (r'ip_tunnel_key_flag\(&(\w+)->key, (\w+)\)',
     r'test_bit(\2, \1->key.tun_flags)'),
    (r'ip_tunnel_key_flag\((\w+), (\w+)\)',
     r'test_bit(\2, \1->tun_flags)'),
    (r'ip_tunnel_key_set_flag\((\w+),\s+(\w+)\)',
     r'__set_bit(\2, \1->tun_flags)'),
    (r'netdev_set_lltx\((\w+)\);', r'\1->lltx = true;'),
    (r'netdev_set_change_proto_down\((\w+)\);',
     r'\1->change_proto_down = true;'),
    (r'\)\n\t\tnetdev_set_gso_max\(dev, size\);', ') {\n'
     '\t\tWRITE_ONCE(dev->gso_max_size, size);\n'
     '\t\tWRITE_ONCE(dev->gso_ipv4_max_size, size);\n\t}'),
]


def plain(text):
    for pattern, words in PLAIN:
        text = re.sub(pattern, words, text, flags=re.M)
    return text.replace('docs/protocol.md', 'Documentation/networking/stt.rst')


def copy(src, dst, change=lambda text: text, mode=0o644):
    dst.parent.mkdir(parents=True, exist_ok=True)
    dst.write_text(change(src.read_text()))
    dst.chmod(mode)


def driver(top, drv):
    """The module's own files, headers beside the code."""
    def change(text):
        # Asked for by ovs/vport-stt.c alone: the kernel's own has no use.
        text = re.sub(r'\n/\*\*\n \* stt_dev_create_fb.*', '', text, flags=re.S)
        text = text.replace('#include <net/stt.h>\n', '')
        text = plain(text).replace('"include/stt', '"stt')
        return text.replace('TRACE_INCLUDE_PATH include',
                            'TRACE_INCLUDE_PATH .')
    for src in sorted(top.glob('stt_*.c')) + sorted(top.glob('include/*.h')):
        copy(src, drv / src.name, change)

    kconfig = (top / 'Kconfig').read_text()
    (drv / 'Kconfig').write_text(kconfig.split('\nconfig STT_KUNIT')[0])

    # Kbuild up to its first condition, for a tree that is not one's own.
    kbuild = (top / 'Kbuild').read_text()
    objs = re.search(r'^stt-y := (?:.*\\\n)*.*\n', kbuild, re.M).group(0)
    (drv / 'Makefile').write_text(
        '# SPDX-License-Identifier: GPL-2.0\n\n'
        'obj-$(CONFIG_STT) += stt.o\n\n' + objs +
        '\n# For its tracepoints.\nCFLAGS_stt_stats.o := -I$(src)\n')


def kunit(top, drv):
    tests = sorted(top.glob('tests/kunit/*.[ch]'))
    for src in tests:
        copy(src, drv / 'tests' / src.name, lambda text:
             plain(text).replace('"include/stt', '"../stt'))
    kconfig = (top / 'Kconfig').read_text()
    with (drv / 'Kconfig').open('a') as f:
        f.write('\nconfig STT_KUNIT' + kconfig.split('\nconfig STT_KUNIT')[1])
    line = 'stt-$(CONFIG_STT_KUNIT_TEST) +='
    out = ''
    for src in tests:
        if src.suffix == '.c':
            word = ' tests/%s.o' % src.stem
            if len(line + word) > 70:
                out += line + ' \\\n'
                line = '\t'
            line += word.lstrip() if line == '\t' else word
    with (drv / 'Makefile').open('a') as f:
        f.write('\n' + out + line + '\n')


def put_behind(path, pattern, text):
    """A line behind the block that begins with the pattern."""
    old = path.read_text()
    new, n = re.subn(pattern, lambda m: m.group(0) + text, old, count=1,
                     flags=re.M)
    if n != 1:
        sys.exit('%s: no %s' % (path, pattern))
    path.write_text(new)


def hooks(work):
    put_behind(work / 'drivers/net/Kconfig',
               r'^config BAREUDP\n(?:[ \t].*\n|\n(?=[ \t]))*\n',
               'source "drivers/net/stt/Kconfig"\n\n')
    put_behind(work / 'drivers/net/Makefile',
               r'^obj-\$\(CONFIG_BAREUDP\) .*\n', 'obj-$(CONFIG_STT) += stt/\n')


def rst_inline(text):
    text = re.sub(r'`([^`]+)`', r'``\1``', text)
    return re.sub(r'\[([^]]+)\]\([^)]*\)', r'\1', text)


def rst_table(lines):
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in lines if not re.fullmatch(r'[| :-]+', line)]
    out = ['.. list-table::', '   :header-rows: 1', '']
    for row in rows:
        for i, cell in enumerate(row):
            out += textwrap.wrap(rst_inline(cell) or '\\', 78,
                                 initial_indent='     - ' if i else '   * - ',
                                 subsequent_indent='       ')
    return out


def rst(text):
    """Markdown, as far as docs/protocol.md uses it, as reStructuredText."""
    out, block = [], []

    def flush():
        if block and block[0].startswith('|'):
            out.extend(rst_table(block) + [''])
        elif block:
            out.extend(textwrap.wrap(rst_inline(' '.join(block)), 79,
                                     break_long_words=False,
                                     break_on_hyphens=False) + [''])
        block.clear()

    literal = False
    for line in text.splitlines():
        heading = re.match(r'(#+) (.*)', line)
        if line.startswith('```'):
            flush()
            out.append('' if literal else '::\n')
            literal = not literal
        elif literal:
            out.append(('  ' + line).rstrip())
        elif heading:
            flush()
            out += [heading[2], '=-'[len(heading[1]) - 2] * len(heading[2]),
                    '']
        elif line:
            block.append(line)
        else:
            flush()
    flush()
    return '\n'.join(out)


def docs(top, work):
    """Documentation/networking/stt.rst: upstream/stt.rst, and the wire format
    and the rules that the code cites out of docs/protocol.md."""
    text = (top / 'docs/protocol.md').read_text()
    parts = re.findall(r'<!-- rst: .*?-->\n(.*?)<!-- end rst -->', text, re.S)
    page = (top / 'upstream/stt.rst').read_text()
    for part in parts:
        page += '\n' + rst(part).rstrip('\n') + '\n'
    dst = work / 'Documentation/networking/stt.rst'
    dst.parent.mkdir(parents=True, exist_ok=True)
    dst.write_text(page)


def index(work):
    put_behind(work / 'Documentation/networking/index.rst',
               r'^   strparser\n', '   stt\n')


def maintain(path, who, pattern):
    """Our entry, made where the alphabet has it, with one more file."""
    title = 'STT (STATELESS TRANSPORT TUNNELING) DRIVER'
    text = path.read_text()
    if '\n%s\n' % title not in text:
        heads = re.finditer(r'^([^\s:][^\n:]*)\n(?=[A-Z]:\t)', text, re.M)
        start = text.index('Maintainers List')
        for head in heads:
            if head.start() > start and head.group(1).upper() > title:
                break
        entry = '%s\nM:\t%s\nL:\tnetdev@vger.kernel.org\nS:\tMaintained\n\n'
        text = (text[:head.start()] + entry % (title, who) +
                text[head.start():])
    begin = text.index('\n%s\n' % title) + 1
    end = text.index('\n\n', begin) + 1
    lines = text[begin:end].splitlines()
    files = sorted([x for x in lines if x[0:2] == 'F:'] + ['F:\t' + pattern])
    lines = [x for x in lines if x[0:2] != 'F:'] + files
    path.write_text(text[:begin] + '\n'.join(lines) + '\n' + text[end:])


def selftests(top, work):
    there = work / 'tools/testing/selftests/net/stt'
    progs, files = [], []
    for src in sorted(top.glob('tests/selftests/*')):
        if src.suffix not in ('.sh', '.py') or src.name == 'run.sh':
            continue
        # They are about ovs/vport-stt.c.
        if src.name in ('lib_ovs.sh', 'lib_peer.sh', 'ovs.sh', 'ovn.sh'):
            continue
        # About other files of this tree, or the NIC of tests/vm's guest.
        if src.name in ('observability.sh', 'persistent.sh', 'underlay.sh'):
            continue
        is_prog = src.suffix == '.sh' and not src.name.startswith('lib')
        copy(src, there / src.name, lambda text:
             text.replace('insmod "$STT_KO"', 'modprobe stt'),
             0o755 if is_prog else 0o644)
        (progs if is_prog else files).append(src.name)

    def words(name, what):
        return '%s := \\\n%s# end of %s\n' % (
            name, ''.join('\t%s \\\n' % x for x in what), name)
    (there / 'Makefile').write_text(
        '# SPDX-License-Identifier: GPL-2.0\n\n' +
        words('TEST_PROGS', progs) + '\n' + words('TEST_FILES', files) +
        '\ninclude ../../lib.mk\n')
    (there / 'settings').write_text('timeout=1200\n')
    config = top / 'upstream/selftests.config'
    copy(config, there / 'config')
    put_behind(work / 'tools/testing/selftests/Makefile',
               r'^TARGETS \+= net/rds\n', 'TARGETS += net/stt\n')


def main():
    step, *args = sys.argv[1:]
    if step == 'maintain':
        maintain(Path(args[0]), *args[1:])
    else:
        globals()[step](*map(Path, args))


if __name__ == '__main__':
    main()
