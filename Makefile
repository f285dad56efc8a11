# SPDX-License-Identifier: GPL-2.0
# Kexec Handover and Live Update for Linux 6.12: entry points. README.md describes how to
# use them, HACKING.md the variables.

.DEFAULT_GOAL := help

.PHONY: help kernel refresh demo demo-vm test test-all soak bench fuzz check coverage series check-series deb clean

help:
	@echo 'make kernel   lay build/linux/ and build it in build/x86_64/ (CONFIG=debug: with'
	@echo '              KASAN, lockdep and more, in build/x86_64-debug/; CONFIG=64k ARCH=arm64:'
	@echo '              with pages of 64 KiB)'
	@echo 'make refresh  write edits of base files in build/linux/ back to series/'
	@echo '              (NAME=COMMIT: to that commit)'
	@echo 'make demo     preserve a file in a memfd across two live updates, in QEMU'
	@echo '              (DEMO_FILE=FILE: that file)'
	@echo 'make demo-vm  live-update a Debian host whose virtual machine and cache go on, in QEMU'
	@echo 'make test     run all tests, and some of them on arm64; the last line counts them'
	@echo '              (T="kunit rules": only these; T=list: print the names)'
	@echo 'make test-all run all tests on both architectures and in every configuration of'
	@echo '              scripts/test-configs; takes hours'
	@echo 'make soak     run a thousand live updates in a row, very large ones, and a storm'
	@echo '              of requests on a full host; takes 45 minutes (KEXECS=N: run N)'
	@echo 'make bench    measure what preserving costs and how it lengthens the blackout'
	@echo '              (PEER=bzImage: compare with another kernel; CASES="CASE...": only'
	@echo '              these, scripts/bench/run --help lists them)'
	@echo 'make fuzz     fuzz the code that reads the state of another kernel, or (T=luod) the'
	@echo '              messages of clients (T=radix SECONDS=60: which code, and how long)'
	@echo 'make check    check the code: checkpatch, sparse, W=1, kernel-doc and more; make'
	@echo '              test includes it'
	@echo 'make coverage print the share of lines of each file that the tests execute'
	@echo 'make series   write the patches for mailing to build/series/'
	@echo 'make check-series'
	@echo '              check the patches: git am, checkpatch, kernel-doc, get_maintainer.pl,'
	@echo '              and build each commit'
	@echo 'make deb      make Debian packages of the kernel in Debian'"'"'s cloud configuration, and'
	@echo '              of luod and luoctl, in build/deb/'
	@echo 'make clean    remove build/; downloads and ccache stay in ~/.cache/kho/'
	@echo
	@echo 'ARCH=arm64    cross-compile for arm64, in build/arm64/, and run it in QEMU'
	@echo 'KBASE=DIR     use that Linux 6.12.y tree or checkout instead of Debian'"'"'s'
	@echo 'ACCEL=tcg|kvm how QEMU runs the guests; default: kvm if it works'
	@echo 'JOBS=N        number of jobs at once; default: number of CPUs'
	@echo 'HACKING.md lists all variables.'

kernel:
	@scripts/tree/make-kernel $(CONFIG)

refresh:
	@scripts/tree/install-packages build series
	@scripts/tree/refresh $(NAME)

demo:
	@scripts/demo/run

demo-vm:
	@scripts/demo/run-vm

test:
	@scripts/test/run-tests $(T)

test-all:
	@scripts/test/run-tests --all

soak: KEXECS ?= 1000
soak:
	@KHO_KEXECS='$(KEXECS)' scripts/test/run-tests late: load soak storm

bench:
	@scripts/bench/run

fuzz: SECONDS ?= 60
fuzz:
	@scripts/test/fuzz '$(T)' '$(SECONDS)'

check: kernel
	@scripts/check

coverage:
	@scripts/test/coverage

series:
	@scripts/series/make-series

check-series:
	@scripts/check-series

deb:
	@scripts/deb/make-deb

clean:
	rm -rf build
