# SPDX-License-Identifier: MPL-2.0
# The project's commands. `make help` lists them; kernel/build.mk holds the kernel's rules.

SHELL := /bin/bash
MAKEFLAGS += --no-builtin-rules
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

include kernel/build.mk
include kernel/hosted.mk

image_config := configs/images/keelson-x86_64.yml
image := build/images/keelson-x86_64.qcow2

.PHONY: fuzz test-debug prove check-checker check-sizes check-coverage check-tree help deps rootfs initramfs image run test test-host check bench coverage clean
help:
	@echo "make run         build what is missing and boot the disk image; Ctrl-a x leaves"
	@echo "                 SMP=2 MEM=512 (MiB) KERNEL_ARGS='...' GDB=1 ACCEL=kvm|tcg MACHINE=q35"
	@echo "make test        every test: hosted unit tests, then programs and containers in machines"
	@echo "                 T=syscalls/files (a folder, program or case) ON=linux (the oracle) SMP= MEM="
	@echo "make test-debug  system calls and storms with lock checks (part of make test)   SMP="
	@echo "make fuzz        the hosted tests with ROUNDS=20000 mutated inputs each instead of a few"
	@echo "make test-host   only the hosted unit tests (seconds)"
	@echo "make check       every static check; make kernel runs those that guard memory safety too"
	@echo "make kernel      build/kernel/keelson.elf; DEBUG=1: build/kernel-debug, with lock checks"
	@echo "make objects     the kernel compiled and checked, not linked"
	@echo "make prove       the proofs of the core's arithmetic (kernel/core/proofs); part of make check"
	@echo "make initramfs   build/initramfs.cpio.gz        make rootfs   build/rootfs"
	@echo "make image       build/images/keelson-x86_64.raw and .qcow2"
	@echo "make bench       Keelson beside Linux 6.1, operation by operation; LINUX=1 measures Linux again"
	@echo "make coverage    writes kernel/linux_abi/COVERAGE.md from the table of system calls"
	@echo "make deps        installs missing Debian packages; every target does it when needed"
	@echo "make clean       removes build/"

# Every target that builds needs the packages; the stamp makes the question cheap.
deps build/deps.stamp: configs/build-dependencies.txt
	@kernel/tools/install-dependencies
	@mkdir -p build && touch build/deps.stamp
$(plugin) $(kernel_objects) $(K)/generated.stamp: | build/deps.stamp

initramfs rootfs: | build/deps.stamp
	@image-builder/build-image --only $@ $(image_config)
image: kernel | build/deps.stamp
	@image-builder/build-image $(image_config)

run: kernel | build/deps.stamp
	@image-builder/build-image --if-changed $(image_config)
	@SMP='$(SMP)' MEM='$(MEM)' KERNEL_ARGS='$(KERNEL_ARGS)' GDB='$(GDB)' ACCEL='$(ACCEL)' MACHINE='$(MACHINE)' \
		kernel/tools/run-machine

# Lock ranks and assertions are checked by a kernel of its own; what measures time is left out there.
debug_suites := $(addprefix syscalls/,disk files ipc memory mounts namespaces process procfs signals sockets threads tty) stress
test-debug: | kernel build/deps.stamp
	@$(MAKE) --no-print-directory DEBUG=1 kernel
	@KEELSON=build/kernel-debug/keelson.elf tests/run $(debug_suites) $(if $(SMP),--smp $(SMP))
fuzz: test-host-programs
	@FUZZ_ROUNDS=$(or $(ROUNDS),20000) python3 kernel/tools/run_host_tests.py $(hosted_programs)
	@FUZZ_ROUNDS=$(or $(ROUNDS),20000) $(MAKE) --no-print-directory -C rootfs test LIMIT_S=3600

test: $(if $(T)$(ON),,test-debug) $(if $(T),,test-host) $(if $(filter linux,$(ON)),,kernel) | build/deps.stamp
	@tests/run $(T) $(if $(ON),--kernel $(ON)) $(if $(SMP),--smp $(SMP)) $(if $(MEM),--mem $(MEM))
bench: $(if $(ONLY_LINUX),,kernel) | build/deps.stamp
	@tests/bench/run $(if $(LINUX),--linux) $(if $(ONLY_LINUX),--only-linux)
	@$(if $(ONLY_LINUX),,tests/bench/disk/run)

check: objects check-checker check-sizes check-coverage check-tree prove
check-checker: $(plugin)
	@python3 kernel/tools/checker/tests/run.py
check-sizes:
	@python3 kernel/tools/check_sizes.py
check-coverage:
	@python3 kernel/tools/generate_syscalls.py coverage kernel/linux_abi/syscalls.tbl | cmp -s - kernel/linux_abi/COVERAGE.md \
		|| { echo "kernel/linux_abi/COVERAGE.md is out of date: make coverage"; exit 1; }
# The prover is Debian's module of Debian's Python.
prove_flags := --target=x86_64-linux-gnu -std=gnu2x -ffreestanding -nostdinc -fexperimental-late-parse-attributes $(kernel_includes)
prove: | build/deps.stamp generated_headers
	@python3 kernel/tools/core_table.py --list >/dev/null
	@set -e; for f in kernel/core/proofs/*.c; do /usr/bin/python3 kernel/tools/prove_bits.py $$f $(prove_flags); done
check-tree:
	@python3 kernel/tools/check_tree.py
coverage:
	@python3 kernel/tools/generate_syscalls.py coverage kernel/linux_abi/syscalls.tbl > kernel/linux_abi/COVERAGE.md

clean:
	rm -rf build
