// SPDX-License-Identifier: GPL-2.0
/*
 * kaslr: a kernel is put at a random place in scratch
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <stdio.h>
#include <stdlib.h>

#include "../kho.h"

static int read_text(struct range *text)
{
	char *iomem = guest_read_file("/proc/iomem");
	char *at = iomem ? strstr(iomem, " : Kernel code") : NULL;
	int found;

	if (!at)
		return -1;
	*at = '\0';
	at = strrchr(iomem, '\n');
	found = sscanf(at, " %llx-%llx", &text->start, &text->end);
	free(iomem);
	return found == 2 ? 0 : -1;
}

static void text_in_scratch(void)
{
	struct ranges scratch;
	struct range text;

	CHECK(!read_text(&text));
	CHECK(!read_scratch(&scratch));
	guest_note("kernel %d at %#llx", guest_kernel(), text.start);
	CHECK(within(&scratch, &text));
}

/* text= lists the addresses of the kernels that were started by kexec, latest first. */
static const char *kaslr_append(int kernel)
{
	static char append[256];
	const char *earlier = guest_param("text");
	struct range text;

	if (kernel > 2 && !read_text(&text))
		snprintf(append, sizeof(append), "text=%llx,%s", text.start,
			 earlier ? earlier : "");
	return append;
}

#ifdef __x86_64__
static void text_moves(void)
{
	const char *earlier = guest_param("text");
	struct range text;
	char here[32];

	if (guest_param_word("nokaslr"))
		guest_skip("KASLR is off");
	CHECK(earlier);
	CHECK(!read_text(&text));
	guest_note("now at %llx, before at %s", text.start, earlier);
	snprintf(here, sizeof(here), "%llx,", text.start);
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
