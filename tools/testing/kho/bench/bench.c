// SPDX-License-Identifier: GPL-2.0
/*
 * Benchmark of the data structures of kexec handover
 *
 * Copyright (C) 2026 The KHO LTS developers
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "bench/bench.h"
#include "bench/meter.h"

#define MAX_SIZES	16

/* Page numbers up to twice this size fit into 32 bits */
#define MAX_SIZE	(1024UL * 1024 * 1024)

struct sizes {
	unsigned long nr[MAX_SIZES];
	unsigned int cnt;
};

/* 3, 12 and 48 GiB */
static struct sizes pages = { { 786432, 3145728, 12582912 }, 3 };
static struct sizes entries = { { 10000, 100000, 1000000 }, 3 };
static unsigned long repeat = 5;
static bool counting;

static const struct {
	const struct bench_suite *suite;
	const struct sizes *sizes;
} suites[] = {
	{ &bench_pages, &pages },
	{ &bench_ranges, &pages },
	{ &bench_blocks, &entries },
};

static void print_row(const char *op, const char *input, unsigned long bytes,
		      unsigned long nr, const struct meter *meter)
{
	printf("%-14s %-9s %10.1f %10lu %10.3f ", op, input,
	       (double)bytes / (1 << 20), nr, (double)meter->ns / nr);
	if (counting)
		printf("%10.3f\n", (double)meter->misses / nr);
	else
		printf("%10s\n", "-");
	fflush(stdout);
}

static void call(void (*step)(void))
{
	if (step)
		step();
}

static void measure(const struct bench_suite *suite, const struct bench_op *op,
		    const struct bench_input *input, unsigned long size)
{
	struct meter best = { .ns = U64_MAX };
	unsigned long nr = 0, i;

	input->load(size);
	call(op->begin);
	for (i = 0; i < repeat; i++) {
		struct meter meter;

		meter_start();
		nr = op->run();
		meter = meter_stop();
		if (meter.ns < best.ns)
			best = meter;
		call(op->undo);
	}
	call(op->end);
	suite->unload();

	if (nr)
		print_row(op->name, input->name, size * suite->unit_size, nr, &best);
}

static bool is_wanted(const struct bench_op *op, char **names)
{
	bool all = !*names;

	for (; *names; names++)
		if (!strcmp(*names, op->name))
			return true;

	return all;
}

static void measure_suite(const struct bench_suite *suite,
			  const struct sizes *sizes, char **names)
{
	const struct bench_input *input;
	const struct bench_op *op;
	unsigned int i;

	for (op = suite->ops; op->name; op++) {
		if (!is_wanted(op, names))
			continue;
		for (input = suite->inputs; input->name; input++)
			for (i = 0; i < sizes->cnt; i++)
				measure(suite, op, input, sizes->nr[i]);
	}
}

static bool is_known(const char *name)
{
	const struct bench_op *op;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (op = suites[i].suite->ops; op->name; op++)
			if (!strcmp(name, op->name))
				return true;

	return false;
}

static void print_help(void)
{
	const struct bench_op *op;
	unsigned int i;

	puts("Usage: kho-bench [OPTION]... [OPERATION]...\n"
	     "Measure operations of the data structures of kexec handover, by default all of\n"
	     "them. The kernel's code is compiled for user space. Results are checked, and a\n"
	     "wrong one ends the program. The time is that of the fastest run.\n"
	     "\n"
	     "  -p, --pages=N,...    pages in the tree, 786432,3145728,12582912 by default\n"
	     "  -e, --entries=N,...  entries in blocks, 10000,100000,1000000 by default\n"
	     "  -r, --repeat=N       runs of each operation, 5 by default\n"
	     "  -h, --help           show this\n"
	     "\n"
	     "Keys: dense, strided (every second page), random (over 64 GiB), mixed (blocks of\n"
	     "orders 0 to 10, in the order of addresses). One operation is:");
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (op = suites[i].suite->ops; op->name; op++)
			printf("  %-14s %s\n", op->name, op->help);
}

static void __noreturn usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "kho-bench: %s: %s; see --help\n", arg, what);
	exit(2);
}

/* Return the rest of the argument after the number. */
static const char *parse_size(const char *arg, unsigned long *size)
{
	char *end;

	errno = 0;
	*size = strtoul(arg, &end, 10);
	if (arg[0] < '0' || arg[0] > '9' || errno || !*size || *size > MAX_SIZE)
		usage_error("a number from 1 to 1073741824 is needed", arg);

	return end;
}

static void parse_sizes(const char *arg, struct sizes *sizes)
{
	const char *pos = arg;

	sizes->cnt = 0;
	do {
		if (sizes->cnt == MAX_SIZES)
			usage_error("too many sizes", arg);
		pos = parse_size(pos, &sizes->nr[sizes->cnt++]);
	} while (*pos++ == ',');
	if (pos[-1])
		usage_error("not a list of sizes", arg);
}

/* Return the names of operations. */
static char **parse_options(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "pages", required_argument, NULL, 'p' },
		{ "entries", required_argument, NULL, 'e' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int option, i;

	while ((option = getopt_long(argc, argv, "p:e:r:h", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			parse_sizes(optarg, &pages);
			break;
		case 'e':
			parse_sizes(optarg, &entries);
			break;
		case 'r':
			if (*parse_size(optarg, &repeat))
				usage_error("not a number", optarg);
			break;
		case 'h':
			print_help();
			exit(0);
		default:
			exit(2);
		}
	}

	for (i = optind; i < argc; i++)
		if (!is_known(argv[i]))
			usage_error("no such operation", argv[i]);

	return argv + optind;
}

int main(int argc, char *argv[])
{
	const char *why_not;
	unsigned int i;
	char **names;

	names = parse_options(argc, argv);
	mm_init();
	why_not = meter_open();
	counting = !why_not;

	printf("fastest of %lu runs; %s%s\n", repeat,
	       counting ? "cache misses in user space" : "cache misses are not counted: ",
	       counting ? "" : why_not);
	printf("%-14s %-9s %10s %10s %10s %10s\n", "operation", "keys", "MiB",
	       "number", "ns/op", "misses/op");
	for (i = 0; i < ARRAY_SIZE(suites); i++)
		measure_suite(suites[i].suite, suites[i].sizes, names);

	return 0;
}
