/*
 * Against data that leaves: so much may be written to a device by one identity in
 * an hour, and what writes on beyond it loses the device.
 *
 *	[verdict dlp]			# gateway.conf
 *	user = dlp
 *
 *	profile guarded extends storage-rw {
 *	  on scsi { ask "dlp" within 2s else deny op write }
 *	}
 *
 *	cc verdict-dlp.c -lsallyport-verdict -ljansson -o verdict-dlp
 *	verdict-dlp 64 [SOCKET]		# MiB
 *
 * It sees who writes where and how much, and never what: data stays between the
 * workstation and the device. See sallyport-verdict(7).
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sallyport-verdict.h>

#define WRITERS 256
#define HOUR 3600
#define PATIENCE 8 /* refusals before the device goes */
#define BLOCK 512u

/* An identity and a device, and its hour. */
struct writer {
	char who[128], what[160];
	time_t since; /* 0 = free */
	uint64_t bytes;
	unsigned refused;
};
static struct writer writers[WRITERS];

static time_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}

/* Theirs; when there is no room, that whose hour began first. NULL: the names do
 * not fit. */
static struct writer *
find(const char *who, const char *what)
{
	struct writer *oldest = &writers[0];

	if (who == NULL || what == NULL ||
	    strlen(who) >= sizeof(oldest->who) ||
	    strlen(what) >= sizeof(oldest->what)) {
		return NULL;
	}
	for (struct writer *w = writers; w < writers + WRITERS; w++) {
		if (w->since != 0 && strcmp(w->who, who) == 0 &&
		    strcmp(w->what, what) == 0) {
			oldest = w;
			break;
		}
		if (w->since < oldest->since) {
			oldest = w;
		}
	}
	if (strcmp(oldest->who, who) != 0 || strcmp(oldest->what, what) != 0 ||
	    now() - oldest->since >= HOUR) {
		*oldest = (struct writer){.since = now()};
		(void)snprintf(oldest->who, sizeof(oldest->who), "%s", who);
		(void)snprintf(oldest->what, sizeof(oldest->what), "%s", what);
	}
	return oldest;
}

static enum sallyport_verdict_word
judge(const struct sallyport_verdict *v, uint64_t most, const char **reason)
{
	uint64_t blocks, last;
	struct writer *w = find(sallyport_verdict_text(v, "identity.name"),
	    sallyport_verdict_text(v, "device.stable"));

	/* a write without a length, such as UNMAP, is none of ours to allow */
	if (w == NULL ||
	    sallyport_verdict_range(v, "facts.blocks", &blocks, &last) != 0) {
		*reason = "cannot be judged";
		return SALLYPORT_DENY;
	}
	if (blocks <= most / BLOCK && w->bytes + blocks * BLOCK <= most) {
		w->bytes += blocks * BLOCK;
		*reason = "";
		return SALLYPORT_ALLOW;
	}
	*reason = "more than an hour's worth was written";
	return ++w->refused >= PATIENCE ? SALLYPORT_EJECT : SALLYPORT_DENY;
}

int
main(int argc, char **argv)
{
	struct sallyport_verdict *v = NULL;
	struct sallyport_verdict_ask ask;
	const char *reason;
	unsigned long mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int event, r;

	if (mib == 0 || mib > 1024UL * 1024 || argc > 3) {
		fprintf(stderr, "usage: verdict-dlp MIB [SOCKET]\n");
		return 2;
	}
	r = sallyport_verdict_open(&v, argc > 2 ? argv[2] : NULL, "dlp");
	while (r == 0) {
		while ((event = sallyport_verdict_next(v, &ask)) > 0) {
			if (event == SALLYPORT_ASK) {
				enum sallyport_verdict_word word =
				    judge(v, (uint64_t)mib << 20, &reason);

				(void)sallyport_verdict_answer(
				    v, ask.id, word, 0, reason);
			}
		}
		r = event;
		if (r == 0) {
			struct pollfd p = {.fd = sallyport_verdict_fd(v),
			    .events = sallyport_verdict_events(v)};

			r = poll(&p, 1, -1) == -1 && errno != EINTR ? -errno : 0;
		}
	}
	fprintf(stderr, "verdict-dlp: %s\n",
	    v != NULL ? sallyport_verdict_why(v) : "out of memory");
	sallyport_verdict_close(v);
	return 1;
}
