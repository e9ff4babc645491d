# SPDX-License-Identifier: GPL-2.0
#
# STT as an out-of-tree module. What the kernel's build system reads is in
# Kbuild; this file is for people. "make help" lists what there is.

# The running kernel's build tree, else the newest there is.
KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$\
	$(shell ls -d /lib/modules/*/build 2>/dev/null | sort -V | tail -n 1))

kbuild = $(if $(KDIR),,$(error no kernel headers: give KDIR=, or \
	install linux-headers))$(MAKE) -C $(KDIR) M=$(CURDIR)

VERSION := $(shell tools/version.sh)
# The name of the folder below /lib/modules. Debian 12's kernel.release is not
# it, the one that modules bear is.
RELEASE = $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null),$\
	$(shell cat $(KDIR)/include/config/kernel.release))
# Makes in other directories are to mean the same.
override DESTDIR := $(if $(DESTDIR),$(abspath $(DESTDIR)))
DKMSDIR  = $(DESTDIR)/usr/src/stt-$(VERSION)

# What modules can describe their types by is the kernel's image, which headers
# packages mostly do without.
nobtf = $(if $(wildcard $(KDIR)/vmlinux),,CONFIG_DEBUG_INFO_BTF_MODULES=)

#   make                stt.ko for KDIR (default: the running kernel), and
#                       ovs/vport-stt.ko where its openvswitch takes it
all: modules

modules:
	@$(if $(KDIR),tools/install.sh note $(RELEASE))
	$(kbuild) $(nobtf) modules

#   make ip             build/ip/link_stt.so, which teaches ip the link type
ip:
	$(MAKE) -C iproute2-patch

#   make install        module, plugin and man page; DESTDIR is honoured
#   make uninstall      undoes "make install" and "make dkms"
install: modules ip
	tools/install.sh add $(RELEASE) $(KDIR) $(DESTDIR)
	$(MAKE) -C iproute2-patch install DESTDIR=$(DESTDIR)

uninstall:
	tools/install.sh remove $(DESTDIR)
	tools/dkms.sh remove $(DESTDIR)
	$(MAKE) -C iproute2-patch uninstall DESTDIR=$(DESTDIR)

#   make dkms           hand the sources to DKMS, in place of older ones
dkms:
	$(RM) -r $(DKMSDIR)
	install -d $(DKMSDIR)
	cp -r Kbuild Kconfig Makefile dkms.conf $(wildcard stt_*.[ch]) include \
		compat ovs tools $(DKMSDIR)/
	@find $(DKMSDIR) \( -name '*.o' -o -name '*.ko' -o -name '*.mod*' \
		-o -name '.*.cmd' -o -name vport_btf.h \) -exec rm {} +
	@sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="$(VERSION)"/' \
		$(DKMSDIR)/dkms.conf
	$(if $(DESTDIR),,tools/dkms.sh add $(VERSION) $(RELEASE))

#   make deb            Debian packages stt-dkms and stt-tools, in build/deb;
#                       needs debhelper and dh-dkms
deb:
	$(RM) -r build/deb
	install -d build/deb/stt-$(VERSION)
	tar -c --exclude=./build --exclude=./.git --exclude='*.o' \
		--exclude='*.ko' . | tar -x -C build/deb/stt-$(VERSION)
	sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="$(VERSION)"/' \
		build/deb/stt-$(VERSION)/dkms.conf
	tools/changelog.sh $(VERSION) build/deb/stt-$(VERSION)/debian/changelog
	cd build/deb/stt-$(VERSION) && dpkg-buildpackage -us -uc -b

#   make upstream-patch a series for the newest kernel source, or KSRC, in
#                       build/upstream
upstream-patch:
	upstream/make-series.sh $(KSRC)

#   make demo           two hosts in a VM, joined by STT: needs root, and
#                       installs the Debian packages that are missing
demo:
	tests/demo.sh

#   make check          the tests, in VMs; as root, like all that follow.
#                       T=NAME runs one selftest, K=KERNEL on that kernel
check:
	tests/check.sh $(if $(K),-k $(K)) $(T)

#   make check-all      all tests on all kernels, the slow ones as well
check-all:
	tests/check.sh --all

#   make matrix         a table of kernels and what passes on them; hours.
#                       K="KERNEL..." takes only these, T="NAME..." only
#                       these selftests
matrix:
	T="$(T)" tests/matrix.sh $(K)

#   make check-fast     unit tests and one smoke test
check-fast:
	tests/check.sh --fast

#   make lint           checkpatch, sparse, W=1, layers, coccicheck, shellcheck
lint:
	tests/lint.sh

#   make fuzz           damaged packets and messages without end, in the debug
#                       kernel; DURATION=SECONDS, SEED=N repeats a run
fuzz:
	DURATION=$(DURATION) SEED=$(SEED) K=$(K) tests/fuzz/run.sh

#   make bench          the benchmark: writes BENCH.md
bench:
	bench/run.sh

#   make bench-check    some of it: does STT keep its distance to the others
bench-check:
	bench/run.sh --check

#   make clean          away with all that was built, except kernels in the cache
clean:
	$(if $(KDIR),$(kbuild) clean)
	$(RM) -r build

help:
	@sed -n 's/^#   / /p; s/^#        / /p' Makefile

.PHONY: all modules ip install uninstall dkms deb upstream-patch demo check check-all \
	matrix check-fast lint fuzz bench bench-check clean help
