/*
 * Lines of the events protocol as the reader takes them: what a correct gateway
 * says becomes typed words, what a hostile one says is refused, and bent lines
 * do no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests/unit/rnd.h"
#include "vhci-glue/event.h"

#define DRIVE                                                                  \
	"{\"name\":\"0525:a4a5:x%20y@platform-dummy_hcd.0:1\","                \
	"\"busid\":\"3-1\",\"state\":\"free\",\"vid\":\"0525\","               \
	"\"pid\":\"a4a5\",\"release\":\"0100\",\"class\":\"00:00:00\","        \
	"\"interfaces\":[\"08:06:50\",\"03:01:01\"],\"speed\":\"high\","       \
	"\"manufacturer\":\"B\\u00e9nch\",\"product\":\"Drive\",\"serial\":"   \
	"\"x y\"}"

static struct ipc_watch heard[64];
static unsigned nheard;

static int
on_watch(void *arg, const struct ipc_watch *w)
{
	static uint8_t buf[8192];
	static struct ipc_watch back;
	int n = ipc_encode_watch(buf, sizeof(buf), w);

	(void)arg;
	/* whatever comes out of a line fits the parent's channel */
	assert_true(n > 0);
	assert_int_equal(ipc_decode_watch(&back, buf, (size_t)n), 0);
	if (nheard < ARRAY_LEN(heard)) {
		heard[nheard++] = *w;
	}
	return 0;
}

static int
parse(const char *text)
{
	struct ipc_line line = {.text = text, .len = (uint32_t)strlen(text)};

	nheard = 0;
	return event_parse(&line, on_watch, NULL);
}

static void
test_devices(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"type\":\"devices\",\"devices\":[" DRIVE
			       "," DRIVE "],\"more\":true}"),
	    0);
	assert_int_equal(nheard, 2);
	assert_int_equal(parse("{\"type\":\"devices\",\"devices\":[" DRIVE
			       "],\"more\":false}"),
	    0);
	assert_int_equal(nheard, 2);
	assert_int_equal(heard[1].kind, IPC_WATCH_READY);
	assert_int_equal(heard[0].kind, IPC_WATCH_LISTED);
	assert_int_equal(heard[0].state, IPC_WATCH_FREE);
	assert_string_equal(
	    heard[0].name, "0525:a4a5:x%20y@platform-dummy_hcd.0:1");
	assert_string_equal(heard[0].item.dev.busid, "3-1");
	assert_int_equal(heard[0].item.dev.vid, 0x0525);
	assert_int_equal(heard[0].item.dev.pid, 0xa4a5);
	assert_int_equal(heard[0].item.dev.bcd_device, 0x0100);
	assert_int_equal(heard[0].item.dev.speed, USBIP_SPEED_HIGH);
	assert_int_equal(heard[0].item.ninterfaces, 2);
	assert_int_equal(heard[0].item.interfaces[0].class, 8);
	assert_int_equal(heard[0].item.interfaces[1].protocol, 1);
	assert_string_equal(heard[0].item.manufacturer, "B\xc3\xa9nch");
	assert_string_equal(heard[0].item.serial, "x y");
	/* none at all */
	assert_int_equal(
	    parse("{\"type\":\"devices\",\"devices\":[],\"more\":false}"), 0);
	assert_int_equal(nheard, 1);
	assert_int_equal(heard[0].kind, IPC_WATCH_READY);
}

static void
test_others(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("{\"type\":\"appeared\",\"device\":" DRIVE "}"), 0);
	assert_int_equal(heard[0].kind, IPC_WATCH_APPEARED);
	assert_int_equal(
	    parse("{\"type\":\"changed\",\"device\":" DRIVE "}"), 0);
	assert_int_equal(heard[0].kind, IPC_WATCH_CHANGED);
	assert_int_equal(
	    parse("{\"type\":\"gone\",\"name\":\"a@b\",\"busid\":\"1-1\"}"), 0);
	assert_int_equal(heard[0].kind, IPC_WATCH_GONE);
	assert_string_equal(heard[0].name, "a@b");
	assert_int_equal(parse("{\"type\":\"policy\"}"), 0);
	assert_int_equal(heard[0].kind, IPC_WATCH_POLICY);
	assert_int_equal(
	    parse("{\"type\":\"message\",\"text\":\"\\u001b[2J\"}"), 0);
	assert_int_equal(heard[0].kind, IPC_WATCH_MESSAGE);
	assert_string_equal(heard[0].text, "\x1b[2J");
	/* nothing to tell */
	assert_int_equal(parse("{\"type\":\"hello\",\"protocol\":1}"), 0);
	assert_int_equal(nheard, 0);
	assert_int_equal(parse("{\"type\":\"heartbeat\"}"), 0);
	assert_int_equal(parse("{\"type\":\"lease\",\"ends\":12}"), 0);
	assert_int_equal(nheard, 0);
}

static void
test_approval(void **state)
{
	static const char pending[] =
	    "{\"type\":\"appeared\",\"device\":{\"name\":\"a@b\","
	    "\"busid\":\"1-1\",\"state\":\"%s\",\"approver\":\"%s\","
	    "\"vid\":\"0001\",\"pid\":\"0002\",\"release\":\"0000\","
	    "\"class\":\"ff:00:00\",\"interfaces\":[],"
	    "\"speed\":\"high\"}}";
	static char line[2048], name[IDENTITY_TEXT + 8];

	(void)state;
	(void)snprintf(line, sizeof(line), pending, "needs-approval", "ops");
	assert_int_equal(parse(line), 0);
	assert_int_equal(heard[0].state, IPC_WATCH_PENDING);
	assert_string_equal(heard[0].approver, "ops");
	/* of a free device it is no news */
	(void)snprintf(line, sizeof(line), pending, "free", "ops");
	assert_int_equal(parse(line), 0);
	assert_int_equal(heard[0].state, IPC_WATCH_FREE);
	assert_string_equal(heard[0].approver, "");
	memset(name, 'n', sizeof(name) - 1);
	(void)snprintf(line, sizeof(line), pending, "needs-approval", name);
	assert_int_equal(parse(line), 0);
	assert_int_equal(strlen(heard[0].approver), IDENTITY_TEXT - 1);
	/* whom a message is about */
	assert_int_equal(parse("{\"type\":\"message\",\"text\":\"over\","
			       "\"name\":\"a@b\"}"),
	    0);
	assert_string_equal(heard[0].name, "a@b");
	assert_string_equal(heard[0].text, "over");
	assert_int_equal(parse("{\"type\":\"message\",\"text\":\"over\","
			       "\"name\":\"a b\"}"),
	    ERR_FORMAT);
	assert_int_equal(parse("{\"type\":\"message\",\"text\":\"over\","
			       "\"name\":7}"),
	    ERR_FORMAT);
}

static void
test_later_versions(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("{\"type\":\"hello\",\"protocol\":2}"), ERR_PEER);
	assert_int_equal(parse("{\"type\":\"hello\"}"), ERR_PEER);
	assert_int_equal(
	    parse("{\"type\":\"appeared\",\"device\":{\"name\":\"a@b\","
		  "\"busid\":\"1-1\",\"state\":\"reserved\",\"vid\":\"0001\","
		  "\"pid\":\"0002\",\"release\":\"0000\","
		  "\"class\":\"ff:00:00\",\"interfaces\":[],"
		  "\"speed\":\"ludicrous\",\"colour\":[1,2]}}"),
	    0);
	assert_int_equal(heard[0].state, IPC_WATCH_BUSY);
	assert_int_equal(heard[0].item.dev.speed, USBIP_SPEED_UNKNOWN);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "1", "\"type\"",
	    "{\"type\":7}", "{}", "{\"type\":\"policy\",\"type\":\"policy\"}",
	    "{\"type\":\"devices\"}", "{\"type\":\"devices\",\"devices\":[7]}",
	    "{\"type\":\"appeared\"}", "{\"type\":\"appeared\",\"device\":{}}",
	    "{\"type\":\"gone\",\"name\":\"a b\",\"busid\":\"1-1\"}",
	    "{\"type\":\"gone\",\"name\":\"\",\"busid\":\"1-1\"}",
	    "{\"type\":\"gone\",\"name\":\"\\u00e9@b\",\"busid\":\"1-1\"}",
	    "{\"type\":\"gone\",\"name\":\"a@b\",\"busid\":\"../../x\"}",
	    "{\"type\":\"gone\",\"name\":\"a@b\",\"busid\":\"1-1\\u0000\"}",
	    ("{\"type\":\"gone\",\"name\":\"a@b\",\"busid\":"
	     "\"1-1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1\"}"),
	    "{\"type\":\"message\"}", "{\"type\":\"message\",\"text\":{}}"};
	static const char *const from[] = {"\"0525\",", "\"a4a5\",", "\"0100\"",
	    "\"00:00:00\"", "[\"08:06:50\"", "\"3-1\""};
	static const char *const to[] = {"\"525\",", "\"A4A5\",", "256",
	    "\"00:00\"", "[\"08:06:500\"", "\"../1\""};
	static char line[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i]) != ERR_FORMAT) {
			fail_msg("passed: %s", bad[i]);
		}
		assert_int_equal(nheard, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		const char *at = strstr(DRIVE, from[i]);
		int n = (int)(at - DRIVE);

		assert_non_null(at);
		(void)snprintf(line, sizeof(line),
		    "{\"type\":\"appeared\",\"device\":%.*s%s%s}", n, DRIVE,
		    to[i], at + strlen(from[i]));
		if (parse(line) != ERR_FORMAT) {
			fail_msg("passed: %s", line);
		}
	}
}

static void
test_long_names(void **state)
{
	static char line[8192], name[IPC_NAME + 1];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[IPC_NAME] = '\0';
	(void)snprintf(line, sizeof(line),
	    "{\"type\":\"gone\",\"name\":\"%s\",\"busid\":\"1-1\"}", name);
	assert_int_equal(parse(line), ERR_FORMAT);
	name[IPC_NAME - 1] = '\0';
	(void)snprintf(line, sizeof(line),
	    "{\"type\":\"gone\",\"name\":\"%s\",\"busid\":\"1-1\"}", name);
	assert_int_equal(parse(line), 0);
	/* texts are cut */
	(void)snprintf(line, sizeof(line),
	    "{\"type\":\"message\",\"text\":\"%s\"}", name);
	assert_int_equal(parse(line), 0);
	assert_int_equal(strlen(heard[0].text), IPC_TEXT - 1);
}

static void
test_bent(void **state)
{
	static const char good[] = "{\"type\":\"devices\",\"devices\":[" DRIVE
				   "],\"more\":false}";
	struct rnd r = {.state = 11};
	char line[sizeof(good)];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		memcpy(line, good, sizeof(good));
		for (unsigned k = 1 + rnd_below(&r, 3); k > 0; k--) {
			line[rnd_below(&r, sizeof(good) - 1)] =
			    (char)(1 + rnd_below(&r, 255));
		}
		(void)parse(line);
	}
}

static void
test_deep(void **state)
{
	static char line[IPC_LINE_MAX + 1];

	(void)state;
	memset(line, '[', IPC_LINE_MAX);
	assert_int_equal(parse(line), ERR_FORMAT);
	memset(line, '{', IPC_LINE_MAX);
	assert_int_equal(parse(line), ERR_FORMAT);
}

static void
test_challenges(void **state)
{
	static const char *const bad[] = {
	    "{\"type\":\"challenge\",\"name\":\"1209:0001@p:1\"}",
	    "{\"type\":\"challenge\",\"digits\":\"1\"}",
	    "{\"type\":\"challenge\",\"name\":\"1209:0001@p:1\",\"digits\":"
	    "\"12a\"}",
	    "{\"type\":\"challenge\",\"name\":\"1209:0001@p:1\",\"digits\":"
	    "\"1234567890123456\"}",
	    "{\"type\":\"challenge\",\"name\":\"a b\",\"digits\":\"1\"}",
	};

	(void)state;
	assert_int_equal(parse("{\"type\":\"challenge\",\"name\":"
			       "\"1209:0001@p:1\",\"digits\":\"0417\","
			       "\"within\":60}"),
	    0);
	assert_int_equal(nheard, 1);
	assert_int_equal(heard[0].kind, IPC_WATCH_CHALLENGE);
	assert_string_equal(heard[0].text, "0417");
	assert_int_equal(heard[0].within, 60);
	assert_int_equal(parse("{\"type\":\"challenge\",\"name\":"
			       "\"1209:0001@p:1\",\"digits\":\"\"}"),
	    0);
	assert_string_equal(heard[0].text, "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i]), ERR_FORMAT);
		assert_int_equal(nheard, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_approval),
		cmocka_unit_test(test_later_versions),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_bent),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests_name("event_lines", tests, NULL, NULL);
}
