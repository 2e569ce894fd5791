/*
 * Messages about bundles, and about lines for a server: between the warden, what
 * fetches or posts them and what tries them. Who fetches reads what a network
 * sends, so that its words are texts of a bounded length, and its numbers are
 * checked against what was asked for.
 */
#include "wire/ipc.h"

#include <string.h>

#include "wire/ipc_part.h"

static int
fetch_bad(const struct ipc_fetch *m)
{
	return *m->source == '\0' || m->bundle_max == 0 ||
	    m->signatures_max == 0 || m->timeout == 0;
}

int
ipc_encode_fetch(void *buf, size_t size, const struct ipc_fetch *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_text(&c, m->source, sizeof(m->source));

	bad |= ipc_put_text(&c, m->tag, sizeof(m->tag));
	bad |= ipc_put_text(&c, m->pin, sizeof(m->pin));
	bad |= ipc_put_text(&c, m->proxy, sizeof(m->proxy));
	wcur_be32(&c, m->bundle_max);
	wcur_be32(&c, m->signatures_max);
	wcur_be16(&c, m->timeout);
	wcur_be16(&c, m->wait);
	return ipc_encoded(&c, bad || fetch_bad(m));
}

int
ipc_decode_fetch(struct ipc_fetch *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_text(&c, m->source, sizeof(m->source));

	bad |= ipc_get_text(&c, m->tag, sizeof(m->tag));
	bad |= ipc_get_text(&c, m->pin, sizeof(m->pin));
	bad |= ipc_get_text(&c, m->proxy, sizeof(m->proxy));
	m->bundle_max = rcur_be32(&c);
	m->signatures_max = rcur_be32(&c);
	m->timeout = rcur_be16(&c);
	m->wait = rcur_be16(&c);
	return ipc_decoded(&c, bad || fetch_bad(m));
}

/* Something new has both parts, and nothing new has none. */
static int
fetched_bad(const struct ipc_fetched *m)
{
	return ipc_result_bad(m->err, 0) ||
	    (m->bundle_len != 0) != (m->err == 0) ||
	    (m->signatures_len != 0) != (m->err == 0);
}

int
ipc_encode_fetched(void *buf, size_t size, const struct ipc_fetched *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_be32(&c, (uint32_t)m->err);
	wcur_be32(&c, m->bundle_len);
	wcur_be32(&c, m->signatures_len);
	bad = ipc_put_text(&c, m->tag, sizeof(m->tag));
	bad |= ipc_put_text(&c, m->why, sizeof(m->why));
	return ipc_encoded(&c, bad || fetched_bad(m));
}

int
ipc_decode_fetched(struct ipc_fetched *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->err = (int32_t)rcur_be32(&c);
	m->bundle_len = rcur_be32(&c);
	m->signatures_len = rcur_be32(&c);
	bad = ipc_get_text(&c, m->tag, sizeof(m->tag));
	bad |= ipc_get_text(&c, m->why, sizeof(m->why));
	return ipc_decoded(&c, bad || fetched_bad(m));
}

static int
post_bad(const struct ipc_post *m)
{
	return *m->url == '\0' || strlen(m->chain) != IPC_CHAIN - 1 ||
	    m->last < m->first || m->len == 0 || m->timeout == 0;
}

int
ipc_encode_post(void *buf, size_t size, const struct ipc_post *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad = ipc_put_text(&c, m->url, sizeof(m->url));

	bad |= ipc_put_text(&c, m->pin, sizeof(m->pin));
	bad |= ipc_put_text(&c, m->proxy, sizeof(m->proxy));
	bad |= ipc_put_text(&c, m->chain, sizeof(m->chain));
	wcur_be64(&c, m->first);
	wcur_be64(&c, m->last);
	wcur_be64(&c, m->lost);
	wcur_be32(&c, m->len);
	wcur_be16(&c, m->timeout);
	return ipc_encoded(&c, bad || post_bad(m));
}

int
ipc_decode_post(struct ipc_post *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad = ipc_get_text(&c, m->url, sizeof(m->url));

	bad |= ipc_get_text(&c, m->pin, sizeof(m->pin));
	bad |= ipc_get_text(&c, m->proxy, sizeof(m->proxy));
	bad |= ipc_get_text(&c, m->chain, sizeof(m->chain));
	m->first = rcur_be64(&c);
	m->last = rcur_be64(&c);
	m->lost = rcur_be64(&c);
	m->len = rcur_be32(&c);
	m->timeout = rcur_be16(&c);
	return ipc_decoded(&c, bad || post_bad(m));
}

static int
posted_bad(const struct ipc_posted *m)
{
	return ipc_result_bad(m->err, 0) || m->retry_after > IPC_RETRY_MAX ||
	    (m->err == 0 && m->retry_after != 0);
}

int
ipc_encode_posted(void *buf, size_t size, const struct ipc_posted *m)
{
	struct wcur c = wcur_of(buf, size);
	int bad;

	wcur_be32(&c, (uint32_t)m->err);
	wcur_be32(&c, m->retry_after);
	bad = ipc_put_text(&c, m->why, sizeof(m->why));
	return ipc_encoded(&c, bad || posted_bad(m));
}

int
ipc_decode_posted(struct ipc_posted *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	m->err = (int32_t)rcur_be32(&c);
	m->retry_after = rcur_be32(&c);
	bad = ipc_get_text(&c, m->why, sizeof(m->why));
	return ipc_decoded(&c, bad || posted_bad(m));
}

static int
tried_bad(const struct ipc_tried *m)
{
	return ipc_result_bad(m->err, 0) || (m->err == 0 && m->failed != 0);
}

int
ipc_encode_tried(void *buf, size_t size, const struct ipc_tried *m)
{
	struct wcur c = wcur_of(buf, size);

	wcur_be32(&c, (uint32_t)m->err);
	wcur_be32(&c, m->passed);
	wcur_be32(&c, m->failed);
	return ipc_encoded(&c, tried_bad(m));
}

int
ipc_decode_tried(struct ipc_tried *m, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);

	m->err = (int32_t)rcur_be32(&c);
	m->passed = rcur_be32(&c);
	m->failed = rcur_be32(&c);
	return ipc_decoded(&c, tried_bad(m));
}
