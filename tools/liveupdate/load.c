// SPDX-License-Identifier: GPL-2.0
/*
 * luoctl load: load the next kernel
 *
 * Copyright (C) 2026 The KHO LTS developers
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmdline.h"
#include "host.h"
#include "kernel.h"
#include "kmsg.h"
#include "load.h"
#include "luoctl.h"
#include "progress.h"

/* The headers of kernel images: Documentation/arch/{x86/boot,arm64/booting}.rst */
#define X86_MAGIC_OFFSET	0x202
#define X86_INIT_SIZE_OFFSET	0x260
#define ARM64_SIZE_OFFSET	16
#define ARM64_MAGIC_OFFSET	56
#define KERNEL_HEAD_SIZE	0x264

/* struct image - what is loaded */
struct image {
	const char *kernel;
	const char *initrd;
	char *cmdline;
	int kernel_fd;
	int initrd_fd;
};

/* Return @size bytes in little-endian order as a number. */
static uint64_t get_le(const unsigned char *bytes, size_t size)
{
	uint64_t number = 0;

	while (size--)
		number = number << 8 | bytes[size];
	return number;
}

/**
 * load_kernel_size - get the memory that a kernel needs for itself when it starts
 * @head:      the first bytes of its image
 * @len:       how many
 * @file_size: size of the image
 *
 * Return: the size in bytes, that of the file if the format is not known.
 */
uint64_t load_kernel_size(const void *head, size_t len, uint64_t file_size)
{
	const unsigned char *bytes = head;
	uint64_t size = 0;

	if (len < KERNEL_HEAD_SIZE)
		return file_size;

	if (!memcmp(bytes + X86_MAGIC_OFFSET, "HdrS", 4))
		size = get_le(bytes + X86_INIT_SIZE_OFFSET, 4);
	else if (!memcmp(bytes + ARM64_MAGIC_OFFSET, "ARM\x64", 4))
		size = get_le(bytes + ARM64_SIZE_OFFSET, 8);

	return size > file_size ? size : file_size;
}

#define DISABLED	"/proc/sys/kernel/kexec_load_disabled"
#define LIMIT		"/proc/sys/kernel/kexec_load_limit_reboot"
#define NEXT_SIGNED	"use a kernel that is signed with a key that this system trusts"

static const char *next_step_for_permission(const struct host *host)
{
	if (host_number(host, DISABLED) == 1)
		return "boot through the firmware: kernel.kexec_load_disabled is 1";
	if (!host_number(host, LIMIT))
		return "boot through the firmware: kernel.kexec_load_limit_reboot is 0";
	return "run luoctl as root; with secure boot, use a signed kernel";
}

/**
 * load_next_step - find out what to do if kexec_file_load() has failed
 * @host:  the system
 * @error: its errno
 *
 * Return: the advice.
 */
const char *load_next_step(const struct host *host, int error)
{
	static const struct {
		int error;
		const char *next;
	} steps[] = {
		{ EBUSY, "another program is loading a kernel: try again" },
		{ EADDRNOTAVAIL, "use a smaller initrd, or boot with a larger kho_scratch=" },
		{ ENOEXEC, "name the kernel image of this architecture, bzImage or Image" },
		{ EINVAL, "check the kernel's page size (arm64), and the command line's length" },
		{ EFBIG, "use a smaller kernel or initrd" },
		{ ENOMEM, "stop a program to free memory, and try again" },
		{ EKEYREJECTED, NEXT_SIGNED },
		{ ENODATA, NEXT_SIGNED },
		{ ENOKEY, NEXT_SIGNED },
		{ ENOPKG, NEXT_SIGNED },
		{ EBADMSG, NEXT_SIGNED },
	};
	unsigned int i;

	if (error == EPERM || error == EACCES)
		return next_step_for_permission(host);
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i].error == error)
			return steps[i].next;
	return "see dmesg for the reason; the running kernel needs CONFIG_KEXEC_FILE";
}

static const struct {
	const char *option;
	const char *missing;
	const char *off;
} switches[] = {
	{
		"kho",
		"kho= is not on the command line: nothing is kept unless it is the default",
		"kho= on the command line is off: nothing is kept",
	}, {
		"liveupdate",
		"liveupdate= is not on the command line: all sessions are lost",
		"liveupdate= on the command line is off: no session is kept",
	},
};

/**
 * load_warn_cmdline - check the next kernel's command line
 * @cmdline:  the command line
 * @warnings: array for a message for each option that is not on, or NULL
 *
 * Return: the number of options that are switched off.
 */
int load_warn_cmdline(const char *cmdline, struct json_object *warnings)
{
	const char *message;
	unsigned int i;
	int off = 0;

	for (i = 0; i < ARRAY_SIZE(switches); i++) {
		switch (cmdline_switch(cmdline, switches[i].option)) {
		case CMDLINE_ON:
			continue;
		case CMDLINE_OFF:
			message = switches[i].off;
			off++;
			break;
		default:
			message = switches[i].missing;
		}
		if (warnings)
			json_object_array_add(warnings, json_object_new_string(message));
	}

	return off;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(LUOCTL_FAILED, "%s", path);
	return fd;
}

static uint64_t file_size(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) ? 0 : stat.st_size;
}

static uint64_t kernel_size(const struct image *image)
{
	char head[KERNEL_HEAD_SIZE];
	ssize_t len = pread(image->kernel_fd, head, sizeof(head), 0);

	return load_kernel_size(head, len < 0 ? 0 : len, file_size(image->kernel_fd));
}

/* The boot loader has put BOOT_IMAGE= there, it names the file of the running kernel. */
static char *running_cmdline(const struct host *host)
{
	char *cmdline = host_read(host, "/proc/cmdline");
	char *reused;

	if (!cmdline)
		err(LUOCTL_FAILED, "/proc/cmdline");
	reused = cmdline_without(cmdline, "BOOT_IMAGE");
	free(cmdline);
	return reused;
}

static void print_warnings(const struct image *image)
{
	struct json_object *warnings = json_object_new_array();
	size_t i;

	load_warn_cmdline(image->cmdline, warnings);
	for (i = 0; i < json_object_array_length(warnings); i++)
		warnx("%s: %s", image->kernel,
		      json_object_get_string(json_object_array_get_idx(warnings, i)));
	json_object_put(warnings);
}

/* "luoctl check" looks at the record. */
static void record(const struct host *host, const struct image *image,
		   struct json_object *log)
{
	struct json_object *record = json_object_new_object();

	json_object_object_add(record, "kernel",
			       json_object_new_string(image->kernel));
	if (image->initrd)
		json_object_object_add(record, "initrd",
				       json_object_new_string(image->initrd));
	json_object_object_add(record, "cmdline",
			       json_object_new_string(image->cmdline));
	json_object_object_add(record, "kernel_size",
			       json_object_new_uint64(kernel_size(image)));
	json_object_object_add(record, "initrd_size",
			       json_object_new_uint64(file_size(image->initrd_fd)));
	json_object_object_add(record, "log", json_object_get(log));
	if (host_save_record(host, record))
		warn("%s: \"luoctl check\" can't check the command line",
		     HOST_RECORD);
	json_object_put(record);
}

static int load(const struct host *host, const struct image *image)
{
	struct json_object *log;
	int error, kmsg;

	print_warnings(image);
	kmsg = kmsg_open();
	progress_start("loading");
	error = kernel_load(image->kernel_fd, image->initrd_fd, image->cmdline);
	progress_stop();

	log = kmsg_close(kmsg);
	if (error) {
		warnx("%s can't be loaded: %s", image->kernel, strerror(-error));
		fprintf(stderr, "  next: %s\n", load_next_step(host, -error));
	} else {
		record(host, image, log);
	}
	kmsg_print(log);
	json_object_put(log);
	return error ? LUOCTL_FAILED : LUOCTL_DONE;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "initrd", required_argument, NULL, 'i' },
		{ "cmdline", required_argument, NULL, 'c' },
		{ "reuse-cmdline", no_argument, NULL, 'r' },
		LUOCTL_HELP_OPTION,
		{}
	};
	static struct image image = { .initrd_fd = -1 };
	int option, reuse = 0;

	while ((option = luoctl_getopt(&luoctl_load_command, argc, argv, options)) >= 0) {
		if (option == 'i')
			image.initrd = optarg;
		else if (option == 'c')
			image.cmdline = optarg;
		else
			reuse = 1;
	}
	if (optind != argc - 1)
		return luoctl_usage(&luoctl_load_command, "name one kernel");
	if (reuse == !!image.cmdline)
		return luoctl_usage(&luoctl_load_command,
				    "give either --reuse-cmdline or --cmdline");

	image.kernel = argv[optind];
	image.kernel_fd = open_file(image.kernel);
	if (image.initrd)
		image.initrd_fd = open_file(image.initrd);
	if (reuse)
		image.cmdline = running_cmdline(&host_system);
	return load(&host_system, &image);
}

const struct luoctl_command luoctl_load_command = {
	.name = "load",
	.synopsis = "KERNEL [--initrd FILE] --reuse-cmdline|--cmdline STRING",
	.summary = "Load the next kernel",
	.details =
"  --initrd FILE      its initial RAM disk\n"
"  --reuse-cmdline    give it the command line of the running kernel\n"
"  --cmdline STRING   give it this command line\n"
"\n"
"The command line must have kho=on liveupdate=on. A kernel that was loaded before is\n"
"replaced. If it can't be loaded, what was loaded before stays.\n",
	.run = run,
};
