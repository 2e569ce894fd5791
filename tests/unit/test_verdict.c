/*
 * Programs that answer what is asked of a name, over the real socket of the
 * warden, with its own sessions and book: what they are told, what their
 * answers do, and that whatever a bad one does, `else' holds and nothing is
 * stuck.
 */
#include "tests/unit/verdict_body.h"

/* ------------------------------------------------------------------------ */

static void
test_who_may_serve(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
	    {"{\"type\":\"hello\",\"protocol\":1,\"name\":\"dlp\"}\n",
		"serves that name already"},
	    {"{\"type\":\"hello\",\"protocol\":2,\"name\":\"dlp\"}\n",
		"protocol 1 alone"},
	    {"{\"type\":\"hello\",\"protocol\":1,\"name\":\"not\"}\n",
		"may serve that name"},
	    {"{\"type\":\"hello\",\"protocol\":1,\"name\":\"none\"}\n",
		"may serve that name"},
	};

	(void)state;
	serve(0, "dlp");
	assert_true(audited("verdict", "\"outcome\":\"serving\""));
	assert_true(audited("verdict", me));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_t *o;

		dial(1);
		tell(1, bad[i].line);
		o = told(1);
		assert_non_null(o);
		assert_string_equal(
		    json_string_value(json_object_get(o, "type")), "refused");
		assert_non_null(
		    strstr(json_string_value(json_object_get(o, "reason")),
			bad[i].why));
		json_decref(o);
		assert_true(is_dropped(1));
		assert_true(audited("verdict", bad[i].why));
		close_fd(&servers[1]);
	}
	/* two names are two servers, also of one user */
	serve(1, "supervisor");
	nothing_told(0);
	assert_false(is_dropped(0));
}

/* One of them that lives is served again when it is gone. */
static void
test_health(void **state)
{
	unsigned id;
	char line[64];

	(void)state;
	serve(0, "dlp");
	dial(2);
	pass(4);
	nothing_told(0);
	assert_false(is_dropped(2));
	pass(1);
	assert_true(is_dropped(2)); /* it never said hello */
	id = told_type(0, "ping");
	(void)snprintf(
	    line, sizeof(line), "{\"type\":\"pong\",\"id\":%u}\n", id);
	tell(0, line);
	pass(5);
	id = told_type(0, "ping");
	pass(4);
	assert_false(is_dropped(0));
	pass(1);
	assert_true(is_dropped(0));
	assert_true(audited("verdict", "did not answer a ping within 5 s"));
	serve(1, "dlp");
	pass(5);
	(void)told_type(1, "ping");
	tell(1, "{\"type\":\"pong\",\"id\":77}\n");
	assert_true(is_dropped(1));
	serve(3, "dlp");
	tell(3, "{\"type\":\"pong\",\"id\":1}\n"); /* to no ping */
	assert_true(is_dropped(3));
}

static void
test_units(void **state)
{
	json_t *o, *m;
	unsigned id;

	(void)state;
	serve(0, "dlp");
	have_device(0, "one", 0);
	hold(0, 5, "dlp");
	o = told(0);
	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "kind")), "transfer");
	assert_string_equal(
	    json_string_value(json_object_get(o, "hook")), "scsi");
	assert_int_equal(
	    json_integer_value(json_object_get(o, "deadline_ms")), 30000);
	m = json_object_get(o, "facts");
	assert_string_equal(
	    json_string_value(json_object_get(m, "op")), "write-10");
	assert_int_equal(json_integer_value(json_object_get(m, "blocks")), 8);
	m = json_object_get(m, "lba");
	assert_int_equal(json_array_size(m), 2);
	assert_int_equal(json_integer_value(json_array_get(m, 0)), 2048);
	assert_int_equal(json_integer_value(json_array_get(m, 1)), 2055);
	m = json_object_get(o, "device");
	assert_string_equal(
	    json_string_value(json_object_get(m, "stable")), "kbd@p:1");
	m = json_object_get(o, "identity");
	assert_string_equal(json_string_value(json_object_get(m, "cn")), "one");
	m = json_object_get(o, "rule");
	assert_string_equal(json_string_value(json_object_get(m, "key")), "K");
	assert_int_equal(json_integer_value(json_object_get(m, "line")), 7);
	id = (unsigned)json_integer_value(json_object_get(o, "id"));
	json_decref(o);
	heard_nothing(0);
	mono += 1234 * CLOCK_MSEC;
	say_verdict(0, id, "allow");
	heard_as(0, 5, IPC_SAY_ALLOW);
	assert_true(audited("ask", "\"outcome\":\"approved\""));
	assert_true(audited("ask", "\"server\":\"dlp\""));
	assert_true(audited("ask", "\"by\":\"server\""));
	assert_true(audited("ask", "\"latency_ms\":\"1234\""));
	assert_true(audited("ask", "because\\\\x1b[2J"));
	hold(0, 6, "dlp");
	say_verdict(0, told_type(0, "ask"), "deny");
	heard_as(0, 6, IPC_SAY_DENY);
	assert_true(audited("ask", "\"outcome\":\"denied\""));
	hold(0, 7, "dlp");
	say_verdict(0, told_type(0, "ask"), "eject");
	heard_as(0, 7, IPC_SAY_EJECT);
	assert_true(audited("ask", "\"outcome\":\"ejected\""));
	/* it does not know: `else' at once, and the server stays */
	hold(0, 8, "dlp");
	say_verdict(0, told_type(0, "ask"), "none");
	heard_as(0, 8, IPC_SAY_DENY);
	assert_true(audited("ask", "no opinion: because"));
	assert_false(is_dropped(0));
	/* the other way to say it */
	hold(0, 9, "dlp");
	id = told_type(0, "ask");
	{
		char line[128];

		(void)snprintf(line, sizeof(line),
		    "{\"type\":\"verdict\",\"verdict\":\"allow\",\"id\":%u,"
		    "\"new\":[1]}\n",
		    id);
		tell(0, line);
	}
	heard_as(0, 9, IPC_SAY_ALLOW);
	assert_true(TAILQ_EMPTY(&w->held));
}

/* A name that gateway.conf does not have is a person's: held until one speaks.
 * One that it has and nobody serves is `else' at once. */
static void
test_whose_name(void **state)
{
	const struct said yes = {
	    .say = IPC_SAY_ALLOW, .by = "operator", .reason = ""};

	(void)state;
	have_device(0, "one", 0);
	hold(0, 5, "boss");
	heard_nothing(0);
	assert_int_equal(held_answer(w, TAILQ_FIRST(&w->held)->id, &yes), 0);
	heard_as(0, 5, IPC_SAY_ALLOW);
	assert_true(audited("ask", "\"by\":\"operator\""));
	hold(0, 6, "dlp");
	heard_as(0, 6, IPC_SAY_DENY);
	assert_true(audited("ask", "nobody serves that name"));
	/* with both, the first word counts */
	serve(0, "dlp");
	hold(0, 7, "dlp");
	(void)told_type(0, "ask");
	assert_int_equal(held_answer(w, TAILQ_FIRST(&w->held)->id, &yes), 0);
	heard_as(0, 7, IPC_SAY_ALLOW);
	say_verdict(0, told_type(0, "over"), "deny");
	heard_nothing(0);
	assert_true(audited("verdict", "\"late\""));
	assert_false(is_dropped(0));
}

/* Whatever it does, its units get their `else', and the next server is taken.
 */
static void
test_bad_servers(void **state)
{
	static const struct {
		const char *name, *line; /* %u is the ask that it has */
	} bad[] = {
	    {"garbage", "\x01\x02{{{\n"},
	    {"no object", "[1]\n"},
	    {"nothing", "\n"},
	    {"no id", "{\"verdict\":\"allow\"}\n"},
	    {"id of another kind", "{\"id\":\"%u\",\"verdict\":\"allow\"}\n"},
	    {"id of nobody", "{\"id\":4000000000,\"verdict\":\"allow\"}\n"},
	    {"id out of range", "{\"id\":4294967296,\"verdict\":\"allow\"}\n"},
	    {"no such verdict", "{\"id\":%u,\"verdict\":\"maybe\"}\n"},
	    {"no verdict", "{\"id\":%u}\n"},
	    {"twice the same member",
		"{\"id\":%u,\"id\":%u,\"verdict\":\"allow\"}\n"},
	    {"negative valid",
		"{\"id\":%u,\"verdict\":\"allow\",\"valid\":-1}\n"},
	    {"valid for ever",
		"{\"id\":%u,\"verdict\":\"allow\",\"valid\":1e99}\n"},
	    {"reason of another kind",
		"{\"id\":%u,\"verdict\":\"allow\",\"reason\":{}}\n"},
	    {"another type", "{\"type\":\"ask\",\"id\":%u}\n"},
	    {"type of another kind",
		"{\"type\":1,\"id\":%u,\"verdict\":\"allow\"}\n"},
	    {"a second hello",
		"{\"type\":\"hello\",\"protocol\":1,\"name\":\"dlp\"}\n"},
	};
	char line[256];

	(void)state;
	have_device(0, "one", 0);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		unsigned id;

		serve(0, "dlp");
		hold(0, 2 * i + 1, "dlp");
		hold(0, 2 * i + 2, "dlp");
		id = told_type(0, "ask");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(line, sizeof(line), bad[i].line, id, id);
#pragma GCC diagnostic pop
		(void)told_type(0, "ask");
		tell(0, line);
		if (!is_dropped(0)) {
			fail_msg("%s: it stays", bad[i].name);
		}
		heard_as(0, 2 * i + 1, IPC_SAY_DENY);
		heard_as(0, 2 * i + 2, IPC_SAY_DENY);
		heard_nothing(0);
		assert_true(TAILQ_EMPTY(&w->held));
		close_fd(&servers[0]);
	}
	/* it dies; what it has and what waits for it */
	serve(0, "dlp");
	for (unsigned i = 0; i < 4; i++) {
		hold(0, 100 + i, "dlp");
	}
	close_fd(&servers[0]);
	for (unsigned i = 0; i < 4; i++) {
		heard_as(0, 100 + i, IPC_SAY_DENY);
	}
	assert_true(audited("ask", "it left"));
	/* it answers twice: the first counts, the second is a lie */
	serve(0, "dlp");
	hold(0, 110, "dlp");
	hold(0, 111, "dlp");
	{
		unsigned id = told_type(0, "ask");

		say_verdict(0, id, "allow");
		say_verdict(0, id, "deny");
	}
	heard_as(0, 110, IPC_SAY_ALLOW);
	heard_as(0, 111, IPC_SAY_DENY);
	(void)told_type(0, "ask");
	assert_true(is_dropped(0));
	close_fd(&servers[0]);
	/* it hangs: its units end by their own time, or with it */
	serve(0, "dlp");
	hold(0, 120, "dlp");
	(void)told_type(0, "ask");
	pass(5);
	heard_nothing(0);
	pass(5);
	heard_as(0, 120, IPC_SAY_DENY);
	assert_true(audited("ask", "did not answer a ping"));
	close_fd(&servers[0]);
	/* a line without an end */
	serve(0, "dlp");
	hold(0, 130, "dlp");
	{
		static char flood[8192];

		memset(flood, ' ', sizeof(flood));
		(void)send(servers[0], flood, sizeof(flood), MSG_NOSIGNAL);
	}
	heard_as(0, 130, IPC_SAY_DENY);
	assert_true(audited("ask", "too long"));
	assert_true(TAILQ_EMPTY(&w->held));
}

/* It gets no more asks, keeps no memory, and the next ping ends it. */
static void
test_unread(void **state)
{
	(void)state;
	serve(0, "dlp");
	have_device(0, "one", 0);
	for (unsigned i = 1; i <= 1200; i++) {
		hold(0, i, "dlp");
		over(0, i);
	}
	heard_nothing(0);
	assert_true(TAILQ_EMPTY(&w->held));
	assert_true(w->verdicts->names[0].counts.asked < 1200);
	assert_true(
	    w->verdicts->names[0].server->out_len < 2 * VERDICT_OUT_FULL);
	hold(0, 2000, "dlp");
	heard_nothing(0);
	pass(10);
	heard_as(0, 2000, IPC_SAY_DENY);
	assert_null(w->verdicts->names[0].server);
	/* the next one has nothing of what it left */
	serve(1, "dlp");
	nothing_told(1);
	assert_int_equal(w->verdicts->names[0].nout, 0);
}

static void
test_late(void **state)
{
	unsigned id;

	(void)state;
	serve(0, "dlp");
	have_device(0, "one", 0);
	hold(0, 5, "dlp");
	id = told_type(0, "ask");
	over(0, 5); /* the session says that its time came */
	assert_int_equal(told_type(0, "over"), id);
	assert_true(audited("ask", "\"outcome\":\"no answer\""));
	say_verdict(0, id, "allow");
	heard_nothing(0);
	assert_true(audited("verdict", "\"late\""));
	assert_false(is_dropped(0));
	/* a place is free again; and twice is a lie here, too */
	hold(0, 6, "dlp");
	hold(0, 7, "dlp");
	(void)told_type(0, "ask");
	(void)told_type(0, "ask");
	say_verdict(0, id, "allow");
	assert_true(is_dropped(0));
	heard_as(0, 6, IPC_SAY_DENY);
	heard_as(0, 7, IPC_SAY_DENY);
}

/* Two at the server, three wait; who has more of them gives way. */
static void
test_bounds(void **state)
{
	unsigned ids[8];

	(void)state;
	serve(0, "dlp");
	have_device(0, "one", 0);
	assert_int_equal(import(1, "two", 1), 0);
	close_fd(&given.fd);
	for (unsigned i = 0; i < 5; i++) {
		hold(0, 10 + i, "dlp");
	}
	ids[0] = told_type(0, "ask");
	ids[1] = told_type(0, "ask");
	nothing_told(0);
	heard_nothing(0);
	hold(0, 15, "dlp"); /* of the same identity: it is one too many */
	heard_as(0, 15, IPC_SAY_DENY);
	assert_true(audited("ask", "too many wait"));
	hold(1, 20, "dlp"); /* of another one: the first has the most */
	heard_as(0, 14, IPC_SAY_DENY);
	heard_nothing(1);
	/* its turn comes before that of those who came first */
	say_verdict(0, ids[0], "allow");
	heard_as(0, 10, IPC_SAY_ALLOW);
	say_verdict(0, told_type(0, "ask"), "allow");
	heard_as(1, 20, IPC_SAY_ALLOW);
	ids[2] = told_type(0, "ask");
	nothing_told(0);
	/* one that waits is taken back; nobody was told of it */
	over(0, 13);
	nothing_told(0);
	say_verdict(0, ids[1], "deny");
	say_verdict(0, ids[2], "allow");
	heard_as(0, 11, IPC_SAY_DENY);
	heard_as(0, 12, IPC_SAY_ALLOW);
	nothing_told(0);
	assert_true(TAILQ_EMPTY(&w->held));
	/* a session that ends takes what it has with it */
	hold(0, 30, "dlp");
	(void)told_type(0, "ask");
	leave(0);
	(void)told_type(0, "over");
	/* where none may wait, the second is one too many */
	serve(1, "supervisor");
	hold(1, 40, "supervisor");
	(void)told_type(1, "ask");
	hold(1, 41, "supervisor");
	heard_as(1, 41, IPC_SAY_DENY);
}

static void
test_remembered(void **state)
{
	char line[128];

	(void)state;
	serve(0, "dlp");
	have_device(0, "one", 0);
	hold(0, 1, "dlp");
	(void)snprintf(line, sizeof(line),
	    "{\"id\":%u,\"verdict\":\"allow\",\"valid\":3}\n",
	    told_type(0, "ask"));
	tell(0, line);
	heard_as(0, 1, IPC_SAY_ALLOW);
	hold(0, 2, "dlp");
	heard_as(0, 2, IPC_SAY_ALLOW);
	assert_true(audited("ask", "\"by\":\"cache\""));
	assert_true(audited("ask", "\"valid\":\"3\""));
	nothing_told(0);
	/* another identity, and another rule, are asked about */
	assert_int_equal(import(1, "two", 1), 0);
	close_fd(&given.fd);
	hold(1, 3, "dlp");
	say_verdict(0, told_type(0, "ask"), "allow");
	heard_as(1, 3, IPC_SAY_ALLOW);
	use_profile("profile p { on setup { allow } on hid { deny } }\n",
	    "allow using \"p\"");
	{
		struct channel_msg msg;

		assert_int_equal(hear(0, &msg), IPC_PROFILE);
		close_fd(&msg.fd);
		assert_int_equal(hear(1, &msg), IPC_PROFILE);
		close_fd(&msg.fd);
	}
	hold(0, 4, "dlp");
	(void)snprintf(line, sizeof(line),
	    "{\"id\":%u,\"verdict\":\"deny\",\"valid\":3}\n",
	    told_type(0, "ask"));
	tell(0, line);
	heard_as(0, 4, IPC_SAY_DENY);
	hold(0, 5, "dlp");
	heard_as(0, 5, IPC_SAY_DENY);
	/* and so is the same one, when it is over */
	pass(3);
	hold(0, 6, "dlp");
	say_verdict(0, told_type(0, "ask"), "allow");
	heard_as(0, 6, IPC_SAY_ALLOW);
}

/* ------------------------------------------------------------------------ */
/* Imports                                                                  */

#define BY_DLP "allow approve by \"dlp\" within 30s valid 1h"

static void
test_import(void **state)
{
	json_t *o;
	char line[128];

	(void)state;
	use_rules(BY_DLP " key \"R\"");
	serve(0, "dlp");
	assert_int_equal(try("one", 0), ERR_NOENT);
	o = told(0);
	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "kind")), "import");
	assert_int_equal(
	    json_integer_value(json_object_get(o, "deadline_ms")), 30000);
	assert_non_null(
	    json_object_get(json_object_get(o, "facts"), "desc_sha256"));
	assert_string_equal(json_string_value(json_object_get(
				json_object_get(o, "rule"), "key")),
	    "R");
	(void)snprintf(line, sizeof(line),
	    "{\"id\":%u,\"verdict\":\"allow\",\"valid\":60,"
	    "\"reason\":\"at work\"}\n",
	    (unsigned)json_integer_value(json_object_get(o, "id")));
	json_decref(o);
	/* asked for again meanwhile: it is one ask */
	assert_int_equal(try("one", 0), ERR_NOENT);
	nothing_told(0);
	tell(0, line);
	assert_true(audited("approval", "at work"));
	assert_true(audited("approval", "\"by\":\"server\""));
	assert_int_equal(import(0, "one", 0), 0);
	/* it said for how long, which was less than the rule */
	pass(59);
	assert_false(is_over(0));
	pass(2);
	assert_true(is_over(0));
}

static void
test_import_else(void **state)
{
	unsigned id;
	const struct said yes = {
	    .say = IPC_SAY_ALLOW, .by = "operator", .reason = ""};

	(void)state;
	use_rules(BY_DLP);
	/* nobody serves it: it waits for a server, or for a person */
	assert_int_equal(try("one", 0), ERR_NOENT);
	serve(0, "dlp");
	id = told_type(0, "ask");
	say_verdict(0, id, "none");
	assert_true(audited("approval", "no opinion"));
	assert_int_equal(w->book->nasks, 1);
	/* asked for anew, it is asked again; the server dies of it */
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(told_type(0, "ask"), id);
	tell(0, "garbage\n");
	assert_true(is_dropped(0));
	close_fd(&servers[0]);
	/* the next one is not given what killed the one before */
	serve(0, "dlp");
	nothing_told(0);
	assert_int_equal(asks_answer(w, id, &yes), 0);
	assert_int_equal(import(0, "one", 0), 0);
	leave(0);
	/* a person is first: the program hears of it, and what it says then is
	 * nothing */
	assert_int_equal(try("two", 0), ERR_NOENT);
	id = told_type(0, "ask");
	assert_int_equal(asks_answer(w, id, &yes), 0);
	assert_int_equal(told_type(0, "over"), id);
	say_verdict(0, id, "deny");
	assert_false(is_dropped(0));
	assert_int_equal(import(0, "two", 0), 0);
	leave(0);
	/* nobody speaks in time */
	assert_int_equal(try("three", 0), ERR_NOENT);
	id = told_type(0, "ask");
	for (unsigned i = 0; i < 30; i++) {
		char line[64];
		json_t *o;

		pass(1);
		while ((o = told(0)) != NULL) {
			const char *type =
			    json_string_value(json_object_get(o, "type"));

			if (strcmp(type, "ping") == 0) {
				(void)snprintf(line, sizeof(line),
				    "{\"type\":\"pong\",\"id\":%u}\n",
				    (unsigned)json_integer_value(
					json_object_get(o, "id")));
				tell(0, line);
			} else {
				assert_string_equal(type, "over");
				assert_int_equal(i, 29);
			}
			json_decref(o);
		}
	}
	assert_null(book_ask_by_id(w->book, id));
	/* unplugged, it is over within a second */
	assert_int_equal(try("four", 1), ERR_NOENT);
	id = told_type(0, "ask");
	unplug(1);
	pass(1);
	assert_int_equal(told_type(0, "over"), id);
	plug(1, 99);
}

/* An answer that is still good is there before anybody is asked. */
static void
test_import_remembered(void **state)
{
	char line[128];

	(void)state;
	use_rules("allow approve by \"dlp\" within 30s");
	serve(0, "dlp");
	assert_int_equal(try("one", 0), ERR_NOENT);
	(void)snprintf(line, sizeof(line),
	    "{\"id\":%u,\"verdict\":\"allow\",\"valid\":600}\n",
	    told_type(0, "ask"));
	tell(0, line);
	assert_int_equal(import(0, "one", 0), 0);
	leave(0);
	/* the same device in another socket */
	assert_int_equal(try("one", 1), ERR_NOENT);
	nothing_told(0);
	assert_true(audited("approval", "\"by\":\"cache\""));
	assert_int_equal(import(0, "one", 1), 0);
	leave(0);
	/* another identity is asked about */
	assert_int_equal(try("two", 1), ERR_NOENT);
	(void)told_type(0, "ask");
}

static void
test_list(void **state)
{
	json_t *o, *list, *e;

	(void)state;
	serve(0, "dlp");
	have_device(0, "one", 0);
	hold(0, 1, "dlp");
	mono += 20 * CLOCK_MSEC;
	say_verdict(0, told_type(0, "ask"), "allow");
	hold(0, 2, "dlp");
	o = control_verdicts(w, NULL);
	list = json_object_get(o, "verdicts");
	assert_int_equal(json_array_size(list), 3);
	e = json_array_get(list, 0);
	assert_string_equal(
	    json_string_value(json_object_get(e, "health")), "ok");
	assert_int_equal(
	    json_integer_value(json_object_get(e, "pid")), getpid());
	assert_int_equal(json_integer_value(json_object_get(e, "asked")), 2);
	assert_int_equal(json_integer_value(json_object_get(e, "allowed")), 1);
	assert_int_equal(json_integer_value(json_object_get(e, "out")), 1);
	assert_int_equal(json_integer_value(json_object_get(e, "mean_ms")), 20);
	e = json_array_get(list, 1);
	assert_string_equal(
	    json_string_value(json_object_get(e, "health")), "none");
	json_decref(o);
}

int
main(void)
{
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, setup_verdict, teardown_verdict)
	const struct CMUnitTest tests[] = {
	    TEST(test_who_may_serve),
	    TEST(test_health),
	    TEST(test_units),
	    TEST(test_whose_name),
	    TEST(test_bad_servers),
	    TEST(test_unread),
	    TEST(test_late),
	    TEST(test_bounds),
	    TEST(test_remembered),
	    TEST(test_import),
	    TEST(test_import_else),
	    TEST(test_import_remembered),
	    TEST(test_list),
	};

	log_init("test_verdict");
	return cmocka_run_group_tests_name("verdicts", tests, NULL, NULL);
}
