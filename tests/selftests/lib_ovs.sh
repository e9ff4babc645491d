# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests with Open vSwitch or OVN, unmodified: sourced after lib.sh. Each
# namespace (or VM) can be a host of its own, with its daemons, its database
# and its datapath. Everything lies in $tmp.

: "${tmp:?}" "${slowness:?}"
ovs_dir=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)/build/ovs
for dir in "$ovs_dir" ''; do
	PATH=$dir/usr/lib/openvswitch-switch:$dir/usr/sbin:$dir/usr/bin:$PATH
done
LD_LIBRARY_PATH=$(echo "$ovs_dir"/usr/lib/*-linux-gnu*)
export PATH LD_LIBRARY_PATH

ovs_share=/usr/share ovn_share=/usr/share
[ ! -d "$ovs_dir/usr/share/openvswitch" ] || ovs_share=$ovs_dir/usr/share

[ ! -d "$ovs_dir/usr/share/ovn" ] || ovn_share=$ovs_dir/usr/share

# ovs_modules NAME...: a /lib/modules as "make install" leaves it, with the
# named modules of this build; the kernel's own modules in it are those that
# tests with Open vSwitch need. Again: with other modules of ours.
ovs_modules() {
	local ver tree m

	ver=$(uname -r)
	tree=$tmp/tree/lib/modules/$ver
	if [ ! -d "$tree" ]; then
		mkdir -p "$tree"
		cp "/lib/modules/$ver"/modules.{order,builtin}* "$tree/"
		for m in openvswitch vport-geneve vport-vxlan veth nf_tables \
			 nft_ct nft_objref nf_conntrack_netlink; do
			modprobe --show-depends "$m"
		done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u |
		while read -r m; do
			m=${m#"/lib/modules/$ver/"}
			m=${m#"/usr/lib/modules/$ver/"}
			(cd "/lib/modules/$ver" && cp --parents "$m" "$tree/")
		done
		mount --bind "$tree" "/lib/modules/$ver" || return
	fi
	rm -rf "$tree/updates"
	mkdir "$tree/updates"
	for m in "$@"; do
		cp "${STT_KO%/*}/$m" "$tree/updates/" || return
	done
	depmod -b "$tmp/tree" "$ver"
}

# ovs_env NS COMMAND...: in the namespace, beside the host's daemons. "host" is
# where we are, for a VM that is one host.
ovs_env() {
	local d=$tmp/ovs-$1 ns=$1 var

	shift
	for var in RUNDIR LOGDIR DBDIR SYSCONFDIR; do
		export "OVS_$var=$d" "OVN_$var=$d"
	done
	if [ "$ns" = host ]; then "$@"; else in_ns "$ns" "$@"; fi
}

ovs_ns=()

# ovs_start NS: the database and the switch of a host; again after ovs_stop.
ovs_start() {
	local d=$tmp/ovs-$1

	mkdir -p "$d"
	if [ ! -e "$d/conf.db" ]; then
		ovsdb-tool create "$d/conf.db" \
			"$ovs_share/openvswitch/vswitch.ovsschema" || return
		ovs_ns+=("$1")
	fi
	ovs_env "$1" ovsdb-server --remote="punix:$d/db.sock" --detach \
		--no-chdir --pidfile --log-file -vconsole:off "$d/conf.db" &&
	ovs_vsctl "$1" --no-wait init &&
	ovs_switch "$1"
}

ovs_switch() {
	ovs_env "$1" ovs-vswitchd "unix:$tmp/ovs-$1/db.sock" --detach \
		--no-chdir --pidfile --log-file -vconsole:off
}

# ovs_stop NS [--cleanup]: end both daemons; with --cleanup the datapath goes.
ovs_stop() {
	ovs_env "$1" ovs-appctl -t ovs-vswitchd exit "${@:2}"
	ovs_env "$1" ovs-appctl -t ovsdb-server exit
	wait_for 20 ovs_gone "$1"
}

ovs_gone() {
	! compgen -G "$tmp/ovs-$1/*.pid"
}

# Daemons leave lib.sh's process group: end them before the namespaces go.
ovs_teardown() {
	local ns pid

	for ns in "${ovs_ns[@]}"; do
		for pid in "$tmp/ovs-$ns"/ovn*.pid; do
			[ ! -e "$pid" ] || kill "$(<"$pid")"
		done
		ovs_stop "$ns" --cleanup
	done >/dev/null 2>&1
	ovs_ns=()
}

# The next test wants the kernel's own modules again.
ovs_end() {
	set +e
	ovs_teardown
	[ ! -d "$tmp/tree" ] || umount "/lib/modules/$(uname -r)"
	cleanup
}
trap ovs_end EXIT

ovs_vsctl() { ovs_env "$1" ovs-vsctl --timeout=$((20 * slowness)) "${@:2}"; }
ovs_ofctl() { ovs_env "$1" ovs-ofctl -O OpenFlow13 "${@:2}"; }
ovs_appctl() { ovs_env "$1" ovs-appctl -t ovs-vswitchd "${@:2}"; }
ovs_dpctl() { ovs_env "$1" ovs-dpctl "${@:2}"; }

# ovn_central: the databases and northd on this host; the south one at port 6642.
ovn_central() {
	local d=$tmp/ovs-host db remote=()

	for db in nb sb; do
		ovsdb-tool create "$d/$db.db" \
			"$ovn_share/ovn/ovn-$db.ovsschema" || return
		ovs_env host ovsdb-server "--remote=punix:$d/ovn$db.sock" \
			"${remote[@]}" --detach \
			--no-chdir "--pidfile=$d/ovn$db.pid" \
			"--unixctl=$d/ovn$db.ctl" -vconsole:off \
			"$d/$db.db" || return
		remote=(--remote=ptcp:6642)
	done
	ovs_env host ovn-northd "--ovnnb-db=unix:$d/ovnnb.sock" \
		"--ovnsb-db=unix:$d/ovnsb.sock" --detach --no-chdir \
		--pidfile --log-file -vconsole:off
}

# ovn_host NAME ADDRESS CENTRAL: this host is a hypervisor.
ovn_host() {
	ovs_vsctl host set open_vswitch . "external-ids:system-id=$1" \
		"external-ids:ovn-remote=tcp:$3:6642" \
		external-ids:ovn-encap-type=stt \
		"external-ids:ovn-encap-ip=$2" &&
	ovs_env host ovn-controller "unix:$tmp/ovs-host/db.sock" --detach \
		--no-chdir --pidfile --log-file -vconsole:off
}

ovn_nbctl() {
	ovs_env host ovn-nbctl "--db=unix:$tmp/ovs-host/ovnnb.sock" \
		--timeout=$((60 * slowness)) "$@"
}

ovn_sbctl() {
	ovs_env host ovn-sbctl "--db=unix:$tmp/ovs-host/ovnsb.sock" \
		--timeout=$((60 * slowness)) "$@"
}

# ovn_tenant PORT MAC [ADDRESS/LEN [GATEWAY]]: a namespace of that name, joined
# to the integration bridge as that logical port.
ovn_tenant() {
	ip netns add "$1" && test_ns+=("$1") &&
	ip link add "p_$1" type veth peer name eth0 netns "$1" address "$2" &&
	ip link set "p_$1" up &&
	ip -n "$1" link set lo up &&
	ip -n "$1" link set eth0 up || return
	[ -z "${3:-}" ] || ip -n "$1" addr add "$3" dev eth0 || return
	[ -z "${4:-}" ] || ip -n "$1" route add default via "$4" || return
	ovs_vsctl host add-port br-int "p_$1" -- set interface "p_$1" \
		"external-ids:iface-id=$1"
}

# ovn_leave PORT: the tenant is no longer here.
ovn_leave() {
	ovs_vsctl host del-port br-int "p_$1"
	ip netns del "$1"
}

# ovs_log NS: what the switch had to say, on failure.
ovs_log() {
	tail -n 30 "$tmp/ovs-$1/ovs-vswitchd.log" | sed 's/^/# /'
}
