# SPDX-License-Identifier: MPL-2.0
# Unit tests on the development machine: lib, services and the hosted core as a Linux program under sanitizers.
# A folder with *_test.c files becomes one program, linked with an archive of everything, from which the linker takes
# what the tests reach. What nothing defines (the machine side of the core, say) ends the test that calls it.

H := build/hosted
hosted_layers := lib $(filter services/% drivers/%,$(folders)) linux_abi
hosted_core := $(filter core/memory core/memory/% core/sched core/sync core/time core/debug,$(folders))
hosted_sources := $(foreach f,$(hosted_layers) $(hosted_core),$(filter-out %_test.c,$(wildcard kernel/$f/*.c)))
hosted_host_sources := $(wildcard kernel/core/arch/hosted/*.c) kernel/tools/hosted/test_main.c
hosted_tests := $(sort $(foreach f,$(folders),$(wildcard kernel/$f/*_test.c)) $(wildcard kernel/core/arch/hosted/*_test.c))
hosted_test_folders := $(sort $(patsubst kernel/%/,%,$(dir $(hosted_tests))))
hosted_program = $(H)/tests/$(subst /,-,$1)
hosted_programs := $(foreach f,$(hosted_test_folders),$(call hosted_program,$f))
hosted_object = $(patsubst kernel/%.c,$(H)/obj/%.o,$1)

hosted_sanitizers := -fsanitize=address,undefined -fno-sanitize-recover=undefined
hosted_flags := -std=gnu2x -O1 -g -DCONFIG_HOSTED=1 -DCONFIG_DEBUG=1 -fno-strict-aliasing -fstrict-flex-arrays=3 \
	-ftrivial-auto-var-init=zero -fexperimental-late-parse-attributes -ffunction-sections -w -MMD -MP \
	-Ikernel -Ikernel/core/include -Ikernel/lib/include -I$(K) $(hosted_sanitizers)
hosted_kernel_flags := -ffreestanding -nostdinc

$(call hosted_object,$(hosted_host_sources)): $(H)/obj/%.o: kernel/%.c kernel/hosted.mk | build/deps.stamp
	@mkdir -p $(@D)
	@$(CC) $(hosted_flags) -c $< -o $@
$(call hosted_object,$(hosted_sources) $(hosted_tests)): $(H)/obj/%.o: kernel/%.c kernel/hosted.mk | build/deps.stamp generated_headers
	@mkdir -p $(@D)
	@$(CC) $(hosted_flags) $(hosted_kernel_flags) -c $< -o $@

# The hosted core stands first: where it defines what the core proper does too, it is taken.
$(H)/kernel.a: $(call hosted_object,$(filter-out %_test.c,$(wildcard kernel/core/arch/hosted/*.c)) $(hosted_sources))
	@rm -f $@; llvm-ar-19 rcs $@ $^

define hosted_program_rule
$(call hosted_program,$1): $(call hosted_object,$(wildcard kernel/$1/*_test.c) kernel/tools/hosted/test_main.c) $(H)/kernel.a
	@mkdir -p $$(@D)
	@echo "  LD      $$@"
	@python3 kernel/tools/link_hosted.py $$@ $(CC) $(hosted_sanitizers) -fuse-ld=lld-19 -Wl,--gc-sections $$^
endef
$(foreach f,$(hosted_test_folders),$(eval $(call hosted_program_rule,$f)))

.PHONY: test-host test-host-programs
test-host-programs: $(hosted_programs)
test-host: test-host-programs
	@python3 kernel/tools/run_host_tests.py $(hosted_programs)

-include $(patsubst %.o,%.d,$(call hosted_object,$(hosted_sources) $(hosted_host_sources) $(hosted_tests)))
