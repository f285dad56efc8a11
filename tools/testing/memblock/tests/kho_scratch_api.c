// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation at a boot with memory that the previous kernel preserved
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <linux/kho/boot.h>

#include "kho_scratch_api.h"

#define FUNC_NAME	"memblock_kho_scratch"

/* Scratch is at the start of memory, preserved memory at its end. */
#define SCRATCH_SIZE	SZ_8K
#define PRESERVED_SIZE	SZ_8K

phys_addr_t kho_preserved_start, kho_preserved_end;
bool kho_map_is_read;

static phys_addr_t mem_start(void)
{
	return (dummy_physical_memory_base() + SZ_4K - 1) & ~(SZ_4K - 1);
}

static phys_addr_t mem_end(void)
{
	return mem_start() + MEM_SIZE;
}

static void setup_aligned(void)
{
	reset_memblock_regions();
	memblock_add(mem_start(), MEM_SIZE);
}

static bool in_scratch(phys_addr_t start, phys_addr_t size)
{
	return start >= mem_start() && start + size <= mem_start() + SCRATCH_SIZE;
}

static bool is_preserved(phys_addr_t start, phys_addr_t size)
{
	return start + size > kho_preserved_start && start < kho_preserved_end;
}

static void setup_confined(void)
{
	setup_aligned();
	memblock_mark_kho_scratch(mem_start(), SCRATCH_SIZE);
	memblock_set_kho_scratch_only();
	kho_preserved_start = mem_end() - PRESERVED_SIZE;
	kho_preserved_end = mem_end();
	kho_map_is_read = false;
}

static void end_confined(void)
{
	memblock_clear_kho_scratch_only();
	kho_preserved_start = 0;
	kho_preserved_end = 0;
}

/* Scratch is added before the memory map of the firmware. */
static int readd_over_scratch_check(void)
{
	PREFIX_PUSH();
	reset_memblock_regions();
	memblock_add(mem_start() + SZ_4K, SCRATCH_SIZE);
	memblock_mark_kho_scratch(mem_start() + SZ_4K, SCRATCH_SIZE);
	memblock_add(mem_start(), MEM_SIZE);

	ASSERT_EQ(memblock.memory.cnt, 3);
	ASSERT_EQ(memblock.memory.total_size, MEM_SIZE);
	ASSERT_EQ(memblock.memory.regions[0].flags, MEMBLOCK_NONE);
	ASSERT_EQ(memblock.memory.regions[1].flags, MEMBLOCK_KHO_SCRATCH);
	ASSERT_EQ(memblock.memory.regions[1].base, mem_start() + SZ_4K);
	ASSERT_EQ(memblock.memory.regions[1].size, SCRATCH_SIZE);
	ASSERT_EQ(memblock.memory.regions[2].flags, MEMBLOCK_NONE);

	test_pass_pop();
	return 0;
}

static int is_scratch_check(void)
{
	PREFIX_PUSH();
	setup_confined();

	ASSERT_TRUE(memblock_is_kho_scratch(mem_start()));
	ASSERT_TRUE(memblock_is_kho_scratch(mem_start() + SCRATCH_SIZE - 1));
	ASSERT_FALSE(memblock_is_kho_scratch(mem_start() + SCRATCH_SIZE));
	ASSERT_FALSE(memblock_is_kho_scratch(mem_end()));

	end_confined();
	test_pass_pop();
	return 0;
}

/* Until the map is read, only scratch is known to be free. */
static int alloc_in_scratch_check(void)
{
	phys_addr_t found;

	PREFIX_PUSH();
	setup_confined();

	found = memblock_phys_alloc(SZ_4K, SMP_CACHE_BYTES);
	ASSERT_TRUE(found && in_scratch(found, SZ_4K));
	found = memblock_phys_alloc(SZ_2K, SMP_CACHE_BYTES);
	ASSERT_TRUE(found && in_scratch(found, SZ_2K));
	ASSERT_EQ(memblock_phys_alloc(SZ_8K, SMP_CACHE_BYTES), 0);

	end_confined();
	test_pass_pop();
	return 0;
}

/* From then on scratch is used only if all other memory is preserved or in use. */
static int alloc_outside_scratch_check(void)
{
	phys_addr_t found;

	PREFIX_PUSH();
	setup_confined();
	kho_validate_map();

	found = memblock_phys_alloc(SZ_4K, SMP_CACHE_BYTES);
	ASSERT_EQ(found, kho_preserved_start - SZ_4K);
	found = memblock_phys_alloc(MEM_SIZE - SCRATCH_SIZE - PRESERVED_SIZE -
				    SZ_4K, SMP_CACHE_BYTES);
	ASSERT_EQ(found, mem_start() + SCRATCH_SIZE);
	found = memblock_phys_alloc(SCRATCH_SIZE, SMP_CACHE_BYTES);
	ASSERT_EQ(found, mem_start());
	ASSERT_EQ(memblock_phys_alloc(SMP_CACHE_BYTES, SMP_CACHE_BYTES), 0);

	end_confined();
	test_pass_pop();
	return 0;
}

/* Memory outside of scratch does not serve requests for lower addresses. */
static int alloc_below_limit_check(void)
{
	phys_addr_t limit = mem_start() + SCRATCH_SIZE, found;

	PREFIX_PUSH();
	setup_confined();
	kho_validate_map();

	found = memblock_phys_alloc_range(SZ_4K, SMP_CACHE_BYTES, 0, limit);
	ASSERT_TRUE(found && in_scratch(found, SZ_4K));
	found = memblock_phys_alloc_range(SZ_4K, SMP_CACHE_BYTES, 0,
					  limit + SZ_4K);
	ASSERT_EQ(found, limit);

	end_confined();
	test_pass_pop();
	return 0;
}

/* Mirrored memory is preferred, scratch included. */
static int alloc_mirrored_check(void)
{
	phys_addr_t found;

	PREFIX_PUSH();
	setup_confined();
	kho_validate_map();
	mirrored_kernelcore = true;
	memblock_mark_mirror(mem_start(), SCRATCH_SIZE + SZ_4K);

	found = memblock_phys_alloc(SZ_4K, SMP_CACHE_BYTES);
	ASSERT_EQ(found, mem_start() + SCRATCH_SIZE);
	found = memblock_phys_alloc(SCRATCH_SIZE, SMP_CACHE_BYTES);
	ASSERT_EQ(found, mem_start());
	found = memblock_phys_alloc(SZ_4K, SMP_CACHE_BYTES);
	ASSERT_EQ(found, kho_preserved_start - SZ_4K);

	end_confined();
	test_pass_pop();
	return 0;
}

/* The array of reserved regions grows in scratch, where nothing is preserved. */
static int double_array_in_scratch_check(void)
{
	struct memblock_region *regions = memblock.reserved.regions;
	phys_addr_t free = mem_start() + SCRATCH_SIZE;
	phys_addr_t array;
	unsigned long i;

	PREFIX_PUSH();
	setup_confined();
	kho_validate_map();
	memblock_allow_resize();

	for (i = 0; i <= INIT_MEMBLOCK_REGIONS; i++)
		memblock_reserve(free + i * SZ_16, SZ_8);
	ASSERT_EQ(memblock.reserved.max, 2 * INIT_MEMBLOCK_REGIONS);
	array = __pa(memblock.reserved.regions);
	ASSERT_TRUE(in_scratch(array, memblock.reserved.max * sizeof(*regions)));

	end_confined();
	/* reset_memblock_regions() expects the array that is not part of the memory. */
	memblock.reserved.regions = regions;
	memblock.reserved.cnt = INIT_MEMBLOCK_REGIONS;
	test_pass_pop();
	return 0;
}

/* Before the map is read, allocation fails rather than overwrite preserved memory. */
static int alloc_scratch_full_check(void)
{
	phys_addr_t found;

	PREFIX_PUSH();
	setup_confined();
	memblock_reserve(mem_start(), SCRATCH_SIZE);

	ASSERT_EQ(memblock_phys_alloc(SZ_4K, SMP_CACHE_BYTES), 0);
	kho_validate_map();
	found = memblock_phys_alloc(SZ_4K, SMP_CACHE_BYTES);
	ASSERT_EQ(found, kho_preserved_start - SZ_4K);

	end_confined();
	test_pass_pop();
	return 0;
}

static int alloc_unconfined_check(void)
{
	phys_addr_t found;

	PREFIX_PUSH();
	setup_confined();
	end_confined();

	found = memblock_phys_alloc(MEM_SIZE - SCRATCH_SIZE, SMP_CACHE_BYTES);
	ASSERT_EQ(found, mem_start() + SCRATCH_SIZE);

	test_pass_pop();
	return 0;
}

static int setaside_outside_scratch_check(void)
{
	struct memblock_region *rgn = &memblock.reserved.regions[0];
	phys_addr_t found;

	PREFIX_PUSH();
	setup_confined();

	found = memblock_phys_alloc_setaside(SZ_8K, SZ_4K, 0,
					     MEMBLOCK_ALLOC_ACCESSIBLE,
					     NUMA_NO_NODE);
	ASSERT_EQ(found & (SZ_4K - 1), 0);
	ASSERT_TRUE(found >= mem_start() + SCRATCH_SIZE);
	ASSERT_FALSE(is_preserved(found, SZ_8K));
	ASSERT_EQ(memblock.reserved.cnt, 1);
	ASSERT_EQ(rgn->base, found);
	ASSERT_EQ(rgn->size, SZ_8K);
	ASSERT_EQ(rgn->flags, MEMBLOCK_RSRV_SETASIDE);

	/* 16 KiB are free, but not in one piece. */
	ASSERT_EQ(memblock_phys_alloc_setaside(SZ_16K, SZ_4K, 0,
					       MEMBLOCK_ALLOC_ACCESSIBLE,
					       NUMA_NO_NODE), 0);

	end_confined();
	test_pass_pop();
	return 0;
}

/* Scratch keeps its flag when the rest of the handover is refused. */
static int setaside_after_refusal_check(void)
{
	phys_addr_t found;

	PREFIX_PUSH();
	setup_confined();
	end_confined();
	memblock_reserve(mem_start() + SCRATCH_SIZE + SZ_8K,
			 MEM_SIZE - SCRATCH_SIZE - SZ_8K);

	found = memblock_phys_alloc_setaside(SZ_8K, SZ_4K, 0,
					     MEMBLOCK_ALLOC_ACCESSIBLE,
					     NUMA_NO_NODE);
	ASSERT_EQ(found, mem_start() + SCRATCH_SIZE);
	found = memblock_phys_alloc_setaside(SZ_4K, SZ_4K, 0,
					     MEMBLOCK_ALLOC_ACCESSIBLE,
					     NUMA_NO_NODE);
	ASSERT_EQ(found, 0);
	ASSERT_EQ(memblock_reserve_setaside(mem_start(), SZ_4K), -EBUSY);

	test_pass_pop();
	return 0;
}

static int setaside_at_address_check(void)
{
	phys_addr_t free = mem_start() + SCRATCH_SIZE;
	int err;

	PREFIX_PUSH();
	setup_confined();

	ASSERT_EQ(memblock_reserve_setaside(mem_start(), SZ_4K), -EBUSY);
	ASSERT_EQ(memblock_reserve_setaside(free - SZ_4K, SZ_8K), -EBUSY);
	ASSERT_EQ(memblock_reserve_setaside(kho_preserved_start, SZ_4K), -EBUSY);
	ASSERT_EQ(memblock_reserve_setaside(kho_preserved_start - SZ_4K, SZ_8K),
		  -EBUSY);
	ASSERT_EQ(memblock.reserved.cnt, 0);

	err = memblock_reserve_setaside(free, SZ_4K);
	ASSERT_EQ(err, 0);
	ASSERT_EQ(memblock_reserve_setaside(free, SZ_4K), -EBUSY);
	ASSERT_EQ(memblock.reserved.regions[0].flags, MEMBLOCK_RSRV_SETASIDE);

	end_confined();
	test_pass_pop();
	return 0;
}

/* Memory that is set aside or reserved by firmware is not counted. Nor is a hole. */
static int kernel_reserved_size_check(void)
{
	phys_addr_t all = PHYS_ADDR_MAX;
	int err;

	PREFIX_PUSH();
	setup_aligned();

	memblock_reserve(mem_start(), SZ_4K);
	memblock_reserve(mem_end() - SZ_2K, SZ_4K);
	err = memblock_reserve_setaside(mem_start() + SZ_8K, SZ_8K);
	ASSERT_EQ(err, 0);
	ASSERT_EQ(memblock_kernel_reserved_size(all, NUMA_NO_NODE),
		  SZ_4K + SZ_2K);
	ASSERT_EQ(memblock_kernel_reserved_size(mem_start() + SZ_1K,
						NUMA_NO_NODE), SZ_1K);

	memblock_phys_alloc_setaside(SZ_4K, SZ_4K, 0, MEMBLOCK_ALLOC_ACCESSIBLE,
				     NUMA_NO_NODE);
	err = memblock_reserve_firmware(mem_start() + SZ_16K, SZ_4K);
	ASSERT_EQ(err, 0);
	ASSERT_EQ(memblock_kernel_reserved_size(all, NUMA_NO_NODE),
		  SZ_4K + SZ_2K);

	test_pass_pop();
	return 0;
}

/* Memory that is set aside, for firmware, or reserved does not count. Freed memory still does. */
static int kernel_allocated_size_check(void)
{
	phys_addr_t before = memblock_kernel_allocated_size(), addr;

	PREFIX_PUSH();
	setup_aligned();

	memblock_reserve(mem_start(), SZ_4K);
	memblock_phys_alloc_setaside(SZ_8K, SZ_4K, 0, MEMBLOCK_ALLOC_ACCESSIBLE,
				     NUMA_NO_NODE);
	ASSERT_EQ(memblock_kernel_allocated_size(), before);

	addr = memblock_phys_alloc_firmware(SZ_4K, SZ_4K, 0, MEMBLOCK_ALLOC_ANYWHERE);
	ASSERT_NE(addr, 0);
	ASSERT_EQ(memblock_kernel_allocated_size(), before);
	ASSERT_EQ(memblock_kernel_reserved_size(PHYS_ADDR_MAX, NUMA_NO_NODE), SZ_4K);
	ASSERT_EQ(memblock_phys_alloc_firmware(MEM_SIZE, SZ_4K, 0, MEMBLOCK_ALLOC_ANYWHERE), 0);
	ASSERT_EQ(memblock_kernel_allocated_size(), before);

	addr = memblock_phys_alloc(SZ_2K, SZ_4K);
	ASSERT_NE(addr, 0);
	memblock_phys_free(addr, SZ_2K);
	ASSERT_EQ(memblock_kernel_allocated_size(), before + SZ_2K);

	test_pass_pop();
	return 0;
}

/*
 * A reservation of firmware may be reserved again, as part of a larger range. If memblock
 * warned about it, the simulator would print to stderr.
 */
static int firmware_overlap_check(void)
{
	int err;

	PREFIX_PUSH();
	setup_aligned();

	err = memblock_reserve_firmware(mem_start() + SZ_8K, SZ_4K);
	ASSERT_EQ(err, 0);
	err = memblock_reserve(mem_start() + SZ_4K, SZ_16K);
	ASSERT_EQ(err, 0);
	ASSERT_EQ(memblock.reserved.cnt, 3);
	ASSERT_EQ(memblock.reserved.regions[0].flags, MEMBLOCK_NONE);
	ASSERT_EQ(memblock.reserved.regions[1].flags, MEMBLOCK_RSRV_FIRMWARE);
	ASSERT_EQ(memblock.reserved.regions[1].size, SZ_4K);
	ASSERT_EQ(memblock.reserved.regions[2].flags, MEMBLOCK_NONE);

	test_pass_pop();
	return 0;
}

int memblock_kho_scratch_checks(void)
{
	reset_memblock_attributes();
	dummy_physical_memory_init();
	prefix_reset();
	prefix_push(FUNC_NAME);
	test_print("Running %s tests...\n", FUNC_NAME);

	readd_over_scratch_check();
	is_scratch_check();
	run_top_down(alloc_in_scratch_check);
	run_bottom_up(alloc_in_scratch_check);
	run_top_down(alloc_outside_scratch_check);
	run_bottom_up(alloc_outside_scratch_check);
	run_top_down(alloc_below_limit_check);
	run_bottom_up(alloc_below_limit_check);
	run_top_down(alloc_scratch_full_check);
	run_bottom_up(alloc_scratch_full_check);
	run_top_down(alloc_unconfined_check);
	run_bottom_up(alloc_unconfined_check);
	run_top_down(setaside_outside_scratch_check);
	run_bottom_up(setaside_outside_scratch_check);
	run_top_down(setaside_after_refusal_check);
	run_bottom_up(setaside_after_refusal_check);
	setaside_at_address_check();
	double_array_in_scratch_check();
	kernel_reserved_size_check();
	kernel_allocated_size_check();
	firmware_overlap_check();
	/* This cannot be undone. */
	run_top_down(alloc_mirrored_check);
	run_bottom_up(alloc_mirrored_check);

	dummy_physical_memory_cleanup();
	prefix_pop();
	return 0;
}
