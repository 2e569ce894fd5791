/*
 * See tally.h. What comes from a session is only believed as far as numbers can
 * be: they grow, and fit each other.
 */
#include "wire/tally.h"

#include "base/err.h"
#include "wire/cursor.h"

const uint32_t tally_us[TALLY_STEPS - 1] = {
    20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 250000, 1000000};

/* More is a lie: a session does not live that long. */
#define SANE (UINT64_C(1) << 62)

void
tally_time(struct tally_times *times, uint64_t ns)
{
	unsigned i = 0;

	while (i < TALLY_STEPS - 1 && ns > (uint64_t)tally_us[i] * 1000) {
		i++;
	}
	times->steps[i]++;
	times->ns += ns;
}

static void
put_times(struct wcur *c, const struct tally_times *times)
{
	for (unsigned i = 0; i < TALLY_STEPS; i++) {
		wcur_be64(c, times->steps[i]);
	}
	wcur_be64(c, times->ns);
}

int
tally_encode(void *buf, size_t size, const struct tally *tally)
{
	struct wcur c = wcur_of(buf, size);

	wcur_be64(&c, tally->urbs);
	wcur_be64(&c, tally->bytes_in);
	wcur_be64(&c, tally->bytes_out);
	wcur_be32(&c, tally->open);
	put_times(&c, &tally->wait);
	put_times(&c, &tally->took);
	return c.failed ? ERR_NOMEM : (int)c.used;
}

static int
get_times(struct rcur *c, struct tally_times *times)
{
	int bad = 0;

	for (unsigned i = 0; i < TALLY_STEPS; i++) {
		times->steps[i] = rcur_be64(c);
		bad |= times->steps[i] > SANE / TALLY_STEPS;
	}
	times->ns = rcur_be64(c);
	return bad || times->ns > SANE;
}

int
tally_decode(struct tally *tally, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	tally->urbs = rcur_be64(&c);
	tally->bytes_in = rcur_be64(&c);
	tally->bytes_out = rcur_be64(&c);
	tally->open = rcur_be32(&c);
	bad = get_times(&c, &tally->wait);
	bad |= get_times(&c, &tally->took);
	bad |= tally->urbs > SANE || tally->bytes_in > SANE ||
	    tally->bytes_out > SANE;
	return rcur_done(&c) && !bad ? 0 : ERR_FORMAT;
}

/* How many there are in now, or UINT64_MAX: one is less than before. */
static uint64_t
grown(const struct tally_times *before, const struct tally_times *now)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < TALLY_STEPS; i++) {
		if (now->steps[i] < before->steps[i]) {
			return UINT64_MAX;
		}
		sum += now->steps[i];
	}
	return now->ns < before->ns ? UINT64_MAX : sum;
}

static void
add_times(struct tally_times *total, const struct tally_times *before,
    const struct tally_times *now)
{
	for (unsigned i = 0; i < TALLY_STEPS; i++) {
		total->steps[i] += now->steps[i] - before->steps[i];
	}
	total->ns += now->ns - before->ns;
}

int
tally_add(struct tally *total, const struct tally *before,
    const struct tally *now)
{
	uint64_t seen = now->urbs + now->open;

	if (now->urbs < before->urbs || now->bytes_in < before->bytes_in ||
	    now->bytes_out < before->bytes_out ||
	    grown(&before->wait, &now->wait) > seen ||
	    grown(&before->took, &now->took) > seen) {
		return ERR_FORMAT;
	}
	total->urbs += now->urbs - before->urbs;
	total->bytes_in += now->bytes_in - before->bytes_in;
	total->bytes_out += now->bytes_out - before->bytes_out;
	add_times(&total->wait, &before->wait, &now->wait);
	add_times(&total->took, &before->took, &now->took);
	return 0;
}
