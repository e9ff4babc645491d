#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [--fast | --all] [-k KERNEL] [NAME]... - build and test everything
#
# Installs what is missing, gets the kernels, builds the module for each, and
# runs in VMs, two at a time:
#   by default  all selftests but the slow ones on stock 6.1; unit tests and
#               those of the selftests that fit the budget on the debug and
#               newest kernels
#   --fast      unit tests and one smoke test, on the newest kernel only
#   --all       everything, on every kernel
#   NAME        these selftests, on stock 6.1 or the kernel given by -k; "help"
#               lists them
# Some tests go on for as long as they are told: STT_SOAK_SECONDS,
# STT_FUZZ_SECONDS; STT_TIMEOUT then has to be larger.
# Nothing is loaded into this machine's kernel. The last line is
# "N passed, N failed, N skipped"; logs are in build/check.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
vm=$STT_TOP/tests/vm
cd "$STT_TOP"

mode=default kernel=stock-6.1
while [ $# -gt 0 ]; do
	case $1 in
	--fast) mode=fast ;;
	--all)  mode=all ;;
	-k)	kernel=$2; shift ;;
	-*)	die "unknown option $1" ;;
	*)	break ;;
	esac
	shift
done
names=("$@")
[ ${#names[@]} -eq 0 ] || mode=named

# Names first: nothing is built for one that is mistyped.
if [ "${names[*]}" = help ]; then
	tests/selftests/run.sh --help
	exit
fi

# near NAME: tests whose names are like it.
near() {
	tests/selftests/run.sh --help | awk -v said="${1%.sh}" '
	# The letters that one has to change, add or take away.
	function distance(a, b,   i, j, d, c) {
		for (i = 0; i <= length(a); i++)
			for (j = 0; j <= length(b); j++) {
				if (!i || !j) {
					d[i, j] = i + j
					continue
				}
				c = substr(a, i, 1) != substr(b, j, 1)
				d[i, j] = d[i - 1, j - 1] + c
				if (d[i - 1, j] + 1 < d[i, j])
					d[i, j] = d[i - 1, j] + 1
				if (d[i, j - 1] + 1 < d[i, j])
					d[i, j] = d[i, j - 1] + 1
			}
		return d[length(a), length(b)]
	}
	distance(said, $1) < 3 || index($1, said) || index(said, $1) {
		printf "%s%s", sep, $1
		sep = ", "
	}'
}

for name in "${names[@]}"; do
	[[ $name =~ ^(lib|run|lib_.*|.*\.lib)(\.sh)?$ ]] ||
		[ ! -e "tests/selftests/${name%.sh}.sh" ] || continue
	like=$(near "$name")
	die "no test $name${like:+; like it are: $like} (T=help lists all)"
done

out=$STT_TOP/build/check
rm -rf "$out"
mkdir -p "$out"
results=$out/results
: >"$results"
begin=$SECONDS

# result ok|not\ ok NAME
result() { echo "$1 - $2" | tee -a "$results"; }

# step NAME COMMAND...: one result, its duration, its output only on failure.
step() {
	local name=$1 start=$SECONDS log last

	shift
	last=$(last_time "step-$name")
	[ "${last:-10}" -lt 10 ] ||
		echo "# $name${last:+, $(about "$last") the last time} ..."
	log=$out/${name//[^a-z0-9.]/-}.log
	if { "$@" 2>&1 >"$log.out" | tee "$log" | grep '^#'
	     [ "${PIPESTATUS[0]}" -eq 0 ]; }; then
		result ok "$name"
	else
		grep -v '^#' "$log" | tail -n 60 || true
		result 'not ok' "$name"
		return 1
	fi
	took "step-$name" $((SECONDS - start))
	echo "# $name: $((SECONDS - start)) s"
}

# What selftests read from the environment.
env=()
for var in STT_SOAK_SECONDS STT_FUZZ_SECONDS STT_FUZZ_SEED STT_CHURN_ROUNDS \
	   STT_TIMEOUT; do
	[ -z "${!var:-}" ] || env+=(-e "$var=${!var}")
done

# tally NAME [KERNEL]: what its TAP says are results, and what a failure says about
# itself goes with it. Fails where there is none.
tally() {
	local log=$out/$1/output.log test seconds

	sed -nE "s/^(ok )[0-9]* ?- /\1- $1: /p
		 s/^(1\.\.0 # SKIP.*)/\1 ($1)/p
		 /^not ok /,/^[^#]/{
			s/^(not ok )[0-9]* ?- /\1- $1: /p
			/^#   /p
		 }" "$log" >>"$results" || true
	while read -r test seconds; do
		took "test-${2:-}-$test" "$seconds"
	done < <(sed -nE 's/^# ([a-z0-9_]+): ([0-9]+) s$/\1 \2/p' "$log")
	grep -qE '^(not )?ok ' "$log"
}

# guest NAME KERNEL SECONDS KO COMMAND...: run in a VM. What it prints in TAP
# are results, and so is how the VM ended.
guest() {
	local name=$1 kernel=$2 limit=$3 ko=$4 start=$SECONDS rc=0 ran=1

	shift 4
	"${run_in:-$vm/vm.sh}" -k "$kernel" -t "$limit" -o "$out/$name" \
		-e "STT_KERNEL=$kernel" -e "STT_KO=$STT_TOP/$ko" \
		-e "STT_PLUGIN_DIR=$STT_TOP/build/ip" "${env[@]}" -- "$@" \
		2>"$out/$name.err" | sed -u "s/^/[$name] /" ||
		rc=${PIPESTATUS[0]}
	sed "s/^/[$name] /" "$out/$name.err"
	tally "$name" "$kernel" || ran=''
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 125 ]; then
		result 'not ok' "$name: the VM"
	elif [ -z "$ran" ]; then
		result 'not ok' "$name: nothing ran"
	fi
	echo "# $name: $((SECONDS - start)) s"
}

# cross ARCH: unit tests on another architecture.
cross() {
	local name=$1-kunit start=$SECONDS

	"$vm/cross.sh" "$1" "$out/$name" 2>"$out/$name.err" |
		sed -u "s/^/[$name] /" || true
	sed "s/^/[$name] /" "$out/$name.err"
	tally "$name" || result 'not ok' "$name: nothing ran"
	echo "# $name: $((SECONDS - start)) s"
}

# vms NAME: how many VMs that selftest takes.
vms() {
	sed -n 's/^# vms: *//p' "tests/selftests/${1%.sh}.sh" 2>/dev/null |
	grep -m 1 . || echo 1
}

# selftests NAME KERNEL [ARGUMENT]... [SELFTEST]...: as guest(); those that
# take two VMs get them, after the others.
selftests() {
	local name=$1 kernel=$2 ko=build/$2/stt.ko arg one=() two=()
	local limit=$((${STT_TIMEOUT:-0} + 4000))

	[ -e "$ko" ] || return 0
	shift 2
	for arg in "$@"; do
		if [ "$(vms "$arg")" = 2 ]; then
			two+=("$arg")
		else
			one+=("$arg")
		fi
	done
	if [ ${#two[@]} -eq 0 ] || [[ " ${one[*]} " == *' '[!-]* ]]; then
		guest "$name" "$kernel" "$limit" "$ko" \
			tests/selftests/run.sh "${one[@]}"
	fi
	[ ${#two[@]} -eq 0 ] ||
		run_in=$vm/pair.sh guest "$name-pair" "$kernel" "$limit" "$ko" \
			tests/selftests/run.sh --slow "${two[@]}"
}

kunit() {
	[ -e "build/$1-kunit/stt.ko" ] || return 0
	guest "$1-kunit" "$1" 900 "build/$1-kunit/stt.ko" tests/vm/kunit.sh
}

# --- work for two VMs at a time ---------------------------------------------

# What is left to do: "KERNEL NAME" a line, NAME a selftest or "kunit".
queue=$out/queue
: >"$queue"

# later KERNEL NAME...
later() {
	local kernel=$1

	shift
	[ $# -eq 0 ] || printf "$kernel %s\n" "$@" >>"$queue"
}

# later_all KERNEL [--slow]: all selftests that run there, the longest first.
later_all() {
	local kernel=$1 names

	shift
	mapfile -t names < <(STT_KERNEL=$kernel tests/selftests/run.sh --list "$@")
	later "$kernel" "${names[@]}"
}

# progress WORK...: how far the queue is, and what is left of it by the times of
# the last run; two VMs share it. Test times are saved as they come.
progress() {
	local ended left=0 known=1 kernel what t

	ended=$((total - $(wc -l <"$queue")))
	while read -r kernel what; do
		t=$(last_time "test-$kernel-$what")
		[ -n "$t" ] || known=''
		left=$((left + ${t:-20}))
	done < <(cat "$queue"; printf "$1 %s\n" "${@:2}")
	echo "# [$ended/$total] $*; left: $(about $((left / 2)))${known:+ by the last run}" >&2
}

# take: some work that one VM can do; fails when there is none.
take() {
	local first what batch

	exec 9>"$queue.lock"
	flock 9
	if read -r first what <"$queue"; then
		batch=(kunit)
		[ "$what" = kunit ] || mapfile -t batch < <(
			awk -v k="$first" '$1 != k || $2 == "kunit" || NR > 4 {
				exit
			}
			{ print $2 }' "$queue")
		sed -i "1,${#batch[@]}d" "$queue"
		progress "$first" "${batch[@]}"
		echo "$first ${batch[*]}"
	fi
	exec 9>&-
}

# worker N: until nothing is left.
worker() {
	local n=0 work

	while read -ra work < <(take) && [ ${#work[@]} -gt 1 ]; do
		n=$((n + 1))
		if [ "${work[1]}" = kunit ]; then
			case ${work[0]} in
			arm64|powerpc) cross "${work[0]}" ;;
			*)	       kunit "${work[0]}" ;;
			esac
		else
			selftests "${work[0]}.$1$n" "${work[0]}" --slow \
				"${work[@]:1}"
		fi
	done
}

work() {
	total=$(wc -l <"$queue")
	beside worker b
	worker a
	wait "$beside" || true
}

# beside COMMAND...: in the background, in a process group of its own, so that
# an interrupted run leaves no VM behind.
beside=''
beside() {
	set -m
	"$@" &
	beside=$!
	set +m
	trap 'kill -- -$beside 2>/dev/null || true' EXIT
	trap 'exit 130' INT TERM
}

summary() {
	local failed skipped passed

	failed=$(grep -c '^not ok' "$results") || true
	skipped=$(grep -cE '^ok .*# SKIP|^1\.\.0 # SKIP' "$results") || true
	passed=$(grep '^ok' "$results" | grep -vc '# SKIP') || true
	if [ "$failed" -gt 0 ]; then
		echo "# failed:"
		grep -E '^(not ok|#)' "$results" | sed 's/^/#   /'
	fi
	if [ "$skipped" -gt 0 ]; then
		echo "# skipped:"
		grep '# SKIP' "$results" | sort | uniq -c | sed 's/^/#   /'
	fi
	echo "# $((SECONDS - begin)) s, logs in $out"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# The budget is 45 minutes with the kernels built, on two cores. A debug kernel
# under emulation takes five times as long as a stock one.
newest_tests=(smoke drops ecn link wire_rx wire_tx)
debug_tests=(smoke wire_reasm fuzz)

case $mode in
named)	 plain=("$kernel") unit=() ;;
fast)	 plain=(newest) unit=(newest) ;;
*)	 plain=(stock-6.1 stock-6.12 newest debug-6.12)
	 unit=(newest debug-6.12)
	 [ "$mode" != all ] || plain+=(stock-6.12-rt arm64 powerpc) ;;
esac

# Whatever cannot be had here fails one step, and the rest goes on.
deps=("$vm/deps.sh")
[ "$mode" != all ] || deps+=(--all)
step 'packages' "${deps[@]}" || { summary; exit 1; }
step 'ip plugin' make ip || true
step 'links between pages' tests/docs.sh || true
step 'stt-status' tests/status.sh || true
[ "$mode" = named ] || step 'what is said while waiting' tests/waiting.sh || true
step 'fuzzer' make -s -C tests/fuzz || true
step 'ip options' iproute2-patch/test-args.sh || true
step 'iproute2 patch' iproute2-patch/check.sh --local || true
if [ "$mode" = default ] || [ "$mode" = all ]; then
	step 'Debian packages' tests/deb.sh || true
	step 'series for the kernel' tests/upstream.sh || true
	if command -v mmdebstrap >/dev/null; then
		step 'installs by hand on Debian 12' \
			tests/install-root.sh bookworm hand || true
	fi
fi
case $mode${names[*]} in
named*persistent*|named*networkmanager*|named*firewall*|all|default)
	step 'programs for the guest' tests/vm/tools.sh || true ;;
esac
case $mode${names[*]} in
fast)	;;
named*ov[sn]*|all|default)
	# What needs it is skipped without, and says so.
	step 'Open vSwitch' "$vm/ovs.sh" || true ;;
esac
for k in "${plain[@]}"; do
	step "kernel $k" "$vm/kernel.sh" "$k" || continue
	step "build $k" "$vm/build.sh" "$k" || true
	if [ "$k" = stock-6.1 ] && [ "$mode" != named ]; then
		step 'unknown kernels' tests/compat.sh "$k" || true
	fi
	case $mode:$k in
	default:debug*|all:debug*) ;;	# has no BTF
	default:*|all:*) step "vport-stt on $k" tests/vport.sh "$k" || true ;;
	esac
	if [[ " ${unit[*]} " == *" $k "* ]]; then
		step "build $k with unit tests" "$vm/build.sh" "$k" KUNIT=1 ||
			true
	fi
done

if [ "$mode" = default ] || [ "$mode" = all ]; then
	step 'instruction counts' bench/run.sh --check || true
fi
case $mode in
named)	selftests "$kernel" "$kernel" --slow "${names[@]}" ;;
fast)	kunit newest
	selftests newest newest smoke ;;
default)
	later debug-6.12 kunit "${debug_tests[@]}"
	later newest kunit "${newest_tests[@]}"
	later_all stock-6.1
	work
	echo "# left to make check-all: slow tests; all tests on stock-6.12;"
	echo "#   on newest all but ${newest_tests[*]};"
	echo "#   on debug-6.12 all but ${debug_tests[*]}" ;;
all)	step 'series for the kernel builds' tests/upstream.sh --build || true
	step 'packages in a Debian of their own' tests/deb-root.sh || true
	step 'installs on Debian 12' tests/install-root.sh bookworm || true
	step 'installs on Debian 13' tests/install-root.sh trixie || true
	for k in arm64 powerpc debug-6.12 newest; do
		later "$k" kunit
	done
	for k in debug-6.12 newest stock-6.12-rt stock-6.12 stock-6.1; do
		later_all "$k" --slow
	done
	work ;;
esac
summary
