# SPDX-License-Identifier: GPL-2.0
# Included by the Makefiles of test modules, which set TESTMODS_DIR and obj-m

# The build tree of the kernel under test
KDIR ?= $(firstword $(O) $(KBUILD_OUTPUT) \
	$(abspath $(TESTMODS_DIR)/../../../../..))

# Without a built kernel the tests that need a module are skipped.
modules:
ifneq ("$(wildcard $(KDIR)/Module.symvers)", "")
	$(Q)$(MAKE) -C $(KDIR) modules KBUILD_EXTMOD=$(TESTMODS_DIR)
else
	@echo "no kernel is built in $(KDIR), so neither are the test modules"
endif

clean:
ifneq ("$(wildcard $(KDIR)/Module.symvers)", "")
	$(Q)$(MAKE) -C $(KDIR) clean KBUILD_EXTMOD=$(TESTMODS_DIR)
endif

.PHONY: modules clean
