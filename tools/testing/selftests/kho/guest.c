// SPDX-License-Identifier: GPL-2.0
/*
 * The side of a test that runs in the guest, as its init
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* A step that takes longer hangs. */
#define STEP_SECONDS	180
#define CMDLINE_SIZE	2048
#define NR_FILES	65536
#define KLOG_READ_ALL	3
#define KLOG_SIZE	10

static const struct guest_suite *suite;
static const char *test_name = "";
static char cmdline[CMDLINE_SIZE];
static int kernel_nr = 1;
int guest_page_size;
static int kmsg_fd = -1;

/* One record, so that the console shows it as a whole line. */
static void say(const char *what, const char *fmt, va_list ap)
{
	char line[960];
	int len;

	len = snprintf(line, sizeof(line), "<5>ksft: %s %s.%s", what,
		       suite ? suite->name : "none", test_name);
	vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	if (write(kmsg_fd, line, strlen(line)) < 0)
		perror("/dev/kmsg");
}

static void __printf(2, 3) report(const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(what, fmt, ap);
	va_end(ap);
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

/* The parent reads one of these from the process of a step. */
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

int guest_kernel(void)
{
	return kernel_nr;
}

int guest_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	ssize_t done;

	if (fd < 0)
		return -1;
	done = write(fd, text, len);
	close(fd);
	return done == len ? 0 : -1;
}

static char *read_fd(int fd)
{
	size_t size = 4096, len = 0;
	char *text = malloc(size);
	ssize_t got = -1;

	while (text) {
		got = read(fd, text + len, size - len - 1);
		if (got <= 0)
			break;
		len += got;
		if (size - len < 1024) {
			size *= 2;
			text = realloc(text, size);
		}
	}
	if (text)
		text[len] = '\0';
	return text;
}

char *guest_read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd < 0)
		return NULL;
	text = read_fd(fd);
	close(fd);
	return text;
}

/* The end of the parameter, or NULL when @word does not start one here. */
static const char *param_at(const char *word, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len))
		return NULL;
	return word + len;
}

const char *guest_param(const char *name)
{
	static char value[256];
	const char *last = NULL;
	char key[64];
	const char *word = cmdline;

	snprintf(key, sizeof(key), "%s=", name);
	while (*word) {
		last = param_at(word, key) ?: last;
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	if (!last)
		return NULL;
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(last, " "), last);
	return value;
}

bool guest_param_word(const char *wanted)
{
	const char *word = cmdline;

	while (*word) {
		const char *end = param_at(word, wanted);

		if (end && (*end == ' ' || !*end))
			return true;
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	return false;
}

long guest_meminfo(const char *field)
{
	char *text = guest_read_file("/proc/meminfo");
	char key[64];
	char *line;
	long kib = -1;

	snprintf(key, sizeof(key), "%s:", field);
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, strlen(key))) {
			kib = atol(line + strlen(key));
			break;
		}
	}
	free(text);
	return kib;
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
	return guest_meminfo("MemFree") + pages * (sysconf(_SC_PAGESIZE) / 1024);
}

char *guest_log(void)
{
	int size = klogctl(KLOG_SIZE, NULL, 0);
	char *text = size < 0 ? NULL : calloc(1, size + 1);

	if (text && klogctl(KLOG_READ_ALL, text, size) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static unsigned int log_marks;
/* How far behind the mark guest_log_next() has come. */
static size_t log_next;

static void mark_text(char *text, size_t size)
{
	snprintf(text, size, "ksft: mark %d.%u", getpid(), log_marks);
}

void guest_log_mark(void)
{
	char text[64];

	log_marks++;
	log_next = 0;
	mark_text(text, sizeof(text));
	if (write(kmsg_fd, text, strlen(text)) < 0)
		perror("/dev/kmsg");
}

/* Where @text ends, behind @skip bytes from the mark; 0 when it is not there. */
static size_t log_find(const char *text, size_t skip)
{
	char *log = guest_log();
	const char *start = NULL;
	size_t end = 0;
	char mark[64];

	mark_text(mark, sizeof(mark));
	if (log)
		start = strstr(log, mark);
	if (start && strlen(start) > skip) {
		const char *found = strstr(start + skip, text);

		if (found)
			end = found + strlen(text) - start;
	}
	free(log);
	return end;
}

bool guest_log_since(const char *text)
{
	return log_find(text, 0);
}

bool guest_log_next(const char *text)
{
	size_t end = log_find(text, log_next);

	if (end)
		log_next = end;
	return end;
}

int guest_insmod(const char *name, const char *args)
{
	char path[128];
	int fd, ret;

	snprintf(path, sizeof(path), "/modules/%s.ko", name);
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

bool guest_has_module(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/modules/%s.ko", name);
	return !access(path, R_OK);
}

bool guest_has_program(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/bin/%s", name);
	return !access(path, X_OK);
}

static void __noreturn become(int out, char *const argv[])
{
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

char *guest_run(int *status, char *const argv[])
{
	char *text = NULL;
	int out[2];
	int ended;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return NULL;
	pid = fork();
	if (!pid)
		become(out[1], argv);
	close(out[1]);
	if (pid > 0) {
		text = read_fd(out[0]);
		waitpid(pid, &ended, 0);
		*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
	}
	close(out[0]);
	return text;
}

static int copy_file(const char *from, const char *to)
{
	static char buf[1 << 16];
	ssize_t got = -1;
	int in, out;

	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (in < 0 || out < 0)
		goto out;
	while ((got = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, got) != got) {
			got = -1;
			break;
		}
	}
out:
	close(in);
	close(out);
	return got ? -1 : 0;
}

/*
 * The command line of the next kernel is this one's without kernel= and with
 * the suite's addition last, so that it overrides.
 */
static void next_cmdline(char *next, size_t size)
{
	const char *append = NULL;
	const char *word = cmdline;
	size_t used = 0;

	if (suite->append)
		append = suite->append(kernel_nr + 1);
	*next = '\0';
	while (*word && used < size) {
		size_t len = strcspn(word, " ");

		if (!param_at(word, "kernel=") &&
		    !(suite->drop && param_at(word, suite->drop)))
			used += snprintf(next + used, size - used, "%.*s ",
					 (int)len, word);
		word += len;
		word += strspn(word, " ");
	}
	if (used < size)
		snprintf(next + used, size - used, "%s kernel=%d",
			 append ? append : "", kernel_nr + 1);
}

const char *guest_initrd(void)
{
	static const char path[] = "/tmp/initrd";

	if (access(path, R_OK) && copy_file("/sys/firmware/initrd", path)) {
		guest_note("no copy of the initrd: %m");
		return NULL;
	}
	return path;
}

int guest_load_image(unsigned long flags)
{
	const char *path = guest_initrd();
	char next[CMDLINE_SIZE];
	int kernel, initrd;
	int ret = -1;

	if (!path)
		return -1;
	kernel = open("/kernel", O_RDONLY | O_CLOEXEC);
	initrd = open(path, O_RDONLY | O_CLOEXEC);
	next_cmdline(next, sizeof(next));
	if (kernel >= 0 && initrd >= 0)
		ret = syscall(SYS_kexec_file_load, kernel, initrd,
			      strlen(next) + 1, next, flags);
	close(kernel);
	close(initrd);
	return ret;
}

int guest_unload_image(unsigned long flags)
{
	return syscall(SYS_kexec_file_load, -1, -1, 0, NULL,
		       KEXEC_FILE_UNLOAD | flags);
}

/*
 * PREEMPT_RT's consoles are written by threads of their own, which a kexec or
 * power off does not wait for.
 */
static void drain_console(void)
{
	struct utsname name;

	if (!uname(&name) && strstr(name.version, "PREEMPT_RT"))
		sleep(2);
}

int guest_kexec(void)
{
	drain_console();
	guest_save_coverage();
	return reboot(LINUX_REBOOT_CMD_KEXEC);
}

static void power_off(void)
{
	drain_console();
	guest_save_coverage();
	sync();
	reboot(RB_POWER_OFF);
}

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

static void __noreturn step_child(const struct guest_test *test)
{
	bool later = has_later_step(test);
	const char *patience = guest_param("patience");

	alarm(STEP_SECONDS * (patience ? atoi(patience) : 1));
	step_in(test, kernel_nr)();
	alarm(0);
	if (!later)
		report("ok", "%s", "");
	tell_parent(STEP_OK);
	while (later)
		pause();
	_exit(0);
}

/* Returns when the step is done; its process may stay behind. */
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
		/* What it had open is closed when it is gone, not before. */
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
	power_off();
}

static void run_suite(void)
{
	bool leaves_itself = kernel_nr >= suite->kernels || suite->leave;

	if (!leaves_itself && loads_first())
		load_next();
	run_steps();
	if (kernel_nr >= suite->kernels)
		power_off();
	if (suite->leave) {
		guest_save_coverage();
		suite->leave();
		power_off();
	}
	if (!loads_first())
		load_next();
	guest_kexec();
	guest_note("reboot(KEXEC): %m");
	power_off();
}

static void read_cmdline(void)
{
	char *text = guest_read_file("/proc/cmdline");

	if (text)
		snprintf(cmdline, sizeof(cmdline), "%.*s",
			 (int)strcspn(text, "\n"), text);
	free(text);
}

/* The first line of a file, or "none" */
static void tell_line(const char *what, const char *path)
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
 * What the kernel does not log: for those who run the suites on a certain
 * system and have to know that this is one.
 */
static void tell_system(void)
{
#ifdef __x86_64__
	report("system", ": paging levels: %d", paging_levels());
#endif
	report("system", ": page size: %d", PAGE);
	report("system", ": direct map of 2 MiB pages: %ld KiB",
	       guest_meminfo("DirectMap2M"));
	tell_line("nodes", "/sys/devices/system/node/online");
	tell_line("nodes with memory", "/sys/devices/system/node/has_memory");
	tell_line("memory block size",
		  "/sys/devices/system/memory/block_size_bytes");
	tell_line("transparent huge pages",
		  "/sys/kernel/mm/transparent_hugepage/enabled");
	tell_line("gigantic pages",
		  "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages");
}

static void set_up(void)
{
	struct rlimit files = { NR_FILES, NR_FILES };

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mkdir("/tmp", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	/* Without this the kernel drops lines when many are written at once. */
	guest_write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	setrlimit(RLIMIT_NOFILE, &files);
	read_cmdline();
}

static const struct guest_suite *
find_suite(const char *name, const struct guest_suite *const *suites,
	   size_t nr_suites)
{
	size_t i;

	for (i = 0; name && i < nr_suites; i++) {
		if (strcmp(suites[i]->name, name))
			continue;
		if (suites[i]->set_up)
			suites[i]->set_up();
		return suites[i];
	}
	fprintf(stderr, "no suite %s\n", name ? name : "given");
	return NULL;
}

static int list_tests(void)
{
	size_t i;

	for (i = 0; i < suite->nr_tests; i++)
		printf("%s.%s\n", suite->name, suite->tests[i].name);
	return 0;
}

int guest_main(int argc, char **argv, const struct guest_suite *const *suites,
	       size_t nr_suites)
{
	const char *kernel;

	guest_page_size = getpagesize();
	if (getpid() != 1) {
		if (argc < 3 || argc > 4 || strcmp(argv[1], "list")) {
			fprintf(stderr, "usage: %s list SUITE [APPEND]\n", argv[0]);
			return 2;
		}
		if (argc == 4)
			snprintf(cmdline, sizeof(cmdline), "%s", argv[3]);
		suite = find_suite(argv[2], suites, nr_suites);
		return suite ? list_tests() : 2;
	}

	set_up();
	suite = find_suite(guest_param("suite"), suites, nr_suites);
	if (!suite)
		power_off();
	kernel = guest_param("kernel");
	if (kernel)
		kernel_nr = atoi(kernel);
	if (kernel_nr < 1 || kernel_nr > suite->kernels)
		power_off();
	tell_system();
	run_suite();
	return 0;
}
