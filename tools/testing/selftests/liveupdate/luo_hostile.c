// SPDX-License-Identifier: GPL-2.0
/*
 * Handovers with exactly one thing wrong
 *
 * Copyright (C) 2026 The KHO LTS developers
 *
 * Each kernel of a chain leaves the next one sessions, files, vmalloc areas, a
 * folio and a region, and damages one thing when all is settled. The next kernel
 * has to come up and to say what is wrong; what is not damaged must be there,
 * what is refused must stay reserved, and an unprivileged process must not find
 * any of it. Then that kernel does the same for the next case of the table.
 *
 * A guest runs every n-th case: those that part=N/NR names.
 */
#include <ctype.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "luo.h"
#include "luo_hostile.h"

#define DEBUGFS		"/sys/kernel/debug"
#define MODULE		"luo_test_hostile"
#define MAX_TESTS	600
#define NAME_SIZE	96
#define FILE_SIZE	(20 * PAGE)
#define THE_NUMBER	4711ULL

/* More sessions and files than a block of their chains has room for */
#define NR_FILLERS	64
#define FIRST_FILLER	100

/* What the guests' script takes for trouble, too: here it has the case's name. */
#define TROUBLE		"WARNING:|BUG:|Oops|KASAN:|UBSAN:|Call Trace:|[Bb]ad page" \
			"|INFO: (task|rcu|possible)|detected stall"

struct hostile_case {
	const struct hostile_rule *rule;
	char value[NAME_SIZE];
	char name[NAME_SIZE];
};

static struct guest_test tests[MAX_TESTS];
static struct hostile_case cases[MAX_TESTS];

/* The case whose damage is done in a kernel */
static const struct hostile_case *case_of(int kernel)
{
	size_t i;

	for (i = 0; i < hostile_suite.nr_tests; i++)
		if (tests[i].after == kernel - 1)
			return &cases[i];
	guest_fail(__FILE__, __LINE__, "kernel %d has no case", kernel);
}

/* Telling the module */

static int do_it(const char *verb, const char *what)
{
	char line[2 * NAME_SIZE + 16];

	snprintf(line, sizeof(line), "%s%s", verb, what);
	return guest_write_file("/sys/module/" MODULE "/parameters/do", line);
}

static void load_modules(void)
{
	static const char *const names[] = { "luo_test_handler", MODULE };
	char args[128] = "", *starts, *sizes;
	size_t i;

	if (mount("debugfs", DEBUGFS, "debugfs", 0, NULL))
		CHECK_EQ(errno, EBUSY);
	starts = guest_read_file(DEBUGFS "/kho/out/scratch_phys");
	sizes = guest_read_file(DEBUGFS "/kho/out/scratch_len");
	CHECK(starts && sizes);
	snprintf(args, sizeof(args), "scratch=%#llx,%#llx",
		 strtoull(starts, NULL, 0), strtoull(sizes, NULL, 0));

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!guest_has_module(names[i]))
			guest_skip("%s.ko is not built", names[i]);
		if (guest_insmod(names[i], i ? args : ""))
			CHECK_EQ(errno, EEXIST);
	}
}

/* Leaving a handover */

static void preserve_fillers(int session)
{
	char name[NAME_LENGTH];
	int i;

	for (i = 0; i < NR_FILLERS; i++) {
		int fd = new_memfd(0);

		CHECK(!luo_preserve(session, fd, FIRST_FILLER + i));
		snprintf(name, sizeof(name), "filler-%d", i);
		new_session(name);
	}
}

static void preserve_sessions(void)
{
	int hit = new_session("hit");
	int spared = new_session("spared");
	unsigned long long number = THE_NUMBER;
	int fd = open("/dev/luo_test", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, &number, sizeof(number)), sizeof(number));
	CHECK(!luo_preserve(hit, new_file(FILE_SIZE, 1), 1));
	CHECK(!luo_preserve(hit, fd, 2));
	CHECK(!luo_preserve(spared, new_file(FILE_SIZE, 2), 1));
	preserve_fillers(hit);
}

static void leave_damaged(void)
{
	const struct hostile_case *c = case_of(guest_kernel());
	char what[2 * NAME_SIZE];

	load_modules();
	preserve_sessions();
	CHECK(!do_it("keep", ""));
	snprintf(what, sizeof(what), "%s %s", c->rule->field, c->value);
	CHECK(!do_it("damage ", what));
}

/* Finding it: 0, or a negative errno; the step fails for wrong content. */

static int sessions_dev = -1, session_hit = -1, session_spared = -1;

/* What is refused as a whole is shown, too. */
static void open_device(void)
{
	sessions_dev = luo_open();
	if (sessions_dev >= 0)
		return;
	CHECK_EQ(errno, EIO);
	check_found(IN_SUMMARY, "\nLUO: refused (-", 1);
	check_found(IN_SUMMARY, "\nsessions: not listed, ", 1);
}

static int retrieve_session(const char *name, int *session)
{
	if (*session < 0)
		*session = luo_retrieve(sessions_dev, name);
	return *session < 0 ? -errno : 0;
}

static int retrieve_file(const char *name, int *session, int token, int *fd)
{
	int err = retrieve_session(name, session);

	if (err)
		return err;
	*fd = luo_retrieve_fd(*session, token);
	if (*fd >= 0)
		return 0;

	/* No other answer when it is asked again */
	err = errno;
	CHECK_ERRNO(luo_retrieve_fd(*session, token), err);
	return -err;
}

static int retrieve_memfd(const char *name, int *session, unsigned int seed,
			  bool compare)
{
	int fd, err;

	err = retrieve_file(name, session, 1, &fd);
	if (!err && compare) {
		check_size(fd, FILE_SIZE);
		check_content(fd, 0, FILE_SIZE, seed);
	}
	return err;
}

static int retrieve_hit(bool compare)
{
	return retrieve_memfd("hit", &session_hit, 1, compare);
}

static int retrieve_spared(bool compare)
{
	return retrieve_memfd("spared", &session_spared, 2, compare);
}

static int retrieve_number(bool compare)
{
	unsigned long long number;
	int fd, err;

	err = retrieve_file("hit", &session_hit, 2, &fd);
	if (err)
		return err;
	CHECK_EQ(read(fd, &number, sizeof(number)), sizeof(number));
	if (compare)
		CHECK_EQ(number, THE_NUMBER);
	return 0;
}

static int restore_thing(const char *name, bool compare)
{
	if (!do_it("restore ", name))
		return 0;
	if (compare)
		CHECK(errno != EBADMSG);
	return -errno;
}

static int restore_area(bool compare)
{
	return restore_thing("area", compare);
}

static int restore_huge(bool compare)
{
	return restore_thing("huge", compare);
}

static int restore_folio(bool compare)
{
	return restore_thing("folio", compare);
}

static int restore_region(bool compare)
{
	return restore_thing("region", compare);
}

static const struct {
	unsigned int bit;
	const char *name;
	bool has_memory;
	int (*retrieve)(bool compare);
} things[] = {
	{ MEMFD, "memfd", true, retrieve_hit },
	{ NUMBER, "number", false, retrieve_number },
	{ OTHER, "other", true, retrieve_spared },
	{ AREA, "area", true, restore_area },
	{ HUGE, "huge", true, restore_huge },
	{ FOLIO, "folio", true, restore_folio },
	{ REGION, "region", true, restore_region },
};

static void check_things(const struct hostile_rule *rule)
{
	unsigned int bad = rule->refused | rule->gone;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(things); i++) {
		bool open = rule->open & things[i].bit;
		int err = things[i].retrieve(!open);

		if (!open && !err != !(bad & things[i].bit))
			guest_fail(__FILE__, __LINE__, "%s: %s", things[i].name,
				   err ? strerror(-err) : "not refused");
	}
}

static void check_reserved(const struct hostile_rule *rule)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(things); i++)
		if (things[i].has_memory && rule->refused & things[i].bit &&
		    do_it("reserved ", things[i].name))
			guest_fail(__FILE__, __LINE__,
				   "memory of %s is not reserved as it was (%s)",
				   things[i].name, strerror(errno));
}

/* A line of the log that matches, to be freed; NULL if there is none. */
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
		/* Not what this program has said itself */
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
		guest_fail(__FILE__, __LINE__, "the kernel complains: %s", line);
	if (rule->says && !find_line(rule->says))
		guest_fail(__FILE__, __LINE__, "the log lacks '%s'", rule->says);
}

static void let_go(void)
{
	CHECK(session_hit < 0 || !luo_finish(session_hit));
	CHECK(session_spared < 0 || !luo_finish(session_spared));
	close(session_hit);
	close(session_spared);
	close(sessions_dev);
}

static void find_damage(void)
{
	const struct hostile_rule *rule = case_of(guest_kernel() - 1)->rule;
	const char *from = guest_param("from");

	if (!from || atoi(from) != guest_kernel() - 1)
		guest_fail(__FILE__, __LINE__, "the damaged kernel did not come here");
	load_modules();
	open_device();
	check_things(rule);
	check_free_memory();
	check_reserved(rule);
	let_go();
	check_log(rule);
}

/* The suite */

/* A kernel that was reached by a kexec knows from which one. */
static const char *hostile_append(int kernel)
{
	static char append[32];

	snprintf(append, sizeof(append), "from=%d", kernel - 1);
	return append;
}

/* Nothing that a shell or sed would make something of */
static void name_case(struct hostile_case *c)
{
	char *at;

	snprintf(c->name, NAME_SIZE, "%s=%.40s", c->rule->field, c->value);
	for (at = c->name; *at; at++)
		if (!isalnum(*at) && !strchr("@+-=.", *at))
			*at = '_';
}

/* A kernel that has to refuse all sessions does not take new ones. */
static bool ends_live_update(const struct hostile_rule *rule)
{
	return (rule->refused | rule->open) & OTHER;
}

static bool sampled;
static size_t part, nr_parts = 1, nr_skipped;
static size_t nr_values, nr_wanted;

static bool in_sample(const char *field, const char *value)
{
	size_t i, len = strlen(field);

	for (i = 0; i < nr_hostile_sample; i++) {
		const char *at = hostile_sample[i];

		if (!strncmp(at, field, len) && at[len] == ' ' &&
		    !strcmp(at + len + 1, value))
			return true;
	}
	return false;
}

static bool is_wanted(const char *field, const char *value)
{
	if (sampled)
		return in_sample(field, value);
	return nr_values++ % nr_parts == part;
}

static void add_value(const struct hostile_rule *rule, const char *value, int len)
{
	size_t nr = hostile_suite.nr_tests;
	struct hostile_case *c = &cases[nr];

	if (nr == MAX_TESTS)
		return;
	snprintf(c->value, NAME_SIZE, "%.*s", len, value);
	if (!is_wanted(rule->field, c->value) || nr_wanted++ < nr_skipped)
		return;

	c->rule = rule;
	name_case(c);
	tests[nr] = (struct guest_test){
		.name = c->name,
		.step = { leave_damaged, find_damage },
		.after = hostile_suite.kernels - 1,
	};
	hostile_suite.nr_tests++;
	hostile_suite.kernels += ends_live_update(rule) ? 2 : 1;
}

static void add_rule(const struct hostile_rule *rule)
{
	const char *value;
	size_t len;

	for (value = rule->values; *value; value += len) {
		value += strspn(value, " ");
		len = strcspn(value, " ");
		add_value(rule, value, len);
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
	param = guest_param("skip");
	if (param)
		nr_skipped = atoi(param);
}

/* A suite without tests fails: so does one whose sample is not in the table. */
static void set_up_tests(void)
{
	size_t i;

	read_parameters();
	for (i = 0; i < nr_hostile_rules; i++)
		add_rule(&hostile_rules[i]);
	if (hostile_suite.nr_tests == MAX_TESTS ||
	    (sampled && nr_wanted != nr_hostile_sample))
		hostile_suite.nr_tests = 0;
}

struct guest_suite hostile_suite = {
	.name = "hostile",
	.tests = tests,
	.kernels = 1,
	.append = hostile_append,
	.drop = "from=",
	.set_up = set_up_tests,
};
