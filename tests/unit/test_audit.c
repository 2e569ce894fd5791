/*
 * The audit log from both sides: what the warden writes, and what sallyctl finds
 * when somebody changed it.
 */
#include "tests/unit/audit_body.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

/* n lines, and where each begins; lines[n] is the end. */
static char *
some_lines(unsigned n, size_t *len, const char **lines)
{
	char *text;
	unsigned k = 0;

	put_lines(n - 1); /* one says that the chain began */
	text = slurp(log_path, len);
	for (char *p = text; k <= n; k++) {
		lines[k] = p;
		p = strchr(p, '\n');
		p = p != NULL ? p + 1 : text + *len;
	}
	assert_true(lines[n] == text + *len);
	return text;
}

static void
lines_are_as_written(void **state)
{
	(void)state;
	nheads = 0;
	put_lines(99);
	keep_head();
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.lines, 100);
	assert_int_equal(check.proven, 100);
	assert_true(is_said("from the moment on that somebody ruled"));
	assert_true(is_said("do not end with a stop"));
	assert_false(is_said("--heads"));
	/* without a key the order alone is checked, and that is said */
	assert_int_equal(wrong_on_disk(NULL), 0);
	assert_int_equal(check.proven, 0);
	assert_true(is_said("B 0: whether a line was changed"));
	/* one of another chain is none: somebody may have written all anew */
	assert_int_equal(audit_chain_renew(audit.chain), 0);
	assert_int_equal(wrong_on_disk(&audit.chain->chain), 1);
	assert_true(is_said("W 1: no key is for the chain of this line"));
	assert_int_equal(check.proven, 0);
}

/* Any bit of any byte. */
static void
a_changed_line_is_found(void **state)
{
	const char *lines[7];
	size_t len;
	char *text = some_lines(6, &len, lines);

	(void)state;
	nheads = 0;
	assert_int_equal(wrong_in(text, len, &first_key), 0);
	for (size_t i = 0; i < len; i++) {
		text[i] ^= (char)(1 << i % 8);
		if (wrong_in(text, len, &first_key) == 0) {
			fail_msg("byte %zu of %zu", i, len);
		}
		text[i] ^= (char)(1 << i % 8);
	}
	/* which one it was, and that alone */
	text[lines[3] - text + 20] ^= 1;
	assert_int_equal(wrong_in(text, len, &first_key), 1);
	assert_true(is_said("W 4: line 3 was changed"));
	assert_int_equal(check.proven, 5);
	free(text);
}

/* Copies [from, to) behind *at. */
static void
copy(char *out, size_t *at, const char *from, const char *to)
{
	memcpy(out + *at, from, (size_t)(to - from));
	*at += (size_t)(to - from);
}

static void
a_removed_line_is_found(void **state)
{
	const char *lines[9];
	size_t len, n;
	char *text = some_lines(8, &len, lines), *out = malloc(2 * len);

	(void)state;
	nheads = 0;
	for (unsigned i = 0; i < 7; i++) { /* of the last, see below */
		n = 0;
		copy(out, &n, text, lines[i]);
		copy(out, &n, lines[i + 1], lines[8]);
		assert_int_equal(wrong_in(out, n, &first_key), 1);
		assert_true(i == 0 ? is_said("cut off")
				   : is_said("are missing here"));
		/* the numbers tell it also without a key */
		assert_int_equal(wrong_in(out, n, NULL), 1);
	}
	free(out);
	free(text);
}

static void
moved_and_repeated_lines_are_found(void **state)
{
	const char *lines[9];
	size_t len, n;
	char *text = some_lines(8, &len, lines), *out = malloc(2 * len);

	(void)state;
	nheads = 0;
	for (unsigned i = 0; i < 7; i++) {
		n = 0;
		copy(out, &n, text, lines[i]);
		copy(out, &n, lines[i + 1], lines[i + 2]);
		copy(out, &n, lines[i], lines[i + 1]);
		copy(out, &n, lines[i + 2], lines[8]);
		assert_int_equal(wrong_in(out, n, &first_key), 2);
		assert_true(is_said("it was moved, or is there twice"));
		n = 0;
		copy(out, &n, text, lines[i + 1]);
		copy(out, &n, lines[i], lines[8]);
		assert_int_equal(wrong_in(out, n, &first_key), 1);
		assert_true(is_said("it was moved, or is there twice"));
	}
	free(out);
	free(text);
}

static void
a_cut_end_is_found_by_a_head(void **state)
{
	const char *lines[9];
	size_t len;
	char *text = some_lines(8, &len, lines);

	(void)state;
	nheads = 0;
	assert_int_equal(
	    wrong_in(text, (size_t)(lines[6] - text), &first_key), 0);
	assert_true(is_said("B 0: whether lines are missing at the end"));
	keep_head();
	for (unsigned i = 1; i < 8; i++) {
		assert_int_equal(
		    wrong_in(text, (size_t)(lines[i] - text), &first_key), 1);
		assert_true(is_said("the end is cut off: the journal was told "
				    "of 8 lines"));
	}
	/* with a part of a line that is one more */
	assert_int_equal(
	    wrong_in(text, (size_t)(lines[7] - text) + 9, &first_key), 2);
	assert_true(is_said("not a whole line"));
	assert_int_equal(wrong_in(text, len, &first_key), 0);
	/* a head of other lines */
	heads[0].mac[0] ^= 1;
	assert_int_equal(wrong_in(text, len, NULL), 1);
	assert_true(is_said("W 8: the journal was told of another line"));
	free(text);
}

/* What lies on the disk makes none of the lines before. */
static void
keys_are_forgotten(void **state)
{
	char *block, text[CHAIN_KEY_TEXT];
	struct chain at = first_key;
	size_t len;

	(void)state;
	put_lines(50);
	block = slurp(in_dir("audit.chain"), &len);
	for (unsigned i = 0; i < 51; i++) {
		assert_null(memmem(block, len, at.key, CHAIN_KEY));
		assert_memory_not_equal(
		    audit.chain->chain.key, at.key, CHAIN_KEY);
		assert_memory_not_equal(audit.chain->first, at.key, CHAIN_KEY);
		assert_int_equal(chain_next(&at), 0);
	}
	assert_non_null(memmem(block, len, at.key, CHAIN_KEY));
	free(block);
	assert_int_equal(audit_chain_take(audit.chain, text), ERR_NOENT);
}

static void
a_chain_goes_on_after_a_restart(void **state)
{
	(void)state;
	nheads = 0;
	for (unsigned i = 0; i < 5; i++) {
		put_lines(3);
		audit_close(&audit);
		start_log();
	}
	keep_head();
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.lines, 16);
	assert_int_equal(check.proven, 16);
	assert_false(audit.chain->has_first);
}

/* The disk had an older key than the log has lines. */
static void
a_power_cut_costs_no_chain(void **state)
{
	char *block, *text;
	size_t len, n;

	(void)state;
	nheads = 0;
	put_lines(3);
	block = slurp(in_dir("audit.chain"), &len);
	put_lines(20);
	audit_close(&audit);
	spill(in_dir("audit.chain"), block, len);
	start_log();
	put_lines(2);
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.proven, 26);
	/* the other way round lines are gone, and the log says so */
	text = slurp(log_path, &n);
	audit_close(&audit);
	*(char *)memrchr(text, '\n', n - 1) = '\0';
	spill(log_path, text, strlen(text)); /* and one is torn */
	start_log();
	put_lines(2);
	assert_int_equal(wrong_on_disk(&first_key), 1);
	assert_true(is_said("lines 25 to 25 are missing here"));
	assert_true(is_said("the gateway itself found here"));
	free(text);
	text = slurp(log_path, &n);
	assert_non_null(strstr(text, "\"outcome\":\"missing\""));
	assert_non_null(strstr(text, "\"found\":\"24\",\"expected\":\"25\""));
	free(text);
	free(block);
}

/* One that cannot be read is no reason to stay down; it is told. */
static void
a_broken_state_begins_another_chain(void **state)
{
	struct chain keys[2] = {first_key};
	char text[CHAIN_KEY_TEXT];

	(void)state;
	nheads = 0;
	put_lines(5);
	keep_head();
	audit_close(&audit);
	spill(in_dir("audit.chain"), "SPCHAIN1 and no more", 20);
	start_log();
	put_lines(4);
	keep_head();
	assert_int_equal(access(in_dir("audit.chain.bad"), F_OK), 0);
	assert_true(audit.chain->has_first);
	assert_int_equal(audit_chain_take(audit.chain, text), 0);
	assert_int_equal(chain_key_parse(&keys[1], text, strlen(text)), 0);
	nkeys = 2;
	assert_int_equal(wrong_on_disk(keys), 0);
	assert_int_equal(check.proven, 11);
	assert_int_equal(check.lines, 11);
	assert_int_equal(check.nchains, 2);
	nkeys = 1;
	assert_int_equal(wrong_on_disk(&keys[1]), 1);
	assert_true(is_said("W 1: no key is for the chain"));
	assert_int_equal(check.proven, 5);
}

static void
an_operator_begins_another_chain(void **state)
{
	struct chain keys[2] = {first_key};
	char text[CHAIN_KEY_TEXT];

	(void)state;
	nheads = 0;
	put_lines(5);
	assert_int_equal(audit_renew(&audit, text), 0);
	assert_false(audit.chain->has_first);
	put_lines(5);
	assert_int_equal(chain_key_parse(&keys[1], text, strlen(text)), 0);
	assert_memory_not_equal(keys[1].id, first_key.id, CHAIN_ID);
	nkeys = 2;
	assert_int_equal(wrong_on_disk(keys), 0);
	nkeys = 1;
	assert_int_equal(check.lines, 13);
	assert_int_equal(check.proven, 13);
}

static void
rotation_loses_nothing(void **state)
{
	char path[80];
	size_t len;
	char *text;

	(void)state;
	nheads = 0;
	audit.limit = 4096;
	audit.files = 6;
	put_lines(60);
	keep_head();
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.first, 0);
	assert_true(check.lines > 61); /* files say that they go on */
	assert_int_equal(check.proven, check.lines);
	/* over the restart of a warden, until the first ones go */
	audit_close(&audit);
	start_log();
	audit.limit = 4096;
	audit.files = 6;
	put_lines(200);
	keep_head();
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_true(check.first > 0);
	assert_int_equal(check.next, audit.chain->chain.seq);
	assert_int_equal(check.proven, check.lines);
	assert_int_equal(check.lines, check.next - check.first);
	for (unsigned i = 0; i < 7; i++) {
		(void)snprintf(path, sizeof(path), i == 0 ? "%s" : "%s.%u",
		    log_path, i);
		if (i < 6) {
			text = slurp(path, &len);
			assert_true(len <= 4096);
			free(text);
		} else {
			assert_int_equal(access(path, F_OK), -1);
		}
	}
	/* a file that was kept, and is gone: the oldest, or another */
	(void)snprintf(path, sizeof(path), "%s.5", log_path);
	text = slurp(path, &len);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(wrong_on_disk(&first_key), 1);
	assert_true(is_said("files that the gateway had kept"));
	spill(path, text, len);
	free(text);
	(void)snprintf(path, sizeof(path), "%s.3", log_path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(wrong_on_disk(&first_key), 1);
	assert_true(is_said("are missing here"));
}

/* What cannot be renamed does not stop the log. */
static void
a_log_that_cannot_be_rotated_goes_on(void **state)
{
	(void)state;
	nheads = 0;
	audit.limit = 4096;
	audit.files = 3;
	assert_int_equal(mkdir(in_dir("log.new"), 0700), 0);
	put_lines(100);
	audit_beat(&audit);
	assert_int_equal(rmdir(in_dir("log.new")), 0);
	assert_int_equal(audit.failed, 0);
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.lines, 101);
	/* and is when that can be done */
	audit_beat(&audit);
	assert_false(audit.is_stuck);
	assert_int_equal(access(in_dir("log.1"), F_OK), 0);
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.lines, 102);
}

static void
room_for(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit on the size of files stands for the disk: it, too, cuts lines. */
static void
lines_wait_while_the_disk_is_full(void **state)
{
	char *text, mark[32], *p;
	size_t len;

	(void)state;
	nheads = 0;
	(void)signal(SIGXFSZ, SIG_IGN);
	put_lines(10);
	room_for(audit.size + 1000); /* in the middle of one */
	for (unsigned i = 10; i < 50; i++) {
		put_line(i);
	}
	assert_true(audit.is_failing);
	assert_true(audit.nwait > 30);
	audit_beat(&audit);
	assert_true(audit.is_failing);
	room_for(RLIM_INFINITY);
	put_line(50); /* not before those that wait */
	audit_beat(&audit);
	assert_false(audit.is_failing);
	assert_int_equal(audit.failed, 0);
	assert_int_equal(audit.waiting, 0);
	put_line(51);
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.lines, 1 + 52 + 1);
	assert_int_equal(check.proven, check.lines);
	text = slurp(log_path, &len);
	p = text;
	for (unsigned i = 0; i < 52; i++) {
		(void)snprintf(mark, sizeof(mark), "\"n\":\"%u\"", i);
		p = strstr(p, mark);
		assert_non_null(p);
	}
	assert_non_null(strstr(text, "\"outcome\":\"resumed\""));
	free(text);
}

/* More than fits is lost, and the log has how many. */
static void
lines_that_found_no_room_are_counted(void **state)
{
	char big[8192];
	int n;

	(void)state;
	nheads = 0;
	(void)signal(SIGXFSZ, SIG_IGN);
	room_for(audit.size);
	n = snprintf(big, sizeof(big), "{\"x\":\"%08000u\"}", 7u);
	for (unsigned i = 0; i < 1100; i++) {
		audit_put(&audit, "", big, (size_t)n);
	}
	room_for(RLIM_INFINITY);
	assert_true(audit.waiting <= AUDIT_WAIT_BYTES);
	assert_true(audit.lost > 0);
	assert_int_equal(audit.lost, audit.failed);
	assert_int_equal(audit.nwait + audit.lost, 1100);
	audit_beat(&audit);
	assert_false(audit.is_failing);
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_true(is_said("lines were never written, since the disk was "
			    "full"));
}

static void
a_flood_loses_no_line(void **state)
{
	(void)state;
	nheads = 0;
	audit.limit = 1024 * 1024;
	audit.files = 20;
	put_lines(20000);
	keep_head();
	assert_int_equal(audit.failed, 0);
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.first, 0);
	assert_int_equal(check.next, audit.count);
	assert_int_equal(check.proven, audit.count);
	assert_true(audit.count > 20001);
}

/* ------------------------------------------------------------------------ */
/* The journal                                                              */

static int
journald(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s",
	    in_dir("journal"));
	(void)unlink(to.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static const char *
received(int fd)
{
	static char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
the_journal_has_lines_and_heads(void **state)
{
	static char path[80];
	struct chain_head head;
	const char *text, *at;
	char *lines;
	size_t len;
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", in_dir("journal"));
	audit.journal = journal_new(path);
	assert_non_null(audit.journal);
	audit.has_lines = 1;
	/* no journald is no error */
	put_line(0);
	audit_head(&audit);
	assert_int_equal(audit.missed, 0);
	assert_false(audit.is_head_due);
	fd = journald();
	audit_put(&audit, "SALLYPORT_EVENT=test\n", "{\"x\":\"y\"}", 9);
	text = received(fd);
	assert_ptr_equal(strstr(text, "PRIORITY=6\n"), text);
	assert_non_null(
	    strstr(text, "\nSYSLOG_IDENTIFIER=sallyport-audit\n"));
	assert_non_null(strstr(text, "\nSALLYPORT_EVENT=test\n"));
	at = strstr(text, "\nMESSAGE={\"seq\":2,\"x\":\"y\",\"mac\":");
	assert_non_null(at);
	lines = slurp(log_path, &len);
	lines[len - 1] = '\0'; /* it is the line, as it is in the file */
	assert_string_equal(strrchr(lines, '\n') + 1, at + 9);
	free(lines);
	/* a head each minute */
	for (unsigned i = 0; i < 59; i++) {
		audit_beat(&audit);
	}
	assert_string_equal(received(fd), "");
	audit_beat(&audit);
	text = received(fd);
	assert_non_null(strstr(text, "\nSALLYPORT_AUDIT=head\n"));
	at = strstr(text, "\nMESSAGE=");
	assert_non_null(at);
	assert_int_equal(chain_head_parse(&head, at + 9, strlen(at + 9)), 0);
	assert_int_equal(head.count, 3);
	assert_memory_equal(head.mac, audit.chain->last, 32);
	assert_memory_equal(head.id, first_key.id, CHAIN_ID);
	/* one that started again is found again */
	(void)close(fd);
	put_line(1);
	fd = journald();
	put_line(2);
	assert_non_null(strstr(received(fd), "\"n\":\"2\""));
	(void)close(fd);
}

/* One that does not read holds nothing up. A head that found no room is sent
 * when there is some. */
static void
a_full_journal_holds_nothing_up(void **state)
{
	static char path[80];
	int fd = journald();

	(void)state;
	nheads = 0;
	(void)snprintf(path, sizeof(path), "%s", in_dir("journal"));
	audit.journal = journal_new(path);
	audit.has_lines = 1;
	put_lines(3000);
	assert_true(audit.missed > 0);
	assert_int_equal(audit.failed, 0);
	audit_head(&audit);
	assert_true(audit.is_head_due);
	while (*received(fd) != '\0') {
	}
	audit_beat(&audit);
	assert_false(audit.is_head_due);
	assert_non_null(strstr(received(fd), "{\"head\":3001,"));
	assert_int_equal(wrong_on_disk(&first_key), 0);
	assert_int_equal(check.proven, 3001);
	(void)close(fd);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lines_are_as_written),
		TEST(a_changed_line_is_found),
		TEST(a_removed_line_is_found),
		TEST(moved_and_repeated_lines_are_found),
		TEST(a_cut_end_is_found_by_a_head),
		TEST(keys_are_forgotten),
		TEST(a_chain_goes_on_after_a_restart),
		TEST(a_power_cut_costs_no_chain),
		TEST(a_broken_state_begins_another_chain),
		TEST(an_operator_begins_another_chain),
		TEST(rotation_loses_nothing),
		TEST(a_log_that_cannot_be_rotated_goes_on),
		TEST(lines_wait_while_the_disk_is_full),
		TEST(lines_that_found_no_room_are_counted),
		TEST(a_flood_loses_no_line),
		TEST(the_journal_has_lines_and_heads),
		TEST(a_full_journal_holds_nothing_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
