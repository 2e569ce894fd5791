/*
 * policy/rules: tests/policy/NNN-topic.in against .ok. The .ok of a right text
 * is its canonical form, which must parse to itself; that of a wrong one is
 * its errors. And every line of edge-cases.txt.
 *
 *   test_rules_golden [--update] [DIRECTORY]
 *
 * --update writes the .ok files anew: read the diff.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>

#include <cmocka.h>

#include "tests/unit/rules_body.h"

#define TEXT (256 * 1024)

static const char *directory = "tests/policy";
static int is_update;

struct text {
	char p[TEXT];
	size_t n;
};

static void put(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->p + t->n, TEXT - t->n, fmt, ap);
	va_end(ap);
	assert_true(t->n < TEXT);
}

static void
keep_text(void *arg, const char *text, size_t len)
{
	struct text *t = arg;

	assert_true(t->n + len < TEXT);
	memcpy(t->p + t->n, text, len);
	t->n += len;
	t->p[t->n] = '\0';
}

static int
read_text(struct text *t, const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "re");
	t->n = 0;
	t->p[0] = '\0';
	if (f == NULL) {
		return ERR_NOENT;
	}
	t->n = fread(t->p, 1, TEXT - 1, f);
	assert_false(ferror(f));
	fclose(f);
	assert_true(t->n < TEXT - 1);
	t->p[t->n] = '\0';
	return 0;
}

static void
write_text(const struct text *t, const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(t->p, 1, t->n, f), t->n);
	assert_int_equal(fclose(f), 0);
}

/* What the examples include lies in the same directory. */
static int
read_included(void *arg, const char *from, const char *path,
    struct rules_file *out, char *why, size_t size)
{
	static struct text file;
	const char *name = strrchr(path, '/');

	(void)arg;
	(void)from;
	if (read_text(&file, name != NULL ? name + 1 : path) != 0) {
		snprintf(why, size, "no such file");
		return ERR_NOENT;
	}
	out->name = strdup(path);
	out->text = strdup(file.p);
	out->len = file.n;
	return 0;
}

/* The canonical form, or the errors; 1 when the text is right. */
static int
answer_as(enum rules_dialect dialect, struct text *out, const char *text,
    size_t len)
{
	static const struct rules_means means = {.read = read_included};
	struct rules_load *load = rules_load_new();
	struct rules *rules = NULL;
	size_t n;

	out->n = 0;
	out->p[0] = '\0';
	rules_load_means(load, &means);
	assert_int_equal(
	    rules_load_text_as(load, dialect, "in", text, len), 0);
	rules_load_format(load, keep_text, out);
	if (rules_load_finish(load, &rules) != 0) {
		out->n = 0;
	}
	n = rules_load_error_count(load);
	for (size_t i = 0; i < n && i < RULES_MAX_ERRORS; i++) {
		const struct rule_error *e = rules_load_error(load, i);

		put(out, "%u:%u: %s\n", e->line, e->column, e->text);
		put(out, "    %s\n    %*s\n", e->source, (int)e->caret, "^");
	}
	rules_free(rules);
	rules_load_free(load);
	return n == 0;
}

static int
answer(struct text *out, const char *text, size_t len)
{
	return answer_as(RULES_OWN, out, text, len);
}

static int
is_input(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 3 && strcmp(entry->d_name + n - 3, ".in") == 0;
}

static void
golden_pairs(void **state)
{
	static struct text in, out, again, ok;
	struct dirent **entries;
	int n = scandir(directory, &entries, is_input, alphasort);
	int failed = 0;

	(void)state;
	if (n <= 0) {
		fail_msg("%s: no *.in here: %s", directory, strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		char name[300];
		int is_right;

		snprintf(name, sizeof(name), "%s", entries[i]->d_name);
		assert_int_equal(read_text(&in, name), 0);
		is_right = answer(&out, in.p, in.n);
		if (is_right) {
			assert_true(answer(&again, out.p, out.n));
			assert_string_equal(out.p, again.p);
		}
		memcpy(name + strlen(name) - 3, ".ok", 4);
		if (is_update) {
			write_text(&out, name);
		} else if (read_text(&ok, name) != 0 ||
		    strcmp(ok.p, out.p) != 0) {
			print_message("--- %s: expected\n%s--- got\n%s", name,
			    ok.p, out.p);
			failed++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(failed, 0);
}

static void
keep_difference(void *arg, const char *file, unsigned line, const char *name,
    const char *text)
{
	assert_string_equal(file, "in");
	assert_int_equal(line, 1);
	assert_true(strlen(text) > 0);
	memcpy(arg, name, 3);
}

/* The correction that a line falls under, or "-". */
static void
difference_of(char name[3], const char *text)
{
	struct rules_load *load = rules_load_new();

	memcpy(name, "-", 2);
	assert_int_equal(rules_load_text_as(load, RULES_USBGUARD, "in", text,
			     strlen(text)), 0);
	rules_load_differences(load, keep_difference, name);
	rules_load_free(load);
}

/* Both languages give the same answer: the canonical form is printed, and a
 * comment stays behind the rule. */
static void
check_answer(enum rules_dialect dialect, const char *line, const char *text,
    const char *ours, const char *printed)
{
	static struct text out;
	const char *first;
	size_t n = strlen(printed);
	int is_right = answer_as(dialect, &out, text, strlen(text));

	if (is_right != (strcmp(ours, "ok") == 0)) {
		fail_msg("%s: expected %s: %s", line, ours, out.p);
	}
	first = dialect == RULES_OWN ? strchr(out.p, '\n') + 1 : out.p;
	if (is_right && (strncmp(first, printed, n) != 0 ||
			    (first[n] != '\n' && first[n] != '\0' &&
				strncmp(first + n, " #", 2) != 0 && n > 0))) {
		fail_msg("%s: printed %s", line, first);
	}
}

/* "bad ok C4 [RULE] => PRINTED" */
static void
check_edge_case(char *line)
{
	static struct text out;
	char theirs[4], ours[4], correction[3], found[3], text[1024];
	char *open = strchr(line, '['), *arrow, *shut;
	const char *printed = "";

	assert_non_null(open);
	assert_int_equal(
	    strspn(line, "okbad C1234567-"), (size_t)(open - line));
	memcpy(theirs, line, 3);
	memcpy(ours, line + 4, 3);
	memcpy(correction, line + 8, 2);
	theirs[3 - (theirs[2] == ' ')] = '\0';
	ours[3 - (ours[2] == ' ')] = '\0';
	correction[2 - (correction[1] == ' ')] = '\0';
	arrow = strstr(open, "] => ");
	shut = arrow != NULL ? arrow : strrchr(open, ']');
	assert_non_null(shut);
	*shut = '\0';
	if (arrow != NULL) {
		printed = arrow + 5;
	}
	/* we differ only where a correction says so */
	assert_true(strcmp(theirs, ours) == 0 || correction[0] == 'C');
	difference_of(found, open + 1);
	assert_string_equal(found, correction);
	check_answer(RULES_USBGUARD, line, open + 1, ours, printed);
	snprintf(text, sizeof(text), "default to any\n%s\n", open + 1);
	check_answer(RULES_OWN, line, text, ours, printed);
	/* principle 4: in our own files an allow says to whom */
	assert_false(strncmp(printed, "allow", 5) == 0 &&
	    answer(&out, open + 1, strlen(open + 1)));
}

static void
edge_cases(void **state)
{
	static struct text file;
	char *line, *next;
	size_t n = 0;

	(void)state;
	assert_int_equal(read_text(&file, "edge-cases.txt"), 0);
	for (line = file.p; line[0] != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next == '\n') {
			*next++ = '\0';
		}
		if (line[0] != '#' && line[0] != '\0') {
			check_edge_case(line);
			n++;
		}
	}
	assert_int_equal(n, 98);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_pairs),
		cmocka_unit_test(edge_cases),
	};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--update") == 0) {
			is_update = 1;
		} else {
			directory = argv[i];
		}
	}
	return cmocka_run_group_tests_name("rules_golden", tests, NULL, NULL);
}
