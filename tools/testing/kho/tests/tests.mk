# SPDX-License-Identifier: GPL-2.0
#
# For each target, which is something that reads what another kernel has left: a
# test program of the C compiler's, and a fuzzer that needs clang.

FUZZ_CC ?= clang
INCLUDE := -Itests
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fno-pie
# A small machine; mm/internal.h is not for it; the kernel's linux/types.h has ssize_t
TEST_CFLAGS = $(SANITIZE) $(INCLUDE) -I$(ROOT)/scripts/dtc/libfdt -DMAX_PAGE_ORDER=3 \
	-D__MM_INTERNAL_H -include sys/types.h -DCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT
# The core of kexec handover
CORE_OBJS := kexec_handover.o kho_boot.o kho_image.o kho_page.o kho_preserve.o kho_restore.o \
	kho_scratch.o kho_state.o kho_withhold.o
# Their data are what a kernel knows: see reboot.c. Without PIE it is in one place.
STATEFUL_OBJS := $(CORE_OBJS)
STATE_SECTIONS := --rename-section .data=kernel_data \
	--rename-section .bss=kernel_bss,alloc,load,data,contents
MARK_STATE = $(if $(filter $(STATEFUL_OBJS),$(@F)),objcopy $(STATE_SECTIONS) $@)

vpath %.c tests $(ROOT)/scripts/dtc/libfdt

# libfdt counts on an architecture that loads words from anywhere.
LIBFDT_OBJS := fdt.o fdt_ro.o fdt_rw.o fdt_sw.o fdt_wip.o
$(addprefix $(OUTPUT)obj/test/,$(LIBFDT_OBJS)): TEST_CFLAGS += -fno-sanitize=alignment
$(addprefix $(OUTPUT)obj/fuzz/,$(LIBFDT_OBJS)): TEST_CFLAGS += -fno-sanitize=alignment

TARGETS := block compat fdt radix vmalloc
TARGET_OBJS := harness.o image.o $(filter-out handover.o,$(SHIM_OBJS)) ctype.o vmalloc.o
block_OBJS := chain.o handover.o kho_block.o
compat_OBJS := kho_compat.o version.o
fdt_OBJS := $(CORE_OBJS) kho_compat.o kho_radix.o kho_radix_walk.o kho_vmalloc.o machine.o model.o \
	radix.o reboot.o $(LIBFDT_OBJS)
radix_OBJS := kho_radix.o kho_radix_walk.o handover.o model.o radix.o
vmalloc_OBJS := area.o handover.o kho_vmalloc.o

include liveupdate/liveupdate.mk

all: $(addprefix $(OUTPUT)test-,$(TARGETS))

# test-NAME and fuzz-NAME for each target
define target_rules
$(OUTPUT)test-$(1): $(addprefix $(OUTPUT)obj/test/,test.o test_$(1).o fuzz_$(1).o $($(1)_OBJS) $(TARGET_OBJS))
$(OUTPUT)fuzz-$(1): $(addprefix $(OUTPUT)obj/fuzz/,fuzz.o fuzz_$(1).o $($(1)_OBJS) $(TARGET_OBJS))
endef
$(foreach target,$(TARGETS),$(eval $(call target_rules,$(target))))

$(OUTPUT)test-%:
	$(QUIET_LINK)$(CC) $(CFLAGS) $(SANITIZE) -no-pie $(LDFLAGS) -o $@ $^

$(OUTPUT)obj/test/%.o: %.c Makefile tests/tests.mk | $(OUTPUT)include
	@mkdir -p $(@D)
	$(QUIET_CC)$(CC) $(CFLAGS) $(TEST_CFLAGS) $(SHIM_CFLAGS) -MMD -MP -c -o $@ $<
	@$(MARK_STATE)

run-tests: $(addprefix run-test-,$(TARGETS))

# RANDOM_SEED= repeats what a test says that it has begun with
run-test-%: $(OUTPUT)test-%
	@$< $(RANDOM_SEED)

# For how many seconds each fuzzer runs
SECONDS ?= 60

# T= is the name of one
fuzz:
	$(if $(filter $(T),$(TARGETS)),,$(error T= has to be one of $(TARGETS)))
	@$(MAKE) --no-print-directory run-fuzz-$(T)

fuzz-all: $(addprefix run-fuzz-,$(TARGETS))

run-fuzz-%: $(OUTPUT)fuzz-%
	@tests/fuzz.sh $< $(OUTPUT)corpus/$* $(SECONDS)

$(OUTPUT)fuzz-%:
	$(QUIET_LINK)$(FUZZ_CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer -no-pie $(LDFLAGS) -o $@ $^

# The fuzzer is to reach what is the kernel's, not what it is compared with.
FUZZ_COVERAGE = $(if $(filter kexec_% kho_% luo_% memfd_% fdt%,$(@F)),-fsanitize=fuzzer-no-link)
# There is nothing to learn from each entry of a table that is 0.
$(OUTPUT)obj/fuzz/kho_radix.o: FUZZ_COVERAGE += -fno-sanitize-coverage=trace-cmp

FUZZ_NAMES := -Dfuzz_initialize=LLVMFuzzerInitialize -Dfuzz_one_input=LLVMFuzzerTestOneInput

# An empty fuzzer: can there be any?
$(OUTPUT)obj/fuzz/probe:
	@mkdir -p $(@D)
	@echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
		$(FUZZ_CC) $(SANITIZE) -fsanitize=fuzzer -no-pie -x c -o $@ - || { \
		echo 'clang with libFuzzer is needed; Debian has it in clang and libclang-rt-14-dev'; \
		exit 1; \
	}

$(OUTPUT)obj/fuzz/%.o: %.c Makefile tests/tests.mk | $(OUTPUT)include $(OUTPUT)obj/fuzz/probe
	@mkdir -p $(@D)
	$(QUIET_CC)$(FUZZ_CC) $(CFLAGS) $(TEST_CFLAGS) $(FUZZ_COVERAGE) $(SHIM_CFLAGS) \
		$(CLANG_CFLAGS) $(FUZZ_NAMES) -MMD -MP -c -o $@ $<
	@$(MARK_STATE)

.PHONY: run-tests fuzz fuzz-all
