/*
 * sallyport-policy bundle diff: the rules that one bundle has and the other has
 * not; and, for devices that are given, what that means for whom.
 */
#include "policy/tool/bundle.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "policy/tool/device.h"
#include "policy/tool/files.h"
#include "policy/tool/identity.h"
#include "policy/tool/inside.h"
#include "policy/tool/json.h"
#include "policy/tool/verdict.h"
#include "policy/tool/world.h"

#define MAX_TO 64u
#define MAX_LISTS 16u
#define MAX_DEVICES 4096u
#define NAME 256

struct line {
	char *text; /* owned; the rule's canonical form */
	const char *file; /* borrowed from the rules */
	unsigned number;
};

struct side {
	struct rules *rules; /* owned */
	struct line *lines;  /* owned; by text */
	size_t n;
};

struct item {
	char name[NAME];
	struct device device;
};

struct diff {
	const char *paths[2];
	const char *lists[MAX_LISTS], *to[MAX_TO];
	size_t npaths, nlists, nto;
	struct side sides[2];
	struct item **items; /* owned */
	size_t nitems;
	struct x509_facts *people; /* owned; of to */
	json_t *out;		   /* owned; NULL: text */
	size_t changes;
};

/* ------------------------------------------------------------------------ */
/* Rules                                                                    */

static int
by_text(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static int
list_rules(struct side *side)
{
	size_t n = rules_count(side->rules), size = 1u << 20;
	char *buf = malloc(size);

	side->lines = calloc(n + 1, sizeof(*side->lines));
	if (buf == NULL || side->lines == NULL) {
		free(buf);
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		struct line *line = &side->lines[i];

		if (rules_print(side->rules, i, buf, size) < 0) {
			(void)snprintf(buf, size, "a rule of over 1 MiB");
		}
		line->text = strdup(buf);
		if (line->text == NULL) {
			break;
		}
		rules_where(side->rules, i, &line->file, &line->number);
		side->n++;
	}
	free(buf);
	qsort(side->lines, side->n, sizeof(*side->lines), by_text);
	return side->n == n ? 0 : ERR_NOMEM;
}

static int
load_side(struct side *side, const char *path)
{
	static char folder[] = BUNDLE_SCHEME BUNDLE_RULES;
	char *paths[] = {folder};
	struct rules_load *load = rules_load_new();
	struct files files = {0};
	struct bundle *b = NULL;
	int r = bundle_file_read(&b, path);

	if (r == 0 && load == NULL) {
		r = ERR_NOMEM;
	}
	if (r == 0) {
		inside_set(b, NULL);
		r = inside_is_folder(folder) ?
		    files_load(&files, load, paths, 1) :
		    0;
		if (r == 0) {
			r = rules_load_finish(load, &side->rules);
			files_show_errors(load);
		}
		inside_set(NULL, NULL);
	}
	if (r == 0) {
		r = list_rules(side);
	}
	if (r == ERR_NOMEM) {
		cmd_warn("diff: out of memory");
	}
	files_fini(&files);
	rules_load_free(load);
	bundle_free(b);
	return r;
}

static void
show_rule(struct diff *d, const char *sign, const struct line *line)
{
	d->changes++;
	if (d->out == NULL) {
		printf("%s %s  (%s:%u)\n", sign, line->text, line->file,
		    line->number);
		return;
	}
	json_array_append_new(
	    json_object_get(d->out, *sign == '+' ? "added" : "removed"),
	    json_pack("{s:s, s:s, s:i}", "rule", line->text, "file",
		line->file, "line", (int)line->number));
}

static void
diff_rules(struct diff *d)
{
	const struct side *a = &d->sides[0], *b = &d->sides[1];
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		int c = i == a->n ? 1 :
		    j == b->n	  ? -1 :
				    strcmp(a->lines[i].text, b->lines[j].text);

		if (c < 0) {
			show_rule(d, "-", &a->lines[i]);
		} else if (c > 0) {
			show_rule(d, "+", &b->lines[j]);
		}
		i += c <= 0;
		j += c >= 0;
	}
}

/* ------------------------------------------------------------------------ */
/* Devices                                                                  */

static int
add_device(struct diff *d, json_t *o, const char *path)
{
	const char *stable = json_string_value(json_object_get(o, "stable"));
	const char *id = json_string_value(json_object_get(o, "id"));
	struct item *item;
	int r;

	if (id == NULL) {
		return 0; /* the gateway has not read it */
	}
	if (d->nitems == MAX_DEVICES) {
		cmd_warn("read: %s: more than %u devices", path, MAX_DEVICES);
		return ERR_LIMIT;
	}
	item = calloc(1, sizeof(*item));
	if (item == NULL) {
		cmd_warn("read: %s: out of memory", path);
		return ERR_NOMEM;
	}
	d->items[d->nitems++] = item;
	(void)snprintf(
	    item->name, sizeof(item->name), "%s", stable != NULL ? stable : id);
	device_init(&item->device);
	r = device_take_json(&item->device, o, path);
	return r;
}

/* One device, or all that `sallyctl --json devices' printed. */
static int
read_list(struct diff *d, const char *path)
{
	json_t *top = NULL, *list, *o;
	size_t i;
	int r = json_read_object(&top, path);

	if (r != 0) {
		return r;
	}
	list = json_object_get(top, "devices");
	if (!json_is_array(list)) {
		r = add_device(d, top, path);
	} else {
		json_array_foreach (list, i, o) {
			if (r == 0) {
				r = add_device(d, o, path);
			}
		}
	}
	json_decref(top);
	return r;
}

/* NULL: nothing that anybody would see changes. */
static const char *
change_word(const struct rule_decision *a, const struct rule_decision *b)
{
	char terms[2][1024];
	int had = a->verdict == RULE_ALLOW || a->verdict == RULE_PENDING;

	if (a->verdict != b->verdict) {
		switch (b->verdict) {
		case RULE_ALLOW:
			return "allowed";
		case RULE_PENDING:
			return "pending";
		case RULE_DEPENDS:
			return "depends";
		case RULE_BLOCK:
		case RULE_REJECT:
			break;
		}
		return had ? "refused" : NULL;
	}
	if (!had) {
		return NULL;
	}
	if (strcmp(verdict_grant(terms[0], sizeof(terms[0]), a),
		verdict_grant(terms[1], sizeof(terms[1]), b)) != 0 ||
	    memcmp(&a->exposes, &b->exposes, sizeof(a->exposes)) != 0) {
		return "other terms";
	}
	return NULL;
}

static void
compare(struct diff *d, const struct item *item, const char *name,
    const struct x509_facts *who)
{
	struct rule_decision decisions[2];
	char lines[2][1024];
	const char *word;

	for (int i = 0; i < 2; i++) {
		struct world world;

		world_init(&world);
		rules_decide(d->sides[i].rules, &item->device.facts, who,
		    &world.rules, &decisions[i]);
		(void)verdict_line(lines[i], sizeof(lines[i]), &decisions[i]);
	}
	word = change_word(&decisions[0], &decisions[1]);
	if (word == NULL) {
		return;
	}
	d->changes++;
	if (d->out == NULL) {
		printf("%s: %s to %s\n    was %s\n    is  %s\n", word,
		    item->name, name, lines[0], lines[1]);
		return;
	}
	json_array_append_new(json_object_get(d->out, "devices"),
	    json_pack("{s:s, s:s, s:s, s:s, s:s}", "change", word, "device",
		item->name, "to", name, "was", lines[0], "is", lines[1]));
}

static int
diff_devices(struct diff *d)
{
	int r = 0;

	d->items = calloc(MAX_DEVICES, sizeof(*d->items));
	d->people = calloc(d->nto + 1, sizeof(*d->people));
	if (d->items == NULL || d->people == NULL) {
		cmd_warn("diff: out of memory");
		return ERR_NOMEM;
	}
	for (size_t i = 0; r == 0 && i < d->nlists; i++) {
		r = read_list(d, d->lists[i]);
	}
	for (size_t i = 0; r == 0 && i < d->nto; i++) {
		r = identity_read(&d->people[i], d->to[i]);
	}
	for (size_t i = 0; r == 0 && i < d->nitems; i++) {
		for (size_t j = 0; j < d->nto; j++) {
			compare(d, d->items[i], d->to[j], &d->people[j]);
		}
		if (d->nto == 0) {
			compare(d, d->items[i], "somebody", NULL);
		}
	}
	return r;
}

/* ------------------------------------------------------------------------ */

static void
diff_fini(struct diff *d)
{
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < d->sides[i].n; j++) {
			free(d->sides[i].lines[j].text);
		}
		free(d->sides[i].lines);
		rules_free(d->sides[i].rules);
	}
	for (size_t i = 0; i < d->nitems; i++) {
		free(d->items[i]);
	}
	free(d->items);
	free(d->people);
	json_decref(d->out);
}

static int
read_words(struct diff *d, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value;

		if (argv[i][0] != '-' && d->npaths < 2) {
			d->paths[d->npaths++] = argv[i];
		} else if (strcmp(argv[i], "--json") == 0) {
			json_decref(d->out);
			d->out = json_pack("{s:[], s:[], s:[]}", "removed",
			    "added", "devices");
		} else if ((value = cmd_value(argv, argc, &i, "--devices")) !=
			NULL && d->nlists < MAX_LISTS) {
			d->lists[d->nlists++] = value;
		} else if ((value = cmd_value(argv, argc, &i, "--to")) !=
			NULL && d->nto < MAX_TO) {
			d->to[d->nto++] = value;
		} else {
			return cmd_usage(
			    "bundle diff: unknown option %s", argv[i]);
		}
	}
	return d->npaths == 2 ? 0 : cmd_usage("bundle diff: A and B are needed");
}

int
bundle_diff(int argc, char **argv)
{
	struct diff d = {.npaths = 0};
	int r = read_words(&d, argc, argv);

	if (r == CMD_USAGE) {
		diff_fini(&d);
		return r;
	}
	for (int i = 0; r == 0 && i < 2; i++) {
		r = load_side(&d.sides[i], d.paths[i]);
	}
	if (r == 0) {
		diff_rules(&d);
		r = diff_devices(&d);
	}
	if (r == 0 && d.out != NULL) {
		json_dumpf(d.out, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	}
	r = r != 0 ? CMD_FAILED : d.changes > 0 ? CMD_DENIED : CMD_OK;
	diff_fini(&d);
	return r;
}
