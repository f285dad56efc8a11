/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The side of a test that runs in the guest, as its init
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * A guest runs one suite. A suite is a list of tests, a test has one step for
 * each kernel that the suite boots, and between two kernels lies a kexec. All
 * tests of a suite share its kexecs, so that a hundred tests cost two boots.
 *
 * A step runs in a process of its own. When a later step follows, the process
 * stays alive and keeps what it has open until the kexec: so files and sessions
 * are held as an agent holds them.
 *
 * Results go through /dev/kmsg, one line each: whole lines on the console, in
 * order with what the kernel says. guest.sh reads them from the serial log.
 */
#ifndef SELFTESTS_KHO_GUEST_H
#define SELFTESTS_KHO_GUEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "../kselftest.h"

/* Kernels that one test can run in. */
#define GUEST_STEPS	12

typedef void (*guest_step_fn)(void);

/**
 * struct guest_test - one test
 * @name: what it shows, unique in its suite, without blanks
 * @step: what runs in the first, second, ... kernel; NULL for nothing. The
 *	  test has passed when the last one returns.
 * @after: number of kernels that come before these
 */
struct guest_test {
	const char *name;
	guest_step_fn step[GUEST_STEPS];
	int after;
};

/* When the image for the next kernel is loaded. */
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
 * @load: when the image for the next one is loaded
 * @append: what the next kernel's command line gets in addition, given the
 *	    number of that kernel; may be NULL
 * @drop: start of parameters that the next kernel does not get from this one's
 *	  command line; may be NULL
 * @leave: how to get to the next kernel in place of loading an image and
 *	   kexec; may be NULL
 * @set_up: called before anything else here is looked at, for a suite whose
 *	    tests depend on the command line; may be NULL
 */
struct guest_suite {
	const char *name;
	const struct guest_test *tests;
	size_t nr_tests;
	int kernels;
	enum guest_load load;
	const char *(*append)(int kernel);
	const char *drop;
	void (*leave)(void);
	void (*set_up)(void);
};

/*
 * main() of a guest program. As init it runs the suite that the kernel command
 * line names in suite=. Elsewhere "list SUITE [APPEND]" prints the names of the
 * tests that there would be with APPEND on the command line.
 */
int guest_main(int argc, char **argv, const struct guest_suite *const *suites,
	       size_t nr_suites);

/* Number of the running kernel in the suite, from 1. */
int guest_kernel(void);

/* The size of its pages, which some architectures leave to choose. */
extern int guest_page_size;
#define PAGE		guest_page_size
#define MAX_PAGE	65536

/* Diagnosis, shown by the host when the test fails. */
void guest_note(const char *fmt, ...) __printf(1, 2);

/* Leave the step, and its process: the test has failed, or can't run here. */
void guest_fail(const char *file, int line, const char *fmt, ...)
	__noreturn __printf(3, 4);
void guest_skip(const char *fmt, ...) __noreturn __printf(1, 2);

void guest_check(bool holds, const char *cond, const char *file, int line);
void guest_check_eq(long long seen, long long wanted, const char *seen_text,
		    const char *file, int line);
void guest_check_errno(long long ret, int wanted, const char *call,
		       const char *file, int line);

/* The step fails unless @cond holds. */
#define CHECK(cond)	guest_check(!!(cond), #cond, __FILE__, __LINE__)

/* The step fails unless two integers are equal. */
#define CHECK_EQ(seen, wanted)						\
	guest_check_eq(seen, wanted, #seen, __FILE__, __LINE__)

/* The step fails unless @call gives a negative number and the errno @wanted. */
#define CHECK_ERRNO(call, wanted)					\
	guest_check_errno(call, wanted, #call, __FILE__, __LINE__)

/*
 * Load the kernel and the initrd that this guest was booted from for the next
 * kexec, with a command line for the next step; flags are KEXEC_FILE_*.
 * Returns 0 or -1 with errno.
 */
int guest_load_image(unsigned long flags);
int guest_unload_image(unsigned long flags);
/* The path of that initrd, or NULL. That kernel is /kernel. */
const char *guest_initrd(void);
/* Boot the loaded image. Returns only when that failed: -1 with errno. */
int guest_kexec(void);

/* Before a kernel is left: what it has counted, if it is one that counts. */
void guest_save_coverage(void);

/* Modules lie in /modules; args as insmod takes them. 0 or -1 with errno. */
int guest_insmod(const char *name, const char *args);
int guest_rmmod(const char *name);
bool guest_has_module(const char *name);

/* Programs of the host that guest_add_program took lie in /bin. */
bool guest_has_program(const char *name);
/*
 * What the program printed, NUL-terminated, and its exit status, -1 when it did
 * not end by itself; the caller frees the text. NULL when it can't be run.
 */
char *guest_run(int *status, char *const argv[]);

/* Value of a line in /proc/meminfo, KiB; -1 when there is none. */
long guest_meminfo(const char *field);

/* Free memory, KiB, with what each CPU keeps at hand. */
long guest_free_memory(void);

/* Value of the last NAME=VALUE on the kernel command line, or NULL. */
const char *guest_param(const char *name);
bool guest_param_word(const char *word);

int guest_write_file(const char *path, const char *text);
/* A NUL-terminated copy of a small file, or NULL. The caller frees it. */
char *guest_read_file(const char *path);

/* What the kernel has logged so far, NUL-terminated; the caller frees it. */
char *guest_log(void);
/*
 * Was @text logged since the mark, or, for guest_log_next(), since the text
 * that it has found last?
 */
void guest_log_mark(void);
bool guest_log_since(const char *text);
bool guest_log_next(const char *text);

#endif /* SELFTESTS_KHO_GUEST_H */
