// SPDX-License-Identifier: GPL-2.0
/*
 * kaslr: a kernel is put at a random place in scratch
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>

#include "../kho.h"

static void text_in_scratch(void)
{
	struct ranges scratch, text;

	CHECK(!read_iomem(&text, "Kernel code"));
	CHECK(!read_scratch(&scratch));
	guest_note("kernel %d at %#llx", guest_kernel(), text.r[0].start);
	CHECK(within(&scratch, &text.r[0]));
}

/* text= lists the addresses of the kernels that were started by kexec, latest first. */
static const char *kaslr_append(int kernel)
{
	static char append[256];
	const char *earlier = guest_param("text");
	struct ranges text;

	if (kernel > 2 && !read_iomem(&text, "Kernel code"))
		snprintf(append, sizeof(append), "text=%llx,%s", text.r[0].start,
			 earlier ? earlier : "");
	return append;
}

#ifdef __x86_64__
static void text_moves(void)
{
	const char *earlier = guest_param("text");
	struct ranges text;
	char here[32];

	if (guest_param_word("nokaslr"))
		guest_skip("KASLR is off");
	CHECK(earlier);
	CHECK(!read_iomem(&text, "Kernel code"));
	guest_note("now at %llx, before at %s", text.r[0].start, earlier);
	snprintf(here, sizeof(here), "%llx,", text.r[0].start);
	while (guest_after(earlier, here))
		earlier += strlen(here);
	CHECK(*earlier);
}
#endif

/*
 * The probability that five kernels are at the same place is about 1 in 100,000.
 * On architectures other than x86 a kernel stays where kexec_file_load() puts it.
 */
static const struct guest_test kaslr_tests[] = {
	{ "kernel_lies_in_scratch", {
		[1 ... 5] = text_in_scratch,
	} },
#ifdef __x86_64__
	{ "kernel_moves", { [5] = text_moves } },
#endif
};

GUEST_SUITE(kaslr, 6, .append = kaslr_append, .drop = "text=")
