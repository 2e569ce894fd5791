#include "tests/fake/profile_dump.h"

#include <stdio.h>
#include <stdlib.h>

static void
hex(FILE *out, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; bytes != NULL && i < len; i++) {
		fprintf(out, "%02x", bytes[i]);
	}
}

static void
values(FILE *out, const struct value *v)
{
	for (; v != NULL; v = v->next) {
		fprintf(out, " %llx-%llx/%u", (unsigned long long)v->low,
		    (unsigned long long)v->high, v->mods);
		if (v->bytes != NULL) {
			fputs("'", out);
			hex(out, v->bytes, v->len);
			fputs(v->is_prefix ? "*'" : "'", out);
		}
	}
}

static void
match(FILE *out, const struct match *m)
{
	fprintf(out, " %skind=%d", m->is_not ? "not " : "", (int)m->kind);
	switch (m->kind) {
	case MATCH_FACT:
		fprintf(out, " fact=%d op=%d", (int)m->fact->fact, (int)m->op);
		values(out, m->values);
		break;
	case MATCH_OVER:
		fprintf(out, " %s", m->name);
		break;
	case MATCH_BYTES:
		fprintf(out, " %u%s@%u op=%d &", m->width,
		    m->is_big ? "big" : "", m->offset, (int)m->op);
		hex(out, m->mask, m->mask_len);
		values(out, m->values);
		break;
	case MATCH_CONTAINS:
		fprintf(out, " %u..%u", m->offset, m->last);
		values(out, m->values);
		break;
	case MATCH_TIME:
		for (const struct window *w = m->windows; w != NULL;
		     w = w->next) {
			fprintf(out, " %x:%u-%u", w->days, w->from, w->to);
		}
		break;
	}
}

static void
rule(FILE *out, const struct prule *r)
{
	fprintf(out, "    verdict=%u how=%d", r->verdict, (int)r->how);
	fprintf(out, " %02x%02x%02x %04x", r->sense[0], r->sense[1],
	    r->sense[2], r->code);
	for (const struct edit *e = r->edits; e != NULL; e = e->next) {
		fprintf(out, " set %d=%llx", (int)e->fact->fact,
		    (unsigned long long)e->value);
	}
	if (r->ask != NULL) {
		fprintf(out, " ask=%s %llu else %d", r->ask,
		    (unsigned long long)r->ask_within, (int)r->ask_else);
	}
	for (const struct match *m = r->matches; m != NULL; m = m->next) {
		match(out, m);
	}
	if (r->has_log) {
		fprintf(out, " log=%d '%s'", (int)r->level,
		    r->log != NULL ? r->log : "");
	}
	if (r->has_capture) {
		fprintf(out, " capture=%u", r->capture);
	}
	fprintf(out, "%s%s%s\n", r->key != NULL ? " key=" : "",
	    r->key != NULL ? r->key : "", r->is_audit ? " audit" : "");
}

static void
items(FILE *out, const struct profile *p)
{
	for (const struct triple *t = p->triples; t != NULL; t = t->next) {
		fprintf(out, "  for %02x:%02x:%02x/%u\n", t->class,
		    t->subclass, t->protocol, t->any);
	}
	fprintf(out, "  mode=%u cap=%llu,%llu,%llu arm=%u,%llu hooks=%x\n",
	    p->is_audit, (unsigned long long)p->cap_transfer,
	    (unsigned long long)p->cap_inflight,
	    (unsigned long long)p->cap_bytes, p->arm_digits,
	    (unsigned long long)p->arm_within, p->hooks);
	for (const struct pin *pin = p->pins; pin != NULL; pin = pin->next) {
		fprintf(out, "  pin %s", pin->is_usage ? "usage" : "report");
		values(out, pin->values);
		fputs("\n", out);
	}
	for (const struct meter *m = p->meters; m != NULL; m = m->next) {
		fprintf(out, "  %s %s %llu per %llu burst %llu\n",
		    m->is_quota ? "quota" : "meter", m->name,
		    (unsigned long long)m->amount, (unsigned long long)m->per,
		    (unsigned long long)m->burst);
	}
}

char *
profile_dump(const struct profile_set *set)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < profile_set_count(set); i++) {
		const struct profile *p = profile_set_tree(set, i);

		fprintf(out, "profile %s extends %s\n", p->name,
		    p->parent != NULL ? p->parent->name : "nothing");
		items(out, p);
		for (unsigned hook = 0; hook < HOOKS; hook++) {
			if (p->rules[hook] != NULL) {
				fprintf(out, "  on %s\n",
				    hook_info((enum hook)hook)->name);
			}
			for (const struct prule *r = p->rules[hook]; r != NULL;
			     r = r->next) {
				rule(out, r);
			}
		}
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
