/*
 * sallyport-certs crl: the list of what was taken back, made anew. A gateway
 * lets nobody in by a list whose time has run out, so this is for a timer.
 */
#include "certs/cmd.h"

#include <stdio.h>

#include <jansson.h>

#include "certs/ca.h"
#include "certs/crl.h"
#include "certs/opt.h"
#include "certs/revoked.h"
#include "certs/say.h"
#include "certs/when.h"

static const char help[] =
"usage: sallyport-certs crl [--dir DIR] [--days N] [--json]\n"
"\n"
"Makes DIR/crl.pem anew: the list of certificates that were revoked.\n"
"\n"
"  --dir DIR  the CA (default " CMD_DEFAULT_DIR ")\n"
"  --days N   how long the list is good, now and from now on (at first 30)\n"
"  --json     print what was made as one JSON object\n"
"  --help     print this\n";

enum { OPT_DIR, OPT_DAYS, OPT_JSON };

static const struct opt options[] = {
	[OPT_DIR] = { "dir", OPT_VALUE },
	[OPT_DAYS] = { "days", OPT_VALUE },
	[OPT_JSON] = { "json", OPT_FLAG },
	{ NULL, OPT_FLAG },
};

struct want {
	const char *dir; /* borrowed */
	long days;	 /* 0: not asked for */
	int is_json;
};

static int
take(void *want, int o, const char *value)
{
	struct want *w = want;

	switch (o) {
	case OPT_DIR:
		return opt_text(&w->dir, "crl", "--dir", value);
	case OPT_DAYS:
		return opt_days(&w->days, "crl", value);
	case OPT_JSON:
		w->is_json = 1;
		return CMD_OK;
	default: /* OPT_OPERAND */
		return say_usage("crl", value, "takes no operand");
	}
}

static void
tell(const struct want *w, const struct revoked *record, time_t until)
{
	char next[WHEN_TEXT];
	json_t *root;

	when_text(next, until);
	if (!w->is_json) {
		printf("made %s/" CRL_FILE ", number %llu, of %zu: the next "
		    "must be there by %s\n", w->dir,
		    (unsigned long long)record->number, record->n, next);
		return;
	}
	root = json_pack("{s:I, s:I, s:s}", "number",
	    (json_int_t)record->number, "total", (json_int_t)record->n,
	    "next_update", next);
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static int
make(const struct want *w, struct ca *ca)
{
	struct revoked record = { .fd = -1 };
	int status = CMD_FAILED;
	time_t until;

	if (revoked_open(&record, "crl", w->dir) == 0) {
		if (w->days != 0) {
			record.days = w->days;
		}
		if (crl_publish("crl", w->dir, ca, &record, &until) == 0) {
			tell(w, &record, until);
			status = say_done("crl");
		}
	}
	revoked_close(&record);
	return status;
}

int
cmd_crl(int argc, char **argv)
{
	struct want w = { .dir = CMD_DEFAULT_DIR };
	int o, status = CMD_FAILED;
	struct ca ca;

	o = opt_read("crl", options, help, argc, argv, take, &w);
	if (o != OPT_GO) {
		return o;
	}
	if (ca_load(&ca, "crl", w.dir) == 0) {
		status = make(&w, &ca);
	}
	ca_free(&ca);
	return status;
}
