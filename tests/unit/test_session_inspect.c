/*
 * Inspection in a session: profiles as text, compiled and given by the warden,
 * over real transfers with a simulated device. What is refused never reaches the
 * device and is answered; what waits for a verdict holds its endpoint and no
 * other; a swap takes effect at the next transfer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/fake/session_rig.h"
#include "tests/unit/profiles_body.h"

#define SETUP(...) ((const uint8_t[8]){__VA_ARGS__})
#define SET_CONFIG(v) SETUP(0, 9, v, 0, 0, 0, 0, 0)
#define SET_INTERFACE(n, alt) SETUP(1, 11, alt, 0, n, 0, 0, 0)
#define GET_DEVICE SETUP(0x80, 6, 0, 1, 0, 0, 18, 0)
#define VENDOR_IN SETUP(0xc0, 5, 0, 0, 0, 0, 4, 0)

/* What every profile of these tests begins with. */
#define BASE                                                                   \
	"profile base { on setup { allow request { get-descriptor get-status " \
	"get-configuration get-interface set-configuration set-interface "     \
	"clear-halt }; deny type vendor log \"vendor-request\" } }\n"

/* A block of one profile for all interfaces of the rig's device. */
static void *
compile(const char *text, const char *name, size_t *size)
{
	char all[4096], why[256];
	struct profile_set *set;
	struct profile_bind binds[] = {{1, 0, 0}, {1, 1, 0}, {2, 0, 0}};
	void *block = NULL;
	int i;

	(void)snprintf(all, sizeof(all), BASE "%s\n", text);
	set = profiles_of(all);
	i = profile_set_find(set, name);
	assert_true(i >= 0);
	for (unsigned k = 0; k < 3; k++) {
		binds[k].profile = (uint16_t)i;
	}
	assert_int_equal(profile_build(set, binds, 3, 0, &block, size, why,
			     sizeof(why)),
	    0);
	profile_set_free(set);
	return block;
}

static struct rig *
streaming(const char *text)
{
	struct rig *rig = rig_new();
	void *block = compile(text, "t", &rig->block_size);

	rig->block = block;
	rig_start(rig);
	rig_import(rig);
	rig->block = NULL;
	free(block);
	return rig;
}

static const struct ipc_ruled *
last_ruled(struct rig *rig)
{
	rig_settle(rig);
	assert_true(rig->nruled > 0);
	return &rig->ruled[rig->nruled - 1];
}

/* ------------------------------------------------------------------------ */

static void
test_setup_hook(void **state)
{
	struct rig *rig =
	    streaming("profile t extends base { on out { allow } on in { allow "
		      "} }");
	const struct ipc_ruled *r;

	(void)state;
	rig_do_control(rig, 1, GET_DEVICE, 0, 18);
	rig_do_control(rig, 2, VENDOR_IN, USBIP_EPIPE, 0);
	r = last_ruled(rig);
	assert_int_equal(r->hook, HOOK_SETUP);
	assert_int_equal(r->verdict, VERDICT_DENY);
	assert_string_equal(r->log, "vendor-request");
	assert_string_equal(r->profile, "t");
	assert_string_equal(r->file, "t.profile");
	assert_int_equal(r->line, 1);
	assert_non_null(strstr(r->text, "type=vendor"));
	/* a class request that no rule speaks of: the hook's end */
	rig_do_control(
	    rig, 3, SETUP(0x21, 10, 0, 0, 1, 0, 0, 0), USBIP_EPIPE, 0);
	r = last_ruled(rig);
	assert_int_equal(r->line, 0);
	assert_int_equal(r->interface, 1);
	assert_int_equal(rig->sim->nsetups, 0);
	/* the reset is USB/IP's own, and no profile's */
	rig_do_control(
	    rig, 4, SETUP(0x23, 3, 4, 0, 0, 0, 0, 0), 0, 0);
	assert_int_equal(rig->sim->counts.resets, 1);
	rig_free(rig);
}

static void
test_out_and_in(void **state)
{
	struct rig *rig = streaming("profile t extends base {\n"
	    "on out { deny u8@0 0x55 key \"K-55\"; drop u8@0 0x66 log "
	    "\"sixes\"; allow ep 0x02 }\n"
	    "on in { deny ep 0x83; allow len <= 64 } }");
	struct rig_reply *reply;

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 8, NULL, "\x11zzzzzzz");
	rig_expect_submit(rig, 1, 0, 8);
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 8, NULL, "\x55zzzzzzz");
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	assert_string_equal(last_ruled(rig)->key, "K-55");
	rig_submit(rig, 3, RIG_BULK_OUT, 0, 8, NULL, "\x66zzzzzzz");
	rig_expect_submit(rig, 3, 0, 8); /* said to be done */
	assert_string_equal(last_ruled(rig)->log, "sixes");
	rig_submit(rig, 4, RIG_INT_OUT, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 4, USBIP_EPIPE, 0); /* by the hook's end */
	assert_int_equal(usb_sim_ep(rig->sim, RIG_BULK_OUT)->moved, 8);
	assert_int_equal(usb_sim_ep(rig->sim, RIG_INT_OUT)->moved, 0);
	rig_submit(rig, 5, RIG_BULK_IN, 0, 64, NULL, NULL);
	reply = rig_expect_submit(rig, 5, 0, 64);
	assert_int_equal(reply->data[1], usb_sim_byte(1));
	rig_submit(rig, 6, RIG_BULK_IN, 0, 65, NULL, NULL);
	rig_expect_submit(rig, 6, USBIP_EPIPE, 0);
	rig_submit(rig, 7, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 7, USBIP_EPIPE, 0);
	rig_free(rig);
}

/* What comes back and is dropped leaves its transfer with the device. */
static void
test_dropped_in_stays_pending(void **state)
{
	struct rig *rig = streaming("profile t extends base {\n"
	    "on out { allow } on in { drop u8@0 0x66; allow } }");
	struct rig_reply *reply;

	(void)state;
	usb_sim_ep(rig->sim, RIG_INT_IN)->part = USB_SIM_SILENT;
	rig_submit(rig, 1, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_settle(rig);
	assert_true(usb_sim_finish(
	    rig->sim, RIG_INT_IN, URB_OK, "\x66hidden", 7));
	rig_expect_nothing(rig);
	assert_int_equal(rig->sim->counts.in_flight, 1);
	assert_true(usb_sim_finish(rig->sim, RIG_INT_IN, URB_OK, "\x11shown",
	    6));
	reply = rig_expect_submit(rig, 1, 0, 6);
	assert_memory_equal(reply->data, "\x11shown", 6);
	/* unlinked after that, it comes back as if nothing had been */
	rig_submit(rig, 2, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_settle(rig);
	assert_true(usb_sim_finish(
	    rig->sim, RIG_INT_IN, URB_OK, "\x66hidden", 7));
	rig_settle(rig);
	rig_unlink(rig, 3, 2);
	rig_expect_unlink(rig, 3, USBIP_ECONNRESET);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */
/* Verdicts of others                                                       */

static struct rig *
asking(const char *within, const char *otherwise)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "profile t extends base {\n"
	    "on out { ask \"dlp\" within %s else %s u8@0 0x77 key \"K-ASK\"; "
	    "allow }\n"
	    "on in { ask \"dlp\" within 60s else deny u8@0 0x77; allow } }",
	    within, otherwise);
	return streaming(text);
}

static void
test_ask_out(void **state)
{
	struct rig *rig = asking("60s", "deny");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 2, NULL, "\x77z");
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 2, NULL, "\x11z");
	rig_submit(rig, 3, RIG_INT_OUT, 0, 2, NULL, "\x11z");
	/* its endpoint waits with it, the others do not */
	rig_expect_submit(rig, 3, 0, 2);
	rig_expect_nothing(rig);
	assert_int_equal(rig->nasks, 1);
	assert_string_equal(rig->ask.server, "dlp");
	assert_string_equal(rig->ask.key, "K-ASK");
	assert_int_equal(rig->ask.otherwise, IPC_SAY_DENY);
	assert_int_equal(rig->ask.within_ms, 60000);
	assert_non_null(strstr(rig->ask.text, "ep=0x02"));
	rig_verdict(rig, rig->ask.id, IPC_SAY_ALLOW);
	rig_expect_submit(rig, 1, 0, 2);
	rig_expect_submit(rig, 2, 0, 2);
	rig_submit(rig, 4, RIG_BULK_OUT, 0, 2, NULL, "\x77z");
	rig_settle(rig);
	assert_int_equal(rig->nasks, 2);
	rig_verdict(rig, rig->ask.id, IPC_SAY_DENY);
	rig_expect_submit(rig, 4, USBIP_EPIPE, 0);
	assert_int_equal(usb_sim_ep(rig->sim, RIG_BULK_OUT)->moved, 4);
	/* an answer to what does not wait any more is nothing */
	rig_verdict(rig, rig->ask.id, IPC_SAY_EJECT);
	rig_expect_nothing(rig);
	assert_int_equal(rig->ended, 0);
	rig_submit(rig, 5, RIG_BULK_OUT, 0, 2, NULL, "\x77z");
	rig_settle(rig);
	rig_verdict(rig, rig->ask.id, IPC_SAY_EJECT);
	rig_expect_submit(rig, 5, USBIP_EPIPE, 0);
	rig_expect_eof(rig);
	assert_int_equal(rig->nout, 1);
	assert_int_equal(rig->out.is_quarantine, 0);
	rig_free(rig);
}

static void
test_ask_deadline(void **state)
{
	struct rig *rig = asking("1s", "allow");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 2, NULL, "\x77z");
	rig_settle(rig);
	assert_int_equal(rig->nasks, 1);
	rig_wait_ms(rig, 1100);
	assert_int_equal(rig->nover, 1);
	rig_expect_submit(rig, 1, 0, 2);
	rig_free(rig);
}

static void
test_ask_unlinked(void **state)
{
	struct rig *rig = asking("60s", "deny");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 2, NULL, "\x77z");
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 2, NULL, "\x11z");
	rig_settle(rig);
	rig_unlink(rig, 3, 1);
	rig_expect_unlink(rig, 3, USBIP_ECONNRESET);
	rig_expect_submit(rig, 2, 0, 2);
	rig_settle(rig);
	assert_int_equal(rig->nover, 1);
	rig_free(rig);
}

static void
test_ask_in(void **state)
{
	struct rig *rig = asking("60s", "deny");
	struct rig_reply *reply;

	(void)state;
	usb_sim_ep(rig->sim, RIG_INT_IN)->part = USB_SIM_SILENT;
	rig_submit(rig, 1, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_submit(rig, 2, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_settle(rig);
	usb_sim_finish(rig->sim, RIG_INT_IN, URB_OK, "\x77one", 4);
	rig_settle(rig);
	usb_sim_finish(rig->sim, RIG_INT_IN, URB_OK, "\x11two", 4);
	rig_expect_nothing(rig); /* two waits behind one */
	assert_int_equal(rig->nasks, 1);
	rig_verdict(rig, rig->ask.id, IPC_SAY_ALLOW);
	reply = rig_expect_submit(rig, 1, 0, 4);
	assert_memory_equal(reply->data, "\x77one", 4);
	reply = rig_expect_submit(rig, 2, 0, 4);
	assert_memory_equal(reply->data, "\x11two", 4);
	/* unlinked while it waits: its data is nobody's */
	rig_submit(rig, 3, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_settle(rig);
	usb_sim_finish(rig->sim, RIG_INT_IN, URB_OK, "\x77x", 2);
	rig_settle(rig);
	rig_unlink(rig, 4, 3);
	rig_expect_unlink(rig, 4, USBIP_ECONNRESET);
	rig_settle(rig);
	assert_int_equal(rig->nover, 1);
	/* the device leaves while one waits */
	rig_submit(rig, 5, RIG_INT_IN, 0, 8, NULL, NULL);
	rig_settle(rig);
	usb_sim_finish(rig->sim, RIG_INT_IN, URB_OK, "\x77x", 2);
	rig_settle(rig);
	usb_sim_unplug(rig->sim);
	rig_expect_submit(rig, 5, USBIP_ENODEV, 0);
	rig_expect_eof(rig);
	rig_free(rig);
}

/* SET_INTERFACE does not wait for somebody's verdict. */
static void
test_ask_gated(void **state)
{
	struct rig *rig = asking("60s", "deny");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 2, NULL, "\x77z");
	rig_settle(rig);
	rig_control(rig, 2, SET_INTERFACE(0, 1), NULL);
	rig_expect_submit(rig, 1, USBIP_ESHUTDOWN, 0);
	rig_expect_submit(rig, 2, 0, 0);
	rig_submit_iso(rig, 3, RIG_ISO_OUT, 4, "\x77zzz",
	    (const struct usbip_iso[]){{.offset = 0, .length = 4}}, 1);
	rig_expect_submit(rig, 3, 0, 4); /* bytes of packets match nothing */
	assert_int_equal(rig->nasks, 1);
	rig_free(rig);
}

static void
test_ask_setup(void **state)
{
	struct rig *rig = streaming("profile t extends base { on setup { ask "
	    "\"dlp\" within 60s else allow type vendor } on out { allow } on "
	    "in { allow } }");

	(void)state;
	rig_control(rig, 1, VENDOR_IN, NULL);
	rig_expect_nothing(rig);
	assert_int_equal(rig->nasks, 1);
	assert_int_equal(rig->ask.hook, HOOK_SETUP);
	rig_verdict(rig, rig->ask.id, IPC_SAY_ALLOW);
	rig_settle(rig);
	assert_int_equal(rig->sim->nsetups, 1);
	rig_free(rig);
}

/* ------------------------------------------------------------------------ */

static void
test_swap(void **state)
{
	struct rig *rig = streaming(
	    "profile t extends base { on out { allow } on in { allow } }");
	size_t size;
	void *block = compile(
	    "profile t extends base { on out { deny } on in { allow } }", "t",
	    &size);

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_OUT)->part = USB_SIM_SILENT;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 2, NULL, NULL);
	rig_settle(rig);
	rig_profiles(rig, block, size);
	rig_settle(rig);
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 2, NULL, NULL);
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	/* what was on its way ends as it would have */
	usb_sim_finish(rig->sim, RIG_BULK_OUT, URB_OK, NULL, 2);
	rig_expect_submit(rig, 1, 0, 2);
	rig_submit(rig, 3, RIG_BULK_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 3, 0, 8);
	/* a block that is none ends the session, and nothing passes */
	((uint8_t *)block)[0] ^= 1;
	rig_profiles(rig, block, size);
	rig_expect_eof(rig);
	assert_true(rig_was_refused(rig, "profile.attach"));
	free(block);
	rig_free(rig);
}

static void
test_without_profiles_none_come(void **state)
{
	struct rig *rig = rig_streaming();
	size_t size;
	void *block = compile(
	    "profile t extends base { on out { allow } on in { allow } }", "t",
	    &size);

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 2, NULL, NULL);
	rig_expect_submit(rig, 1, 0, 2);
	rig_profiles(rig, block, size);
	rig_expect_eof(rig);
	free(block);
	rig_free(rig);
}

static void
test_bad_block_refuses_the_import(void **state)
{
	struct rig *rig = rig_new();
	uint8_t raw[8];

	(void)state;
	rig->block = "this is no table at all";
	rig->block_size = 23;
	rig_start(rig);
	rig_send_import(rig, RIG_BUSID);
	rig_take(rig, raw, sizeof(raw));
	assert_int_not_equal(raw[7], 0);
	assert_true(rig_was_refused(rig, "profile.attach"));
	rig->block = NULL;
	rig_wait_end(rig);
	rig_free(rig);
}

static void
test_caps(void **state)
{
	struct rig *rig = streaming(
	    "profile t extends base { cap transfer 1KiB cap inflight 2\n"
	    "on out { allow } on in { allow } }");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 1025, NULL, NULL);
	rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	assert_true(rig_was_refused(rig, "profile.cap"));
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	for (uint32_t i = 2; i < 6; i++) {
		rig_submit(rig, i, RIG_BULK_IN, 0, 8, NULL, NULL);
	}
	rig_settle(rig);
	assert_int_equal(rig->sim->counts.in_flight, 2);
	usb_sim_finish(rig->sim, RIG_BULK_IN, URB_OK, "a", 1);
	rig_expect_submit(rig, 2, 0, 1);
	rig_settle(rig);
	assert_int_equal(rig->sim->counts.in_flight, 2);
	rig_free(rig);
}

static void
test_quota(void **state)
{
	static const char text[] = "profile t extends base { quota day 10 per "
				   "24h\non out { deny over day key \"Q\"; "
				   "allow } on in { allow } }";
	struct rig *rig = streaming(text);
	struct ipc_quota used;
	void *block;

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 1, 0, 8);
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	rig_submit(rig, 3, RIG_BULK_OUT, 0, 2, NULL, NULL);
	rig_expect_submit(rig, 3, 0, 2);
	rig_wait_ms(rig, 1100);
	assert_true(rig->nquotas > 0);
	assert_string_equal(rig->used.name, "day");
	assert_int_equal(rig->used.used, 10);
	used = rig->used;
	rig_free(rig);
	/* another session goes on where that one ended */
	rig = rig_new();
	block = compile(text, "t", &rig->block_size);
	rig->block = block;
	rig->quota = used;
	rig_start(rig);
	rig_import(rig);
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 1, NULL, NULL);
	rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	assert_string_equal(last_ruled(rig)->key, "Q");
	free(block);
	rig->block = NULL;
	rig_free(rig);
}

static void
test_trial_and_quarantine(void **state)
{
	struct rig *rig = streaming(
	    "profile t extends base {\n"
	    "on out { deny u8@0 0x33 audit; quarantine u8@0 0x99 log alert "
	    "\"evil\"; allow } on in { allow } }");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_OUT, 0, 2, NULL, "\x33z");
	rig_expect_submit(rig, 1, 0, 2);
	assert_int_equal(last_ruled(rig)->is_trial, 1);
	assert_int_equal(last_ruled(rig)->verdict, VERDICT_DENY);
	rig_submit(rig, 2, RIG_BULK_OUT, 0, 2, NULL, "\x99z");
	rig_submit(rig, 3, RIG_BULK_OUT, 0, 2, NULL, "\x11z");
	rig_expect_submit(rig, 2, USBIP_EPIPE, 0);
	rig_expect_submit(rig, 3, USBIP_EPIPE, 0);
	rig_expect_eof(rig);
	assert_int_equal(rig->nout, 1);
	assert_int_equal(rig->out.is_quarantine, 1);
	assert_int_equal(usb_sim_ep(rig->sim, RIG_BULK_OUT)->moved, 2);
	rig_free(rig);
}

/* A rule that speaks a thousand times a second does not fill the log. */
static void
test_reports_have_a_rate(void **state)
{
	struct rig *rig = streaming(
	    "profile t extends base { on out { deny } on in { allow } }");

	(void)state;
	for (uint32_t i = 1; i <= 500; i++) {
		rig_submit(rig, i, RIG_BULK_OUT, 0, 1, NULL, NULL);
		rig_expect_submit(rig, i, USBIP_EPIPE, 0);
	}
	rig_settle(rig);
	assert_true(rig->nruled >= 5);
	assert_true(rig->nruled < 10);
	rig_free(rig);
}

/* Another configuration has interfaces and decoders of its own. */
static void
test_other_config(void **state)
{
	struct rig *rig = streaming("profile t extends base {\n"
	    "on out { allow } on in { deny ep 0x81; allow } }");

	(void)state;
	rig_submit(rig, 1, RIG_BULK_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 1, USBIP_EPIPE, 0);
	rig_do_control(rig, 2, SET_CONFIG(2), 0, 0);
	rig_submit(rig, 3, RIG_OTHER_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 3, 0, 8);
	rig_do_control(rig, 4, SET_CONFIG(0), 0, 0);
	rig_do_control(rig, 5, GET_DEVICE, 0, 18);
	rig_do_control(rig, 6, SET_CONFIG(1), 0, 0);
	rig_submit(rig, 7, RIG_BULK_IN, 0, 8, NULL, NULL);
	rig_expect_submit(rig, 7, USBIP_EPIPE, 0);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setup_hook),
		cmocka_unit_test(test_out_and_in),
		cmocka_unit_test(test_dropped_in_stays_pending),
		cmocka_unit_test(test_ask_out),
		cmocka_unit_test(test_ask_deadline),
		cmocka_unit_test(test_ask_unlinked),
		cmocka_unit_test(test_ask_in),
		cmocka_unit_test(test_ask_gated),
		cmocka_unit_test(test_ask_setup),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_without_profiles_none_come),
		cmocka_unit_test(test_bad_block_refuses_the_import),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_trial_and_quarantine),
		cmocka_unit_test(test_reports_have_a_rate),
		cmocka_unit_test(test_other_config),
	};

	return cmocka_run_group_tests_name(
	    "session inspection", tests, NULL, NULL);
}
