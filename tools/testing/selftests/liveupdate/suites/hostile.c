// SPDX-License-Identifier: GPL-2.0
/*
 * hostile: handovers with exactly one thing wrong
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each kernel of a chain hands over sessions, files, FLBs, vmalloc areas, a folio and
 * a region, and damages one field of the final state. The next kernel has to boot
 * and to report the damage. Things that are not damaged must come back, the memory
 * of refused things must stay reserved, and a process without privileges must not
 * see any of it. Then that kernel does the same for the next case of the table: also a
 * kernel that refuses all sessions can take new ones and hand them over.
 *
 * With part=N/NR a guest runs every NR-th case.
 */
#include <ctype.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../luo.h"
#include "hostile.h"

#define MODULE		"luo_test_hostile"
#define MAX_TESTS	600
#define NAME_SIZE	96
#define FILE_SIZE	(20 * PAGE)
#define THE_NUMBER	4711ULL

/* The note fills its page. Its first part is read before the kexec. */
#define NOTE_SIZE	PAGE
#define NOTE_REST	10

/* A page, a hole, and a page */
#define HUGE_PAGES	3

/* More sessions and files than fit into one block of their chains: 66 files */
#define NR_FILLERS	62
#define NR_FILLER_FILES	61
#define FIRST_FILLER	100

/* vm.sh looks for these as well. Here the name of the case is known. */
#define TROUBLE		"WARNING:|BUG:|Oops|KASAN:|UBSAN:|Call Trace:|[Bb]ad page" \
			"|INFO: (task|rcu|possible)|detected stall"

struct hostile_case {
	const struct hostile_rule *rule;
	char damage[2 * NAME_SIZE];	/* "FIELD VALUE" */
	char name[2 * NAME_SIZE];
};

static struct guest_test hostile_tests[MAX_TESTS];
static struct hostile_case cases[MAX_TESTS];
static size_t nr_cases;

/* Return the case that a kernel damages. */
static const struct hostile_case *case_of(int kernel)
{
	size_t i;

	for (i = 0; i < nr_cases; i++)
		if (hostile_tests[i].after == kernel - 1)
			return &cases[i];
	guest_fail(__FILE__, __LINE__, "kernel %d has no case", kernel);
}

/* The modules */

static int tell(const char *module, const char *verb, const char *what)
{
	char line[2 * NAME_SIZE + 16];

	snprintf(line, sizeof(line), "%s%s", verb, what);
	return guest_set_module_param(module, "do", line);
}

static int do_it(const char *verb, const char *what)
{
	return tell("luo_test_hostile", verb, what);
}

static void load_module(const char *name, const char *args)
{
	if (guest_insmod(name, args))
		CHECK_EQ(errno, EEXIST);
}

static void load_modules(void)
{
	char args[128] = "", *starts, *sizes;

	starts = guest_text_of(DEBUGFS "/kho/out/scratch_phys");
	sizes = guest_text_of(DEBUGFS "/kho/out/scratch_len");
	snprintf(args, sizeof(args), "scratch=%#llx,%#llx",
		 strtoull(starts, NULL, 0), strtoull(sizes, NULL, 0));

	load_module(HANDLER, "");
	load_module("luo_test_flb", "");
	load_module("notepad", "");
	load_module("luo_test_hostile", args);
}

/* Leaving a handover */

static void preserve_fillers(int session)
{
	char name[NAME_LENGTH];
	int i;

	for (i = 0; i < NR_FILLER_FILES; i++)
		CHECK(!luo_preserve(session, new_memfd(0), FIRST_FILLER + i));
	for (i = 0; i < NR_FILLERS; i++) {
		snprintf(name, sizeof(name), "filler-%d", i);
		new_session(name);
	}
}

static void fill_note(char text[NOTE_SIZE])
{
	int i;

	for (i = 0; i < NOTE_SIZE; i++)
		text[i] = i;
}

static int left_note(void)
{
	char text[NOTE_SIZE];
	int fd = new_note(O_RDWR);

	fill_note(text);
	CHECK_EQ(write(fd, text, sizeof(text)), sizeof(text));
	CHECK_EQ(read(fd, text, NOTE_SIZE - NOTE_REST), NOTE_SIZE - NOTE_REST);
	return fd;
}

/* The last page comes first in memory, so that the file has more than one run. */
static int hit_file(void)
{
	int fd = new_memfd(0);

	fill(fd, FILE_SIZE - PAGE, PAGE, 1);
	fill(fd, 0, FILE_SIZE - PAGE, 1);
	return fd;
}

static unsigned long *map_huge_file(int fd)
{
	long size = HUGE_PAGES * guest_meminfo("Hugepagesize") * 1024;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	CHECK(map != MAP_FAILED);
	return map;
}

/* Return the number of words in a huge page. */
static long huge_words(void)
{
	return guest_meminfo("Hugepagesize") * 1024 / sizeof(long);
}

/* The pages are taken from free memory, because the pool may have none that is free. */
static int huge_file(void)
{
	int fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC);
	unsigned long *map;

	CHECK(fd >= 0);
	CHECK(!guest_write_file("/proc/sys/vm/nr_overcommit_hugepages", "1000"));
	CHECK(!ftruncate(fd, HUGE_PAGES * huge_words() * sizeof(long)));
	map = map_huge_file(fd);
	map[1] = THE_NUMBER;
	map[2 * huge_words() + 2] = THE_NUMBER;
	return fd;
}

static void preserve_sessions(void)
{
	int hit = new_session("hit");
	int spared = new_session("spared");

	CHECK(!luo_preserve(hit, hit_file(), 1));
	CHECK(!luo_preserve(hit, new_number(THE_NUMBER), 2));
	CHECK(!luo_preserve(hit, left_note(), 3));
	/* Its only purpose is that it depends on the FLBs. */
	CHECK(!luo_preserve(hit, new_flb_file('a'), 4));
	CHECK(!luo_preserve(hit, huge_file(), 5));
	CHECK(!luo_preserve(spared, new_file(FILE_SIZE, 2), 1));
	preserve_fillers(hit);
}

static void leave_damaged(void)
{
	const struct hostile_case *c = case_of(guest_kernel());

	load_modules();
	preserve_sessions();
	CHECK(!do_it("keep", ""));
	if (c->rule->also)
		CHECK(!do_it("damage ", c->rule->also));
	CHECK(!do_it("damage ", c->damage));
}

/* The things */

struct session {
	const char *name;
	int fd;
};

static struct session hit = { "hit", -1 }, spared = { "spared", -1 };

/**
 * struct thing - something that each handover carries
 * @bit: its bit in a rule
 * @name: its name, for messages and luo_test_hostile.ko
 * @has_memory: it has memory of its own, which luo_test_hostile.ko has noted
 * @retrieve: return 0 or a negative errno. The step fails if the content is wrong,
 *	      unless @compare is false.
 * @session: session of a file
 * @token: its token
 * @seed: of a memfd
 * @flb: the numbers of an FLB and its handler
 */
struct thing {
	unsigned int bit;
	const char *name;
	bool has_memory;
	int (*retrieve)(const struct thing *thing, bool compare);
	struct session *session;
	int token;
	int seed;
	const char *flb;
};

static int sessions_dev = -1;

/* The device opens. If the sessions are refused as a whole, debugfs shows it. */
static void open_sessions(void)
{
	sessions_dev = open_device();
	CHECK(luo_retrieve(sessions_dev, "never created") < 0);
	if (errno == ENOENT)
		return;
	CHECK_EQ(errno, EIO);
	check_found(IN_SUMMARY, "\nLUO: refused (-", 1);
	check_found(IN_SUMMARY, "\nsessions: not listed, ", 1);
}

static int retrieve_file(const struct thing *thing, int *fd)
{
	struct session *session = thing->session;
	int err;

	if (session->fd < 0)
		session->fd = luo_retrieve(sessions_dev, session->name);
	if (session->fd < 0)
		return -errno;
	*fd = luo_retrieve_fd(session->fd, thing->token);
	if (*fd >= 0)
		return 0;

	/* A second request gets the same answer. */
	err = errno;
	CHECK_ERRNO(luo_retrieve_fd(session->fd, thing->token), err);
	return -err;
}

static int retrieve_memfd(const struct thing *thing, bool compare)
{
	int fd, err;

	err = retrieve_file(thing, &fd);
	if (!err && compare)
		check_file(fd, FILE_SIZE, thing->seed);
	return err;
}

static int retrieve_number(const struct thing *thing, bool compare)
{
	unsigned long long number;
	int fd, err;

	err = retrieve_file(thing, &fd);
	if (err)
		return err;
	CHECK_EQ(read(fd, &number, sizeof(number)), sizeof(number));
	if (compare)
		CHECK_EQ(number, THE_NUMBER);
	return 0;
}

static int retrieve_note(const struct thing *thing, bool compare)
{
	char text[NOTE_SIZE], seen[NOTE_REST];
	int fd, err;

	err = retrieve_file(thing, &fd);
	if (err)
		return err;
	CHECK_EQ(read(fd, seen, sizeof(seen)), sizeof(seen));
	fill_note(text);
	if (compare)
		CHECK(!memcmp(seen, text + NOTE_SIZE - NOTE_REST, NOTE_REST));
	return 0;
}

static int retrieve_hugetlb(const struct thing *thing, bool compare)
{
	const unsigned long *map;
	int fd, err;

	err = retrieve_file(thing, &fd);
	if (err || !compare)
		return err;
	map = map_huge_file(fd);
	CHECK_EQ(map[1], THE_NUMBER);
	CHECK_EQ(map[2 * huge_words() + 2], THE_NUMBER);
	return 0;
}

static int get_flb(const struct thing *thing, bool compare)
{
	int err;

	if (!tell("luo_test_flb", "get_in ", thing->flb)) {
		CHECK(!tell("luo_test_flb", "put_in ", thing->flb));
		return 0;
	}
	err = errno;
	CHECK_ERRNO(tell("luo_test_flb", "get_in ", thing->flb), err);
	return -err;
}

static int restore_thing(const struct thing *thing, bool compare)
{
	if (!do_it("restore ", thing->name))
		return 0;
	if (compare)
		CHECK(errno != EBADMSG);
	return -errno;
}

static const struct thing things[] = {
	{ MEMFD, "memfd", true, retrieve_memfd, &hit, 1, .seed = 1 },
	{ NUMBER, "number", false, retrieve_number, &hit, 2 },
	{ NOTE, "note", true, retrieve_note, &hit, 3 },
	{ HUGETLB, "hugetlb", true, retrieve_hugetlb, &hit, 5 },
	{ OTHER, "other", true, retrieve_memfd, &spared, 1, .seed = 2 },
	{ SHARED, "shared FLB", false, get_flb, .flb = "0 0" },
	{ OWN, "own FLB", false, get_flb, .flb = "1 0" },
	{ AREA, "area", true, restore_thing },
	{ HUGE, "huge", true, restore_thing },
	{ FOLIO, "folio", true, restore_thing },
	{ REGION, "region", true, restore_thing },
};

static void check_things(const struct hostile_rule *rule)
{
	unsigned int bad = rule->refused | rule->gone;
	const struct thing *thing;

	for (thing = things; thing < things + ARRAY_SIZE(things); thing++) {
		bool open = rule->open & thing->bit;
		int err = thing->retrieve(thing, !open);

		if (!open && !err != !(bad & thing->bit))
			guest_fail(__FILE__, __LINE__, "%s: %s", thing->name,
				   err ? strerror(-err) : "not refused");
		if (rule->error && bad & thing->bit && err != -rule->error)
			guest_fail(__FILE__, __LINE__, "%s: %s, not %s", thing->name,
				   strerror(-err), strerror(rule->error));
	}
	if (!((bad | rule->open) & OTHER))
		CHECK_ERRNO(luo_retrieve(sessions_dev, "never created"), ENOENT);
}

static void check_reserved(const struct hostile_rule *rule)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(things); i++)
		if (things[i].has_memory && rule->refused & things[i].bit &&
		    do_it(rule->overlapped ? "overlapped " : "reserved ",
			  things[i].name))
			guest_fail(__FILE__, __LINE__,
				   "memory of %s is not reserved as it was (%s)",
				   things[i].name, strerror(errno));
}

/* Return a copy of a line of the log that matches, or NULL. */
static char *find_line(const char *pattern)
{
	char *log = guest_log(), *line, *next, *found = NULL;
	regex_t regex;

	CHECK(log);
	CHECK(!regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB));
	for (line = log; line && !found; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		/* Skip the lines of this program. */
		if (!strstr(line, "ksft: ") && !regexec(&regex, line, 0, NULL, 0))
			found = strdup(line);
	}
	regfree(&regex);
	free(log);
	return found;
}

static void check_log(const struct hostile_rule *rule)
{
	char *line = find_line(TROUBLE);

	if (line)
		guest_fail(__FILE__, __LINE__, "the kernel reports an error: %s", line);
	if (rule->says && !find_line(rule->says))
		guest_fail(__FILE__, __LINE__, "the log lacks '%s'", rule->says);
	if (rule->never && find_line(rule->never))
		guest_fail(__FILE__, __LINE__, "the log has '%s'", rule->never);
	/* A kernel that got overlaps does not hand them on. */
	if (!rule->overlapped && find_line(OVERLAPS))
		guest_fail(__FILE__, __LINE__, "blocks of the map overlap");
}

/* They would be handed on, and keep the next sessions from having their names. */
static void discard_fillers(void)
{
	char name[NAME_LENGTH];
	int i, session;

	for (i = 0; i < NR_FILLERS; i++) {
		snprintf(name, sizeof(name), "filler-%d", i);
		session = luo_retrieve(sessions_dev, name);
		CHECK(session < 0 || !luo_finish(session));
		close(session);
	}
}

static void let_go(void)
{
	discard_fillers();
	CHECK(hit.fd < 0 || !luo_finish(hit.fd));
	CHECK(spared.fd < 0 || !luo_finish(spared.fd));
	close(hit.fd);
	close(spared.fd);
	close(sessions_dev);
}

static void find_damage(void)
{
	const struct hostile_rule *rule = case_of(guest_kernel() - 1)->rule;

	if (guest_param_number("from") != guest_kernel() - 1)
		guest_fail(__FILE__, __LINE__, "the damaged kernel did not come here");
	load_modules();
	open_sessions();
	check_things(rule);
	check_free_memory();
	check_reserved(rule);
	let_go();
	check_log(rule);
}

/* The suite */

/* from= says which kernel has booted the next one. */
static const char *hostile_append(int kernel)
{
	static char append[32];

	snprintf(append, sizeof(append), "from=%d", kernel - 1);
	return append;
}

/* Name the case without characters that a shell or sed would interpret. */
static void name_case(struct hostile_case *c, const char *field, const char *value)
{
	char *at;

	snprintf(c->damage, sizeof(c->damage), "%s %s", field, value);
	snprintf(c->name, sizeof(c->name), "%s=%.40s", field, value);
	for (at = c->name; *at; at++)
		if (!isalnum(*at) && !strchr("@+-=.", *at))
			*at = '_';
}

static bool sampled;
static size_t part, nr_parts = 1, nr_skipped;
static size_t nr_values;
static int nr_kernels = 1;

static void add_case(const struct hostile_rule *rule, const char *field,
		     const char *value)
{
	struct hostile_case *c = &cases[nr_cases];

	if (nr_cases == MAX_TESTS || nr_values++ % nr_parts != part)
		return;
	if (nr_skipped) {
		nr_skipped--;
		return;
	}

	c->rule = rule;
	name_case(c, field, value);
	hostile_tests[nr_cases++] = (struct guest_test){
		.name = c->name,
		.step = { leave_damaged, find_damage },
		.after = nr_kernels - 1,
	};
	nr_kernels++;
}

/* Copy the next word to @word. Return false if there is none. */
static bool next_word(const char **text, char word[NAME_SIZE])
{
	int len;

	*text += strspn(*text, " ");
	len = strcspn(*text, " ");
	snprintf(word, NAME_SIZE, "%.*s", len, *text);
	*text += len;
	return len;
}

static void add_rule(const struct hostile_rule *rule)
{
	const char *fields = rule->fields, *values;
	char field[NAME_SIZE], value[NAME_SIZE];

	while (next_word(&fields, field)) {
		values = rule->values;
		while (next_word(&values, value)) {
			size_t end = strlen(value) - 1;
			bool marked = value[end] == '!';

			if (marked)
				value[end] = '\0';
			if (!sampled || (marked && !*fields))
				add_case(rule, field, value);
		}
	}
}

static void read_parameters(void)
{
	const char *param = guest_param("part");

	if (param) {
		sampled = !strcmp(param, "sample");
		if (!sampled && (sscanf(param, "%zu/%zu", &part, &nr_parts) != 2 ||
				 !nr_parts))
			nr_parts = 1;
	}
	nr_skipped = guest_param_number("skip");
}

/* A suite without tests fails. */
static void set_up_tests(struct guest_suite *suite)
{
	size_t i;

	read_parameters();
	for (i = 0; i < nr_hostile_rules; i++)
		add_rule(&hostile_rules[i]);
	if (nr_cases == MAX_TESTS)
		nr_cases = 0;
	suite->nr_tests = nr_cases;
	suite->kernels = nr_kernels;
}

GUEST_SUITE(hostile, 1, .append = hostile_append, .drop = "from=", .set_up = set_up_tests,
	    .need = "debugfs luo_test_handler luo_test_flb notepad luo_test_hostile")
