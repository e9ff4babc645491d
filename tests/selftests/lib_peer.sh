# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests that run in two VMs (tests/vm/pair.sh) and say "# vms: 2" at their
# top: sourced after lib.sh, in VM 1. VM 2 is a shell that does what it is told.

[ "${STT_VM:-}" = 1 ] || skip_all 'takes two VMs: tests/vm/pair.sh'
peer=''

peer_connect() {
	exec {peer}<>/dev/tcp/192.0.2.2/7000
}

# on_peer COMMAND [ARG]...: in the shell of VM 2; prints what it prints and
# returns what it returns. One argument alone is shell code.
on_peer() {
	local line last='' begun='' code=$1

	[ $# -eq 1 ] || code=$(printf '%q ' "$@")
	printf '{ %s\n} </dev/null 2>&1; printf "\\n@@peer %%d\\n" $?\n' \
		"$code" >&"$peer" || return 125
	while IFS= read -r -u "$peer" line; do
		case $line in
		'@@peer '*)
			[ -z "$last" ] || printf '%s\n' "$last"
			return "${line#@@peer }" ;;
		esac
		[ -z "$begun" ] || printf '%s\n' "$last"
		last=$line begun=1
	done
	echo "VM 2 is gone"
	return 125
}

# peer_start: VM 2 gets the module and our functions.
peer_start() {
	wait_for 180 peer_connect || return
	on_peer "export STT_KO=$STT_KO IP_LIB_DIR=$IP_LIB_DIR STT_KERNEL=$STT_KERNEL
		insmod_stt() {
			local deps; deps=\$(modinfo -F depends $STT_KO | tr , ' ')
			[ -z \"\$deps\" ] || modprobe -a \$deps || return
			insmod $STT_KO
		}; insmod_stt" || return
	on_peer '. ./lib.sh' && on_peer 'trap - EXIT INT TERM'
}

# peer_end: VM 2 ends, and its module has to be unused.
peer_end() {
	on_peer 'cleanup; wait_for 10 rmmod stt' || return
	echo 'exit 0' >&"$peer"
	exec {peer}>&-
}
