/*
 * sallyport-policy bundle sign: by a key in a file, or by a command that has it,
 * which gets the digest and answers a signature.
 */
#include "policy/tool/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#define KEY_MAX 4096u

struct made {
	struct sign_key pub;
	uint8_t der[SIGN_DER_MAX];
	size_t len;
};

static int
by_key(struct made *out, const char *path, const uint8_t digest[32])
{
	uint8_t *pem = NULL;
	char why[256] = "";
	size_t len = 0;
	int r = file_read(path, KEY_MAX, FILE_SECRET, &pem, &len);

	if (r == ERR_POLICY) {
		cmd_warn("read: %s: group or others may read it; run `chmod "
			 "0600 %s'", path, path);
		return r;
	}
	if (r != 0) {
		cmd_warn("read: %s: %s", path, err_str(r));
		return r;
	}
	r = sign_make(&out->pub, out->der, &out->len, digest,
	    (const char *)pem, len + 1, why, sizeof(why));
	if (r != 0) {
		cmd_warn("sign: %s: %s", path, why);
	}
	mem_wipe(pem, len);
	free(pem);
	return r;
}

/* ------------------------------------------------------------------------ */
/* A command                                                                */

/* The child: the digest in binary on standard input and in hexadecimal in the
 * environment, the signature on standard output. */
static void
run_child(const char *command, const uint8_t digest[32], int in, int out)
{
	char hex[65];

	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(in, 0) == -1 || dup2(out, 1) == -1 ||
	    setenv("SALLYPORT_SHA256",
		digest_hex(hex, sizeof(hex), digest, 32), 1) == -1) {
		_exit(126);
	}
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(126);
}

static int
read_answer(int fd, uint8_t *buf, size_t size, size_t *len)
{
	*len = 0;
	for (;;) {
		ssize_t n = read(fd, buf + *len, size - *len);

		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n == 0 ? 0 : ERR_SYS;
		}
		*len += (size_t)n;
		if (*len == size) {
			return ERR_LIMIT;
		}
	}
}

static int
talk(const char *command, const uint8_t digest[32], const int to[2],
    const int from[2], uint8_t *buf, size_t size, size_t *len)
{
	pid_t pid = fork();
	int status, r;

	if (pid == 0) {
		run_child(command, digest, to[0], from[1]);
	}
	if (pid == -1) {
		return ERR_SYS;
	}
	/* 32 bytes fit into a pipe, whoever reads them */
	r = write(to[1], digest, 32) == 32 ? 0 : ERR_SYS;
	(void)close(to[1]);
	(void)close(from[1]);
	if (r == 0) {
		r = read_answer(from[0], buf, size, len);
	}
	(void)close(from[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
	}
	return r != 0			  ? r :
	    WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 :
							    ERR_CLOSED;
}

static int
run(const char *command, const uint8_t digest[32], uint8_t *buf, size_t size,
    size_t *len)
{
	int to[2] = {-1, -1}, from[2] = {-1, -1}, r = ERR_SYS;

	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0) {
		r = talk(command, digest, to, from, buf, size, len);
		to[1] = from[0] = from[1] = -1; /* closed there */
	}
	close_fd(&to[0]);
	close_fd(&to[1]);
	close_fd(&from[0]);
	close_fd(&from[1]);
	return r;
}

static int
by_command(struct made *out, const char *command, const char *public,
    const uint8_t digest[32])
{
	uint8_t buf[SIGN_DER_MAX + 1];
	struct keyring ring;
	int r = bundle_file_keys(&ring, public, 1);

	if (r != 0) {
		return r;
	}
	if (ring.nkeys != 1) {
		cmd_warn("read: %s: expected one key, the signer's", public);
		return ERR_FORMAT;
	}
	r = run(command, digest, buf, sizeof(buf), &out->len);
	if (r == 0) {
		r = sign_check(&ring.keys[0], digest, buf, out->len);
	}
	if (r != 0) {
		cmd_warn("sign: `%s': %s", command,
		    r == ERR_POLICY ? "its answer is not this key's signature, "
				      "in DER, of the digest on its input" :
		    r == ERR_LIMIT  ? "its answer is too long for a signature "
				      "in DER" :
		    r == ERR_CLOSED ? "it failed" :
				      err_str(r));
		return r;
	}
	out->pub = ring.keys[0];
	memcpy(out->der, buf, out->len);
	return 0;
}

/* ------------------------------------------------------------------------ */

/* Those of other keys stay, if they are of this bundle. */
static int
add_to_file(const char *path, const struct bundle *b, const struct made *made)
{
	struct signatures s = {.n = 0};
	char *name = NULL, *text = NULL;
	int r = bundle_file_signatures(&s, path);

	if (r != 0 && r != ERR_NOENT) {
		return r;
	}
	if (r == ERR_NOENT || memcmp(s.sha256, b->sha256, 32) != 0) {
		s.n = 0;
		memcpy(s.sha256, b->sha256, 32);
	}
	r = signed_add(&s, made->pub.id, made->der, made->len);
	if (r != 0) {
		cmd_warn("sign: %s: more than %u signatures", path,
		    SIGNED_SIGNATURES);
		return r;
	}
	text = signed_print(&s);
	if (text == NULL || asprintf(&name, "%s.sig", path) == -1) {
		cmd_warn("sign: out of memory");
		free(text);
		return ERR_NOMEM;
	}
	r = bundle_file_write(name, text, strlen(text));
	free(text);
	free(name);
	return r;
}

int
bundle_sign(int argc, char **argv)
{
	const char *path = NULL, *key = NULL, *signer = NULL, *public = NULL;
	struct bundle *b = NULL;
	struct made made;
	char hex[65];
	int r;

	for (int i = 1; i < argc; i++) {
		const char *value;

		if (argv[i][0] != '-' && path == NULL) {
			path = argv[i];
		} else if ((value = cmd_value(argv, argc, &i, "--key")) != NULL) {
			key = value;
		} else if ((value = cmd_value(argv, argc, &i, "--signer")) !=
		    NULL) {
			signer = value;
		} else if ((value = cmd_value(argv, argc, &i, "--public")) !=
		    NULL) {
			public = value;
		} else {
			return cmd_usage(
			    "bundle sign: unknown option %s", argv[i]);
		}
	}
	if (path == NULL || (key == NULL) == (signer == NULL) ||
	    (signer == NULL) != (public == NULL)) {
		return cmd_usage("bundle sign: a FILE and either --key, or "
				 "--signer with --public, are needed");
	}
	if (bundle_file_read(&b, path) != 0) {
		return CMD_FAILED;
	}
	r = key != NULL ? by_key(&made, key, b->sha256) :
			  by_command(&made, signer, public, b->sha256);
	if (r == 0) {
		r = add_to_file(path, b, &made);
	}
	if (r == 0) {
		printf("%s.sig: signed by %s\n", path,
		    digest_hex(hex, sizeof(hex), made.pub.id, 32));
	}
	bundle_free(b);
	return r == 0 ? CMD_OK : CMD_FAILED;
}
