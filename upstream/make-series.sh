#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make-series.sh [-o OUTDIR] [KERNEL-SOURCE] - this tree as a patch series for
# a kernel source tree, by default the newest that Debian has
#
# The code is written for the newest kernel. What makes it fit for older ones,
# all of it in compat/, is left out, and its few words in the code become what
# they stand for there. The source tree is only read.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/../tests/vm/common.sh"
here=$STT_TOP/upstream

out=$STT_TOP/build/upstream
if [ "${1:-}" = -o ]; then
	out=$2
	shift 2
fi
ksrc=${1:-$("$STT_TOP/tests/vm/kernel.sh" source)}
[ -e "$ksrc/MAINTAINERS" ] || die "no kernel source in $ksrc"
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/*.patch
work=$(mktemp -d "${TMPDIR:-/tmp}/stt-upstream.XXXXXX")
trap 'rm -rf "$work"' EXIT

if ! ident=$(git -C "$STT_TOP" var GIT_AUTHOR_IDENT 2>/dev/null); then
	ident='STT for Linux <stt@localhost> '
fi
name=${ident%% <*}
mail=${ident#*<}
mail=${mail%%>*}
git=(git -C "$work" -c "user.name=$name" -c "user.email=$mail"
     -c core.autocrlf=false -c commit.gpgsign=false)

# Only what the series touches is needed to make it.
touched=(MAINTAINERS drivers/net/Kconfig drivers/net/Makefile
	 Documentation/networking/index.rst tools/testing/selftests/Makefile)
for f in "${touched[@]}"; do
	install -D -m 644 "$ksrc/$f" "$work/$f"
done
"${git[@]}" init -q
"${git[@]}" add -A
"${git[@]}" commit -q -m 'kernel'

# commit NAME: all that is new, with the message NAME.msg.
commit() {
	"${git[@]}" add -A
	"${git[@]}" commit -q -s -F "$here/$1.msg"
}

# maintain PATTERN: a line "F:" in our entry of MAINTAINERS, in its order.
maintain() {
	python3 "$here/edit.py" maintain "$work/MAINTAINERS" "$name <$mail>" \
		"$1"
}

drv=$work/drivers/net/stt
mkdir -p "$drv/tests"

install -D -m 644 "$STT_TOP/include/uapi/linux/if_stt.h" \
	"$work/include/uapi/linux/if_stt.h"
maintain include/uapi/linux/if_stt.h
commit 1-uapi

python3 "$here/edit.py" driver "$STT_TOP" "$drv"
python3 "$here/edit.py" hooks "$work"
maintain 'drivers/net/stt/*'
commit 2-driver

python3 "$here/edit.py" kunit "$STT_TOP" "$drv"
maintain drivers/net/stt/tests/
commit 3-kunit

python3 "$here/edit.py" docs "$STT_TOP" "$work"
python3 "$here/edit.py" index "$work"
maintain Documentation/networking/stt.rst
commit 4-docs

python3 "$here/edit.py" selftests "$STT_TOP" "$work"
maintain tools/testing/selftests/net/stt/
commit 5-selftests

"${git[@]}" format-patch -q --subject-prefix='PATCH net-next' \
	-o "$out" HEAD~5
ls "$out"/*.patch
