# SPDX-License-Identifier: MPL-2.0
# The compiler lines, one for each kind of code. What each flag is for: kernel/SAFETY.md.

CC := clang-19
CXX := clang++-19
LD := ld.lld-19

kernel_includes := -Ikernel -Ikernel/core/include -Ikernel/lib/include -I$(K)

# Shared by every kernel unit: the language, the machine, defined behaviour for what C leaves open.
kernel_flags := --target=x86_64-linux-gnu -std=gnu2x -O2 -g -ffreestanding -nostdinc \
	-mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-common \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -fno-finite-loops -fstrict-flex-arrays=3 \
	-ftrivial-auto-var-init=zero -fexperimental-late-parse-attributes \
	-fstack-protector-strong -fcf-protection=branch -fstack-clash-protection \
	-mllvm -no-stack-coloring -ffile-prefix-map=$(CURDIR)/= $(kernel_includes)
ifdef DEBUG
kernel_flags += -DCONFIG_DEBUG=1
endif

# Wrong arithmetic and broken calls trap instead of going on.
trap_flags := -fsanitize=array-bounds,signed-integer-overflow,shift,integer-divide-by-zero,unreachable,return,bool,kcfi \
	-fsanitize-trap=all
core_trap_flags := -fsanitize=kcfi,unreachable,return -fsanitize-trap=unreachable,return

warning_flags := -Wall -Wextra -Werror -Wno-unused-parameter -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wmissing-variable-declarations -Wimplicit-fallthrough -Wincompatible-function-pointer-types-strict \
	-Wshorten-64-to-32 -Wconditional-uninitialized -Wcomma -Wundef -Wshadow -Wthread-safety
checked_warning_flags := -Wthread-safety-beta -Wframe-larger-than=1024

plugin := build/tools/checker.so
trusted_trees := -fplugin-arg-checker-core=$(CURDIR)/kernel/core/include -fplugin-arg-checker-core=$(CURDIR)/kernel/lib/include
checked_trees := $(foreach d,kernel/services kernel/drivers kernel/linux_abi kernel/main $(K)/generated,-fplugin-arg-checker-svc=$(CURDIR)/$d)

# Trusted code runs without the rules; the plugin only writes down its names and layouts.
dump_flags := -fplugin=$(CURDIR)/$(plugin) -fplugin-arg-checker-mode=dump $(trusted_trees)

flags.lib := $(kernel_flags) $(trap_flags) $(warning_flags) $(dump_flags)
flags.core := $(kernel_flags) $(core_trap_flags) $(warning_flags) $(dump_flags)
flags.checked := $(kernel_flags) $(trap_flags) $(warning_flags) $(checked_warning_flags) -ferror-limit=50 \
	-fplugin=$(CURDIR)/$(plugin) $(trusted_trees) $(checked_trees)
flags.assembly := --target=x86_64-linux-gnu -mcmodel=kernel -g -ffreestanding -nostdinc -Werror $(kernel_includes) \
	$(if $(DEBUG),-DCONFIG_DEBUG=1)
