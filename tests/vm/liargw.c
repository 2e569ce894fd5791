/*
 * A hostile gateway for guests: the liar of make attack, with TLS on a port, so
 * that what it says goes through a real relay towards a real vhci_hcd.
 *
 * usage: liargw list				the lies: number, word, reason, what
 *	  liargw PORT CA CERT KEY NUMBER	tells that one, of each device it gives
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tls.h"
#include "tests/attack/liar.h"

#define PEM_MAX 16384
#define CONNECTIONS 32u

static struct liar *conns[CONNECTIONS];
static unsigned nconns;

static const char *
word_of(const struct lie *lie)
{
	switch (lie->when) {
	case LIE_LIST:
	case LIE_IMPORT:
	case LIE_NEVER:
		return "op";
	case LIE_DEVICE:
	case LIE_CONFIG:
	case LIE_REPORT:
		return "face";
	case LIE_BULK_IN:
	case LIE_BULK_OUT:
		return "bulk";
	case LIE_ISO_IN:
	case LIE_ISO_OUT:
		return "iso";
	case LIE_UNLINK:
		return "unlink";
	}
	return "";
}

/* Those that a kernel's driver is the one to provoke: not what the relay has
 * read before, and not what takes a half of a submit. */
static int
is_for_kernels(const struct lie *lie)
{
	return lie->when >= LIE_DEVICE && (lie->extra & LIE_EARLY) == 0 &&
	    (lie->when > LIE_REPORT || lie->skip >= 2 ||
		(lie->when != LIE_CONFIG && lie->skip >= 1));
}

static int
list(void)
{
	for (size_t i = 0; i < nlies; i++) {
		if (is_for_kernels(&lies[i])) {
			printf("%zu\t%s\t%s\t%s\n", i, word_of(&lies[i]),
			    lies[i].reason != NULL ? lies[i].reason : "-",
			    lies[i].what);
		}
	}
	return 0;
}

static size_t
read_pem(const char *path, uint8_t **out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	*out = calloc(1, PEM_MAX);
	n = fd != -1 && *out != NULL ? read(fd, *out, PEM_MAX - 1) : -1;
	if (n <= 0) {
		fatal("read %s", path);
	}
	close_fd(&fd);
	return (size_t)n + 1; /* with its NUL */
}

static int
listen_on(const char *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;
	int fd = socket(
	    AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 8) == -1) {
		fatal("listen on %s", port);
	}
	return fd;
}

static void
welcome(struct tls_config *config, int listener, const struct lie *lie)
{
	static const char *const alpn[] = {"usbip", NULL};
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct stream *stream;
	struct liar *l;

	if (fd == -1) {
		return;
	}
	if (nconns == CONNECTIONS) {
		fatalx("too many connections");
	}
	l = malloc(sizeof(*l));
	stream = tls_stream_new(config, fd, NULL, alpn);
	if (l == NULL || stream == NULL || liar_init(l, stream, lie) != 0) {
		fatalx("a connection");
	}
	conns[nconns++] = l;
}

/* Its last read or write gave nothing, or asks to be tried again. */
static int
is_there(const struct gateway_fake *f)
{
	return f->stream != NULL &&
	    (f->last == 0 || f->last == STREAM_WANT_READ ||
		f->last == STREAM_WANT_WRITE);
}

static void __attribute__((noreturn))
serve(struct tls_config *config, int listener, const struct lie *lie)
{
	for (;;) {
		struct pollfd p[CONNECTIONS + 1] = {
			{.fd = listener, .events = POLLIN}};

		for (unsigned i = 0; i < nconns; i++) {
			p[i + 1].fd = is_there(&conns[i]->fake)
			    ? conns[i]->fake.stream->fd
			    : -1;
			p[i + 1].events = POLLIN;
		}
		(void)poll(p, nconns + 1, 50);
		welcome(config, listener, lie);
		for (unsigned i = 0; i < nconns; i++) {
			unsigned told = conns[i]->told;

			liar_turn(conns[i]);
			if (conns[i]->told > told) {
				puts("told");
				(void)fflush(stdout);
			}
		}
	}
}

int
main(int argc, char **argv)
{
	struct tls_config *config;
	uint8_t *ca, *cert, *key;
	struct tls_pem pem = {0};
	char why[256];
	size_t n;

	log_init("liargw");
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		return list();
	}
	n = argc == 6 ? strtoul(argv[5], NULL, 10) : nlies;
	if (n >= nlies) {
		fprintf(stderr, "usage: liargw list | PORT CA CERT KEY NUMBER\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	pem.ca_len = read_pem(argv[2], &ca);
	pem.cert_len = read_pem(argv[3], &cert);
	pem.key_len = read_pem(argv[4], &key);
	pem.ca = ca;
	pem.cert = cert;
	pem.key = key;
	if (tls_config_new(&config, TLS_SERVER, &pem, why, sizeof(why)) != 0) {
		fatalx("tls: %s", why);
	}
	serve(config, listen_on(argv[1]), &lies[n]);
}
