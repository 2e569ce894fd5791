/*
 * TCP sockets as both halves use them. Runs in the warden (listening), the
 * relay and the command line (connecting). Resolving names blocks: only before
 * a process has anything else to serve.
 */
#include "base/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

const struct net_liveness net_liveness_default = {2, 2, 2, 6000};

static int
set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

int
net_tune(int fd, const struct net_liveness *live)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1) {
		return ERR_SYS;
	}
	if (domain != AF_INET && domain != AF_INET6) {
		return 0;
	}
	if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) == -1 ||
	    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) == -1 ||
	    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)live->idle_s) ==
		-1 ||
	    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)live->interval_s) ==
		-1 ||
	    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)live->count) == -1 ||
	    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
		(int)live->user_timeout_ms) == -1) {
		return ERR_SYS;
	}
	return 0;
}

/* "host:port", brackets around an IPv6 address. */
static void
name_target(char *dst, size_t size, const char *host, uint16_t port)
{
	if (strchr(host, ':') != NULL) {
		snprintf(dst, size, "[%s]:%u", host, port);
	} else {
		snprintf(dst, size, "%s:%u", host, port);
	}
}

static int
resolve(const char *host, uint16_t port, int flags, struct addrinfo **out,
    char *why, size_t why_size)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = flags | AI_NUMERICSERV};
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%u", port);
	r = getaddrinfo(host, service, &hints, out);
	if (r != 0) {
		snprintf(why, why_size,
		    "resolve: %s: %s; check the name and DNS",
		    host == NULL ? "any address" : host,
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return ERR_NOENT;
	}
	return 0;
}

static int
listen_on(const struct addrinfo *ai, int *out)
{
	int fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);

	if (fd == -1) {
		return ERR_SYS;
	}
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1 ||
	    (ai->ai_family == AF_INET6 &&
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) == -1) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, SOMAXCONN) == -1) {
		close_fd(&fd);
		return ERR_SYS;
	}
	*out = fd;
	return 0;
}

/* The first of family that can be listened on. */
static int
listen_first(const struct addrinfo *list, int family, int *out)
{
	const struct addrinfo *ai;
	int r = ERR_NOENT;

	for (ai = list; ai != NULL; ai = ai->ai_next) {
		if (family != AF_UNSPEC && ai->ai_family != family) {
			continue;
		}
		r = listen_on(ai, out);
		if (r == 0) {
			return 0;
		}
	}
	return r;
}

int
net_listen(
    const char *host, uint16_t port, int *out, char *why, size_t why_size)
{
	struct addrinfo *list = NULL;
	int saved, r;

	if (host != NULL && host[0] == '\0') {
		host = NULL;
	}
	r = resolve(host, port, AI_PASSIVE, &list, why, why_size);
	if (r != 0) {
		return r;
	}
	/* [::] takes IPv4 as well, but not the other way round */
	r = ERR_NOENT;
	if (host == NULL) {
		r = listen_first(list, AF_INET6, out);
	}
	if (r != 0 && !(r == ERR_SYS && errno == EADDRINUSE)) {
		r = listen_first(list, host == NULL ? AF_INET : AF_UNSPEC, out);
	}
	saved = errno;
	freeaddrinfo(list);
	if (r != 0) {
		char target[300];

		name_target(
		    target, sizeof(target), host == NULL ? "*" : host, port);
		snprintf(
		    why, why_size, "listen: %s: %s", target, strerror(saved));
		errno = saved;
		return ERR_SYS;
	}
	return 0;
}

/* Waits for the non-blocking connect of fd. 0, ERR_TIMEOUT, ERR_SYS. */
static int
wait_connected(int fd, uint64_t deadline)
{
	int error = 0;
	socklen_t len = sizeof(error);

	for (;;) {
		struct pollfd p = {fd, POLLOUT, 0};
		uint64_t now = clock_mono();
		uint64_t left = deadline > now ? deadline - now : 0;
		int n;

		n = poll(&p, 1, (int)((left + CLOCK_MSEC - 1) / CLOCK_MSEC));
		if (n > 0) {
			break;
		}
		if (n == 0) {
			errno = ETIMEDOUT;
			return ERR_TIMEOUT;
		}
		if (errno != EINTR) {
			return ERR_SYS;
		}
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
		return ERR_SYS;
	}
	if (error != 0) {
		errno = error;
		return ERR_SYS;
	}
	return 0;
}

static int
connect_to(const struct addrinfo *ai, uint64_t deadline,
    const struct net_liveness *live, int *out)
{
	int fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	int r;

	if (fd == -1) {
		return ERR_SYS;
	}
	/* liveness after the connect: TCP_USER_TIMEOUT would cut its retries */
	r = connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ? 0 : ERR_SYS;
	if (r != 0 && errno == EINPROGRESS) {
		r = wait_connected(fd, deadline);
	}
	if (r == 0) {
		r = net_tune(fd, live);
	}
	if (r != 0) {
		close_fd(&fd);
		return r;
	}
	*out = fd;
	return 0;
}

int
net_connect(const char *host, uint16_t port, int timeout_ms,
    const struct net_liveness *live, int *out, char *why, size_t why_size)
{
	uint64_t end = clock_mono() + (uint64_t)timeout_ms * CLOCK_MSEC;
	struct addrinfo *list = NULL, *ai;
	unsigned left = 0;
	int r, saved = 0;

	r = resolve(host, port, AI_ADDRCONFIG, &list, why, why_size);
	if (r != 0) {
		return r;
	}
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		left++;
	}
	r = ERR_NOENT;
	for (ai = list; ai != NULL; ai = ai->ai_next, left--) {
		uint64_t now = clock_mono();
		/* an address that swallows packets must leave time for the
		 * others */
		uint64_t share = end > now ? (end - now) / left : 0;

		r = connect_to(ai, now + share, live, out);
		if (r == 0) {
			break;
		}
		saved = errno;
	}
	freeaddrinfo(list);
	if (r != 0) {
		char target[300];

		name_target(target, sizeof(target), host, port);
		snprintf(why, why_size, "connect: %s: %s", target,
		    r == ERR_TIMEOUT ? "no answer in time" : strerror(saved));
		errno = saved;
	}
	return r;
}

char *
net_peer_name(char *dst, size_t size, int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage all;
	} addr;
	socklen_t len = sizeof(addr);
	char text[INET6_ADDRSTRLEN];

	memset(&addr, 0, sizeof(addr));
	if (getpeername(fd, &addr.sa, &len) == -1) {
		snprintf(dst, size, "unknown");
	} else if (addr.sa.sa_family == AF_UNIX) {
		snprintf(dst, size, "unix");
	} else if (addr.sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &addr.in.sin_addr, text, sizeof(text));
		snprintf(dst, size, "%s:%u", text, ntohs(addr.in.sin_port));
	} else if (addr.sa.sa_family == AF_INET6) {
		const struct in6_addr *a = &addr.in6.sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(a)) {
			inet_ntop(AF_INET, &a->s6_addr[12], text, sizeof(text));
			snprintf(dst, size, "%s:%u", text,
			    ntohs(addr.in6.sin6_port));
		} else {
			inet_ntop(AF_INET6, a, text, sizeof(text));
			snprintf(dst, size, "[%s]:%u", text,
			    ntohs(addr.in6.sin6_port));
		}
	} else {
		snprintf(dst, size, "unknown");
	}
	return dst;
}
