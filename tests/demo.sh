#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - show the module at work, in a VM on the distribution's own kernel
#
# On a fresh Debian 12 or 13, as root. Installs the packages that are missing,
# builds module and plugin, and runs demo-guest.sh in the VM. Nothing is loaded
# into this machine's kernel. The VM's clock counts instructions, so the rates
# compare fairly on whatever machine this runs.

set -euo pipefail
. "${BASH_SOURCE[0]%/*}/vm/common.sh"
vm=$STT_TOP/tests/vm

say 'looking for missing packages'
"$vm/deps.sh"
say 'building the plugin for ip, and the module for the stock kernel'
make -s -C "$STT_TOP" ip >&2
kernel=$("$vm/kernel.sh" stock)
ko=$("$vm/build.sh" stock)
say 'booting a VM, half a minute'
exec "$vm/vm.sh" -k "$kernel" --icount -t 1800 -e "STT_KO=$ko" \
	-e "IP_LIB_DIR=$STT_TOP/build/ip" -- tests/demo-guest.sh
