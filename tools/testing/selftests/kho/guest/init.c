// SPDX-License-Identifier: GPL-2.0
/*
 * The init process of a guest
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <fcntl.h>
#include <linux/kexec.h>
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

#include "init.h"

#define NR_FILES		1048576
/* Actions of klogctl(), which no header for user space defines */
#define SYSLOG_READ		2
#define SYSLOG_SIZE_UNREAD	9

char guest_cmdline[GUEST_CMDLINE_SIZE];

static void read_cmdline(void)
{
	char *text = guest_read_file("/proc/cmdline");

	if (text)
		snprintf(guest_cmdline, sizeof(guest_cmdline), "%.*s",
			 (int)strcspn(text, "\n"), text);
	free(text);
}

void guest_set_up(void)
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
	/* By default the kernel drops records when many are written at once. */
	guest_write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
	setrlimit(RLIMIT_NOFILE, &files);
	read_cmdline();
}

const char *guest_after(const char *word, const char *start)
{
	size_t len = strlen(start);

	return strncmp(word, start, len) ? NULL : word + len;
}

static const char *next_word(const char *word)
{
	word += strcspn(word, " ");
	return word + strspn(word, " ");
}

const char *guest_param(const char *name)
{
	static char value[256];
	const char *last = NULL, *word;
	char key[64];

	snprintf(key, sizeof(key), "%s=", name);
	for (word = guest_cmdline; *word; word = next_word(word))
		last = guest_after(word, key) ?: last;
	if (!last)
		return NULL;
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(last, " "), last);
	return value;
}

long guest_param_number(const char *name)
{
	const char *value = guest_param(name);

	return value ? atol(value) : 0;
}

bool guest_param_word(const char *wanted)
{
	const char *word;

	for (word = guest_cmdline; *word; word = next_word(word)) {
		const char *end = guest_after(word, wanted);

		if (end && (*end == ' ' || !*end))
			return true;
	}
	return false;
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

char *guest_read_fd(int fd)
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
	text = guest_read_fd(fd);
	close(fd);
	return text;
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
		if (guest_after(line, key)) {
			kib = atol(line + strlen(key));
			break;
		}
	}
	free(text);
	return kib;
}

int guest_copy(const char *from, int to, size_t size)
{
	static char buf[1 << 20];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (in < 0)
		return -1;
	while (size) {
		got = read(in, buf, size < sizeof(buf) ? size : sizeof(buf));
		if (got <= 0 || write(to, buf, got) != got)
			break;
		size -= got;
	}
	close(in);
	return !size || !got ? 0 : -1;
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
		text = guest_read_fd(out[0]);
		waitpid(pid, &ended, 0);
		*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
	}
	close(out[0]);
	return text;
}

int guest_load_kernel(const char *kernel, const char *initrd,
		      const char *cmdline, unsigned long flags)
{
	int kernel_fd = open(kernel, O_RDONLY | O_CLOEXEC);
	int initrd_fd = -1;
	int ret = -1, err;

	if (initrd)
		initrd_fd = open(initrd, O_RDONLY | O_CLOEXEC);
	else
		flags |= KEXEC_FILE_NO_INITRAMFS;
	if (kernel_fd >= 0 && (initrd_fd >= 0 || !initrd))
		ret = syscall(SYS_kexec_file_load, kernel_fd, initrd_fd,
			      strlen(cmdline) + 1, cmdline, flags);
	err = errno;
	close(kernel_fd);
	close(initrd_fd);
	errno = err;
	return ret;
}

/*
 * A PREEMPT_RT kernel prints in a thread, and neither a kexec nor power off waits
 * for it. Unregistering the console does: the write returns when every record is
 * printed. A console that is registered again would print the whole log once more,
 * except for what syslog() has already read.
 */
void guest_drain_console(void)
{
	const char *console = guest_param("console");
	static char records[1 << 16];
	struct utsname name;
	char path[64];

	if (!console || uname(&name) || !strstr(name.version, "PREEMPT_RT"))
		return;

	snprintf(path, sizeof(path), "/sys/class/tty/%s/console", console);
	if (guest_write_file(path, "N"))
		return;
	while (klogctl(SYSLOG_SIZE_UNREAD, NULL, 0) > 0)
		klogctl(SYSLOG_READ, records, sizeof(records));
	guest_write_file(path, "Y");
}

void guest_power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	_exit(1);
}
