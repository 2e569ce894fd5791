/*
 * A gateway with `[tls] crl', its processes as they are, and each kind of list
 * that cannot be used: nobody gets in, whoever issued his certificate, and the
 * log, `sallyctl status' and the audit log say why; who has a device keeps it.
 * A good list lets in whom it does not name. Nobody attacks it.
 *
 * One line for each, then the counts. As root, or as stage.h says.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tls.h"
#include "tests/attack/look.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"

#define WAIT_MS 10000
#define FOREVER "491231235959Z"

static unsigned passed, failed;
static struct pki_cert twin; /* a CA of the same name, with another key */

static void
report(const char *list, const char *what, int is_good)
{
	printf("%s - %s: %s\n", is_good ? "ok" : "FAILED", list, what);
	(void)fflush(stdout);
	passed += (unsigned)is_good;
	failed += (unsigned)!is_good;
}

/* A list in its place, in one step; text NULL: none at all. */
static void
put(const struct stage *s, const void *text, size_t len)
{
	char from[128], to[128];

	(void)snprintf(from, sizeof(from), "%s/crl.new", s->dir);
	(void)snprintf(to, sizeof(to), "%s/crl.pem", s->dir);
	if (text == NULL) {
		(void)unlink(to);
		return;
	}
	stage_pem(s->dir, "crl.new", text, len);
	if (rename(from, to) == -1) {
		fatal("rename %s", to);
	}
}

static void
put_list(const struct stage *s, const struct pki_cert *ca, const char *from,
    const char *to, const struct pki_cert *revoked)
{
	const struct pki_list how = {.ca = ca, .from = from, .to = to,
		.revoked = &revoked, .nrevoked = revoked != NULL};
	size_t len;
	uint8_t *text = pki_make_list(&how, &len);

	put(s, text, len);
	free(text);
}

/* Until the warden, which looks four times a second, has seen the list. */
static int
status_says(const struct stage *s, const char *what)
{
	static char out[65536];

	for (int ms = 0; ms < WAIT_MS; ms += 50) {
		if (look_ctl(s, "status", out, sizeof(out)) == 0 &&
		    strstr(out, what) != NULL) {
			return 1;
		}
		(void)poll(NULL, 0, 50);
	}
	return 0;
}

static int
is_audited(const struct stage *s, const char *why)
{
	char path[128], line[8192];
	int is_there = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/log/audit.jsonl", s->dir);
	f = fopen(path, "re");
	while (f != NULL && !is_there &&
	    fgets(line, sizeof(line), f) != NULL) {
		is_there = strstr(line, "\"crl\",\"outcome\":\"failed\"") !=
		    NULL && strstr(line, why) != NULL;
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return is_there;
}

/* why is in the status, the log and the audit log. */
static void
check(const struct stage *s, struct tls_config *config, struct ws *holder,
    uint32_t seqnum, const char *list, const char *why)
{
	unsigned before = look_said(s, "handshake") + look_said(s, "tls") +
	    look_said(s, "nobody can connect");
	int is_in = ws_is_let_in(config);

	report(list, "nobody gets in", !is_in);
	report(list, "the status says why", status_says(s, why));
	report(list, "and the log, and that of audits",
	    look_awaits(s, why, 1, WAIT_MS) && is_audited(s, why));
	report(list, "and of each who comes the log says no",
	    look_said(s, "handshake") + look_said(s, "tls") +
		    look_said(s, "nobody can connect") > before);
	report(list, "who has a device keeps it", ws_works(holder, seqnum));
}

static void
run(struct stage *s)
{
	struct tls_config *config = ws_config(&s->ca, &s->honest);
	struct tls_config *other = ws_config(&s->ca, &s->attacker);
	struct ws holder;

	report("a good list", "the status has no complaint",
	    status_says(s, "0 certificates revoked"));
	report("a good list", "a device is had",
	    ws_stream(&holder, config, STAGE_HONEST) == WS_OK);
	put(s, NULL, 0);
	check(s, config, &holder, 1, "none", "no such");
	put(s, "nonsense\n", 10);
	check(s, config, &holder, 2, "none that is a list",
	    "it cannot be read as one");
	put_list(s, &twin, NULL, FOREVER, NULL);
	check(s, config, &holder, 3, "one that our CA did not sign",
	    "not properly signed");
	put_list(s, &s->ca, NULL, "260101000000Z", NULL);
	check(s, config, &holder, 4, "one that is out of date",
	    "out of date since 2026-01-01");
	put_list(s, &s->ca, "400101000000Z", FOREVER, NULL);
	check(s, config, &holder, 5, "one of the future", "in the future");
	put_list(s, &s->ca, NULL, FOREVER, &s->attacker);
	report("a good list again", "who is not in it gets in",
	    ws_is_let_in(config));
	report("a good list again", "and who is does not", !ws_is_let_in(other));
	report("a good list again", "the status has it",
	    status_says(s, "1 certificates revoked"));
	report("a good list again", "and the device is had still",
	    ws_works(&holder, 6));
	ws_close(&holder, WS_POLITE);
	tls_config_free(config);
	tls_config_free(other);
}

int
main(int argc, char **argv)
{
	const struct pki_how how = {
		.subject = "CN=Attack CA", .use = PKI_CA};
	struct stage *s = calloc(1, sizeof(*s));

	(void)argc;
	log_init("lists");
	if (s == NULL) {
		fatal("start");
	}
	if (stage_enter(argv) != 0) {
		puts("0 passed, 0 failed, 1 skipped");
		free(s);
		return 0;
	}
	pki_issue(&twin, NULL, &how);
	s->has_list = 1;
	if (stage_start(s) != 0) {
		failed++;
	} else {
		run(s);
		report("the gateway", "it ends as told", stage_stop(s) == 0);
	}
	free(s);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
