# SPDX-License-Identifier: MPL-2.0
# How the kernel is built. Included by the top-level Makefile; every path starts at the top of the tree.
#
# Sources are found by wildcard in the folders that layers.mk names, so a new file needs no edit and a new folder one
# line there. Each object depends on its headers (-MMD), on the plugin where it is checked, and on the flags.
# Useful targets: kernel (all, checked and linked), objects (compile and check only), $(K)/obj/PATH.o (one file).

K := build/kernel$(if $(DEBUG),-debug)

include kernel/layers.mk
include kernel/flags.mk

folders := $(patsubst uses.%,%,$(filter uses.%,$(.VARIABLES)))
sources_of = $(filter-out %_test.c,$(wildcard kernel/$1/*.c)) $(if $(filter core/arch/x86_64 core/arch/x86_64/%,$1),$(wildcard kernel/$1/*.S))
kernel_sources := $(sort $(foreach f,$(folders),$(call sources_of,$f)))
kernel_objects := $(patsubst kernel/%,$(K)/obj/%.o,$(basename $(filter %.c,$(kernel_sources))))
kernel_objects += $(patsubst kernel/%.S,$(K)/obj/%.asm.o,$(filter %.S,$(kernel_sources)))
ifneq ($(wildcard kernel/linux_abi/*.c),)
kernel_objects += $(K)/obj/generated/syscall_dispatch.o $(K)/obj/generated/syscall_descriptions.o
kernel_objects += $(if $(wildcard kernel/linux_abi/vdso/*.c),$(K)/obj/generated/vdso_image.o)
endif
checked_layers := services drivers linux_abi main

linker_script := kernel/core/arch/x86_64/kernel.ld
.PHONY: kernel objects
objects: $(K)/checked.stamp
kernel: $(if $(wildcard $(linker_script)),$(K)/keelson.elf,objects)
	$(if $(wildcard $(linker_script)),,@echo "$(linker_script) does not exist: compiled, not linked")

# The architecture is checked in every build, and a breach fails it.
$(K)/checked.stamp: $(kernel_objects) kernel/layers.mk $(wildcard kernel/tools/*.py) kernel/tools/size_exceptions.txt
	@echo "  CHECK   layers, sizes, links, one definition, privileged instructions"
	$(file >$(K)/objects.list,$(kernel_objects))
	@python3 kernel/tools/check_layers.py
	@python3 kernel/tools/check_sizes.py function file header folder
	@python3 kernel/tools/check_objects.py $(K)
	@touch $@

# The plugin's files are compiled as one: clang's headers cost far more than they do.
checker_files := $(sort $(wildcard kernel/tools/checker/*.cpp))
hash := \#
checker_unit := $(patsubst %,'$(hash)include "%"',$(checker_files))
build/tools/checker.cpp: FORCE
	@mkdir -p $(@D); printf "%s\n" $(checker_unit) | cmp -s - $@ || printf "%s\n" $(checker_unit) > $@
$(plugin): build/tools/checker.cpp $(checker_files) $(wildcard kernel/tools/checker/*.h)
	@echo "  CXX     $@"
	@$(CXX) -O1 -fPIC -shared -fno-rtti -Wall $$(llvm-config-19 --cxxflags | sed 's/-I/-isystem /g') -I. $< -o $@.new && mv $@.new $@

# A change of flags recompiles what it touches: the flag text is a file that changes only with its content.
define flag_file
$(K)/flags.$1: FORCE
	@mkdir -p $$(@D); printf '%s\n' '$(flags.$1)' | cmp -s - $$@ || printf '%s\n' '$(flags.$1)' > $$@
endef
$(foreach k,lib core checked assembly,$(eval $(call flag_file,$k)))
.PHONY: FORCE

# $1 source folder, $2 kind of flags
define compile_rule
$(K)/obj/$1/%.o: kernel/$1/%.c $(K)/flags.$2 $(if $(filter checked,$2),$(plugin)) | $(plugin) generated_headers
	@mkdir -p $$(@D)
	@echo "  CC      $$<"
	@$(CC) $(flags.$2) -fplugin-arg-checker-dump=$$(basename $$@).dump -MMD -MP -c $$< -o $$@
endef
$(eval $(call compile_rule,lib,lib))
$(eval $(call compile_rule,core,core))
$(foreach l,$(checked_layers),$(eval $(call compile_rule,$l,checked)))

$(K)/obj/%.asm.o: kernel/%.S $(K)/flags.assembly
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC) $(flags.assembly) -MMD -MP -c $< -o $@

# What is made from the table of system calls: <generated/syscall_prototypes.h> and two units of linux_abi.
generated := $(K)/generated/syscall_prototypes.h $(K)/generated/syscall_dispatch.c $(K)/generated/syscall_descriptions.c
$(K)/generated.stamp: kernel/linux_abi/syscalls.tbl kernel/tools/generate_syscalls.py
	@mkdir -p $(@D)
	@python3 kernel/tools/generate_syscalls.py sources $< $(K)/generated && touch $@
$(generated): $(K)/generated.stamp ;
.PHONY: generated_headers
generated_headers: $(K)/generated.stamp

# The vDSO: user code of our own, built as a shared object and carried as bytes, <generated/vdso_image.h>.
vdso_sources := $(wildcard kernel/linux_abi/vdso/*.c)
vdso_script := kernel/linux_abi/vdso/vdso.ld
vdso_versions := kernel/linux_abi/vdso/vdso.map
$(K)/vdso.so: $(vdso_sources) $(wildcard kernel/linux_abi/vdso/*.h kernel/core/include/core/arch/vdso_data.h) $(vdso_script) $(vdso_versions)
	@mkdir -p $(@D)
	@echo "  VDSO    $@"
	@$(CC) --target=x86_64-linux-gnu -std=gnu2x -O2 -fPIC -ffreestanding -nostdlib -nostdinc -mno-sse -fno-stack-protector \
		-fcf-protection=branch -fno-asynchronous-unwind-tables -Wall -Wextra -Werror $(kernel_includes) \
		-shared -fuse-ld=lld-19 -Wl,-soname,linux-vdso.so.1,--hash-style=both,--build-id=none,-z,norelro,-s \
		-Wl,-T,$(vdso_script),--version-script,$(vdso_versions),--undefined-version $(vdso_sources) -o $@
$(K)/vdso.stamp: $(if $(vdso_sources),$(K)/vdso.so) kernel/tools/embed.py
	@mkdir -p $(K)/generated
	@$(if $(vdso_sources),python3 kernel/tools/embed.py $(K)/vdso.so vdso_image $(K)/generated)
	@touch $@
$(K)/generated/vdso_image.c: $(K)/vdso.stamp ;
generated_headers: $(K)/vdso.stamp

$(K)/obj/generated/%.o: $(K)/generated/%.c $(K)/flags.checked $(plugin)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(flags.checked) -fplugin-arg-checker-dump=$(basename $@).dump -MMD -MP -c $< -o $@

# Linked twice: the first result says where each function is, the second carries that table for back traces.
# ALLOW_UNRESOLVED=1 links a kernel whose missing functions fault when they are called: to work on what is there.
link_flags := -nostdlib -static -z max-page-size=0x1000 --build-id=none -T $(linker_script) \
	$(if $(ALLOW_UNRESOLVED),--unresolved-symbols=ignore-all)
flags.link := $(link_flags)
$(eval $(call flag_file,link))
$(K)/keelson.elf: $(kernel_objects) $(linker_script) kernel/tools/symbols.py $(K)/flags.link | $(K)/checked.stamp
	@echo "  LD      $@"
	@$(LD) $(link_flags) $(kernel_objects) -o $(K)/without_symbols.elf
	@python3 kernel/tools/symbols.py $(K)/without_symbols.elf > $(K)/symbols.S
	@$(CC) $(flags.assembly) -c $(K)/symbols.S -o $(K)/symbols.o
	@$(LD) $(link_flags) $(kernel_objects) $(K)/symbols.o -Map=$(K)/keelson.map -o $@

-include $(kernel_objects:.o=.d)
