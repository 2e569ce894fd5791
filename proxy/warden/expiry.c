/*
 * What ends soon: the gateway's own certificate and its list of revoked ones.
 * When either has ended nobody can connect, so it is told before, in the log
 * once a day and in `sallyctl status' at any time.
 */
#include "proxy/warden/warden.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/x509.h"

#define DAY INT64_C(86400)
#define AHEAD (30 * DAY)

/* A list lives shorter than a certificate: a month ahead would be always. */
static int64_t
ahead_of_list(const struct expiry *e)
{
	int64_t third = (e->crl_until - e->crl_from) / 3;

	return third < AHEAD ? third : AHEAD;
}

static void
put(struct expiry_of *out, int64_t until, int64_t ahead)
{
	int64_t left = until - world_now();

	out->until = until;
	out->days = left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
	out->is_soon = left < ahead;
}

int
expiry_cert(const struct warden *w, struct expiry_of *out)
{
	if (w->expiry.cert_until == 0) {
		return 0;
	}
	put(out, w->expiry.cert_until, AHEAD);
	return 1;
}

int
expiry_crl(const struct warden *w, struct expiry_of *out)
{
	if (w->expiry.crl_until == 0) {
		return 0;
	}
	put(out, w->expiry.crl_until, ahead_of_list(&w->expiry));
	return 1;
}

void
expiry_on_cert(struct warden *w, const uint8_t *pem, size_t len)
{
	int64_t from;

	/* one that cannot be read is told when somebody connects */
	if (len == 0 ||
	    x509_period(&from, &w->expiry.cert_until, pem, len) != 0) {
		w->expiry.cert_until = 0;
	}
	w->expiry.told = 0;
}

void
expiry_on_crl(struct warden *w, int64_t from, int64_t until)
{
	w->expiry.crl_from = from;
	w->expiry.crl_until = until;
	w->expiry.told = 0;
}

static void
tell(const char *what, const struct expiry_of *e, const char *advice)
{
	char when[32];

	(void)clock_rfc3339(when, sizeof(when),
	    (uint64_t)e->until * CLOCK_SEC);
	if (e->days < 0) {
		log_warnx("%s ended on %s: nobody can connect; %s", what, when,
		    advice);
	} else {
		log_warnx("%s ends in %lld days, on %s; %s", what,
		    (long long)e->days, when, advice);
	}
}

void
expiry_tick(struct warden *w)
{
	struct expiry_of e;
	int64_t now = world_now();

	/* a clock that was set back must not silence it */
	if (w->expiry.told != 0 && now >= w->expiry.told &&
	    now - w->expiry.told < DAY) {
		return;
	}
	w->expiry.told = now;
	if (expiry_cert(w, &e) && e.is_soon) {
		tell("the gateway's certificate", &e,
		    "renew it, see sallyport-certs(8)");
	}
	if (expiry_crl(w, &e) && e.is_soon) {
		tell("the CRL", &e,
		    "have the CA make the next, see sallyport-certs(8)");
	}
}
