/*
 * The life of a lease, with a clock that the test turns: the warden's own
 * sessions, rules and book, a broker that is a socket, and devices that somebody
 * plugged in by hand.
 */
#include "tests/unit/lease_body.h"

/* ------------------------------------------------------------------------ */
/* Ends                                                                     */

static int
approve(unsigned id)
{
	return asks_answer(w, id,
	    &(struct said){.say = IPC_SAY_ALLOW, .by = "operator",
		.reason = ""});
}

static int
deny(unsigned id)
{
	return asks_answer(w, id,
	    &(struct said){
		.say = IPC_SAY_DENY, .by = "operator", .reason = ""});
}

static void
test_lease(void **state)
{
	(void)state;
	use_rules("allow lease 10s");
	assert_int_equal(import(0, "one", 0), 0);
	pass(9);
	assert_false(is_over(0));
	/* a clock on the wall that is set changes nothing */
	wall += 86400;
	leases_tick(w);
	settle();
	assert_false(is_over(0));
	pass(1);
	assert_true(is_over(0));
	assert_true(audited("session", "the lease is over"));
	assert_true(audited("session", "a.rules\",\"line\":2"));
	leave(0);
	/* a new import is a new lease */
	assert_int_equal(import(0, "one", 0), 0);
	pass(5);
	/* other terms count from when it began */
	use_rules("allow lease 4s");
	pass(1);
	assert_true(is_over(0));
}

static void
test_idle(void **state)
{
	(void)state;
	use_rules("allow lease 1h idle 5s");
	assert_int_equal(import(0, "one", 0), 0);
	for (int i = 0; i < 10; i++) {
		pass(4);
		assert_int_equal(channel_send(ends[0], IPC_ACTIVE, 0, NULL, 0,
				     -1),
		    0);
		settle();
		assert_false(is_over(0));
	}
	pass(4);
	assert_false(is_over(0));
	pass(1);
	assert_true(is_over(0));
	assert_true(audited("session", "idle for too long"));
	leave(0);
	/* activity of whoever has nothing, and one with words in it */
	(void)connect_as(0, "one");
	assert_int_equal(
	    channel_send(ends[0], IPC_ACTIVE, 0, NULL, 0, -1), 0);
	settle();
	assert_true(is_over(0));
	leave(0);
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(
	    channel_send(ends[0], IPC_ACTIVE, 0, "x", 1, -1), 0);
	settle();
	assert_true(is_over(0));
}

static void
test_window_and_until(void **state)
{
	(void)state;
	use_rules("allow window { Mon-Fri 08:00-09:01 } tz \"UTC\"");
	assert_int_equal(import(0, "one", 0), 0);
	pass(59);
	assert_false(is_over(0));
	pass(1);
	assert_true(is_over(0));
	assert_true(audited("session", "its hours are over"));
	leave(0);
	assert_int_equal(try("one", 0), ERR_NOENT);
	/* Tuesday */
	wall += 86400 - 60;
	assert_int_equal(try("one", 0), 0);
	/* an hour east of it the window is over already */
	use_rules("allow window { Mon-Fri 08:00-09:01 } tz \"Europe/Berlin\"");
	assert_int_equal(try("one", 0), ERR_NOENT);
	use_rules("allow until \"2026-11-24T09:00:05Z\"");
	wall = MONDAY + 86400;
	assert_int_equal(import(0, "one", 0), 0);
	pass(4);
	assert_false(is_over(0));
	pass(1);
	assert_true(is_over(0));
}

static void
test_hold(void **state)
{
	(void)state;
	use_rules("allow hold 2m");
	assert_int_equal(import(0, "one", 0), 0);
	leave(0);
	assert_true(device_is_held_from(&devs[0], NULL));
	assert_int_equal(try("two", 0), ERR_BUSY);
	pass(60);
	assert_int_equal(try("two", 0), ERR_BUSY);
	/* it is his, and the time begins anew when he leaves */
	assert_int_equal(import(0, "one", 0), 0);
	assert_false(device_is_held_from(&devs[0], NULL));
	pass(300);
	leave(0);
	pass(119);
	assert_int_equal(try("two", 0), ERR_BUSY);
	pass(1);
	assert_int_equal(try("two", 0), 0);
	/* over a restart: of a hold, and of one whose lease was cut off */
	restart_book();
	assert_int_equal(try("one", 0), ERR_BUSY);
	pass(121);
	assert_int_equal(import(0, "one", 0), 0);
	restart_book();
	assert_true(plug_is_held(devs[0].plug));
	leave(0);
}

static void
test_no_hold(void **state)
{
	json_t *request = json_pack("{s:s}", "busid", "1-1"), *reply;

	(void)state;
	/* what the gateway takes away is free for all */
	use_rules("allow hold 2m");
	assert_int_equal(import(0, "one", 0), 0);
	reply = control_kick(w, request);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	assert_true(is_over(0));
	leave(0);
	assert_int_equal(try("two", 0), 0);
	/* and a hold can be kicked as well */
	assert_int_equal(try("one", 0), ERR_BUSY);
	reply = control_kick(w, request);
	assert_true(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	assert_int_equal(try("one", 0), 0);
	json_decref(request);
	use_rules("allow lease 3s hold 2m");
	pass(121);
	assert_int_equal(import(0, "one", 0), 0);
	pass(3);
	assert_true(is_over(0));
	leave(0);
	assert_int_equal(try("two", 0), 0);
}

static void
test_once(void **state)
{
	(void)state;
	use_rules("allow once");
	/* nothing came of it: not had */
	assert_int_equal(import_with(0, "one", 0, ERR_SYS), ERR_SYS);
	leave(0);
	assert_int_equal(import(0, "one", 0), 0);
	pass(5);
	assert_false(is_over(0));
	leave(0);
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(try("two", 0), ERR_NOENT);
	assert_int_equal(try("two", 1), 0);
	restart_book();
	assert_int_equal(try("one", 0), ERR_NOENT);
	/* the same rule after a reload, another with other words */
	use_rules("# moved\nallow once");
	assert_int_equal(try("one", 0), ERR_NOENT);
	unplug(0);
	plug(0, 7);
	assert_int_equal(try("one", 0), 0);
	/* a promise that cannot be written down is not made */
	use_rules("allow once key \"other\"");
	w->conf.state = (char *)(uintptr_t) "/nonexistent";
	assert_int_equal(try("one", 0), ERR_NOENT);
	w->conf.state = dir;
	assert_int_equal(try("one", 0), 0);
}

static void
test_max(void **state)
{
	(void)state;
	use_rules("allow max 1 per-workstation");
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(try("one", 1), ERR_NOENT);
	assert_int_equal(try("two", 1), 0);
	/* its own lease does not end it */
	pass(2);
	assert_false(is_over(0));
	use_rules("allow max 1 per-gateway hold 1m");
	pass(1);
	assert_false(is_over(0));
	assert_int_equal(try("two", 1), ERR_NOENT);
	leave(0);
	/* reserved is as good as given */
	assert_int_equal(try("two", 1), ERR_NOENT);
	pass(61);
	assert_int_equal(try("two", 1), 0);
}

/* ------------------------------------------------------------------------ */
/* What changes                                                             */

static void
test_approval(void **state)
{
	unsigned id;

	(void)state;
	use_rules("allow approve by \"boss\" within 10s valid 100s");
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(w->book->nasks, 1);
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(w->book->nasks, 1);
	id = TAILQ_FIRST(&w->book->asks)->id;
	/* nobody answers: it may be asked again */
	pass(9);
	assert_int_equal(w->book->nasks, 1);
	pass(1);
	assert_int_equal(w->book->nasks, 0);
	assert_int_equal(approve(id), ERR_NOENT);
	/* no */
	assert_int_equal(try("one", 0), ERR_NOENT);
	id = TAILQ_FIRST(&w->book->asks)->id;
	assert_int_equal(deny(id), 0);
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_true(audited("import", "blocked"));
	assert_int_equal(w->book->nasks, 1);
	pass(10);
	assert_int_equal(w->book->nasks, 0);
	/* yes: for this one, of this identity */
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_true(audited("import", "needs approval"));
	id = TAILQ_FIRST(&w->book->asks)->id;
	assert_int_equal(approve(id), 0);
	assert_int_equal(try("two", 0), ERR_NOENT);
	assert_int_equal(try("one", 1), ERR_NOENT);
	assert_int_equal(import(0, "one", 0), 0);
	leave(0);
	restart_book();
	assert_int_equal(w->book->nasks, 1);
	assert_int_equal(import(0, "one", 0), 0);
	pass(99);
	assert_false(is_over(0));
	pass(1);
	assert_true(is_over(0));
	assert_true(audited("session", "its approval is over"));
	leave(0);
	/* taken back */
	assert_int_equal(try("one", 0), ERR_NOENT);
	id = TAILQ_FIRST(&w->book->asks)->id;
	assert_int_equal(approve(id), 0);
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(deny(id), 0);
	settle();
	assert_true(is_over(0));
}

static void
test_approval_until_unplugged(void **state)
{
	(void)state;
	use_rules("allow approve by \"boss\"");
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(
	    approve(TAILQ_FIRST(&w->book->asks)->id), 0);
	assert_int_equal(import(0, "one", 0), 0);
	pass(5000);
	assert_false(is_over(0));
	leave(0);
	unplug(0);
	plug(0, 8);
	assert_int_equal(w->book->nasks, 0);
	assert_int_equal(try("one", 0), ERR_NOENT);
}

static void
test_armed(void **state)
{
	(void)state;
	use_rules("allow if armed(\"svc\")");
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(armed_set(w, "svc", 10), 0);
	assert_int_equal(armed_set(w, "", 10), ERR_FORMAT);
	assert_int_equal(armed_set(w, "a b", 10), ERR_FORMAT);
	assert_int_equal(import(0, "one", 0), 0);
	/* it was the door that was open, not the room */
	pass(20);
	assert_false(is_over(0));
	assert_int_equal(w->narmed, 0);
	leave(0);
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(armed_set(w, "svc", 10), 0);
	assert_int_equal(armed_unset(w, "svc"), 0);
	assert_int_equal(armed_unset(w, "svc"), ERR_NOENT);
	assert_int_equal(try("one", 0), ERR_NOENT);
	for (unsigned i = 0; i < ARMED_MAX; i++) {
		char token[16];

		(void)snprintf(token, sizeof(token), "t%u", i);
		assert_int_equal(armed_set(w, token, 10), 0);
	}
	assert_int_equal(armed_set(w, "one-more", 10), ERR_LIMIT);
}

static void
say_line(unsigned i, const char *text)
{
	uint8_t buf[512];
	struct ipc_line m = {.text = text, .len = (uint32_t)strlen(text)};

	say(i, IPC_SAID, buf, ipc_encode_line(buf, sizeof(buf), &m));
}

static void
test_lock(void **state)
{
	(void)state;
	use_rules("allow if session(unlocked)");
	(void)connect_as(1, "one");
	assert_int_equal(
	    channel_send(ends[1], IPC_SUBSCRIBE, 0, NULL, 0, -1), 0);
	settle();
	assert_int_equal(try("one", 0), ERR_NOENT);
	say_line(1, "{\"type\":\"hello\",\"protocol\":1}");
	say_line(1, "{\"type\":\"session\",\"state\":\"unlocked\"}");
	assert_int_equal(import(0, "one", 0), 0);
	/* what others say of theirs does not matter */
	assert_int_equal(try("two", 1), ERR_NOENT);
	say_line(1, "{\"type\":\"session\",\"state\":\"locked\"}");
	assert_true(is_over(0));
	assert_true(audited("session", "locked or unlocked"));
	leave(0);
	say_line(1, "{\"type\":\"session\",\"state\":\"unlocked\"}");
	assert_int_equal(import(0, "one", 0), 0);
	/* nobody says it any more */
	leave(1);
	assert_true(is_over(0));
}

static void
test_others(void **state)
{
	(void)state;
	use_rules("allow id 1209:0001 if !exported-matches(id *:*)");
	devs[0].facts.vid = devs[1].facts.vid = 0x1209;
	devs[0].facts.pid = devs[1].facts.pid = 1;
	assert_int_equal(import(0, "one", 0), 0);
	/* that it is exported itself is no reason */
	pass(1);
	assert_false(is_over(0));
	assert_int_equal(try("two", 1), ERR_NOENT);
	leave(0);
	assert_int_equal(try("two", 1), 0);
}

static void
test_reload(void **state)
{
	(void)state;
	use_rules("allow key \"a\"");
	assert_int_equal(import(0, "one", 0), 0);
	use_rules("allow key \"b\"");
	assert_false(is_over(0));
	/* an error changes nothing */
	write_rules("alow");
	assert_int_not_equal(policy_replace(w, NULL, 0), 0);
	settle();
	assert_false(is_over(0));
	assert_true(strstr(w->rules_error, "a.rules:2:1") != NULL);
	use_rules("allow expose { hid-keyboard }");
	assert_true(is_over(0));
	assert_true(audited("session", "what it may see changed"));
	leave(0);
	use_rules("allow");
	assert_int_equal(import(0, "one", 0), 0);
	use_rules("forbid with-class hid-keyboard\nallow");
	assert_true(is_over(0));
	assert_true(audited("session", "rules changed"));
	assert_true(audited("session", "\"line\":2"));
}

/* Rejected, whoever asks: refused until it is plugged in anew, whatever rules
 * come; to one identity only, it is a block. */
static void
test_reject(void **state)
{
	(void)state;
	use_rules("reject to \"cn:two\"\nallow");
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(try("two", 1), ERR_NOENT);
	assert_int_equal(devs[1].state, DEVICE_READY);
	use_rules("reject via-port \"1-1\"\nallow");
	assert_true(is_over(0));
	assert_true(audited("session", "policy.reject"));
	assert_int_equal(session_on_exited(w, peers[0]->conn,
			     &(struct ipc_exited){.role = IPC_ROLE_SESSION}),
	    1);
	peers[0] = NULL;
	assert_int_equal(devs[0].state, DEVICE_REFUSED);
	use_rules("allow");
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(try("one", 1), 0);
	unplug(0);
	plug(0, 9);
	assert_int_equal(try("one", 0), 0);
}

static void
test_confirm(void **state)
{
	unsigned revision;

	(void)state;
	use_rules("allow");
	assert_int_equal(policy_confirm(w), ERR_NOENT);
	write_rules("block");
	assert_int_equal(policy_replace(w, NULL, 1), 0);
	assert_int_equal(try("one", 0), ERR_NOENT);
	/* another load meanwhile does not confirm the first */
	use_rules("block key \"again\"");
	revision = w->rules_revision;
	while (w->rules_revision == revision) {
		loop_once(w->loop, LOOP_WAIT);
		drain(broker);
	}
	assert_int_equal(try("one", 0), 0);
	assert_true(audited("policy", "rolled back"));
	assert_int_equal(policy_confirm(w), ERR_NOENT);
	write_rules("block");
	assert_int_equal(policy_replace(w, NULL, 1), 0);
	assert_int_equal(policy_confirm(w), 0);
	assert_null(w->fallback);
	assert_int_equal(try("one", 0), ERR_NOENT);
}

/* Rules from elsewhere are tried; the gateway's own come back by any change of
 * them, and even when they did not change. */
static void
test_other_path(void **state)
{
	char path[80];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/other", dir);
	write_at(path, "block");
	use_rules("allow");
	assert_int_equal(policy_replace(w, path, 60), 0);
	assert_non_null(strstr(w->rules_error, path));
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_int_equal(policy_confirm(w), 0);
	assert_int_equal(try("one", 0), ERR_NOENT);
	policy_touched(w);
	assert_string_equal(w->rules_error, "");
	assert_int_equal(try("one", 0), 0);
	write_at(path, "blok");
	assert_int_not_equal(policy_replace(w, path, 60), 0);
	assert_false(w->has_fallback);
	assert_int_equal(remove(path), 0);
}

/* A changed file is loaded, the same text again is not. */
static void
test_touched(void **state)
{
	unsigned revision;

	(void)state;
	use_rules("allow");
	revision = w->rules_revision;
	policy_touched(w);
	assert_int_equal(w->rules_revision, revision);
	write_rules("allow key \"x\"");
	policy_touched(w);
	assert_int_equal(w->rules_revision, revision + 1);
	write_rules("alow");
	policy_touched(w);
	policy_touched(w);
	assert_int_equal(w->rules_revision, revision + 1);
	/* everybody may write to it: no rules */
	write_rules("allow");
	assert_int_equal(chmod(rules_path, 0666), 0);
	assert_int_not_equal(policy_replace(w, NULL, 0), 0);
	assert_true(strstr(w->rules_error, "chmod o-w") != NULL);
	assert_int_equal(chmod(rules_path, 0644), 0);
}

/* ------------------------------------------------------------------------ */
/* What an operator is told                                                 */

static const char *
change_of(json_t *reply, const char *name, const char *busid)
{
	json_t *e;
	size_t i;

	json_array_foreach (json_object_get(reply, "changes"), i, e) {
		if (strcmp(json_string_value(json_object_get(e, "name")),
			name) == 0 &&
		    strcmp(json_string_value(json_object_get(e, "busid")),
			busid) == 0) {
			return json_string_value(
			    json_object_get(e, "change"));
		}
	}
	return "";
}

static void
test_diff(void **state)
{
	json_t *dry = json_pack("{s:b}", "dry_run", 1), *reply;
	unsigned revision;

	(void)state;
	use_rules("allow via-port \"1-1\" to \"cn:one\"\n"
		  "allow via-port \"1-2\" to \"cn:two\"");
	revision = w->rules_revision;
	assert_int_equal(import(0, "one", 0), 0);
	(void)connect_as(1, "two");
	write_rules("allow via-port \"1-1\" to \"cn:two\"\n"
		    "allow via-port \"1-2\" to \"cn:one\" approve by \"x\"");
	for (int i = 0; i < 2; i++) {
		reply = control_reload(w, i == 0 ? dry : NULL);
		assert_true(json_is_true(json_object_get(reply, "ok")));
		assert_string_equal(change_of(reply, "one", "1-1"), "ejected");
		assert_string_equal(change_of(reply, "one", "1-2"), "pending");
		assert_string_equal(change_of(reply, "two", "1-1"), "allowed");
		assert_string_equal(change_of(reply, "two", "1-2"), "refused");
		json_decref(reply);
		/* dry: nothing happened */
		settle();
		assert_int_equal(is_over(0), i);
		assert_int_equal(w->rules_revision, revision + (unsigned)i);
	}
	reply = control_reload(w, NULL);
	assert_int_equal(
	    json_array_size(json_object_get(reply, "changes")), 0);
	json_decref(reply);
	/* rejected for all: both of one device */
	(void)connect_as(2, "one");
	use_rules("allow");
	write_rules("reject via-port \"1-2\"\nallow");
	reply = control_reload(w, NULL);
	assert_string_equal(change_of(reply, "one", "1-2"), "refused");
	assert_string_equal(change_of(reply, "two", "1-2"), "refused");
	assert_string_equal(change_of(reply, "one", "1-1"), "");
	json_decref(reply);
	write_rules("alow");
	reply = control_reload(w, dry);
	assert_false(json_is_true(json_object_get(reply, "ok")));
	json_decref(reply);
	json_decref(dry);
}

static json_t *
explain(const char *device, const char *who)
{
	json_t *request =
	    json_pack("{s:s, s:s}", "device", device, "identity", who);
	json_t *reply = control_explain(w, request);

	json_decref(request);
	return reply;
}

static void
test_explain(void **state)
{
	static const char *const nobody[] = {
		"nobody", "@99", "@", "", "dns:", "xx:one"};
	json_t *reply, *steps;
	char conn[16];

	(void)state;
	use_rules("block serial \"other\"\nallow to \"cn:one\" once key "
		  "\"K\"\n");
	assert_int_equal(try("one", 0), 0);
	reply = explain("kbd@p:1", "cn:one");
	assert_string_equal(
	    json_string_value(json_object_get(reply, "verdict")), "block");
	assert_string_equal(
	    json_string_value(json_object_get(reply, "term")), "once");
	assert_string_equal(
	    json_string_value(json_object_get(reply, "key")), "K");
	steps = json_object_get(reply, "steps");
	assert_int_equal(json_array_size(steps), 2);
	assert_true(json_is_true(
	    json_object_get(json_array_get(steps, 1), "matched")));
	json_decref(reply);
	(void)connect_as(0, "one");
	(void)snprintf(conn, sizeof(conn), "@%u", peers[0]->conn);
	reply = explain("1-2", conn);
	assert_string_equal(
	    json_string_value(json_object_get(reply, "verdict")), "allow");
	assert_false(json_is_true(json_object_get(reply, "assumed")));
	json_decref(reply);
	for (size_t i = 0; i < ARRAY_LEN(nobody); i++) {
		reply = explain("1-1", nobody[i]);
		assert_int_equal(
		    json_integer_value(json_object_get(reply, "code")), 5);
		json_decref(reply);
	}
	reply = explain("9-9", "cn:one");
	assert_int_equal(
	    json_integer_value(json_object_get(reply, "code")), 5);
	json_decref(reply);
}

#define T(name)                                                                \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lease),
		T(test_idle),
		T(test_window_and_until),
		T(test_hold),
		T(test_no_hold),
		T(test_once),
		T(test_max),
		T(test_approval),
		T(test_approval_until_unplugged),
		T(test_armed),
		T(test_lock),
		T(test_others),
		T(test_reload),
		T(test_reject),
		T(test_confirm),
		T(test_other_path),
		T(test_touched),
		T(test_diff),
		T(test_explain),
	};

	log_init("test_lease");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
