// SPDX-License-Identifier: GPL-2.0
/*
 * Modules, programs, kernels and memory of a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner.h"

static void module_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "/modules/%s.ko", name);
}

int guest_insmod(const char *name, const char *args)
{
	char path[128];
	int fd, ret;

	module_path(path, sizeof(path), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, args, 0);
	close(fd);
	return ret;
}

int guest_rmmod(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

int guest_set_module_param(const char *module, const char *param, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 param);
	return guest_write_file(path, value);
}

bool guest_has_module(const char *name)
{
	char path[128];

	module_path(path, sizeof(path), name);
	return !access(path, R_OK);
}

void guest_need_module(const char *name)
{
	if (!guest_has_module(name))
		guest_skip("%s.ko is not built", name);
}

bool guest_has_program(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/bin/%s", name);
	return !access(path, X_OK);
}

int guest_run_and_note(char *const argv[])
{
	int status = -1;
	char *text = guest_run(&status, argv);

	guest_note("%s %s: status %d, %s", argv[0], argv[1], status, text ? text : "");
	free(text);
	return status;
}

void guest_change_kernel(void (*change)(unsigned char *kernel, size_t size))
{
	unsigned char *kernel;
	struct stat st;
	int fd;

	fd = open("/kernel", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(!fstat(fd, &st));
	kernel = malloc(st.st_size);
	CHECK(kernel);
	CHECK_EQ(read(fd, kernel, st.st_size), st.st_size);
	close(fd);
	change(kernel, st.st_size);
	fd = open(GUEST_CHANGED_KERNEL, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, kernel, st.st_size), st.st_size);
	close(fd);
	free(kernel);
}

void guest_change_note(unsigned char *kernel, size_t size, size_t offset,
		       unsigned char value)
{
	/* Magic, size and version */
	static const unsigned char head[] = {
		'K', 'H', 'O', 'n', 44, 0, 0, 0, 1, 0, 0, 0,
	};
	unsigned char *note = memmem(kernel, size, head, sizeof(head));

	CHECK(note);
	note[offset] = value;
}

long guest_free_memory(void)
{
	char *zones = guest_read_file("/proc/zoneinfo");
	long pages = 0;
	char *at;

	CHECK(zones);
	for (at = zones; (at = strstr(at, " count:")); at++)
		pages += atol(at + strlen(" count:"));
	free(zones);
	return guest_meminfo("MemFree") + pages * (PAGE / 1024);
}

unsigned long long guest_phys_of(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long long entry;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &entry, sizeof(entry),
		       (unsigned long)addr / PAGE * sizeof(entry)), sizeof(entry));
	close(fd);
	/* Bit 63 says that the page is present, bits 0 to 54 are its PFN. */
	CHECK(entry >> 63);
	return (entry & 0x7fffffffffffffULL) * PAGE;
}
