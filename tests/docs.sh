#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# docs.sh [DIR] - links between the pages lead somewhere, the index names every
# page, and README stays short
#
# DIR is a folder that has README.md, CHANGELOG.md and docs/, by default this
# tree; the package's /usr/share/doc/stt-tools is another.

set -euo pipefail
cd "${1:-${BASH_SOURCE[0]%/*}/..}"

exec python3 - <<'EOF'
import re
import sys
from pathlib import Path

bad = []


def slug(title):
    """The anchor that a heading gets."""
    title = re.sub(r'[`*]|\[(.*?)\]\(.*?\)', r'\1', title).strip().lower()
    return re.sub(r'[^\w\- ]', '', title).replace(' ', '-')


def anchors(path):
    text = re.sub(r'^```.*?^```', '', path.read_text(), flags=re.M | re.S)
    return {slug(t) for t in re.findall(r'^#+ +(.*)$', text, re.M)}


pages = [p for p in sorted(Path('.').glob('*.md')) + sorted(
    Path('docs').glob('*.md'))]
if len(pages) < 5:
    sys.exit('no pages here')
links = 0
for page in pages:
    text = page.read_text()
    for target in re.findall(r'\]\(([^)\s]+)\)', text):
        if re.match(r'[a-z]+:', target):
            continue
        links += 1
        name, _, anchor = target.partition('#')
        path = page.parent / name if name else page
        if not path.exists():
            bad.append('%s: %s is not there' % (page, target))
        elif anchor and anchor not in anchors(path):
            bad.append('%s: %s has no such heading' % (page, target))
if links < 20:
    bad.append('only %d links found' % links)

index = Path('docs/README.md').read_text()
for page in Path('docs').glob('*.md'):
    if page.name != 'README.md' and '(%s)' % page.name not in index:
        bad.append('docs/README.md does not name %s' % page.name)

lines = len(Path('README.md').read_text().splitlines())
if lines > 150:
    bad.append('README.md has %d lines, 150 are enough' % lines)

print('\n'.join(bad) if bad else '%d links lead somewhere' % links)
sys.exit(bool(bad))
EOF
