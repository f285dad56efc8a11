/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Suites of tests that run in a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A guest runs one suite. A suite is a list of tests. A test has one step for
 * each kernel that the suite boots; a kexec leads from one kernel to the next.
 * All tests of a suite share its kexecs, so a hundred tests cost two boots.
 *
 * A step runs in a process of its own. If the test has a later step, that process
 * stays alive and keeps its files open until the kexec, as an agent does.
 *
 * Results are records of the kernel log, which keeps them in order with messages
 * of the kernel. guest.sh reads them from the log of the serial console.
 */
#ifndef SELFTESTS_KHO_GUEST_RUNNER_H
#define SELFTESTS_KHO_GUEST_RUNNER_H

#include "init.h"
#include "log.h"
#include "system.h"

/* A kernel of another configuration, if KHO_OTHER_KERNEL= names one */
#define GUEST_OTHER_KERNEL	"/other-kernel"

/* Number of kernels that one test can run in */
#define GUEST_STEPS	12

typedef void (*guest_step_fn)(void);

/**
 * struct guest_test - one test
 * @name: what it proves; unique in its suite, without blanks
 * @step: functions for the first, second, ... kernel, or NULL. The test has
 *	  passed when the last one returns.
 * @after: number of kernels before the one that runs the first step
 */
struct guest_test {
	const char *name;
	guest_step_fn step[GUEST_STEPS];
	int after;
};

/* Tests that are named like the functions of their steps */
#define GUEST_TEST(fn)		{ #fn, { fn } }
#define GUEST_TEST_IN_2ND(fn)	{ #fn, { [1] = fn } }
#define GUEST_TEST_IN_BOTH(fn)	{ #fn, { [0 ... 1] = fn } }
#define GUEST_TEST_OF_2(name)	{ #name, { name ## _before, name ## _after } }
#define GUEST_TEST_OF_3(name)						\
	{ #name, { name ## _before, name ## _between, name ## _after } }

/* When the image for the next kernel is loaded */
enum guest_load {
	GUEST_LOAD_LAST,	/* after the steps of a kernel */
	GUEST_LOAD_FIRST,	/* before them */
	GUEST_LOAD_IN_TURN,	/* before them in odd kernels, else after */
};

/**
 * struct guest_suite - tests that share their kernels
 * @name: its name, without blanks
 * @tests: its tests
 * @nr_tests: number of @tests
 * @kernels: number of kernels it boots
 * @need: modules, and "debugfs", separated by blanks. Without one of them all tests
 *	  are skipped. Optional.
 * @load: when the image for the next kernel is loaded
 * @append: returns what is appended to the command line of the next kernel. The
 *	    argument is the number of that kernel. Optional.
 * @image: returns the path of the kernel that boots next, /kernel or another one. The
 *	   argument is its number. Optional.
 * @drop: words that start with this are left out of that command line; optional
 * @forget: the next kernel does not inherit what @append has returned for this one
 * @leave: replaces loading an image and the kexec; optional
 * @set_up: called first, for suites whose tests depend on the command line;
 *	    optional
 * @next: used by the runner
 */
struct guest_suite {
	const char *name;
	const struct guest_test *tests;
	size_t nr_tests;
	int kernels;
	const char *need;
	enum guest_load load;
	const char *(*append)(int kernel);
	const char *(*image)(int kernel);
	const char *drop;
	bool forget;
	void (*leave)(void);
	void (*set_up)(struct guest_suite *suite);
	struct guest_suite *next;
};

void guest_add_suite(struct guest_suite *suite);

/* Define a suite with the tests in NAME_tests[]. More members may follow. */
#define GUEST_SUITE(_name, _kernels, ...)				\
	static struct guest_suite _name ## _suite = {			\
		.name = #_name,						\
		.tests = _name ## _tests,				\
		.nr_tests = ARRAY_SIZE(_name ## _tests),		\
		.kernels = _kernels,					\
		__VA_ARGS__						\
	};								\
									\
	static void __attribute__((constructor)) add_ ## _name ## _suite(void) \
	{								\
		guest_add_suite(&_name ## _suite);			\
	}

/* Number of the running kernel in the suite, from 1 */
int guest_kernel(void);
/* Name of the running test */
const char *guest_test_name(void);

/* Size of its pages, which some architectures leave to the configuration */
extern int guest_page_size;
#define PAGE		guest_page_size
#define MAX_PAGE	65536

/* Log a note. The host shows it if the test fails. */
void guest_note(const char *fmt, ...) __printf(1, 2);

/* End the step and its process: the test has failed, is skipped, or needs no later step. */
void guest_fail(const char *file, int line, const char *fmt, ...)
	__noreturn __printf(3, 4);
void guest_skip(const char *fmt, ...) __noreturn __printf(1, 2);
void guest_pass(void) __noreturn;

/* As guest_read_file(), but the step fails if that fails. */
char *guest_text_of(const char *path);

/* Mount debugfs, or skip the test if there is none. */
void guest_need_debugfs(void);
#define DEBUGFS		"/sys/kernel/debug"
#define KMEMLEAK	DEBUGFS "/kmemleak"

void guest_check(bool holds, const char *cond, const char *file, int line);
void guest_check_eq(long long seen, long long wanted, const char *seen_text,
		    const char *file, int line);
void guest_check_errno(long long ret, int wanted, const char *call,
		       const char *file, int line);
void guest_check_logged(const char *text, const char *file, int line);

/* The step fails unless @cond holds. */
#define CHECK(cond)	guest_check(!!(cond), #cond, __FILE__, __LINE__)

/* The step fails unless two integers are equal. */
#define CHECK_EQ(seen, wanted)						\
	guest_check_eq(seen, wanted, #seen, __FILE__, __LINE__)

/* The step fails unless @call returns a negative number with the errno @wanted. */
#define CHECK_ERRNO(call, wanted)					\
	guest_check_errno(call, wanted, #call, __FILE__, __LINE__)

/* The step fails unless the kernel has logged @text. */
#define CHECK_LOGGED(text)	guest_check_logged(text, __FILE__, __LINE__)

/*
 * Load a kernel and the initrd of this guest for the next kexec, with a command
 * line for the next kernel of the suite. Flags are KEXEC_FILE_*. 0 or -1 with errno.
 */
int guest_load_image(unsigned long flags);
int guest_unload_image(unsigned long flags);
/* Return the path of that initrd, or NULL. */
const char *guest_initrd(void);
/* Boot the loaded image. Returns only if that fails: -1 with errno. */
int guest_kexec(void);

#endif /* SELFTESTS_KHO_GUEST_RUNNER_H */
