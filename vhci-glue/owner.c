/*
 * Owners of sockets, by NETLINK_SOCK_DIAG (inet_diag_req_v2): one question with
 * all four numbers of the connection, one answer. Only an established socket
 * that a process still holds counts: for one that is closing the kernel says
 * user 0.
 */
#include "vhci-glue/owner.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define ESTABLISHED 1 /* net/tcp_states.h TCP_ESTABLISHED */
#define ANSWER_MS 2000

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 req;
};

static int
ask(int nl, const struct sockaddr_in *peer, const struct sockaddr_in *here)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct question q;

	memset(&q, 0, sizeof(q));
	q.head.nlmsg_len = sizeof(q);
	q.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q.head.nlmsg_flags = NLM_F_REQUEST;
	q.req.sdiag_family = AF_INET;
	q.req.sdiag_protocol = IPPROTO_TCP;
	q.req.idiag_states = ~0u;
	/* the peer's socket: its own end first */
	q.req.id.idiag_sport = peer->sin_port;
	q.req.id.idiag_dport = here->sin_port;
	q.req.id.idiag_src[0] = peer->sin_addr.s_addr;
	q.req.id.idiag_dst[0] = here->sin_addr.s_addr;
	q.req.id.idiag_cookie[0] = q.req.id.idiag_cookie[1] =
	    INET_DIAG_NOCOOKIE;
	return sendto(nl, &q, sizeof(q), 0, (struct sockaddr *)&kernel,
		   sizeof(kernel)) == (ssize_t)sizeof(q)
	    ? 0
	    : ERR_SYS;
}

int
owner_parse(uid_t *out, const void *buf, size_t len,
    const struct sockaddr_in *peer, const struct sockaddr_in *here)
{
	struct inet_diag_msg msg;
	struct nlmsgerr error;
	struct nlmsghdr head;
	const uint8_t *p = buf;

	if (len < NLMSG_HDRLEN) {
		return ERR_FORMAT;
	}
	memcpy(&head, p, sizeof(head));
	p += NLMSG_HDRLEN;
	if (head.nlmsg_len > len) {
		return ERR_FORMAT;
	}
	len = head.nlmsg_len - (head.nlmsg_len < NLMSG_HDRLEN
				       ? head.nlmsg_len
				       : NLMSG_HDRLEN);
	if (head.nlmsg_type == NLMSG_ERROR && len >= sizeof(error)) {
		memcpy(&error, p, sizeof(error));
		errno = -error.error;
		return error.error == -ENOENT ? ERR_NOENT : ERR_SYS;
	}
	if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || len < sizeof(msg)) {
		return ERR_FORMAT;
	}
	memcpy(&msg, p, sizeof(msg));
	if (msg.idiag_family != AF_INET ||
	    msg.id.idiag_sport != peer->sin_port ||
	    msg.id.idiag_dport != here->sin_port ||
	    msg.id.idiag_src[0] != peer->sin_addr.s_addr ||
	    msg.id.idiag_dst[0] != here->sin_addr.s_addr) {
		return ERR_FORMAT;
	}
	if (msg.idiag_state != ESTABLISHED || msg.idiag_inode == 0) {
		return ERR_NOENT;
	}
	*out = msg.idiag_uid;
	return 0;
}

/* The answer must come from the kernel, which is port 0. */
static int
hear(int nl, uid_t *out, const struct sockaddr_in *peer,
    const struct sockaddr_in *here)
{
	struct pollfd p = {.fd = nl, .events = POLLIN};
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	uint8_t buf[4096];
	ssize_t n;

	if (poll(&p, 1, ANSWER_MS) != 1) {
		errno = ETIMEDOUT;
		return ERR_SYS;
	}
	n = recvfrom(nl, buf, sizeof(buf), MSG_TRUNC,
	    (struct sockaddr *)&from, &from_len);
	if (n < 0) {
		return ERR_SYS;
	}
	if ((size_t)n > sizeof(buf) || from_len != sizeof(from) ||
	    from.nl_pid != 0) {
		return ERR_FORMAT;
	}
	return owner_parse(out, buf, (size_t)n, peer, here);
}

int
owner_of(int fd, uid_t *out)
{
	struct sockaddr_in peer, here;
	socklen_t peer_len = sizeof(peer), here_len = sizeof(here);
	int nl, r;

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&here, &here_len) == -1) {
		return ERR_SYS;
	}
	if (peer.sin_family != AF_INET || here.sin_family != AF_INET) {
		return ERR_FORMAT;
	}
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nl == -1) {
		return ERR_SYS;
	}
	r = ask(nl, &peer, &here);
	if (r == 0) {
		r = hear(nl, out, &peer, &here);
	}
	close_fd(&nl);
	return r;
}
