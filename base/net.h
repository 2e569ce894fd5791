/*
 * TCP as both halves use it: TCP_NODELAY always, and a dead peer is noticed by
 * keepalive and TCP_USER_TIMEOUT, so that its device is free again in time.
 */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <stddef.h>
#include <stdint.h>

struct net_liveness {
	unsigned idle_s, interval_s, count; /* keepalive: 2, 2, 2 */
	unsigned user_timeout_ms;	    /* TCP_USER_TIMEOUT: 6000 */
};
#define NET_LIVENESS_DEFAULT {2, 2, 2, 6000}
extern const struct net_liveness net_liveness_default;

/* Sets NODELAY and liveness on a TCP socket; a UNIX socket is left as it is.
 * 0 or ERR_SYS. */
int net_tune(int fd, const struct net_liveness *live);

/* A listening socket, CLOEXEC, non-blocking; host NULL or "" = all addresses,
 * v6 and v4. ERR_SYS, ERR_NOENT (name does not resolve: why tells). */
int net_listen(const char *host, uint16_t port, int *out, char *why,
    size_t why_size);
/* Resolves and connects, waiting up to timeout_ms in all; tries each address.
 * The socket is CLOEXEC and non-blocking and tuned. ERR_NOENT (name), ERR_SYS
 * (errno of the last try), ERR_TIMEOUT; why says what and where. */
int net_connect(const char *host, uint16_t port, int timeout_ms,
    const struct net_liveness *live, int *out, char *why, size_t why_size);
/* "192.0.2.1:3241" or "[2001:db8::1]:3241" of the peer; "unix" for a UNIX
 * socket; "unknown" on failure. Returns dst. */
char *net_peer_name(char *dst, size_t size, int fd);

#endif
