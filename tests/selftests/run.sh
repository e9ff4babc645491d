#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [--slow] [NAME]... - run selftests; inside a VM, as root
# run.sh --list [--slow]    - say which would run, the longest first
# run.sh --help             - all tests, a line each
#
# All tests that say they run on this kernel, or those named. Each gets a
# freshly loaded module, a time limit, a look at the kernel log, and has to
# leave no namespace and an unused module behind. From the environment:
#   STT_KO          the module
#   STT_PLUGIN_DIR  where ip finds link_stt.so
#   STT_KERNEL      the kernel's name as in kernel.sh
#   STT_TIMEOUT     seconds for each test, whatever it says itself

set -u
cd "${BASH_SOURCE[0]%/*}" || exit 1
top=$(cd ../.. && pwd)
: "${STT_PLUGIN_DIR:=$top/build/ip}" "${STT_KERNEL:=stock-6.1}"
export STT_KO STT_PLUGIN_DIR STT_KERNEL IP_LIB_DIR=$STT_PLUGIN_DIR

slow='' list=''
while :; do
	case ${1:-} in
	--slow)	slow=1 ;;
	--list)	list=1 ;;
	--help)	list=help ;;
	*)	break ;;
	esac
	shift
done
[ -n "$list" ] || : "${STT_KO:?}"

passed=0 failed=0 skipped=0 at=0 of=0
log=$(mktemp)

header() {
	sed -n "s/^# $2: *//p" "$1" | head -n 1
}

# fits KERNELS: is this kernel among them?
fits() {
	local word

	for word in $1; do
		case $word in
		all|"$STT_KERNEL"|"${STT_KERNEL%%-*}") return 0 ;;
		esac
	done
	return 1
}

# Everything the runner finds by itself is a result of its own.
fail() {
	failed=$((failed + 1))
	printf 'not ok - %s: %s\n' "$1" "$2"
}

load() {
	local deps

	deps=$(modinfo -F depends "$STT_KO" | tr , ' ')
	# shellcheck disable=SC2086
	[ -z "$deps" ] || modprobe -a $deps || return
	insmod "$STT_KO"
}

# The last reference may go with a namespace that is still being taken apart.
unload() {
	local _

	for _ in {1..100}; do
		rmmod stt 2>/dev/null && return
		sleep 0.1
	done
	rmmod stt
}

run_one() {
	local name=$1 limit rc start=$SECONDS before=$failed

	limit=$(header "$name.sh" timeout)
	# Two VMs and more may share the machine.
	limit=$((${limit:-120} * 2))
	case $STT_KERNEL in
	debug*) limit=$((limit * 5)) ;;
	newest) limit=$((limit * 2)) ;;
	esac
	limit=${STT_TIMEOUT:-$limit}

	at=$((at + 1))
	echo "# [$at/$of] $name"
	echo "stt-test: begin $name" >/dev/kmsg
	if ! load >"$log" 2>&1; then
		sed 's/^/# /' "$log"
		fail "$name" 'the module does not load'
		return
	fi

	# One at a time: the log is read only when the test has ended.
	timeout -k 10 "$limit" bash "./$name.sh" </dev/null 2>&1 |
		sed -u "s/^\(not \)\?ok [0-9]* - /&$name: /" | tee "$log"
	rc=${PIPESTATUS[0]}

	passed=$((passed + $(grep -E '^ok ' "$log" | grep -vc '# SKIP')))
	failed=$((failed + $(grep -cE '^not ok ' "$log")))
	skipped=$((skipped + $(grep -cE '^ok .*# SKIP|^1\.\.0 # SKIP' "$log")))
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		fail "$name" "no end after $limit s"
	elif [ "$rc" -eq 4 ]; then
		grep -q '^1\.\.0 # SKIP' "$log" ||
			fail "$name" 'skipped without a reason'
	elif ! grep -qE '^1\.\.[0-9]+' "$log"; then
		fail "$name" "died with status $rc before its end"
	elif [ "$rc" -ne 0 ] && ! grep -q '^not ok ' "$log"; then
		fail "$name" "exit status $rc"
	fi

	ip -all netns del 2>/dev/null
	unload >"$log" 2>&1 || {
		lsmod | grep -w stt
		fail "$name" "the module does not unload: $(cat "$log")"
	}
	dmesg | tac | sed "/stt-test: begin $name\$/q" | tac >"$log"
	"$top/tests/vm/splats.sh" <"$log" | sed 's/^/# /'
	[ "${PIPESTATUS[0]}" -eq 0 ] || fail "$name" 'the kernel complained'
	[ "$failed" -eq "$before" ] || echo "#   again, alone:" \
		"make check T=$name$([ "$STT_KERNEL" = stock-6.1 ] ||
				     echo " K=$STT_KERNEL")"
	echo "# $name: $((SECONDS - start)) s"
}

list() {
	local test limit

	for test in *.sh; do
		case $test in lib.sh|run.sh|*.lib.sh|lib_*) continue ;; esac
		fits "$(header "$test" kernels | grep . || echo stock)" || continue
		[ -n "$slow" ] || [ "$(header "$test" slow)" != yes ] || continue
		limit=$(header "$test" timeout)
		echo "${limit:-120} ${test%.sh}"
	done | sort -k1,1rn -k2 | cut -d' ' -f2
}

# What a test's own comment begins with, cut where its first sentence ends.
help() {
	local test

	for test in *.sh; do
		case $test in lib.sh|run.sh|*.lib.sh|lib_*) continue ;; esac
		printf '%-16s %s%s\n' "${test%.sh}" "$(awk '
			/^# SPDX/ || /^#!/ { next }
			/^# ./ { sub(/^# */, ""); text = text " " $0; next }
			text { exit }
			END {
				sub(/^ /, "", text)
				sub(/[.] .*/, "", text)
				sub(/[.:]$/, "", text)
				print (length(text) > 100 ? substr(text, 1, 97) "..." : text)
			}' "$test")" \
			"$([ "$(header "$test" slow)" != yes ] || echo ' (slow)')"
	done
}

if [ "$list" = help ]; then
	help
elif [ -n "$list" ]; then
	list
elif [ $# -gt 0 ]; then
	of=$#
	for name in "$@"; do
		name=${name%.sh}
		if [ ! -e "$name.sh" ]; then
			fail "$name" 'no such test'
			continue
		fi
		kernels=$(header "$name.sh" kernels)
		if ! fits "${kernels:-stock}"; then
			echo "ok - $name # SKIP is for kernels: ${kernels:-stock}"
			skipped=$((skipped + 1))
			continue
		fi
		run_one "$name"
	done
else
	of=$(list | wc -l)
	for test in *.sh; do
		name=${test%.sh}
		case $name in lib|run|*.lib|lib_*) continue ;; esac
		kernels=$(header "$test" kernels)
		if ! fits "${kernels:-stock}"; then
			echo "# $name: not on $STT_KERNEL (${kernels:-stock})"
		elif [ -z "$slow" ] && [ "$(header "$test" slow)" = yes ]; then
			echo "# $name: slow, left to make check-all"
		elif [ "$(header "$test" vms)" = 2 ]; then
			echo "# $name: takes two VMs, see tests/check.sh"
		else
			run_one "$name"
		fi
	done
fi

rm -f "$log"
[ -z "$list" ] || exit 0
echo "# $STT_KERNEL: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
