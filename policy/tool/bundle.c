/*
 * sallyport-policy bundle: what a publisher does with rules for many gateways.
 */
#include "policy/tool/bundle.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/text/when.h"
#include "policy/tool/trial.h"
#include "policy/tool/when.h"

static const struct {
	const char *name;
	cmd_fn *run;
} subcommands[] = {
	{"create", bundle_create},
	{"sign", bundle_sign},
	{"verify", bundle_verify},
	{"show", bundle_show},
	{"diff", bundle_diff},
	{"test", bundle_test},
};

int
cmd_bundle(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(subcommands); i++) {
		if (strcmp(subcommands[i].name, argv[1]) == 0) {
			return subcommands[i].run(argc - 1, argv + 1);
		}
	}
	return cmd_usage("bundle: expected create, sign, verify, show, diff or "
			 "test");
}

/* ------------------------------------------------------------------------ */
/* verify                                                                   */

struct verify {
	const char *path, *keys;
	unsigned threshold;
	int64_t now;
	int is_json;
};

static int
read_verify(struct verify *v, int argc, char **argv)
{
	uint32_t n;

	*v = (struct verify){.threshold = 1, .now = time(NULL)};
	for (int i = 1; i < argc; i++) {
		const char *value;

		if (argv[i][0] != '-' && v->path == NULL) {
			v->path = argv[i];
		} else if (strcmp(argv[i], "--json") == 0) {
			v->is_json = 1;
		} else if ((value = cmd_value(argv, argc, &i, "--keys")) !=
		    NULL) {
			v->keys = value;
		} else if ((value = cmd_value(argv, argc, &i, "--threshold")) !=
		    NULL) {
			if (when_number(value, strlen(value), MANIFEST_KEYS,
				&n) != 0 || n == 0) {
				return cmd_usage("bundle verify: --threshold: "
						 "expected a number of 1 to %u",
				    MANIFEST_KEYS);
			}
			v->threshold = n;
		} else if ((value = cmd_value(argv, argc, &i, "--at")) != NULL) {
			if (when_read(value, &v->now) != 0) {
				return cmd_usage("bundle verify: --at: expected "
						 "a time, 2026-03-02T06:15:00Z");
			}
		} else {
			return cmd_usage(
			    "bundle verify: unknown option %s", argv[i]);
		}
	}
	return v->path != NULL && v->keys != NULL ? 0 :
		cmd_usage("bundle verify: a FILE and --keys are needed");
}

static const char *
phase_text(enum manifest_phase phase)
{
	switch (phase) {
	case MANIFEST_EARLY:
		return "it is not valid yet";
	case MANIFEST_VALID:
		return "it is valid";
	case MANIFEST_GRACE:
		return "it has expired, and is in its grace";
	case MANIFEST_OVER:
		break;
	}
	return "it has expired";
}

int
bundle_verify(int argc, char **argv)
{
	enum manifest_phase phase;
	struct signatures s = {.n = 0};
	struct bundle *b = NULL;
	struct keyring ring;
	struct verify v;
	char why[256] = "";
	int r = read_verify(&v, argc, argv), is_good;

	if (r != 0) {
		return r;
	}
	if (bundle_file_keys(&ring, v.keys, v.threshold) != 0 ||
	    bundle_file_read(&b, v.path) != 0) {
		return CMD_FAILED;
	}
	r = bundle_file_signatures(&s, v.path);
	if (r == ERR_NOENT) {
		(void)snprintf(why, sizeof(why), "%s.sig: there is none",
		    v.path);
	} else if (r == 0) {
		r = signed_check(&s, &ring, b->sha256, why, sizeof(why));
	}
	phase = manifest_phase(&b->manifest, v.now);
	is_good = r == 0 &&
	    (phase == MANIFEST_VALID || phase == MANIFEST_GRACE);
	if (r == 0) {
		(void)snprintf(why, sizeof(why), "serial %lld, signed by %u of "
		    "%zu keys; %s", (long long)b->manifest.serial,
		    signed_count(&s, &ring, b->sha256), ring.nkeys,
		    phase_text(phase));
	}
	if (v.is_json) {
		json_t *o = json_pack("{s:b, s:I, s:s}", "ok", is_good,
		    "serial", (json_int_t)b->manifest.serial, "text", why);

		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	} else if (is_good) {
		printf("%s: %s\n", v.path, why);
	} else {
		cmd_warn("verify: %s: %s", v.path, why);
	}
	bundle_free(b);
	return is_good ? CMD_OK : CMD_FAILED;
}

/* ------------------------------------------------------------------------ */
/* show                                                                     */

static void
show_lists(const struct bundle *b)
{
	const struct manifest *m = &b->manifest;
	char hex[65];

	for (size_t i = 0; i < m->next.nkeys; i++) {
		printf("next key    %s\n", digest_hex(hex, sizeof(hex),
		    m->next.keys[i].id, 32));
	}
	if (m->next.nkeys > 0) {
		printf("            %u of them must sign\n", m->next.threshold);
	}
	for (size_t i = 0; i < m->ntargets; i++) {
		printf("for        ");
		for (size_t j = 0; j < m->targets[i].nlabels; j++) {
			printf(" %s", m->targets[i].labels[j]);
		}
		printf("%s  %s\n", m->targets[i].nlabels == 0 ? " all" : "",
		    m->targets[i].url);
	}
	for (size_t i = 0; i < b->nfiles; i++) {
		printf("file        %s, %zu bytes\n", b->files[i].name,
		    b->files[i].len);
	}
}

static void
show_text(const struct bundle *b, const struct signatures *s)
{
	const struct manifest *m = &b->manifest;
	char text[WHEN_TEXT], hex[65];

	printf("serial      %lld%s%s\n", (long long)m->serial,
	    m->revision[0] != '\0' ? ", revision " : "", m->revision);
	printf("kind        %s%s\n",
	    m->kind == MANIFEST_POLICY ? "policy" : "discovery",
	    m->is_delegate ? ", local files may allow more" : "");
	printf("not before  %s\n", when_show(text, m->not_before));
	printf("expires     %s\n", when_show(text, m->expires));
	if (m->grace != 0) {
		printf("grace       %s\n", when_show_duration(text, m->grace));
	}
	printf("sha256      %s\n",
	    digest_hex(hex, sizeof(hex), b->sha256, 32));
	show_lists(b);
	for (size_t i = 0; i < s->n; i++) {
		printf("signed by   %s%s\n", digest_hex(hex, sizeof(hex),
		    s->list[i].key, 32),
		    memcmp(s->sha256, b->sha256, 32) == 0 ?
			"" : ", but another bundle");
	}
	if (s->n == 0) {
		puts("not signed");
	}
}

static int
show_json(const struct bundle *b, const struct signatures *s)
{
	char *text = manifest_print(&b->manifest), hex[65];
	json_t *o = text != NULL ? json_loads(text, 0, NULL) : NULL;
	json_t *list = json_array();

	free(text);
	if (o == NULL) {
		cmd_warn("show: out of memory");
		json_decref(list);
		return CMD_FAILED;
	}
	for (size_t i = 0; i < s->n; i++) {
		json_array_append_new(list, json_string(digest_hex(hex,
		    sizeof(hex), s->list[i].key, 32)));
	}
	json_object_set_new(o, "sha256",
	    json_string(digest_hex(hex, sizeof(hex), b->sha256, 32)));
	json_object_set_new(o, "signed_by", list);
	json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(o);
	return CMD_OK;
}

int
bundle_show(int argc, char **argv)
{
	int is_json = argc > 1 && strcmp(argv[1], "--json") == 0, e = CMD_OK, r;
	struct signatures s = {.n = 0};
	struct bundle *b = NULL;

	if (argc != 2 + is_json || argv[1 + is_json][0] == '-') {
		return cmd_usage("bundle show: expected [--json] FILE");
	}
	if (bundle_file_read(&b, argv[1 + is_json]) != 0) {
		return CMD_FAILED;
	}
	r = bundle_file_signatures(&s, argv[1 + is_json]);
	if (r != 0 && r != ERR_NOENT) {
		e = CMD_FAILED;
	} else if (is_json) {
		e = show_json(b, &s);
	} else {
		show_text(b, &s);
	}
	bundle_free(b);
	return e;
}

/* ------------------------------------------------------------------------ */
/* test                                                                     */

int
bundle_test(int argc, char **argv)
{
	struct test_tally tally = {0, 0, 0};
	struct bundle *b = NULL;
	const char *stock = NULL, *path = NULL;
	int r;

	for (int i = 1; i < argc; i++) {
		const char *value = cmd_value(argv, argc, &i, "--stock");

		if (value != NULL) {
			stock = value;
		} else if (argv[i][0] != '-' && path == NULL) {
			path = argv[i];
		} else {
			return cmd_usage(
			    "bundle test: unknown option %s", argv[i]);
		}
	}
	if (path == NULL) {
		return cmd_usage("bundle test: no FILE given");
	}
	if (bundle_file_read(&b, path) != 0) {
		return CMD_FAILED;
	}
	r = trial_run(b, stock, &tally);
	bundle_free(b);
	printf("%zu passed, %zu failed\n", tally.passed, tally.failed);
	return r == 0 ? CMD_OK : CMD_FAILED;
}
