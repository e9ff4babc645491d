#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - show the module at work, in a VM on the distribution's own kernel
#
# On a fresh Debian 12 or 13, as root. Installs the packages that are missing,
# builds module and plugin, and runs demo-guest.sh in the VM. Nothing is loaded
# into this machine's kernel. The VM's clock counts instructions, so the rates
# compare fairly on whatever machine this runs. Leaves build/demo.svg.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
vm=$STT_TOP/tests/vm
out=$STT_TOP/build/demo

clock() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }
stage() { printf '\n[%s of 4, %s] %s\n' "$1" "$(clock)" "$2"; }

# headline: by what the VM measured, "name;to;from" a line.
headline() {
	awk -F';' '
		{ rate[$1] = $2 + $3 }
		END {
			if (!rate["vxlan"] || !rate["no tunnel"])
				exit 1
			printf "STT carries %.1f times VXLAN'\''s TCP, %.0f %% of " \
				"no tunnel.\n", rate["stt"] / rate["vxlan"],
				100 * rate["stt"] / rate["no tunnel"]
		}' "$out/guest/rates"
}

# plot: the same as bars.
plot() {
	awk -F';' '
		{
			name[NR] = $1
			rate[NR] = $2
			if ($2 > top)
				top = $2
		}
		END {
			printf "<svg xmlns=\"http://www.w3.org/2000/svg\" " \
				"width=\"720\" height=\"%d\" font-family=" \
				"\"sans-serif\" font-size=\"13\"><rect width=" \
				"\"100%%\" height=\"100%%\" fill=\"white\"/>" \
				"<text x=\"10\" y=\"22\" font-weight=\"bold\">" \
				"Bulk TCP, NIC with TSO, Gbit/s of a VM that " \
				"counts instructions</text>", 50 + 26 * NR
			for (i = 1; i <= NR; i++)
				printf "<text x=\"130\" y=\"%d\" text-anchor=" \
					"\"end\">%s</text><rect x=\"140\" y=" \
					"\"%d\" width=\"%.1f\" height=\"18\" " \
					"fill=\"%s\"/><text x=\"%.1f\" y=" \
					"\"%d\">%.2f</text>", 28 + 26 * i,
					name[i], 14 + 26 * i,
					480 * rate[i] / top,
					name[i] == "stt" ? "#d9480f" : \
					name[i] == "vxlan" ? "#4dabf7" : "#868e96",
					146 + 480 * rate[i] / top, 28 + 26 * i,
					rate[i]
			print "</svg>"
		}' "$out/guest/rates" >"$STT_TOP/build/demo.svg"
}

cat <<'END'
Two hosts in a VM, joined by STT: what its TCP reaches beside VXLAN's and beside
no tunnel at all. A few minutes; nothing is loaded into this machine's kernel.
END
stage 1 'packages that are missing'
"$vm/deps.sh" --demo
stage 2 "Debian's own kernel and its headers, unpacked in $STT_CACHE"
kernel=$("$vm/kernel.sh" stock)
stage 3 'building the module and the plugin for ip, half a minute'
make -s -C "$STT_TOP" ip >&2
ko=$("$vm/build.sh" stock)
stage 4 'booting a VM and measuring in it, two minutes'
rm -rf "$out"
rc=0
"$vm/vm.sh" -k "$kernel" --icount -t 1800 -o "$out" -e "STT_KO=$ko" \
	-e "IP_LIB_DIR=$STT_TOP/build/ip" -- tests/demo-guest.sh |
	while IFS= read -r line; do
		case $line in
		'-- '*)	echo "$line   [$(clock)]" ;;
		*)	echo "$line" ;;
		esac
	done || rc=${PIPESTATUS[0]}
[ "$rc" -eq 0 ] || exit "$rc"

plot
echo
headline
cat <<END
The clock of this VM counts instructions: only the ratios mean something.
$(clock) in all. The plot is build/demo.svg; BENCH.md has more of the kind.
Next: "Install" and "Two hosts" in README.md.
END
