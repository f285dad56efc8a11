# SPDX-License-Identifier: GPL-2.0
# Kexec Handover and Live Update for Linux 6.12: entry points, see README.md.

.DEFAULT_GOAL := help

# make CONFIG=, KBASE=, ARCH=, DEMO_FILE=, PEER=, CASES=, ACCEL=, JOBS= reach the scripts
export CONFIG KBASE ARCH DEMO_FILE PEER CASES ACCEL JOBS
ifeq ($(ARCH),)
unexport ARCH
endif
ifeq ($(JOBS),)
unexport JOBS
endif

.PHONY: help kernel refresh demo test test-all soak bench fuzz check coverage series check-series deb clean

help:
	@echo 'make kernel   lay build/linux/ and build it in build/x86_64/ (CONFIG=debug: with'
	@echo '              KASAN, lockdep and more, in build/x86_64-debug/; CONFIG=64k ARCH=arm64:'
	@echo '              with pages of 64 KiB)'
	@echo 'make refresh  write edits of base files in build/linux/ back to series/'
	@echo '              (NAME=COMMIT: to that commit)'
	@echo 'make demo     a file in a memfd lives through two live updates in QEMU'
	@echo '              (DEMO_FILE=: any file)'
	@echo 'make test     every test, and some of them on arm64; the last line counts them'
	@echo '              (T="kunit rules": these tests; T=list: print the names)'
	@echo 'make test-all every test, on both architectures and on every configuration of'
	@echo '              kernel and machine that scripts/test-configs lists; takes hours'
	@echo 'make soak     a thousand live updates in a row, and very large ones; takes'
	@echo '              half an hour (KEXECS=N: so many)'
	@echo 'make bench    what preserving costs and what it adds to the blackout, beside the'
	@echo '              goals (PEER=bzImage: beside another kernel; CASES=: some cases,'
	@echo '              scripts/bench/run --help lists them)'
	@echo 'make fuzz     look for what another kernel may leave and this one stumbles over'
	@echo '              (T=radix SECONDS=60: what reads it, and how long)'
	@echo 'make check    look at the code: checkpatch, sparse, W=1, kernel-doc and more;'
	@echo '              silent when all is well (make test does it, too)'
	@echo 'make coverage the share of lines of each file of ours that the tests run'
	@echo 'make series   write the patches as one mails them, to build/series/'
	@echo 'make check-series'
	@echo '              see whether that series is fit to be mailed: git am, checkpatch,'
	@echo '              kernel-doc, get_maintainer.pl, and each commit builds'
	@echo 'make deb      packages of the kernel with Debian'"'"'s cloud configuration, in'
	@echo '              build/deb/'
	@echo 'make clean    remove build/; downloads and ccache stay in ~/.cache/kho/'
	@echo
	@echo 'ARCH=arm64    cross compile for arm64, in build/arm64/; run it in QEMU'
	@echo 'KBASE=DIR     a Linux 6.12.y tree or checkout instead of Debian'"'"'s'
	@echo 'ACCEL=tcg|kvm how QEMU runs the guests; tried out when not given'
	@echo 'JOBS=N        compile jobs at once, as many as CPUs when not given'

kernel:
	@scripts/tree/make-kernel $(CONFIG)

refresh:
	@scripts/tree/refresh $(NAME)

demo:
	@scripts/demo/run

test:
	@scripts/test/run-tests $(T)

test-all:
	@scripts/test/run-tests --all

soak:
	@scripts/test/soak $(KEXECS)

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
