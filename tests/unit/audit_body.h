/*
 * Bodies shared by the tests of audit logs: a directory with a log and its state,
 * and a look at what the checks of sallyctl say of it.
 */
#ifndef TESTS_UNIT_AUDIT_BODY_H
#define TESTS_UNIT_AUDIT_BODY_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "proxy/ctl/audit.h"
#include "proxy/warden/audit.h"

static struct audit audit;
static char dir[] = "/tmp/test_audit.XXXXXX", log_path[64];
static struct chain first_key;

static inline char *
in_dir(const char *name)
{
	static char path[80];

	(void)snprintf(path, sizeof(path), "%s/%.48s", dir, name);
	return path;
}

static inline void
start_log(void)
{
	audit = (struct audit){.fd = -1, .files = 16};
	assert_int_equal(audit_open(&audit, log_path), 0);
	assert_int_equal(audit_chain_start(&audit, dir), 0);
}

static inline int
setup(void **state)
{
	char text[CHAIN_KEY_TEXT];

	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(log_path, sizeof(log_path), "%s/log", dir);
	start_log();
	assert_int_equal(audit_chain_take(audit.chain, text), 0);
	assert_int_equal(
	    chain_key_parse(&first_key, text, strlen(text)), 0);
	return 0;
}

static inline int
teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	(void)state;
	audit_close(&audit);
	while ((e = readdir(d)) != NULL) {
		(void)unlink(in_dir(e->d_name));
	}
	(void)closedir(d);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static inline void
put_line(unsigned n)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
	    "{\"time\":\"2026-11-25T12:00:%02u.000Z\",\"event\":\"test\","
	    "\"outcome\":\"n\",\"n\":\"%u\"}", n % 60, n);
	audit_put(&audit, "", text, strlen(text));
}

static inline void
put_lines(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		put_line(i);
	}
}

static inline char *
slurp(const char *path, size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *text;

	assert_true(fd != -1);
	assert_int_equal(fstat(fd, &st), 0);
	text = malloc((size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	text[st.st_size] = '\0';
	*len = (size_t)st.st_size;
	(void)close(fd);
	return text;
}

static inline void
spill(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, len), len);
	(void)close(fd);
}

/* ------------------------------------------------------------------------ */
/* What is found                                                            */

static struct audit_check check;
static struct chain_head heads[64];
static size_t nheads, nkeys = 1;
static char said[65536];

static inline void
on_say(void *arg, enum audit_tone tone, const char *file, uint64_t line,
    const char *text)
{
	size_t n = strlen(said);

	(void)arg;
	(void)file;
	if (n < sizeof(said) - 256) {
		(void)snprintf(said + n, sizeof(said) - n, "%c %llu: %s\n",
		    "WNB"[tone], (unsigned long long)line, text);
	}
}

static inline void
on_line(void *arg, const char *text, size_t len)
{
	audit_check_line(arg, text, len);
}

static inline void
on_torn(void *arg)
{
	audit_check_torn(arg);
}

static inline void
begin_check(const struct chain *key)
{
	check = (struct audit_check){
		.keys = key,
		.nkeys = key != NULL ? nkeys : 0,
		.heads = heads,
		.nheads = nheads,
		.say = on_say,
	};
	said[0] = '\0';
	audit_check_begin(&check);
}

/* How many things are wrong with a text that is all of a log. */
static inline uint64_t
wrong_in(const char *text, size_t len, const struct chain *key)
{
	const char *end;

	begin_check(key);
	audit_check_file(&check, "log");
	while ((end = memchr(text, '\n', len)) != NULL) {
		audit_check_line(&check, text, (size_t)(end - text));
		len -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	if (len != 0) {
		audit_check_torn(&check);
	}
	audit_check_end(&check);
	return check.wrong;
}

/* Of the files as they are. */
static inline uint64_t
wrong_on_disk(const struct chain *key)
{
	struct audit_files files = {0};
	char names[20][80], *list[20];
	int n = 0;

	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(names[n], sizeof(names[n]),
		    i == 0 ? "%s" : "%s.%u", log_path, i);
		list[n] = names[n];
		n += access(names[n], F_OK) == 0;
	}
	begin_check(key);
	assert_int_equal(audit_files_open(&files, list, n), 0);
	for (size_t i = 0; i < files.n; i++) {
		audit_check_file(&check, files.v[i].name);
		assert_int_equal(audit_file_read(&files.v[i], on_line, on_torn,
				     &check), 0);
	}
	audit_check_end(&check);
	audit_files_close(&files);
	return check.wrong;
}

static inline int
is_said(const char *text)
{
	return strstr(said, text) != NULL;
}

/* The head of the chain as it is. */
static inline void
keep_head(void)
{
	struct chain_head *h = &heads[nheads++];

	assert_true(nheads < ARRAY_LEN(heads));
	memcpy(h->id, audit.chain->chain.id, CHAIN_ID);
	h->count = audit.chain->chain.seq;
	memcpy(h->mac, audit.chain->last, 32);
}

#endif
