/*
 * The identities that the gateway knows now: those with a connection, and those
 * for whom a device is on hold.
 */
#include "proxy/warden/warden.h"

#include <string.h>

static int
is_there(const struct known_person *list, unsigned n, const uint8_t *who)
{
	for (unsigned i = 0; i < n; i++) {
		if (memcmp(list[i].person.who, who, BOOK_KEY) == 0) {
			return 1;
		}
	}
	return 0;
}

unsigned
people_list(struct warden *w, struct known_person *out, unsigned max)
{
	const struct session *s;
	const struct device *dev;
	unsigned n = 0;

	TAILQ_FOREACH (s, &w->sessions, entry) {
		if (n < max && s->is_identified &&
		    s->phase != SESSION_ENDING && !is_there(out, n, s->who)) {
			out[n++] = (struct known_person){
				.person = {&s->facts, s->who}, .session = s};
		}
	}
	TAILQ_FOREACH (dev, &w->devices, entry) {
		if (n < max && dev->held_for != NULL && dev->plug != NULL &&
		    plug_is_held(dev->plug) &&
		    !is_there(out, n, dev->plug->hold.who)) {
			out[n++] = (struct known_person){.person = {
				dev->held_for, dev->plug->hold.who}};
		}
	}
	return n;
}
