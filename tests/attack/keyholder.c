/*
 * A gateway with `[tls] key-holder = yes', its processes as they are: who gets
 * in, in whose memory the key is, and what becomes of that when the one who has
 * it dies, or when the key is another. Nobody attacks it.
 *
 * One line for each, then the counts. As root, or as stage.h says.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/tls.h"
#include "tests/attack/look.h"
#include "tests/attack/stage.h"
#include "tests/attack/ws.h"
#include "tests/fake/hunt.h"

#define WAIT_MS 15000

static unsigned passed, failed;

static void
report(const char *name, int is_good)
{
	printf("%s - %s\n", is_good ? "ok" : "FAILED", name);
	(void)fflush(stdout);
	passed += (unsigned)is_good;
	failed += (unsigned)!is_good;
}

/* The first word of how it was started, without its path. */
static int
is_program(long pid, const char *name)
{
	char path[64], text[256] = "", *slash;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1 && read(fd, text, sizeof(text) - 1) < 0) {
		text[0] = '\0';
	}
	close_fd(&fd);
	slash = strrchr(text, '/');
	return strcmp(slash != NULL ? slash + 1 : text, name) == 0;
}

/* A child of the broker's of that name, waited for; -1. */
static pid_t
find(const struct stage *s, const char *name)
{
	char path[64], text[4096], *p, *end;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)s->broker, (int)s->broker);
	for (int ms = 0; ms < WAIT_MS; ms += 20) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

		close_fd(&fd);
		text[n > 0 ? n : 0] = '\0';
		for (p = text;; p = end) {
			long pid = strtol(p, &end, 10);

			if (end == p) {
				break;
			}
			if (is_program(pid, name)) {
				return (pid_t)pid;
			}
		}
		(void)poll(NULL, 0, 20);
	}
	return -1;
}

static int
is_let_in_again(struct tls_config *config)
{
	for (int ms = 0; ms < WAIT_MS; ms += 100) {
		if (ws_is_let_in(config)) {
			return 1;
		}
		(void)poll(NULL, 0, 100);
	}
	return 0;
}

/* Offering all the versions that it has. */
static int
openssl_gets_in(const struct stage *s)
{
	static char out[65536];
	const char *const argv[] = {"openssl", "s_client", "-connect",
		"127.0.0.1:3241", "-CAfile", "ca.pem", "-cert", "honest.pem",
		"-key", "honest.key", "-verify_return_error", "-servername",
		"gateway", NULL};

	return look_run(s->dir, argv, out, sizeof(out)) == 0 &&
	    strstr(out, "TLSv1.2, Cipher is ECDHE-RSA") != NULL &&
	    /* as OpenSSL 3.0 has it, and 3.5 */
	    (strstr(out, "Peer signature type: RSA\n") != NULL ||
		strstr(out, "Peer signature type: rsa_pkcs1_") != NULL) &&
	    strstr(out, "Verify return code: 0 (ok)") != NULL;
}

static int
is_listed(const struct stage *s)
{
	static char out[65536];

	return look_ctl(s, "sandbox", out, sizeof(out)) == 0 &&
	    strstr(out, "sallyport-signer signer") != NULL;
}

/* ------------------------------------------------------------------------ */

static void
check_memory(const struct stage *s, struct tls_config *config)
{
	pid_t signer = find(s, "sallyport-signer"), session;
	struct hunt h;
	struct ws ws;
	int before, is_in;

	hunt_learn(&h, s->gateway.key, HUNT_ALL);
	report("the signer has the key", hunt_count(&h, signer) > 0);
	report("the broker has it not", hunt_count(&h, s->broker) == 0);
	report("nor has the warden",
	    hunt_count(&h, find(s, "sallyport-warden")) == 0);
	/* one that waits for its peer's first byte */
	(void)ws_connect(&ws, 1);
	session = find(s, "sallyport-session");
	(void)poll(NULL, 0, 200);
	before = hunt_count(&h, session);
	report("nor a session before its handshake", before == 0);
	ws_close(&ws, WS_ABRUPT);
	while (kill(session, 0) == 0) {
		(void)poll(NULL, 0, 10);
	}
	is_in = ws_stream(&ws, config, STAGE_HONEST) == WS_OK &&
	    ws_works(&ws, 1);
	session = find(s, "sallyport-session");
	report("a device can be had", is_in);
	report("nor a session that has a device", hunt_count(&h, session) == 0);
	ws_close(&ws, WS_POLITE);
}

/* Whoever it is, the same key is there again. */
static void
check_death(const struct stage *s, struct tls_config *config)
{
	pid_t before = find(s, "sallyport-signer"), after;

	(void)kill(before, SIGKILL);
	report("a signer that dies is told",
	    look_awaits(s, "signer: ended by signal 9", 1, WAIT_MS));
	report("another one takes its place", is_let_in_again(config));
	after = find(s, "sallyport-signer");
	report("the gateway goes on", after != before && stage_is_alive(s));
}

static void
put_pair(const struct stage *s, const struct pki_cert *cert)
{
	char from[128], to[128];

	stage_pem(s->dir, "new", cert->pem, cert->pem_len);
	(void)snprintf(from, sizeof(from), "%s/new", s->dir);
	(void)snprintf(to, sizeof(to), "%s/cert.pem", s->dir);
	(void)rename(from, to);
	stage_pem(s->dir, "new", cert->key, cert->key_len);
	(void)snprintf(to, sizeof(to), "%s/key.pem", s->dir);
	(void)rename(from, to);
}

static void
check_renewal(struct stage *s, struct tls_config *config)
{
	static struct pki_cert other, elliptic;
	pid_t before = find(s, "sallyport-signer"), after;
	uint8_t sans[64], known[32], key[32];
	struct pki_how how = {.subject = "CN=gateway", .use = PKI_SERVER,
		.sans = sans};
	struct hunt h;
	struct ws ws;
	int is_in;

	pki_san(sans, &how.sans_len, PKI_DNS, "gateway", 7);
	pki_issue(&elliptic, &s->ca, &how);
	how.is_rsa = 1;
	pki_issue(&other, &s->ca, &how);
	is_in = ws_open(&ws, config, 0) == WS_OK &&
	    tls_peer_key(ws.stream, known) == 0;
	ws_close(&ws, WS_POLITE);
	put_pair(s, &other);
	is_in &= ws_open(&ws, config, 0) == WS_OK &&
	    tls_peer_key(ws.stream, key) == 0 &&
	    memcmp(known, key, sizeof(key)) != 0;
	report("the next connection has the new key", is_in);
	ws_close(&ws, WS_POLITE);
	hunt_learn(&h, other.key, HUNT_ALL);
	for (int ms = 0; ms < WAIT_MS && kill(before, 0) == 0; ms += 20) {
		(void)poll(NULL, 0, 20);
	}
	after = find(s, "sallyport-signer");
	report("and the signer of before is gone",
	    after != before && hunt_count(&h, after) > 0);
	put_pair(s, &elliptic);
	report("with an elliptic key nobody gets in", !ws_is_let_in(config) &&
	    look_awaits(s, "none of RSA", 1, 1000) && !ws_is_let_in(config));
	report("and that is said",
	    look_awaits(s, "nobody has the key to sign", 1, 1000));
	put_pair(s, &other);
	report("until there is one of RSA again", ws_is_let_in(config));
}

static void
run(struct stage *s)
{
	struct tls_config *config = ws_config(&s->ca, &s->honest);

	stage_pem(s->dir, "honest.pem", s->honest.pem, s->honest.pem_len);
	stage_pem(s->dir, "honest.key", s->honest.key, s->honest.key_len);
	report("a workstation gets in", ws_is_let_in(config));
	report("so does openssl, by TLS 1.2", openssl_gets_in(s));
	report("each signature is told", look_awaits(s, "has its signature", 1, 1000));
	report("`sallyctl sandbox' has it", is_listed(s));
	check_memory(s, config);
	check_death(s, config);
	check_renewal(s, config);
	tls_config_free(config);
}

int
main(int argc, char **argv)
{
	struct stage *s = calloc(1, sizeof(*s));

	(void)argc;
	log_init("keyholder");
	if (s == NULL) {
		fatal("start");
	}
	if (stage_enter(argv) != 0) {
		puts("0 passed, 0 failed, 1 skipped");
		free(s);
		return 0;
	}
	s->has_signer = 1;
	if (stage_start(s) != 0) {
		failed++;
	} else {
		run(s);
		report("it ends as told", stage_stop(s) == 0);
	}
	free(s);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
