/*
 * Profiles compiled into a block (layout.h). Runs in the warden, when a device
 * is given away, and in sallyport-policy. The tree was checked by check.c; what
 * is done here cannot fail but for memory and size.
 *
 * 1. For each profile that a bind names, its own rules of each hook, then its
 *    parents'; values sorted and joined, names gone.
 * 2. An index over the rules of each hook.
 * 3. All arrays laid out behind each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/profiles/build_parts.h"

#define BITS_BELOW 512u /* numbers that are kept as a bitmap */

void *
grow_add(struct grow *g, size_t n)
{
	uint8_t *at;

	if (g->room - g->n < n) {
		size_t room = g->room == 0 ? 64 : g->room * 2;
		void *p;

		while (room - g->n < n) {
			room *= 2;
		}
		p = realloc(g->p, room * g->each);
		if (p == NULL) {
			return NULL;
		}
		g->p = p;
		g->room = room;
	}
	at = (uint8_t *)g->p + g->n * g->each;
	memset(at, 0, n * g->each);
	g->n += n;
	return at;
}

static void *
add_to(struct build *b, struct grow *g, size_t n)
{
	void *p = grow_add(g, n);

	b->is_full |= p == NULL;
	return p;
}

/* ------------------------------------------------------------------------ */
/* Texts                                                                    */

uint32_t
build_bytes(struct build *b, const uint8_t *bytes, uint32_t len)
{
	size_t at = b->texts.n;
	uint8_t *p;

	if (at + len + 1 > TABLE_MAX) {
		b->is_large = 1;
		return 0;
	}
	p = add_to(b, &b->texts, (size_t)len + 1);
	if (p == NULL) {
		return 0;
	}
	if (len > 0) {
		memcpy(p, bytes, len);
	}
	return (uint32_t)at;
}

static size_t
hash_of(const char *text)
{
	size_t h = 14695981039346656037u;

	for (; *text != '\0'; text++) {
		h = (h ^ (uint8_t)*text) * 1099511628211u;
	}
	return h;
}

static uint32_t *
find_slot(struct build *b, const char *text)
{
	size_t i = hash_of(text) & (b->hash_room - 1);

	while (b->hash[i] != 0 &&
	    strcmp((const char *)b->texts.p + b->hash[i] - 1, text) != 0) {
		i = (i + 1) & (b->hash_room - 1);
	}
	return &b->hash[i];
}

static int
grow_hash(struct build *b)
{
	size_t room = b->hash_room == 0 ? 256 : b->hash_room * 2;
	uint32_t *old = b->hash, *new = calloc(room, sizeof(*new));
	size_t n = b->hash_room;

	if (new == NULL) {
		b->is_full = 1;
		return -1;
	}
	b->hash = new;
	b->hash_room = room;
	for (size_t i = 0; i < n; i++) {
		if (old[i] != 0) {
			*find_slot(b,
			    (const char *)b->texts.p + old[i] - 1) = old[i];
		}
	}
	free(old);
	return 0;
}

uint32_t
build_text(struct build *b, const char *text)
{
	uint32_t *slot, at;

	if (text == NULL || *text == '\0') {
		return 0; /* the first byte of all is a 0 */
	}
	if (b->hash_used * 2 >= b->hash_room && grow_hash(b) != 0) {
		return 0;
	}
	slot = find_slot(b, text);
	if (*slot != 0) {
		return *slot - 1;
	}
	at = build_bytes(b, (const uint8_t *)text, (uint32_t)strlen(text));
	if (at != 0) {
		*slot = at + 1;
		b->hash_used++;
	}
	return at;
}

/* ------------------------------------------------------------------------ */
/* Values                                                                   */

static int
compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->low != y->low ? (x->low > y->low ? 1 : -1) :
	    x->high != y->high	? (x->high > y->high ? 1 : -1) :
				  0;
}

size_t
ranges_join(struct range *r, size_t n)
{
	size_t out = 0;

	if (n > 0) {
		qsort(r, n, sizeof(*r), compare_ranges);
	}
	for (size_t i = 0; i < n; i++) {
		if (out > 0 && (r[out - 1].high == UINT64_MAX ||
				   r[i].low <= r[out - 1].high + 1)) {
			if (r[i].high > r[out - 1].high) {
				r[out - 1].high = r[i].high;
			}
		} else {
			r[out++] = r[i];
		}
	}
	return out;
}

static size_t
count_values(const struct value *v)
{
	size_t n = 0;

	for (; v != NULL; v = v->next) {
		n++;
	}
	return n;
}

static void
put_bits(struct draft *d, struct tmatch *m, const struct range *r, size_t n,
    uint32_t nwords)
{
	uint64_t *words = add_to(d->build, &d->words, nwords);

	m->form = TFORM_BITS;
	if (words == NULL) {
		return;
	}
	m->word = (uint32_t)(d->words.n - nwords);
	m->nwords = nwords;
	for (size_t i = 0; i < n; i++) {
		for (uint64_t k = r[i].low;
		     k <= r[i].high && k < 64u * nwords; k++) {
			words[k / 64] |= UINT64_C(1) << k % 64;
		}
	}
}

static void
put_ranges(struct draft *d, struct tmatch *m, const struct range *r, size_t n)
{
	struct tvalue *values = add_to(d->build, &d->values, n);

	if (values == NULL) {
		return;
	}
	m->value = (uint32_t)(d->values.n - n);
	m->nvalues = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		values[i].low = r[i].low;
		values[i].high = r[i].high;
	}
}

/* Numbers: one to compare with, a bitmap, or ranges. is_span: never bits. */
static void
put_numbers(struct draft *d, struct tmatch *m, const struct match *match,
    int is_span, int is_keys)
{
	size_t n = count_values(match->values), i = 0;
	struct range *r = calloc(n + 1, sizeof(*r));

	if (r == NULL) {
		d->build->is_full = 1;
		return;
	}
	for (const struct value *v = match->values; v != NULL; v = v->next) {
		r[i++] = (struct range){v->low, v->high};
	}
	m->op = (uint8_t)match->op;
	m->form = TFORM_ONE;
	if (is_keys) {
		put_bits(d, m, r, n, KEY_WORDS);
	} else if (match->op != MATCH_IN && match->op != MATCH_NE) {
		put_ranges(d, m, r, n > 0 ? 1 : 0);
	} else {
		n = ranges_join(r, n);
		if (!is_span && n > 0 && r[n - 1].high < BITS_BELOW &&
		    (n > 1 || r[0].low != r[0].high)) {
			put_bits(d, m, r, n,
			    (uint32_t)(r[n - 1].high / 64 + 1));
		} else {
			m->form = n == 1 && r[0].low == r[0].high ?
			    TFORM_ONE :
			    TFORM_RANGES;
			put_ranges(d, m, r, n);
		}
	}
	free(r);
}

static void
put_list(struct draft *d, struct tmatch *m, const struct value *v)
{
	size_t n = count_values(v), at = d->values.n;

	m->form = TFORM_LIST;
	if (add_to(d->build, &d->values, n) == NULL && n > 0) {
		return;
	}
	m->value = (uint32_t)at;
	m->nvalues = (uint32_t)n;
	for (; v != NULL; v = v->next) {
		struct tvalue t = {
			.low = v->low,
			.high = v->high,
			.len = v->len,
			.mods = v->mods,
			.is_prefix = v->is_prefix,
		};

		if (v->len > 0) {
			t.bytes = build_bytes(d->build, v->bytes, v->len);
		}
		((struct tvalue *)d->values.p)[at++] = t;
	}
}

static void
put_windows(struct draft *d, struct tmatch *m, const struct window *w)
{
	m->form = TFORM_LIST;
	m->value = (uint32_t)d->values.n;
	for (; w != NULL; w = w->next) {
		struct tvalue *t = add_to(d->build, &d->values, 1);

		if (t == NULL) {
			return;
		}
		t->low = w->from;
		t->high = w->to;
		t->mods = w->days;
		m->nvalues++;
	}
}

/* ------------------------------------------------------------------------ */
/* Matches and rules                                                        */

static uint32_t
find_meter(const struct draft *d, const char *name)
{
	const struct tmeter *meters = d->meters.p;

	for (uint32_t i = 0; i < d->meters.n; i++) {
		if (strcmp((const char *)d->build->texts.p + meters[i].name,
			name) == 0) {
			return i;
		}
	}
	return UINT32_MAX; /* of a rule: check.c lets none pass */
}

static void
put_fact(struct draft *d, struct tmatch *m, const struct match *match)
{
	m->fact = (uint8_t)match->fact->fact;
	m->fact_kind = (uint8_t)match->fact->kind;
	switch (match->fact->kind) {
	case FACT_IS_NUMBER:
	case FACT_IS_WORD:
	case FACT_IS_FLAG:
	case FACT_IS_USAGES:
		put_numbers(d, m, match, 0, 0);
		return;
	case FACT_IS_SPAN:
		put_numbers(d, m, match, 1, 0);
		return;
	case FACT_IS_KEYS:
		put_numbers(d, m, match, 0, 1);
		return;
	case FACT_IS_CHORDS:
	case FACT_IS_TEXT:
	case FACT_IS_HEX:
		put_list(d, m, match->values);
		return;
	}
}

static uint32_t
mask_length(const struct match *match)
{
	uint32_t len = match->width;

	for (const struct value *v = match->values;
	     match->width == 0 && v != NULL; v = v->next) {
		len = v->len > len ? v->len : len;
	}
	return len;
}

static struct tmatch
compile_match(struct draft *d, const struct match *match)
{
	struct tmatch m = {
		.kind = (uint8_t)match->kind,
		.is_not = match->is_not,
		.op = (uint8_t)match->op,
		.width = match->width,
		.is_big = match->is_big,
		.offset = match->offset,
		.last = match->last,
		.mask = UINT32_MAX,
	};

	switch (match->kind) {
	case MATCH_FACT:
		put_fact(d, &m, match);
		break;
	case MATCH_OVER:
		m.meter = find_meter(d, match->name);
		break;
	case MATCH_BYTES:
		if (match->width == 0) {
			put_list(d, &m, match->values);
		} else {
			put_numbers(d, &m, match, 0, 0);
		}
		if (match->mask != NULL) {
			m.mask = build_bytes(
			    d->build, match->mask, mask_length(match));
		}
		break;
	case MATCH_CONTAINS:
		put_list(d, &m, match->values);
		break;
	case MATCH_TIME:
		put_windows(d, &m, match->windows);
		break;
	}
	return m;
}

/* Meters count only what all else is true for: they come last. */
static void
put_matches(struct draft *d, struct trule *t, const struct prule *rule)
{
	t->match = (uint32_t)d->matches.n;
	for (int is_over = 0; is_over < 2; is_over++) {
		for (const struct match *m = rule->matches; m != NULL;
		     m = m->next) {
			struct tmatch compiled, *to;

			if ((m->kind == MATCH_OVER) != is_over) {
				continue;
			}
			compiled = compile_match(d, m);
			to = add_to(d->build, &d->matches, 1);
			if (to == NULL) {
				return;
			}
			*to = compiled;
			t->nmatches++;
		}
	}
}

static void
put_rule(struct draft *d, const struct prule *rule)
{
	struct trule t = {
		.verdict = (uint8_t)rule->verdict,
		.how = (uint8_t)rule->how,
		.sense = {rule->sense[0], rule->sense[1], rule->sense[2]},
		.flags = (uint8_t)((rule->has_log ? TRULE_LOG : 0) |
		    (rule->has_capture ? TRULE_CAPTURE : 0) |
		    (rule->is_audit ? TRULE_AUDIT : 0)),
		.level = (uint8_t)rule->level,
		.ask_else = (uint8_t)rule->ask_else,
		.code = rule->code,
		.line = rule->at.line,
		.capture = rule->capture,
		.file = build_text(d->build, rule->at.file),
		.key = build_text(d->build, rule->key),
		.log = build_text(d->build, rule->log),
		.ask = build_text(d->build, rule->ask),
		.ask_within = rule->ask_within,
	};
	struct trule *to;

	for (const struct edit *e = rule->edits;
	     e != NULL && t.nedits < RULING_EDITS; e = e->next) {
		t.edits[t.nedits].fact = (uint8_t)e->fact->fact;
		t.edits[t.nedits++].value = e->value;
	}
	put_matches(d, &t, rule);
	to = add_to(d->build, &d->rules, 1);
	if (to != NULL) {
		*to = t;
	}
}

static void
put_meters(struct draft *d)
{
	for (const struct profile *p = d->profile; p != NULL; p = p->parent) {
		for (const struct meter *m = p->meters; m != NULL;
		     m = m->next) {
			uint64_t second = m->per == 0 ? 0 :
			    m->amount * UINT64_C(1000000000) / m->per;
			struct tmeter *to;

			if (find_meter(d, m->name) != UINT32_MAX) {
				continue; /* a parent's, replaced */
			}
			to = add_to(d->build, &d->meters, 1);
			if (to == NULL) {
				return;
			}
			*to = (struct tmeter){
				.amount = m->amount,
				.per = m->per,
				.burst = m->burst != 0 ? m->burst :
				    second > 0	       ? second :
							 1,
				.name = build_text(d->build, m->name),
				.is_quota = m->is_quota,
			};
		}
	}
	d->build->is_large |= d->meters.n > TABLE_METERS;
}

/* What a profile does not say, its parents may. */
static void
put_head(struct draft *d)
{
	struct tprofile *h = &d->head;
	int has_mode = 0;

	h->name = build_text(d->build, d->profile->name);
	h->hooks = d->profile->hooks;
	for (const struct profile *p = d->profile; p != NULL; p = p->parent) {
		if (p->has_mode && !has_mode) {
			has_mode = 1;
			h->is_audit = p->is_audit;
		}
		if (h->arm_digits == 0 && p->arm_digits != 0) {
			h->arm_digits = p->arm_digits;
			h->arm_within = p->arm_within;
		}
		if (h->cap_transfer == 0) {
			h->cap_transfer = p->cap_transfer;
		}
		if (h->cap_inflight == 0) {
			h->cap_inflight = p->cap_inflight;
		}
		if (h->cap_bytes == 0) {
			h->cap_bytes = p->cap_bytes;
		}
	}
}

static void
compile(struct draft *d)
{
	put_head(d);
	put_meters(d);
	for (unsigned hook = 0; hook < HOOKS; hook++) {
		struct thook *on = &d->head.on[hook];

		on->first = (uint32_t)d->rules.n;
		for (const struct profile *p = d->profile; p != NULL;
		     p = p->parent) {
			for (const struct prule *r = p->rules[hook]; r != NULL;
			     r = r->next) {
				put_rule(d, r);
			}
		}
		on->n = (uint32_t)d->rules.n - on->first;
		if (d->build->is_full) {
			return;
		}
		build_index(d, on, (enum hook)hook);
	}
	d->build->is_large |= d->rules.n > TABLE_RULES;
}

/* ------------------------------------------------------------------------ */
/* Layout                                                                   */

static uint32_t
place(size_t *at, size_t n, size_t each)
{
	size_t offset = *at;

	*at = (*at + n * each + 7) / 8 * 8;
	return (uint32_t)offset;
}

static void
copy(uint8_t *block, uint32_t offset, const struct grow *g)
{
	if (g->n > 0) {
		memcpy(block + offset, g->p, g->n * g->each);
	}
}

static void
place_draft(struct draft *d, size_t *at)
{
	struct tprofile *h = &d->head;

	h->nrules = (uint32_t)d->rules.n;
	h->nmatches = (uint32_t)d->matches.n;
	h->nvalues = (uint32_t)d->values.n;
	h->nmeters = (uint32_t)d->meters.n;
	h->nindexes = (uint32_t)d->indexes.n;
	h->nspans = (uint32_t)d->spans.n;
	h->nlists = (uint32_t)d->lists.n;
	h->nwords = (uint32_t)d->words.n;
	h->rules = place(at, d->rules.n, d->rules.each);
	h->matches = place(at, d->matches.n, d->matches.each);
	h->values = place(at, d->values.n, d->values.each);
	h->meters = place(at, d->meters.n, d->meters.each);
	h->indexes = place(at, d->indexes.n, d->indexes.each);
	h->spans = place(at, d->spans.n, d->spans.each);
	h->lists = place(at, d->lists.n, d->lists.each);
	h->words = place(at, d->words.n, d->words.each);
}

static void
copy_draft(const struct draft *d, uint8_t *block)
{
	const struct tprofile *h = &d->head;

	copy(block, h->rules, &d->rules);
	copy(block, h->matches, &d->matches);
	copy(block, h->values, &d->values);
	copy(block, h->meters, &d->meters);
	copy(block, h->indexes, &d->indexes);
	copy(block, h->spans, &d->spans);
	copy(block, h->lists, &d->lists);
	copy(block, h->words, &d->words);
}

static int
lay_out(struct build *b, struct draft *drafts, size_t n,
    const struct tbind *binds, size_t nbinds, int32_t utc_offset,
    void **block, size_t *size)
{
	struct thead head = {
		.magic = TABLE_MAGIC,
		.version = TABLE_VERSION,
		.nprofiles = (uint32_t)n,
		.nbinds = (uint32_t)nbinds,
		.utc_offset = utc_offset,
		.ntexts = (uint32_t)b->texts.n,
	};
	size_t at = 0;
	uint8_t *p;

	(void)place(&at, 1, sizeof(head));
	head.profiles = place(&at, n, sizeof(struct tprofile));
	head.binds = place(&at, nbinds, sizeof(*binds));
	for (size_t i = 0; i < n; i++) {
		place_draft(&drafts[i], &at);
	}
	head.texts = place(&at, b->texts.n, 1);
	if (at > TABLE_MAX) {
		return ERR_LIMIT;
	}
	p = calloc(1, at);
	if (p == NULL) {
		return ERR_NOMEM;
	}
	head.size = (uint32_t)at;
	memcpy(p, &head, sizeof(head));
	for (size_t i = 0; i < n; i++) {
		memcpy(p + head.profiles + i * sizeof(struct tprofile),
		    &drafts[i].head, sizeof(struct tprofile));
		copy_draft(&drafts[i], p);
	}
	if (nbinds > 0) {
		memcpy(p + head.binds, binds, nbinds * sizeof(*binds));
	}
	copy(p, head.texts, &b->texts);
	*block = p;
	*size = at;
	return 0;
}

static void
draft_init(struct draft *d, struct build *b, const struct profile *profile)
{
	*d = (struct draft){
		.build = b,
		.profile = profile,
		.rules.each = sizeof(struct trule),
		.matches.each = sizeof(struct tmatch),
		.values.each = sizeof(struct tvalue),
		.meters.each = sizeof(struct tmeter),
		.indexes.each = sizeof(struct tindex),
		.spans.each = sizeof(struct tspan),
		.lists.each = sizeof(uint32_t),
		.words.each = sizeof(uint64_t),
	};
}

static void
draft_fini(struct draft *d)
{
	free(d->rules.p);
	free(d->matches.p);
	free(d->values.p);
	free(d->meters.p);
	free(d->indexes.p);
	free(d->spans.p);
	free(d->lists.p);
	free(d->words.p);
}

/* The number of a profile in the block; a new one at its first mention. */
static int
number_of(struct build *b, struct draft *drafts, size_t *n,
    const struct profile *profile)
{
	for (size_t i = 0; i < *n; i++) {
		if (drafts[i].profile == profile) {
			return (int)i;
		}
	}
	if (*n == TABLE_PROFILES) {
		return -1;
	}
	draft_init(&drafts[*n], b, profile);
	return (int)(*n)++;
}

int
profile_build(const struct profile_set *set,
    const struct profile_bind *binds, size_t nbinds, int32_t utc_offset,
    void **block, size_t *size, char *why, size_t why_size)
{
	struct draft *drafts = calloc(TABLE_PROFILES, sizeof(*drafts));
	struct tbind *to = calloc(nbinds + 1, sizeof(*to));
	struct build b = {.texts.each = 1};
	size_t n = 0;
	int r = ERR_NOMEM, k = 0;

	*block = NULL;
	(void)snprintf(why, why_size, "no memory");
	if (drafts == NULL || to == NULL ||
	    add_to(&b, &b.texts, 1) == NULL) {
		goto out;
	}
	for (size_t i = 0; i < nbinds && k >= 0; i++) {
		k = number_of(
		    &b, drafts, &n, profile_set_tree(set, binds[i].profile));
		to[i] = (struct tbind){binds[i].config, binds[i].interface,
		    (uint16_t)(k < 0 ? 0 : k)};
	}
	for (size_t i = 0; i < n && k >= 0 && !b.is_full; i++) {
		compile(&drafts[i]);
	}
	r = b.is_full		    ? ERR_NOMEM :
	    b.is_large || k < 0	    ? ERR_LIMIT :
		lay_out(&b, drafts, n, to, nbinds, utc_offset, block, size);
	if (r == ERR_LIMIT) {
		(void)snprintf(why, why_size,
		    "the profiles of this device are too many or too large");
	}
out:
	for (size_t i = 0; drafts != NULL && i < n; i++) {
		draft_fini(&drafts[i]);
	}
	free(b.texts.p);
	free(b.hash);
	free(drafts);
	free(to);
	return r;
}
