/*
 * sallyport enroll: this machine's first certificate. The key, the network and
 * all that comes from there are a helper's, which runs as a user of its own;
 * here three texts are written down.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "vhci-glue/cmd.h"
#include "vhci-glue/keys.h"
#include "vhci-glue/launch.h"
#include "wire/enroll.h"

#define ANSWER_MS 45000 /* the helper gives up before */

/* One line; not in the list of processes, as an argument would be. */
static int
read_token(char *out, size_t size)
{
	char line[2 * ENROLL_TOKEN_TEXT];

	if (fgets(line, sizeof(line), stdin) == NULL) {
		line[0] = '\0';
	}
	line[strcspn(line, " \t\r\n")] = '\0';
	(void)snprintf(out, size, "%s", line);
	mem_wipe(line, sizeof(line));
	return 0;
}

static int
take_token(char out[ENROLL_TOKEN_TEXT], const struct opts *opts)
{
	char text[2 * ENROLL_TOKEN_TEXT];
	struct enroll_token token;
	int r;

	if (strcmp(opts->operands[1], "-") == 0) {
		(void)read_token(text, sizeof(text));
	} else {
		(void)snprintf(text, sizeof(text), "%s", opts->operands[1]);
	}
	r = enroll_token_read(&token, text);
	if (r == 0) {
		memcpy(out, text, ENROLL_TOKEN_TEXT);
	} else {
		log_warnx("%s: this is no token, or not all of one: it begins "
			  "with sp1_ and has %u characters", opts->command,
		    ENROLL_TOKEN_TEXT - 1);
	}
	mem_wipe(&token, sizeof(token));
	mem_wipe(text, sizeof(text));
	return r == 0 ? 0 : EXITS_USAGE;
}

static int
take_answer(struct launch *l, const struct opts *opts, const char *dir)
{
	struct channel_msg msg;
	struct ipc_pem pem;
	int r = launch_recv(l, ANSWER_MS, &msg);

	if (r != 0) {
		return r;
	}
	if (msg.type != IPC_ENROLLED ||
	    ipc_decode_pem(&pem, msg.data, msg.len) != 0 || pem.ca_len == 0 ||
	    pem.cert_len == 0 || pem.key_len == 0 || pem.crl_len != 0) {
		log_warnx("%s: helper: malformed message", opts->command);
		r = EXITS_FAILED;
	} else {
		r = keys_write(opts->command, dir, &pem) == 0 ? EXITS_OK
							       : EXITS_FAILED;
	}
	mem_wipe(l->buf, sizeof(l->buf));
	return r;
}

int
cmd_enroll(const struct opts *opts)
{
	const char *dir = opts->tls != NULL ? opts->tls : OPTS_TLS;
	struct ipc_enroll how = {.port = 0};
	uint8_t buf[sizeof(how) + 16];
	static struct launch l;
	struct gateway host;
	int n, r = cmd_gateway(&host, opts);

	if (r == 0) {
		r = take_token(how.token, opts);
	}
	if (r != 0) {
		return r;
	}
	/* before the token is used up */
	if (keys_check(opts->command, dir) != 0) {
		return EXITS_FAILED;
	}
	how.port = host.port;
	(void)snprintf(how.host, sizeof(how.host), "%s", host.host);
	n = ipc_encode_enroll(buf, sizeof(buf), &how);
	mem_wipe(how.token, sizeof(how.token));
	r = launch_helper(&l, opts, "sallyport-enroll", "helper", IPC_ENROLL,
	    buf, (size_t)n);
	mem_wipe(buf, sizeof(buf));
	if (r != 0) {
		return EXITS_FAILED;
	}
	r = take_answer(&l, opts, dir);
	launch_end(&l);
	if (r == EXITS_OK) {
		(void)printf("enrolled: ca.pem, cert.pem and key.pem are in "
			     "%s\n", dir);
		r = cmd_flush(opts, r);
	}
	return r;
}
