#include "proxy/warden/desks.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct desks {
	size_t n;
	struct desks_said desk[RULE_DESKS_MAX];
};

static struct desks_said *
find(struct desks *desks, const char *seat)
{
	for (size_t i = 0; i < desks->n; i++) {
		if (strcmp(desks->desk[i].seat, seat) == 0) {
			return &desks->desk[i];
		}
	}
	return NULL;
}

static int
is_nothing(const struct desks_said *said)
{
	return said->lock == RULE_LOCK_UNKNOWN && said->user[0] == '\0';
}

int
desks_hear(struct desks **out, const struct desks_said *said)
{
	struct desks *desks = *out;
	struct desks_said *desk =
	    desks != NULL ? find(desks, said->seat) : NULL;

	if (desk == NULL && is_nothing(said)) {
		return 0;
	}
	if (desks == NULL) {
		desks = *out = calloc(1, sizeof(*desks));
		if (desks == NULL) {
			return ERR_NOMEM;
		}
	}
	if (desk == NULL) {
		if (desks->n == RULE_DESKS_MAX) {
			return ERR_LIMIT;
		}
		desk = &desks->desk[desks->n++];
	} else if (is_nothing(said)) {
		*desk = desks->desk[--desks->n];
		return 1;
	} else if (desk->lock == said->lock &&
	    strcmp(desk->user, said->user) == 0) {
		return 0;
	}
	*desk = *said;
	return 1;
}

size_t
desks_put(const struct desks *desks, struct rule_desk *out, size_t max)
{
	size_t n = desks != NULL ? desks->n : 0;

	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct rule_desk){
			.user = desks->desk[i].user,
			.seat = desks->desk[i].seat,
			.lock = desks->desk[i].lock,
		};
	}
	return n;
}

void
desks_free(struct desks *desks)
{
	free(desks);
}
