/*
 * A block, checked once. Everything that the judge follows without looking is
 * looked at here: offsets and counts of arrays, indexes into them, the order of
 * what is searched by halves, ends of texts. No two rules, matches or spans share
 * what they point to, so that neither the check nor a ruling costs more than the
 * block is long.
 */
#include "policy/profiles/table.h"

#include <string.h>

#include "base/err.h"
#include "policy/profiles/ast.h"
#include "policy/profiles/layout.h"
#include "policy/profiles/profile.h"

static const struct thead *
head_of(const struct table *t)
{
	return (const struct thead *)(const void *)t->bytes;
}

static const struct tprofile *
profile_of(const struct table *t, unsigned profile)
{
	return (const struct tprofile *)(const void *)(t->bytes +
		   head_of(t)->profiles) +
	    profile;
}

struct tview
table_view(const struct table *t, unsigned profile)
{
	const struct tprofile *p = profile_of(t, profile);
	const void *base = t->bytes;
	const uint8_t *b = base;

	return (struct tview){
		.head = base,
		.profile = p,
		.rules = (const void *)(b + p->rules),
		.matches = (const void *)(b + p->matches),
		.values = (const void *)(b + p->values),
		.meters = (const void *)(b + p->meters),
		.indexes = (const void *)(b + p->indexes),
		.spans = (const void *)(b + p->spans),
		.lists = (const void *)(b + p->lists),
		.words = (const void *)(b + p->words),
		.texts = b + head_of(t)->texts,
	};
}

/* ------------------------------------------------------------------------ */
/* Checking                                                                 */

static int
has_array(size_t size, uint32_t offset, uint32_t n, size_t each)
{
	return offset % 8 == 0 && offset <= size && n <= (size - offset) / each;
}

static int
has_items(uint32_t first, uint32_t n, uint32_t all)
{
	return first <= all && n <= all - first;
}

/* The same, and behind all that was asked for so far. */
static int
takes_items(uint32_t first, uint32_t n, uint32_t all, uint32_t *next)
{
	if (n == 0) {
		return first <= all;
	}
	if (!has_items(first, n, all) || first < *next) {
		return 0;
	}
	*next = first + n;
	return 1;
}

/* How far each array of a profile is taken. */
struct taken {
	uint32_t matches, values, words, indexes, spans, lists;
};

static int
is_text(const struct thead *h, uint32_t text)
{
	return text < h->ntexts; /* and the last byte of all is 0 */
}

static int
value_fits(const struct tview *v, const struct tvalue *t)
{
	return has_items(t->bytes, t->len, v->head->ntexts) &&
	    t->is_prefix <= 1;
}

static int
ranges_fit(const struct tview *v, const struct tmatch *m)
{
	const struct tvalue *r = &v->values[m->value];

	for (uint32_t i = 0; i < m->nvalues; i++) {
		if (r[i].low > r[i].high ||
		    (i > 0 && r[i].low <= r[i - 1].high)) {
			return 0;
		}
	}
	return 1;
}

/* Bytes of a mask: as many as are compared. */
static int
mask_fits(const struct tview *v, const struct tmatch *m)
{
	uint32_t len = m->width;

	if (m->mask == UINT32_MAX) {
		return 1;
	}
	for (uint32_t i = 0; m->width == 0 && i < m->nvalues; i++) {
		if (v->values[m->value + i].len > len) {
			len = v->values[m->value + i].len;
		}
	}
	return has_items(m->mask, len, v->head->ntexts);
}

/* Which form a kind of match is searched in. */
static int
form_fits(const struct tmatch *m)
{
	int is_list = 0;

	switch ((enum match_kind)m->kind) {
	case MATCH_FACT:
		is_list = m->fact_kind == FACT_IS_CHORDS ||
		    m->fact_kind == FACT_IS_TEXT ||
		    m->fact_kind == FACT_IS_HEX;
		if (m->fact_kind == FACT_IS_KEYS) {
			return m->form == TFORM_BITS;
		}
		if (m->fact_kind == FACT_IS_SPAN && m->form == TFORM_BITS) {
			return 0;
		}
		break;
	case MATCH_BYTES:
		is_list = m->width == 0;
		break;
	case MATCH_CONTAINS:
	case MATCH_TIME:
		is_list = 1;
		break;
	case MATCH_OVER:
		return 1;
	}
	return (m->form == TFORM_LIST) == is_list;
}

static int
match_fits(const struct tview *v, const struct tmatch *m, struct taken *taken)
{
	const struct tprofile *p = v->profile;

	if (m->kind > MATCH_TIME || m->is_not > 1 || m->fact >= FACTS ||
	    m->fact_kind > FACT_IS_HEX || m->op > MATCH_GE ||
	    m->form > TFORM_ONE || m->is_big > 1 ||
	    (m->width != 0 && m->width != 1 && m->width != 2 &&
		m->width != 4) ||
	    !takes_items(m->value, m->nvalues, p->nvalues, &taken->values) ||
	    !takes_items(m->word, m->nwords, p->nwords, &taken->words) ||
	    (m->kind == MATCH_OVER && m->meter >= p->nmeters) ||
	    (m->form == TFORM_ONE && m->kind != MATCH_OVER &&
		m->nvalues != 1) ||
	    !form_fits(m) || !mask_fits(v, m)) {
		return 0;
	}
	return m->form != TFORM_RANGES || ranges_fit(v, m);
}

static int
rule_fits(const struct tview *v, const struct trule *r, struct taken *taken)
{
	int is_fine = r->verdict <= VERDICTS && r->how <= HOW_CTAPERR &&
	    r->level <= PROFILE_ALERT && r->ask_else < VERDICTS &&
	    r->nedits <= RULING_EDITS && is_text(v->head, r->file) &&
	    is_text(v->head, r->key) && is_text(v->head, r->log) &&
	    is_text(v->head, r->ask) &&
	    takes_items(r->match, r->nmatches, v->profile->nmatches,
		&taken->matches);

	for (unsigned i = 0; is_fine && i < r->nedits; i++) {
		is_fine = r->edits[i].fact < FACTS;
	}
	return is_fine;
}

/* Rules of a list are of its hook, and rise: so a merge of lists ends. */
static int
list_fits(const struct tview *v, const struct thook *on, uint32_t first,
    uint32_t n, struct taken *taken)
{
	uint32_t before = 0;

	if (!takes_items(first, n, v->profile->nlists, &taken->lists)) {
		return 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t rule = v->lists[first + i];

		if (rule < on->first || rule >= on->first + on->n ||
		    (i > 0 && rule <= before)) {
			return 0;
		}
		before = rule;
	}
	return 1;
}

static int
is_text_index(const struct tindex *index)
{
	return index->kind == FACT_IS_TEXT || index->kind == FACT_IS_HEX;
}

/* They rise, and lead to spans. */
static int
jumps_fit(
    const struct tview *v, const struct tindex *index, struct taken *taken)
{
	const uint32_t *jumps = v->lists + index->jump;

	if (index->njumps == 0) {
		return 1;
	}
	if (index->njumps == UINT32_MAX || index->nspans == 0 ||
	    index->shift > 63 ||
	    !takes_items(index->jump, index->njumps + 1, v->profile->nlists,
		&taken->lists)) {
		return 0;
	}
	for (uint32_t i = 0; i <= index->njumps; i++) {
		if (jumps[i] > index->nspans ||
		    (i > 0 && jumps[i] < jumps[i - 1])) {
			return 0;
		}
	}
	return 1;
}

static int
index_fits(const struct tview *v, const struct thook *on,
    const struct tindex *index, struct taken *taken)
{
	const struct tspan *s = v->spans + index->span;

	if (index->fact >= FACTS || index->kind > FACT_IS_HEX ||
	    !takes_items(index->span, index->nspans, v->profile->nspans,
		&taken->spans)) {
		return 0;
	}
	for (uint32_t i = 0; i < index->nspans; i++) {
		if (!list_fits(v, on, s[i].list, s[i].n, taken) ||
		    !has_items(s[i].bytes, s[i].len, v->head->ntexts) ||
		    s[i].low > s[i].high ||
		    (i > 0 && !is_text_index(index) &&
			s[i].low <= s[i - 1].high)) {
			return 0;
		}
	}
	return jumps_fit(v, index, taken);
}

static int
hook_fits(const struct tview *v, const struct thook *on, struct taken *taken)
{
	if (!has_items(on->first, on->n, v->profile->nrules) ||
	    !takes_items(on->index, on->nindexes, v->profile->nindexes,
		&taken->indexes)) {
		return 0;
	}
	for (uint32_t i = 0; i < on->nindexes; i++) {
		if (!index_fits(v, on, &v->indexes[on->index + i], taken)) {
			return 0;
		}
	}
	return list_fits(v, on, on->rest, on->nrest, taken);
}

static int
arrays_fit(const struct tprofile *p, size_t size)
{
	return has_array(size, p->rules, p->nrules, sizeof(struct trule)) &&
	    has_array(size, p->matches, p->nmatches, sizeof(struct tmatch)) &&
	    has_array(size, p->values, p->nvalues, sizeof(struct tvalue)) &&
	    has_array(size, p->meters, p->nmeters, sizeof(struct tmeter)) &&
	    has_array(size, p->indexes, p->nindexes, sizeof(struct tindex)) &&
	    has_array(size, p->spans, p->nspans, sizeof(struct tspan)) &&
	    has_array(size, p->lists, p->nlists, sizeof(uint32_t)) &&
	    has_array(size, p->words, p->nwords, sizeof(uint64_t)) &&
	    p->nrules <= TABLE_RULES && p->nmeters <= TABLE_METERS &&
	    p->is_audit <= 1;
}

static int
profile_fits(const struct table *t, unsigned profile)
{
	const struct tprofile *p = profile_of(t, profile);
	struct taken taken = {0};
	struct tview v;
	int is_fine;

	if (!arrays_fit(p, t->size) || !is_text(head_of(t), p->name)) {
		return 0;
	}
	v = table_view(t, profile);
	is_fine = 1;
	for (uint32_t i = 0; is_fine && i < p->nvalues; i++) {
		is_fine = value_fits(&v, &v.values[i]);
	}
	for (uint32_t i = 0; is_fine && i < p->nmatches; i++) {
		is_fine = match_fits(&v, &v.matches[i], &taken);
	}
	for (uint32_t i = 0; is_fine && i < p->nrules; i++) {
		is_fine = rule_fits(&v, &v.rules[i], &taken);
	}
	for (uint32_t i = 0; is_fine && i < p->nmeters; i++) {
		is_fine = v.meters[i].amount > 0 &&
		    is_text(v.head, v.meters[i].name);
	}
	for (unsigned i = 0; is_fine && i < HOOKS; i++) {
		is_fine = hook_fits(&v, &p->on[i], &taken);
	}
	return is_fine;
}

static int
binds_fit(const struct table *t)
{
	const struct thead *h = head_of(t);
	const struct tbind *b = (const void *)(t->bytes + h->binds);

	for (uint32_t i = 0; i < h->nbinds; i++) {
		if (b[i].profile >= h->nprofiles) {
			return 0;
		}
	}
	return 1;
}

int
table_open(struct table *out, const void *block, size_t size)
{
	const struct thead *h = block;

	*out = (struct table){.bytes = block, .size = size};
	if (size < sizeof(*h) || size > TABLE_MAX ||
	    (uintptr_t)block % 8 != 0 || h->magic != TABLE_MAGIC ||
	    h->version != TABLE_VERSION || h->size != size ||
	    h->nprofiles > TABLE_PROFILES ||
	    !has_array(size, h->profiles, h->nprofiles,
		sizeof(struct tprofile)) ||
	    !has_array(size, h->binds, h->nbinds, sizeof(struct tbind)) ||
	    !has_array(size, h->texts, h->ntexts, 1) || h->ntexts == 0 ||
	    out->bytes[h->texts + h->ntexts - 1] != 0 || !binds_fit(out)) {
		return ERR_FORMAT;
	}
	for (unsigned i = 0; i < h->nprofiles; i++) {
		if (!profile_fits(out, i)) {
			return ERR_FORMAT;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Reading                                                                  */

unsigned
table_profiles(const struct table *t)
{
	return head_of(t)->nprofiles;
}

const char *
table_name(const struct table *t, unsigned profile)
{
	return (const char *)t->bytes + head_of(t)->texts +
	    profile_of(t, profile)->name;
}

uint32_t
table_hooks(const struct table *t, unsigned profile)
{
	return profile_of(t, profile)->hooks;
}

int
table_bound(const struct table *t, uint8_t config, uint8_t interface)
{
	const struct thead *h = head_of(t);
	const struct tbind *b = (const void *)(t->bytes + h->binds);

	for (uint32_t i = 0; i < h->nbinds; i++) {
		if (b[i].config == config && b[i].interface == interface) {
			return b[i].profile;
		}
	}
	return -1;
}

void
table_terms(
    const struct table *t, unsigned profile, struct judge_terms *out)
{
	out->arm_digits = profile_of(t, profile)->arm_digits;
	out->arm_within = profile_of(t, profile)->arm_within;
}

void
table_caps(const struct table *t, unsigned profile, struct table_caps *out)
{
	const struct tprofile *p = profile_of(t, profile);

	*out = (struct table_caps){
	    p->cap_transfer, p->cap_inflight, p->cap_bytes};
}

int
table_rule(const struct table *t, unsigned profile, uint32_t rule,
    struct table_rule *out)
{
	struct tview v = table_view(t, profile);
	const char *texts = (const char *)v.texts;
	const struct trule *r;

	*out = (struct table_rule){
		.file = "", .key = "", .log = "", .ask = ""};
	if (rule == RULING_IMPLICIT) {
		return 0;
	}
	if (rule >= v.profile->nrules) {
		return ERR_NOENT;
	}
	r = &v.rules[rule];
	*out = (struct table_rule){
		.file = texts + r->file,
		.key = texts + r->key,
		.log = texts + r->log,
		.ask = texts + r->ask,
		.ask_within = r->ask_within,
		.ask_else = (enum verdict)r->ask_else,
		.line = r->line,
		.level = r->level,
		.has_log = (r->flags & TRULE_LOG) != 0,
		.has_capture = (r->flags & TRULE_CAPTURE) != 0,
		.capture = r->capture,
	};
	return 0;
}
