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

.PHONY: help
help:
	@echo "make kernel      build/kernel/keelson.elf"

.PHONY: clean
clean:
	rm -rf build
