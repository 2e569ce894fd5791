/*
 * Profiles in the warden: which ones a lease has, how they are given to its
 * session, what becomes of it when they change, and what sessions say of the
 * units that were ruled on.
 */
#include "tests/unit/lease_body.h"

#include <fcntl.h>

#include "policy/facts/facts.h"
#include "policy/profiles/table.h"

#define PROFILE "profile p { on setup { allow } on hid { allow } }\n"

static void
drop_given(void)
{
	close_fd(&given.fd);
}

/* ------------------------------------------------------------------------ */

static void
test_given_with_the_device(void **state)
{
	uint8_t block[65536] __attribute__((aligned(8)));
	struct table table;
	ssize_t n;

	(void)state;
	use_profile(PROFILE, "allow using \"p\"");
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(given.nprofiles, 1);
	assert_int_equal(given.nquotas, 0);
	n = pread(given.fd, block, sizeof(block), 0);
	assert_true(n > 0);
	assert_int_equal(write(given.fd, "x", 1), -1); /* it is sealed */
	assert_int_equal(table_open(&table, block, (size_t)n), 0);
	assert_int_equal(table_profiles(&table), 1);
	assert_string_equal(table_name(&table, 0), "p");
	assert_int_equal(table_bound(&table, 1, 0), 0);
	assert_int_equal(table_bound(&table, 1, 9), -1);
	drop_given();
	/* without one, the floor alone judges */
	use_rules("allow");
	assert_int_equal(import(1, "one", 1), 0);
	assert_int_equal(given.nprofiles, 0);
}

static void
test_not_given(void **state)
{
	(void)state;
	write_profile(PROFILE "profile disk { for { 08:06:50 } on setup { "
			      "allow } on scsi { allow } }\n");
	use_rules("allow using \"disk\"");
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_true(audited("import", "\"blocked\""));
	assert_true(audited("import", "disk"));
	/* a name that there is not is an error of the rules */
	write_rules("allow using \"nobody\"");
	assert_int_not_equal(policy_replace(w, NULL, 0), 0);
	assert_non_null(strstr(w->rules_error, "`disk' and `p'"));
	/* and an error of a profile loads no rules */
	write_profile("profile p { on nothing { } }");
	write_rules("allow key \"new\"");
	assert_int_not_equal(policy_replace(w, NULL, 0), 0);
	assert_non_null(strstr(w->rules_error, "a.profile:1:16"));
	assert_non_null(w->profiles);
	/* nothing of a lease stays behind */
	assert_null(devs[0].holder);
}

static void
test_vendor_interfaces_need_one(void **state)
{
	uint8_t *p;

	(void)state;
	/* the keyboard's interface, as if its maker had made up a class */
	p = devs[0].record->config_bytes + 9;
	assert_int_equal(p[5], 3);
	p[5] = 0xff;
	use_profile(PROFILE, "allow");
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_true(audited("import", "vendor's own class"));
	use_profile("profile v { on setup { allow } on out { allow } on in { allow } "
	    "}\n",
	    "allow using \"v\"");
	assert_int_equal(import(0, "one", 0), 0);
	assert_int_equal(given.nprofiles, 1);
	drop_given();
}

static void
test_swap(void **state)
{
	struct channel_msg msg;

	(void)state;
	use_profile(PROFILE, "allow using \"p\"");
	assert_int_equal(import(0, "one", 0), 0);
	drop_given();
	/* other rules, the same profile: nothing to hand over */
	use_rules("allow using \"p\" key \"other\"");
	assert_int_equal(hear(0, &msg), 0);
	assert_false(is_over(0));
	write_profile("profile p { on setup { allow } on hid { deny } }\n");
	policy_touched(w);
	assert_int_equal(hear(0, &msg), IPC_PROFILE);
	assert_true(msg.fd != -1);
	close_fd(&msg.fd);
	assert_int_equal(hear(0, &msg), 0);
	assert_true(audited("profiles", "\"changed\""));
	/* inspection cannot begin or end in the middle */
	use_rules("allow");
	assert_true(is_over(0));
	assert_true(audited("session", "whether it is inspected changed"));
}

static void
test_rulings_are_audited(void **state)
{
	struct ipc_ruled m = {
		.hook = HOOK_SCSI,
		.verdict = VERDICT_DENY,
		.level = 2,
		.line = 7,
		.more = 3,
		.profile = "storage-ro",
		.key = "K",
		.file = "/x/a.profile",
		.log = "write-refused",
		.text = "op=write-10 lba=0..7",
	};
	uint8_t buf[2048];

	(void)state;
	use_profile(PROFILE, "allow using \"p\"");
	assert_int_equal(import(0, "one", 0), 0);
	drop_given();
	say(0, IPC_RULED, buf, ipc_encode_ruled(buf, sizeof(buf), &m));
	assert_true(audited("transfer", "\"outcome\":\"deny\""));
	assert_true(audited("transfer", "\"hook\":\"scsi\""));
	assert_true(audited("transfer", "\"file\":\"/x/a.profile\""));
	assert_true(audited("transfer", "\"line\":\"7\""));
	assert_true(audited("transfer", "\"level\":\"alert\""));
	assert_true(audited("transfer", "op=write-10 lba=0..7"));
	assert_int_equal(peers[0]->refusals, 1);
	m.is_trial = 1;
	m.line = 0;
	say(0, IPC_RULED, buf, ipc_encode_ruled(buf, sizeof(buf), &m));
	assert_true(audited("transfer trial", "\"file\":\"implicit\""));
	assert_int_equal(peers[0]->refusals, 1);
	/* nobody else has something to say of a device */
	(void)connect_as(1, "two");
	say(1, IPC_RULED, buf, ipc_encode_ruled(buf, sizeof(buf), &m));
	assert_true(is_over(1));
}

static void
test_asks(void **state)
{
	struct ipc_ask ask = {.id = 5, .within_ms = 30000, .hook = HOOK_SCSI,
		.server = "dlp", .text = "op=write-10"};
	const struct said yes = {
		.say = IPC_SAY_ALLOW, .by = "operator", .reason = ""};
	struct ipc_over over = {.id = 5};
	struct ipc_answer answered;
	struct channel_msg msg;
	uint8_t buf[2048];
	unsigned id;

	(void)state;
	use_profile(PROFILE, "allow using \"p\"");
	assert_int_equal(import(0, "one", 0), 0);
	drop_given();
	say(0, IPC_ASK, buf, ipc_encode_ask(buf, sizeof(buf), &ask));
	assert_false(TAILQ_EMPTY(&w->held));
	id = TAILQ_FIRST(&w->held)->id;
	assert_true(audited("ask", "\"asked\""));
	assert_int_equal(held_answer(w, id + 1, &yes), ERR_NOENT);
	assert_int_equal(held_answer(w, id, &yes), 0);
	assert_int_equal(hear(0, &msg), IPC_ANSWER);
	assert_int_equal(
	    ipc_decode_answer(&answered, msg.data, msg.len), 0);
	assert_int_equal(answered.id, 5);
	assert_int_equal(answered.say, IPC_SAY_ALLOW);
	assert_int_equal(held_answer(w, id, &yes), ERR_NOENT);
	/* one whose time comes */
	say(0, IPC_ASK, buf, ipc_encode_ask(buf, sizeof(buf), &ask));
	say(0, IPC_ASK_OVER, buf, ipc_encode_over(buf, sizeof(buf), &over));
	assert_true(TAILQ_EMPTY(&w->held));
	assert_true(audited("ask", "\"no answer\""));
	/* one whose session ends, and more than a session may have */
	for (unsigned i = 0; i < 17; i++) {
		say(0, IPC_ASK, buf, ipc_encode_ask(buf, sizeof(buf), &ask));
	}
	assert_true(is_over(0));
	leave(0);
	assert_true(TAILQ_EMPTY(&w->held));
}

static void
test_quarantine(void **state)
{
	struct ipc_out out = {.is_quarantine = 1, .text = "injection"};
	uint8_t buf[1024];

	(void)state;
	use_profile(PROFILE, "allow using \"p\" hold 10m");
	assert_int_equal(import(0, "one", 0), 0);
	drop_given();
	say(0, IPC_OUT, buf, ipc_encode_out(buf, sizeof(buf), &out));
	assert_true(is_over(0));
	assert_true(audited("quarantine", "injection"));
	leave(0);
	assert_true(device_is_quarantined(&devs[0]));
	assert_false(device_is_quarantined(&devs[1]));
	assert_int_equal(try("one", 0), ERR_NOENT);
	assert_true(audited("import", "quarantine"));
	/* a gateway that is started again knows it, and another plug, too */
	restart_book();
	unplug(0);
	plug(0, 77);
	assert_true(device_is_quarantined(&devs[0]));
	assert_int_equal(book_clear(w->book, 0), 0);
	assert_int_equal(import(1, "one", 0), 0);
	drop_given();
	/* an ejection is no quarantine, and no hold follows either */
	out.is_quarantine = 0;
	say(1, IPC_OUT, buf, ipc_encode_out(buf, sizeof(buf), &out));
	assert_true(is_over(1));
	leave(1);
	assert_int_equal(import(0, "two", 0), 0);
	drop_given();
}

static void
test_quotas(void **state)
{
	struct ipc_quota used = {.profile = "p", .name = "day", .used = 4096};
	uint8_t buf[512];

	(void)state;
	use_profile(PROFILE, "allow using \"p\"");
	assert_int_equal(import(0, "one", 0), 0);
	drop_given();
	used.since = wall;
	say(0, IPC_QUOTA, buf, ipc_encode_quota(buf, sizeof(buf), &used));
	leave(0);
	restart_book();
	assert_int_equal(import(1, "two", 0), 0);
	drop_given();
	assert_int_equal(given.nquotas, 1);
	assert_int_equal(given.quota.used, 4096);
	assert_int_equal(given.quota.since, wall);
	assert_string_equal(given.quota.name, "day");
	/* another device has its own */
	assert_int_equal(import(2, "two", 1), 0);
	drop_given();
	assert_int_equal(given.nquotas, 0);
}

/* A session hears when somebody would see its challenge, and that goes to no
 * audit log. */
static void
test_challenges(void **state)
{
	struct ipc_challenge m = {.within = 60, .digits = "4711"};
	struct ipc_byte listening;
	struct channel_msg msg;
	uint8_t buf[64];

	(void)state;
	use_profile(PROFILE, "allow using \"p\"");
	assert_int_equal(import(0, "one", 0), 0);
	drop_given();
	(void)connect_as(1, "one");
	say(1, IPC_SUBSCRIBE, NULL, 0);
	assert_int_equal(hear(0, &msg), IPC_LISTENING);
	assert_int_equal(ipc_decode_byte(&listening, msg.data, msg.len), 0);
	assert_int_equal(listening.value, 1);
	drain(ends[1]);
	say(0, IPC_CHALLENGE, buf, ipc_encode_challenge(buf, sizeof(buf), &m));
	assert_int_equal(hear(1, &msg), IPC_LINE);
	assert_non_null(memmem(msg.data, msg.len, "4711", 4));
	assert_true(audited("challenge", "\"shown\""));
	assert_false(audited("challenge", "4711"));
	leave(1);
	assert_int_equal(hear(0, &msg), IPC_LISTENING);
	assert_int_equal(ipc_decode_byte(&listening, msg.data, msg.len), 0);
	assert_int_equal(listening.value, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_given_with_the_device),
		TEST(test_not_given),
		TEST(test_vendor_interfaces_need_one),
		TEST(test_swap),
		TEST(test_rulings_are_audited),
		TEST(test_asks),
		TEST(test_quarantine),
		TEST(test_quotas),
		TEST(test_challenges),
	};

	log_init("test_lease_inspect");
	return cmocka_run_group_tests_name(
	    "profiles of leases", tests, NULL, NULL);
}
