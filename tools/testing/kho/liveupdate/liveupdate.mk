# SPDX-License-Identifier: GPL-2.0
#
# Targets of the Live Update Orchestrator: see ../tests/tests.mk

vpath %.c liveupdate
vpath memfd_luo.c $(ROOT)/mm

INCLUDE := -Iliveupdate $(INCLUDE) -DCONFIG_LIVEUPDATE
LINKS += linux/liveupdate.h uapi/linux/liveupdate.h
STATEFUL_OBJS += luo_core.o luo_file.o luo_flb.o luo_handler.o luo_session.o memfd_luo.o

TARGETS += luo memfd
luo_OBJS := chain.o files.o handover.o kho_block.o kho_compat.o luo_core.o luo_file.o \
	luo_flb.o luo_handler.o luo_ioctl.o luo_session.o reboot.o rhashtable.o subtree.o version.o
memfd_OBJS := area.o files.o handover.o kho_compat.o kho_vmalloc.o memfd_luo.o reboot.o shmem.o version.o
