// SPDX-License-Identifier: GPL-2.0
/*
 * hotplug: memory that was plugged in after boot, which the next kernel lacks
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * The second node of the guest has a CPU, and its only memory is plugged in. So
 * the kernel allocates there on behalf of a task that runs on that CPU.
 */
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "../luo.h"

#define SIZE		(4 << 20)
#define HOTPLUG_NODE	1

/* Make the kernel allocate its own memory on that node. */
static void run_on_hotplug_node(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(HOTPLUG_NODE, &cpus);
	CHECK(!sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void need_hotplug_memory(void)
{
	char *nodes = guest_text_of("/sys/devices/system/node/has_memory");

	if (strcmp(nodes, "0-1\n"))
		guest_skip("no memory was plugged in that has a node of its own (MEMORY_HOTPLUG)");
	free(nodes);
}

static void state_in_hotplug_memory_before(void)
{
	int session, fd;

	need_hotplug_memory();
	run_on_hotplug_node();
	session = new_session("state");
	bind_memory(0);
	fd = new_file(SIZE, 1);
	unbind_memory();
	CHECK(!luo_preserve(session, fd, 1));
}

static void state_in_hotplug_memory_after(void)
{
	check_content(old_file(old_session("state"), 1), 0, SIZE, 1);
}

/* Content moves out of it, whatever the memory policy says. */
static void content_in_hotplug_memory_before(void)
{
	int session, fd;

	need_hotplug_memory();
	session = new_session("content");
	bind_memory(HOTPLUG_NODE);
	fd = new_file(SIZE, 2);
	CHECK(!luo_preserve(session, fd, 1));
	unbind_memory();
}

static void content_in_hotplug_memory_after(void)
{
	check_content(old_file(old_session("content"), 1), 0, SIZE, 2);
}

static void filled_holes_in_hotplug_memory_before(void)
{
	int session, fd = new_memfd(0);

	need_hotplug_memory();
	session = new_session("holes");
	CHECK(!ftruncate(fd, 2 * SIZE));
	CHECK(!luo_preserve(session, fd, 1));
	bind_memory(HOTPLUG_NODE);
	fill(fd, SIZE, SIZE, 3);
	unbind_memory();
}

static void filled_holes_in_hotplug_memory_after(void)
{
	int fd = old_file(old_session("holes"), 1);

	check_zeros(fd, 0, SIZE);
	check_content(fd, SIZE, SIZE, 3);
}

static const struct guest_test hotplug_tests[] = {
	GUEST_TEST_OF_2(state_in_hotplug_memory),
	GUEST_TEST_OF_2(content_in_hotplug_memory),
	GUEST_TEST_OF_2(filled_holes_in_hotplug_memory),
};

GUEST_SUITE(hotplug, 2)
