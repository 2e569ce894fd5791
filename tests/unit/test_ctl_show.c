/* What sallyctl makes of answers, for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/ctl/ctl.h"

static char shown[16384];

static void
show(ctl_show *how, const char *json)
{
	char path[] = "/tmp/test_ctl_show.XXXXXX";
	int fd = mkstemp(path), was = dup(STDOUT_FILENO);
	json_t *o = json_loads(json, 0, NULL);
	ssize_t n;

	assert_non_null(o);
	assert_true(fd != -1 && was != -1);
	fflush(stdout);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	how(o);
	fflush(stdout);
	assert_int_equal(dup2(was, STDOUT_FILENO), STDOUT_FILENO);
	n = pread(fd, shown, sizeof(shown) - 1, 0);
	assert_true(n >= 0);
	shown[n] = '\0';
	close(was);
	close(fd);
	unlink(path);
	json_decref(o);
}

static void
test_bundle(void **state)
{
	(void)state;
	show(show_status,
	    "{\"ok\":true,\"version\":\"1\",\"port\":3241,\"bundle\":{"
	    "\"serial\":7,\"revision\":\"r\",\"taken\":\"T\",\"age\":9,"
	    "\"expires\":\"E\",\"phase\":\"over\",\"error\":\"no\","
	    "\"failing_since\":\"F\",\"idle_terms\":2}}");
	assert_non_null(
	    strstr(shown, "bundle:   serial 7, r, taken T, 9 s ago\n"));
	assert_non_null(strstr(shown, "holds until E: it is over"));
	assert_non_null(strstr(shown, "is taken since F: no\n"));
	assert_non_null(strstr(shown, "2 local rules allow"));
	show(show_status, "{\"ok\":true,\"bundle\":{\"error\":\"\"}}");
	assert_non_null(strstr(shown, "bundle:   none; nothing is exported"));
	assert_null(strstr(shown, "since"));
	show(show_status, "{\"ok\":true}");
	assert_null(strstr(shown, "bundle"));
}

static void
test_upstream(void **state)
{
	(void)state;
	show(show_status,
	    "{\"ok\":true,\"version\":\"1\",\"port\":3241,\"upstream\":{"
	    "\"sent\":70,\"lost\":3,\"waiting\":9,\"taken\":\"T\","
	    "\"error\":\"no\",\"failing_since\":\"F\"}}");
	assert_non_null(strstr(
	    shown, "upstream: 70 lines sent, 9 wait, last taken T\n"));
	assert_non_null(strstr(shown, "3 LINES WERE LOST"));
	assert_non_null(strstr(shown, "is taken since F: no\n"));
	show(show_status, "{\"ok\":true,\"upstream\":{\"sent\":1,"
			  "\"lost\":0,\"error\":\"\"}}");
	assert_non_null(strstr(shown, "upstream: 1 lines sent\n"));
	assert_null(strstr(shown, "LOST"));
	assert_null(strstr(shown, "since"));
	show(show_status, "{\"ok\":true}");
	assert_null(strstr(shown, "upstream"));
}

static void
test_devices(void **state)
{
	(void)state;
	show(show_devices,
	    "{\"ok\":true,\"devices\":[{\"busid\":\"3-2\",\"state\":\"held\","
	    "\"id\":\"00ff:0001\",\"stable\":\"00ff:0001@p:2\","
	    "\"name\":\"Headset\",\"holder\":\"dns:ws\","
	    "\"interfaces\":[\"01:01:00\",\"01:02:00\",\"03:01:01\","
	    "\"0a:00:00\",\"zz:00:00\"],\"rule\":\"a.rules:3\","
	    "\"lease_seconds\":90}]}");
	/* each word once, and data interfaces say nothing */
	assert_non_null(strstr(shown, "\n    audio + keyboard\n"));
	assert_non_null(strstr(shown, "by a.rules:3, for 90 s"));
	assert_null(strstr(shown, "unknown"));
	/* a holder is known by his names, not by his CA's key */
	show(show_devices,
	    "{\"ok\":true,\"devices\":[{\"busid\":\"3-2\",\"holder\":"
	    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	    ":dns:ws.example\"}]}");
	assert_non_null(strstr(shown, " dns:ws.example\n"));
	assert_null(strstr(shown, "cdef"));
	/* no interfaces, and numbers that are none */
	show(show_devices,
	    "{\"ok\":true,\"devices\":[{\"busid\":\"3-3\","
	    "\"state\":\"waiting\",\"interfaces\":[]},"
	    "{\"busid\":\"3-4\",\"id\":\"12:34\",\"interfaces\":[1,null]}]}");
	assert_null(strstr(shown, "\n    \n"));
	assert_non_null(strstr(shown, "3-4"));
}

static void
test_lists(void **state)
{
	(void)state;
	show(show_asks,
	    "{\"ok\":true,\"asks\":[{\"id\":7,\"state\":\"held\",\"seconds\":4,"
	    "\"approver\":\"dlp\",\"name\":\"ws1\",\"stable\":\"d@p:1\","
	    "\"unit\":\"scsi op write lba 8\"}]}");
	assert_non_null(strstr(shown, "7     held      4        dlp"));
	assert_non_null(strstr(shown, "      scsi op write lba 8\n"));
	show(show_quarantine, "{\"ok\":true,\"quarantine\":[]}");
	assert_string_equal(shown, "no device is in quarantine\n");
	/* an answer to `clear' says nothing */
	show(show_quarantine, "{\"ok\":true}");
	assert_string_equal(shown, "");
	show(show_status,
	    "{\"ok\":true,\"version\":\"1\",\"port\":3241,\"rules\":null}");
	assert_non_null(strstr(shown, "none loaded; nothing is exported"));
}

static void
test_verdicts(void **state)
{
	(void)state;
	show(show_verdicts,
	    "{\"ok\":true,\"verdicts\":[{\"name\":\"dlp\",\"user\":\"scan\","
	    "\"pid\":77,\"since\":\"2026-11-26T09:00:00Z\",\"out\":1,"
	    "\"concurrency\":4,\"waiting\":2,\"queue\":64,\"asked\":9,"
	    "\"denied\":3,\"last\":\"\"},{\"name\":\"clock\","
	    "\"user\":\"hr\",\"dropped\":2,\"last\":\"it left\"}]}");
	assert_non_null(strstr(shown, "pid 77 of scan since 2026"));
	assert_non_null(strstr(shown, "has 1 of 4, 2 of 64 wait; asked 9: 0 "
				      "allowed, 3 denied"));
	assert_non_null(strstr(shown, "not served; hr may"));
	assert_non_null(strstr(shown, "2 dropped, the last: it left"));
	show(show_verdicts, "{\"ok\":true,\"verdicts\":[]}");
	assert_non_null(strstr(shown, "no [verdict NAME]"));
}

static void
test_sandbox(void **state)
{
	(void)state;
	show(show_sandbox,
	    "{\"ok\":true,\"landlock_abi\":4,\"lacks\":[\"seccomp\"],"
	    "\"processes\":[{\"pid\":7,\"process\":\"a b 1\",\"uid\":60711,"
	    "\"seccomp\":true,\"lists\":2,\"no_new_privileges\":true,"
	    "\"capabilities\":\"0000000000000000\","
	    "\"namespaces\":[\"pid\",\"mount\"]},"
	    "{\"pid\":9,\"process\":\"d\",\"uid\":0,\"namespaces\":[]},"
	    "{\"pid\":8,\"process\":\"c\",\"uid\":0,\"seccomp\":null,"
	    "\"lists\":null,\"no_new_privileges\":null,"
	    "\"capabilities\":null,\"namespaces\":null}]}");
	assert_non_null(strstr(shown, "\n7        60711    2      yes "));
	assert_non_null(strstr(shown, "\n8        0        ?      ? "));
	assert_non_null(strstr(shown, " pid,mount          a b 1\n"));
	assert_non_null(strstr(shown, " ?                  c\n"));
	assert_non_null(strstr(shown, " -                  d\n"));
	assert_non_null(strstr(shown, "\nnot there: seccomp\n"));
	assert_non_null(strstr(shown, "version 4\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bundle),
		cmocka_unit_test(test_upstream),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_sandbox),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_verdicts),
	};

	log_init("test_ctl_show");
	return cmocka_run_group_tests_name("sallyctl", tests, NULL, NULL);
}
