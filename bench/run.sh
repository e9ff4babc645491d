#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [--continue] [KERNEL]... - measure STT and its neighbours, write
#	BENCH.md; after an interrupted run with --continue, what is left for the
#	same module
# run.sh --check - some of it: is STT where it should be?
# run.sh --profile WORKLOADS CASE... - instructions by function; CASE should
#	have none, or none6, which the others are compared to
#
# Without KERNEL stock-6.1 and newest. Counts instructions, as BENCH.md
# explains; results stay in build/bench.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/../tests/vm/common.sh"
vm=$STT_TOP/tests/vm
top=$STT_TOP/build/bench
cd "$STT_TOP"

# in_vm KERNEL OUTDIR [VM OPTION]... -- COMMAND...: with the module
continued=''
in_vm() {
	local kernel=$1 out=$2 ko what

	shift 2
	ko=$("$vm/build.sh" "$kernel")
	what=$(cat "$("$vm/kernel.sh" "$kernel")/version" - < <(
		sha256sum <"$ko"; echo "$*"))
	if [ -n "$continued" ] && [ "$(cat "$out/what" 2>/dev/null)" = "$what" ]
	then
		return
	fi
	rm -rf "$out"
	"$vm/vm.sh" -k "$kernel" -t 7200 -o "$out" -e "STT_KO=$ko" \
		-e "IP_LIB_DIR=$STT_TOP/build/ip" "$@" >&2
	echo "$what" >"$out/what"
}

# measure KERNEL OUTDIR SECONDS [VM OPTION]... -- WORKLOADS CASE...: on one CPU
# that counts instructions, but with -c on as many as that says
measure() {
	local kernel=$1 out=$2 seconds=$3 options=(--icount)

	[ "$4" != -c ] || options=()
	shift 3
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	in_vm "$kernel" "$out" "${options[@]}" \
		-e "SOCKBENCH=$top/sockbench" -e "DURATION=$seconds" \
		-e "BPF=$top/bpf.o" -- bench/guest.sh "$@"
}

# losses KERNEL OUTDIR
losses() {
	local type way cases=()

	for way in ok nth1000 nth100 netem0.1 netem1 reorder1 reorder25; do
		for type in none vxlan geneve gretap stt; do
			cases+=("$type:$way")
		done
	done
	in_vm "$1" "$2" --icount -- bench/loss.sh "${cases[@]}"
}

# switches KERNEL OUTDIR
switches() {
	"$vm/ovs.sh" >&2
	in_vm "$1" "$2" --icount -e "STT_KERNEL=$1" \
		-e "STT_PLUGIN_DIR=$STT_TOP/build/ip" \
		-e "SOCKBENCH=$top/sockbench" \
		-- bench/ovs.sh 'tso gso rr' geneve vxlan stt
}

"$vm/deps.sh"
make -s ip >&2
mkdir -p "$top"
${CC:-gcc} -O2 -Wall -o "$top/sockbench" bench/sockbench.c
clang -O2 -target bpf -I"/usr/include/$(uname -m)-linux-gnu" \
	-D'SEC(name)=__attribute__((section(name), used))' \
	-D'__always_inline=inline __attribute__((always_inline))' \
	-DID=0xfedcba -DTOS=0 -DTTL=64 -DLABEL=0 \
	-c tests/selftests/external_bpf.c -o "$top/bpf.o"

case ${1:-} in
--check)
	measure stock-6.1 "$top/check" 0.3 -- \
		'tso gso rr udp64 udp32k bigv6 udpgso filtertso filterrr' \
		none vxlan stt
	exec /usr/bin/python3 bench/report.py --check "$top/check" ;;
--profile)
	shift
	${CC:-gcc} -O2 -Wall -shared -fPIC -o "$top/insn.so" bench/insn.c
	measure stock-6.1 "$top/profile" 0.3 -m 4096 \
		-q "-plugin $top/insn.so,out=$top/insn.txt" -- "$@"
	mv "$top/insn.txt" "$top/profile/"
	exec /usr/bin/python3 bench/profile.py "$top/profile" 60 ;;
--continue)
	shift
	continued=1 ;;
esac

[ $# -gt 0 ] || set -- stock-6.1 newest
dirs=()
for kernel in "$@"; do
	measure "$kernel" "$top/$kernel" 1 -- 'tso gso rr udp64 udp32k' none \
		vxlan vxlan-nic geneve geneve-nic gretap stt none6 vxlan6 stt6
	dirs+=("$top/$kernel")
	if [ "$kernel" != stock-6.1 ]; then
		measure "$kernel" "$top/$kernel-more" 1 -- \
			'tsov6 big bigv6 udpgso' none vxlan geneve stt
		continue
	fi
	more='jumbo bidir flows flowsgso fwd fwdgso'
	more+=' tsov6 bigv6 udpgso filtertso filterrr'
	measure "$kernel" "$top/$kernel-more" 1 -- "$more" \
		none vxlan vxlan-nic geneve gretap stt
	measure "$kernel" "$top/$kernel-modes" 1 -m 4096 -- 'tso rr udp64' \
		{vxlan,stt}{,-lwt,-bpf,-fdb,-fdbmany,-many}
	measure "$kernel" "$top/$kernel-alone" 1 -- 'xmit recv memory' \
		none vxlan geneve gretap stt none6 vxlan6 geneve6 stt6
	switches "$kernel" "$top/$kernel-ovs"
	for cpus in 1 2 4; do
		measure "$kernel" "$top/$kernel-cpus$cpus" 5 -c $cpus -- \
			flows none vxlan geneve gretap stt
	done
	losses "$kernel" "$top/$kernel-loss"
	measure "$kernel" "$top/$kernel-again" 1 -- \
		'tso gso rr udp64 udp32k' none stt
done
/usr/bin/python3 bench/report.py BENCH.md "${dirs[@]}"
