/*
 * The descriptors of a process tell the inodes of its sockets, and the kernel
 * tells what it counts of each TCP socket, by inode (sock_diag(7)).
 */
#include "vhci-glue/link.h"

#include <dirent.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define SOCKETS 16 /* a relay has four */
#define ESTABLISHED 1

struct inodes {
	unsigned long v[SOCKETS];
	size_t n;
};

static int
find_inodes(struct inodes *out, pid_t pid)
{
	char path[64], text[64], *end;
	const struct dirent *e;
	DIR *d;

	out->n = 0;
	(void)snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	d = opendir(path);
	if (d == NULL) {
		return errno == EACCES || errno == EPERM ? ERR_POLICY
							 : ERR_NOENT;
	}
	while (out->n < SOCKETS && (e = readdir(d)) != NULL) {
		ssize_t n = readlinkat(
		    dirfd(d), e->d_name, text, sizeof(text) - 1);

		if (n <= 0) {
			continue;
		}
		text[n] = '\0';
		if (strncmp(text, "socket:[", 8) == 0) {
			out->v[out->n] = strtoul(text + 8, &end, 10);
			out->n += *end == ']';
		}
	}
	(void)closedir(d);
	return out->n > 0 ? 0 : ERR_NOENT;
}

static int
is_ours(const struct inodes *inodes, unsigned long inode)
{
	for (size_t i = 0; i < inodes->n; i++) {
		if (inodes->v[i] == inode) {
			return 1;
		}
	}
	return 0;
}

static int
ask(int fd, int family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 rq;
	} m = {
	    .head = {.nlmsg_len = sizeof(m),
		.nlmsg_type = SOCK_DIAG_BY_FAMILY,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .rq = {.sdiag_family = (uint8_t)family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = 1 << (INET_DIAG_INFO - 1),
		.idiag_states = 1 << ESTABLISHED},
	};

	return send(fd, &m, sizeof(m), 0) == (ssize_t)sizeof(m) ? 0 : ERR_SYS;
}

/* An older kernel's struct is shorter: what it does not have is 0. */
static void
take(struct link_counts *out, const void *data, size_t len)
{
	struct tcp_info info;

	memset(&info, 0, sizeof(info));
	memcpy(&info, data, len < sizeof(info) ? len : sizeof(info));
	out->at = clock_mono();
	out->rtt = info.tcpi_rtt;
	out->in = info.tcpi_bytes_received;
	out->out = info.tcpi_bytes_acked;
	out->again = info.tcpi_total_retrans;
}

/* One socket of the dump: whether it is the one. */
static int
look_at(struct link_counts *out, const struct inodes *inodes,
    struct nlmsghdr *head)
{
	struct inet_diag_msg *m = NLMSG_DATA(head);
	struct rtattr *at;
	int left = (int)head->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));

	if (left < 0 || !is_ours(inodes, m->idiag_inode)) {
		return 0;
	}
	for (at = (void *)(m + 1); RTA_OK(at, left);
	     at = RTA_NEXT(at, left)) {
		if (at->rta_type == INET_DIAG_INFO) {
			take(out, RTA_DATA(at), RTA_PAYLOAD(at));
			return 1;
		}
	}
	return 0;
}

/* The whole dump is read: what is left of it would answer the next question. */
static int
read_dump(int fd, struct link_counts *out, const struct inodes *inodes)
{
	static _Alignas(struct nlmsghdr) uint8_t buf[32768];
	int found = ERR_NOENT;

	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		struct nlmsghdr *head = (void *)buf;

		if (n <= 0) {
			return ERR_SYS;
		}
		for (; NLMSG_OK(head, (size_t)n);
		     head = NLMSG_NEXT(head, n)) {
			if (head->nlmsg_type == NLMSG_DONE) {
				return found;
			}
			if (head->nlmsg_type == NLMSG_ERROR) {
				return ERR_SYS;
			}
			if (found != 0 && look_at(out, inodes, head)) {
				found = 0;
			}
		}
	}
}

int
link_look(struct link_counts *out, pid_t pid)
{
	static const int families[] = {AF_INET, AF_INET6};
	const struct timeval limit = {.tv_sec = 1};
	struct inodes inodes;
	int fd, r = find_inodes(&inodes, pid);

	memset(out, 0, sizeof(*out));
	if (r != 0) {
		return r;
	}
	fd = socket(
	    AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd == -1 ||
	    setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == -1) {
		close_fd(&fd);
		return ERR_SYS;
	}
	r = ERR_NOENT;
	for (size_t i = 0; r == ERR_NOENT && i < ARRAY_LEN(families); i++) {
		r = ask(fd, families[i]);
		if (r == 0) {
			r = read_dump(fd, out, &inodes);
		}
	}
	close_fd(&fd);
	return r;
}

uint64_t
link_rate(uint64_t before, uint64_t after, uint64_t ns)
{
	if (ns == 0 || after <= before) {
		return 0;
	}
	return (uint64_t)((double)(after - before) * (double)CLOCK_SEC /
	    (double)ns);
}
