// SPDX-License-Identifier: GPL-2.0
/*
 * Suites of tests that run in a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gcov.h"
#include "runner.h"

/* A step that takes longer is assumed to hang, and SIGALRM ends it. */
#define STEP_SECONDS	180

static struct guest_suite *suites;
static const struct guest_suite *suite;
static const char *test_name = "";
static int kernel_nr = 1;
int guest_page_size;

void guest_add_suite(struct guest_suite *added)
{
	added->next = suites;
	suites = added;
}

/* ---- results ---- */

static void __printf(2, 3) report(const char *what, const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	guest_say("ksft: %s %s.%s%s", what, suite ? suite->name : "none",
		  test_name, text);
}

static void note(const char *prefix, const char *fmt, va_list ap)
{
	char text[800];

	vsnprintf(text, sizeof(text), fmt, ap);
	report("note", ": %s%s", prefix, text);
}

void guest_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note("", fmt, ap);
	va_end(ap);
}

/* The process of a step sends one of these to its parent. */
enum step_result {
	STEP_OK,
	STEP_ENDS,	/* the test is over: failed or skipped */
};

static int step_fd = -1;

static void tell_parent(enum step_result result)
{
	unsigned char byte = result;

	if (write(step_fd, &byte, 1) != 1)
		_exit(1);
}

static void __noreturn end_test(const char *result)
{
	report(result, "%s", "");
	tell_parent(STEP_ENDS);
	_exit(1);
}

void guest_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	char where[64];
	va_list ap;

	snprintf(where, sizeof(where), "kernel %d, %s:%d: ", kernel_nr,
		 base ? base + 1 : file, line);
	va_start(ap, fmt);
	note(where, fmt, ap);
	va_end(ap);
	end_test("not ok");
}

void guest_skip(const char *fmt, ...)
{
	char reason[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	report("why", ": %s", reason);
	end_test("skip");
}

void guest_pass(void)
{
	end_test("ok");
}

void guest_need_debugfs(void)
{
	if (mount("debugfs", DEBUGFS, "debugfs", 0, NULL) && errno != EBUSY)
		guest_skip("debugfs can't be mounted: %m");
}

void guest_check(bool holds, const char *cond, const char *file, int line)
{
	if (!holds)
		guest_fail(file, line, "%s (%s)", cond, strerror(errno));
}

void guest_check_eq(long long seen, long long wanted, const char *seen_text,
		    const char *file, int line)
{
	if (seen != wanted)
		guest_fail(file, line, "%s is %lld, not %lld", seen_text, seen,
			   wanted);
}

void guest_check_errno(long long ret, int wanted, const char *call,
		       const char *file, int line)
{
	int err = errno;

	if (ret >= 0)
		guest_fail(file, line, "%s works, should fail: %s", call,
			   strerror(wanted));
	if (err != wanted)
		guest_fail(file, line, "%s: %s, not %s", call, strerror(err),
			   strerror(wanted));
}

void guest_check_logged(const char *text, const char *file, int line)
{
	if (!guest_log_has(text))
		guest_fail(file, line, "the log lacks '%s'", text);
}

char *guest_text_of(const char *path)
{
	char *text = guest_read_file(path);

	if (!text)
		guest_note("%s", path);
	CHECK(text);
	return text;
}

int guest_kernel(void)
{
	return kernel_nr;
}

const char *guest_test_name(void)
{
	return test_name;
}

/* ---- the next kernel ---- */

/* Return whether a word is not for the next kernel. */
static bool is_dropped(const char *word)
{
	return guest_after(word, "kernel=") ||
	       (suite->drop && guest_after(word, suite->drop));
}

/*
 * The next kernel has the command line of this one without kernel= and without the
 * words that the suite drops. The suite's own words come last and override them.
 */
static void next_cmdline(char *next, size_t size)
{
	const char *append = NULL;
	const char *word = guest_cmdline;
	size_t used = 0;

	if (suite->append)
		append = suite->append(kernel_nr + 1);
	*next = '\0';
	while (*word && used < size) {
		size_t len = strcspn(word, " ");

		if (suite->forget && guest_after(word, "kernel="))
			break;
		if (!is_dropped(word))
			used += snprintf(next + used, size - used, "%.*s ",
					 (int)len, word);
		word += len;
		word += strspn(word, " ");
	}
	if (used < size)
		snprintf(next + used, size - used, "kernel=%d %s", kernel_nr + 1,
			 append ? append : "");
}

const char *guest_initrd(void)
{
	static const char path[] = "/tmp/initrd";
	int fd;

	if (!access(path, R_OK))
		return path;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (guest_copy("/sys/firmware/initrd", fd, SIZE_MAX)) {
		guest_note("no copy of the initrd: %m");
		unlink(path);
	}
	close(fd);
	return access(path, R_OK) ? NULL : path;
}

int guest_load_image(unsigned long flags)
{
	const char *kernel = suite->image ? suite->image(kernel_nr + 1) : "/kernel";
	const char *initrd = guest_initrd();
	char next[GUEST_CMDLINE_SIZE];

	if (!initrd)
		return -1;
	next_cmdline(next, sizeof(next));
	return guest_load_kernel(kernel, initrd, next, flags);
}

int guest_unload_image(unsigned long flags)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0, NULL,
		       KEXEC_FILE_UNLOAD | flags);
}

static void save_coverage(void)
{
	if (guest_save_coverage(kernel_nr))
		guest_note("coverage could not be saved: %m");
}

int guest_kexec(void)
{
	guest_drain_console();
	save_coverage();
	return reboot(LINUX_REBOOT_CMD_KEXEC);
}

static void __noreturn end_guest(void)
{
	guest_drain_console();
	save_coverage();
	guest_power_off();
}

/* ---- steps ---- */

static guest_step_fn step_in(const struct guest_test *test, int kernel)
{
	int nr = kernel - 1 - test->after;

	return nr < 0 || nr >= GUEST_STEPS ? NULL : test->step[nr];
}

static bool has_later_step(const struct guest_test *test)
{
	int kernel;

	for (kernel = kernel_nr + 1; kernel <= suite->kernels; kernel++)
		if (step_in(test, kernel))
			return true;
	return false;
}

static void check_needs(void)
{
	const char *word = suite->need ?: "";
	char name[64];
	int len;

	for (; sscanf(word, "%63s%n", name, &len) == 1; word += len) {
		if (!strcmp(name, "debugfs"))
			guest_need_debugfs();
		else
			guest_need_module(name);
	}
}

static void __noreturn step_child(const struct guest_test *test)
{
	bool later = has_later_step(test);

	alarm(STEP_SECONDS * (guest_param_number("patience") ?: 1));
	check_needs();
	step_in(test, kernel_nr)();
	alarm(0);
	if (!later)
		report("ok", "%s", "");
	tell_parent(STEP_OK);
	while (later)
		pause();
	_exit(0);
}

/* Return when the step is done. Its process lives on if there is a later step. */
static void run_step(const struct guest_test *test)
{
	unsigned char res;
	int done[2];
	pid_t pid;

	if (pipe2(done, O_CLOEXEC)) {
		report("not ok", "%s", "");
		return;
	}
	pid = fork();
	if (!pid) {
		close(done[0]);
		step_fd = done[1];
		step_child(test);
	}
	close(done[1]);
	if (pid < 0 || read(done[0], &res, 1) != 1) {
		report("note", ": no result, the step ended by itself");
		report("not ok", "%s", "");
	} else if (res == STEP_ENDS || !has_later_step(test)) {
		/* The exit closes its files, and the next step relies on that. */
		waitpid(pid, NULL, 0);
	}
	close(done[0]);
}

static void run_steps(void)
{
	size_t i;

	for (i = 0; i < suite->nr_tests; i++) {
		const struct guest_test *test = &suite->tests[i];

		test_name = test->name;
		if (step_in(test, kernel_nr))
			run_step(test);
	}
	test_name = "";
}

/* If the kernel has kmemleak, let it log leaks. They fail the suite. */
static void scan_for_leaks(void)
{
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	guest_write_file(KMEMLEAK, "scan");
}

/* ---- suites ---- */

static bool loads_first(void)
{
	return suite->load == GUEST_LOAD_FIRST ||
	       (suite->load == GUEST_LOAD_IN_TURN && kernel_nr % 2);
}

static void load_next(void)
{
	if (!guest_load_image(0))
		return;
	guest_note("kexec_file_load: %m");
	end_guest();
}

static void __noreturn run_suite(void)
{
	bool leaves_itself = kernel_nr >= suite->kernels || suite->leave;

	if (!leaves_itself && loads_first())
		load_next();
	run_steps();
	scan_for_leaks();
	if (kernel_nr >= suite->kernels)
		end_guest();
	if (suite->leave) {
		save_coverage();
		suite->leave();
		end_guest();
	}
	if (!loads_first())
		load_next();
	guest_kexec();
	guest_note("reboot(KEXEC): %m");
	end_guest();
}

/* Report the first line of a file, or "none". */
static void report_line(const char *what, const char *path)
{
	char *text = guest_read_file(path);

	report("system", ": %s: %.*s", what,
	       text ? (int)strcspn(text, "\n") : 4, text ? text : "none");
	free(text);
}

#ifdef __x86_64__
static int paging_levels(void)
{
	char *text = guest_read_file("/proc/cpuinfo");
	int levels = text && strstr(text, " la57") ? 5 : 4;

	free(text);
	return levels;
}
#endif

/*
 * Report properties of the system that the kernel does not log. The host checks
 * that the suites have run on the system that it asked for.
 */
static void report_system(void)
{
#ifdef __x86_64__
	report("system", ": paging levels: %d", paging_levels());
#endif
	report("system", ": page size: %d", PAGE);
	report("system", ": direct map of 2 MiB pages: %ld KiB",
	       guest_meminfo("DirectMap2M"));
	report_line("nodes", "/sys/devices/system/node/online");
	report_line("nodes with memory", "/sys/devices/system/node/has_memory");
	report_line("memory block size",
		    "/sys/devices/system/memory/block_size_bytes");
	report_line("transparent huge pages",
		    "/sys/kernel/mm/transparent_hugepage/enabled");
	report_line("gigantic pages",
		    "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages");
	report_line("memory allocation profiling", "/proc/sys/vm/mem_profiling");
	report_line("memory failure recovery",
		    "/proc/sys/vm/memory_failure_recovery");
}

static bool find_suite(const char *name)
{
	struct guest_suite *found = suites;

	while (found && !(name && !strcmp(found->name, name)))
		found = found->next;
	if (!found) {
		fprintf(stderr, "no suite %s\n", name ? name : "given");
		return false;
	}
	if (found->set_up)
		found->set_up(found);
	suite = found;
	return true;
}

static void list_tests(void)
{
	size_t i;

	for (i = 0; i < suite->nr_tests; i++)
		printf("%s.%s\n", suite->name, suite->tests[i].name);
}

static void __noreturn run_as_init(void)
{
	guest_set_up();
	if (!find_suite(guest_param("suite")))
		end_guest();
	if (guest_param("kernel"))
		kernel_nr = guest_param_number("kernel");
	if (kernel_nr < 1 || kernel_nr > suite->kernels)
		end_guest();
	report_system();
	run_suite();
}

/*
 * As init, run the suite that the kernel command line names in suite=. Otherwise
 * the arguments are "list SUITE [APPEND]": print the names of the suite's tests.
 * They may depend on the kernel command line, for which APPEND stands.
 */
int main(int argc, char **argv)
{
	guest_page_size = getpagesize();
	if (getpid() == 1)
		run_as_init();

	if (argc < 3 || argc > 4 || strcmp(argv[1], "list")) {
		fprintf(stderr, "usage: %s list SUITE [APPEND]\n", argv[0]);
		return 2;
	}
	if (argc == 4)
		snprintf(guest_cmdline, sizeof(guest_cmdline), "%s", argv[3]);
	if (!find_suite(argv[2]))
		return 2;
	list_tests();
	return 0;
}
