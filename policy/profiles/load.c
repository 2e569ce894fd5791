/*
 * A load: texts in, tree and errors collected, the set out. Runs in the warden
 * at start and reload, and in sallyport-policy; the texts are an administrator's
 * and may be any bytes, so everything is bounded.
 */
#include "policy/profiles/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/profiles/parse.h"
#include "policy/text/shown.h"

#define ERROR_TEXT 1024

struct profile_load *
profile_load_new(void)
{
	struct profile_load *load = calloc(1, sizeof(*load));

	if (load != NULL) {
		load->tail = &load->sources;
	}
	return load;
}

void
profile_load_free(struct profile_load *load)
{
	if (load == NULL) {
		return;
	}
	for (struct psource *s = load->sources; s != NULL; s = s->next) {
		free(s->text);
		s->text = NULL;
	}
	arena_fini(&load->arena);
	arena_fini(&load->notes);
	free(load);
}

void
profile_load_read(struct profile_load *load, profile_read_fn *fn, void *arg)
{
	load->read = fn;
	load->arg = arg;
}

/* --- memory --- */

void *
pload_alloc(struct profile_load *load, size_t size)
{
	void *p;

	if (size > PLOAD_MAX_MEMORY - load->used) {
		load->is_full = 1;
		return NULL;
	}
	load->used += size;
	p = arena_alloc(&load->arena, size);
	if (p == NULL) {
		load->is_nomem = 1;
	}
	return p;
}

char *
pload_dup(struct profile_load *load, const char *text, size_t len)
{
	char *p = pload_alloc(load, len + 1);

	if (p != NULL) {
		memcpy(p, text, len);
	}
	return p;
}

/* --- errors --- */

const struct psource *
pload_source(const struct profile_load *load, const char *name)
{
	for (const struct psource *s = load->sources; s != NULL; s = s->next) {
		if (s->name == name) {
			return s;
		}
	}
	return NULL;
}

static void add(struct profile_load *load, struct messages *to,
    const struct place *at, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void
add(struct profile_load *load, struct messages *to, const struct place *at,
    const char *fmt, va_list ap)
{
	const struct psource *source = pload_source(load, at->file);
	struct profile_error *e;
	char text[ERROR_TEXT];

	if (to->n++ >= PROFILES_MAX_ERRORS) {
		return;
	}
	e = &to->list[to->n - 1];
	vsnprintf(text, sizeof(text), fmt, ap);
	shown_clean(text);
	*e = (struct profile_error){
	    .file = source != NULL ? source->shown : "",
	    .line = at->line,
	    .column = at->column,
	    .source = "",
	    .caret = 1};
	e->text = arena_dup(&load->notes, text, strlen(text));
	if (e->text == NULL) {
		load->is_nomem = 1;
		e->text = "out of memory";
	}
	if (source != NULL && source->text != NULL) {
		e->source = shown_line(&load->notes, source->text,
		    source->len, at->line, at->column, &e->caret);
	}
}

void
pload_error(struct profile_load *load, const struct place *at,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(load, &load->errors, at, fmt, ap);
	va_end(ap);
}

void
pload_error_at(struct profile_load *load, const struct ptoken *token,
    const char *fmt, ...)
{
	struct place at = pload_place(load, token);
	va_list ap;

	if (load->lex.is_quiet || load->lex.is_stopped || load->is_nomem ||
	    load->is_full) {
		return; /* what follows from the end is no news */
	}
	load->is_broken = 1;
	va_start(ap, fmt);
	add(load, &load->errors, &at, fmt, ap);
	va_end(ap);
}

void
pload_warn(struct profile_load *load, const struct place *at,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(load, &load->warnings, at, fmt, ap);
	va_end(ap);
}

struct place
pload_place(const struct profile_load *load, const struct ptoken *token)
{
	return (struct place){.file = load->lex.source->name,
	    .line = token->line,
	    .column = token->column};
}

static int
comes_after(const struct profile_load *load, const struct profile_error *a,
    const struct profile_error *b)
{
	if (a->file != b->file) {
		for (const struct psource *s = load->sources; s != NULL;
		     s = s->next) {
			if (s->shown == a->file || s->shown == b->file) {
				return s->shown == b->file;
			}
		}
	}
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

static size_t
kept(const struct messages *m)
{
	return m->n < PROFILES_MAX_ERRORS ? m->n : PROFILES_MAX_ERRORS;
}

static void
sort(const struct profile_load *load, struct messages *m)
{
	for (size_t i = 1; i < kept(m); i++) {
		struct profile_error e = m->list[i];
		size_t j = i;

		while (j > 0 && comes_after(load, &m->list[j - 1], &e)) {
			m->list[j] = m->list[j - 1];
			j--;
		}
		m->list[j] = e;
	}
}

size_t
profile_load_error_count(const struct profile_load *load)
{
	return load->errors.n;
}

const struct profile_error *
profile_load_error(const struct profile_load *load, size_t i)
{
	return i < kept(&load->errors) ? &load->errors.list[i] : NULL;
}

size_t
profile_load_warning_count(const struct profile_load *load)
{
	return load->warnings.n;
}

const struct profile_error *
profile_load_warning(const struct profile_load *load, size_t i)
{
	return i < kept(&load->warnings) ? &load->warnings.list[i] : NULL;
}

/* --- texts --- */

/* NULL: no memory, or the limit of all texts, which is an error then. */
struct psource *
pload_text(struct profile_load *load, enum profile_origin origin,
    const char *name, const char *text, size_t len)
{
	struct psource *s = arena_alloc(&load->notes, sizeof(*s));
	struct place at = {.line = 1, .column = 1};

	if (s != NULL) {
		s->name = pload_dup(load, name, strlen(name));
		s->shown = arena_dup(&load->notes, name, strlen(name));
	}
	if (s == NULL || s->name == NULL || s->shown == NULL) {
		load->is_nomem = 1;
		return NULL;
	}
	at.file = s->name;
	s->origin = origin;
	s->tail = &s->stmts;
	*load->tail = s;
	load->tail = &s->next;
	if (len > PROFILES_MAX_TEXT - load->nbytes) {
		pload_error(load, &at,
		    "the text is larger than 16 MiB with all before it");
		load->is_broken = 1;
		return NULL;
	}
	load->nbytes += len;
	s->text = malloc(len + 1);
	if (s->text == NULL) {
		load->is_nomem = 1;
		return NULL;
	}
	if (len > 0) {
		memcpy(s->text, text, len);
	}
	s->text[len] = '\0';
	s->len = len;
	return s;
}

/* Said once, at what was read when the memory was used up. */
static void
tell_full(struct profile_load *load, const struct place *at)
{
	if (load->is_full && !load->is_told) {
		load->is_told = 1;
		pload_error(load, at, "more than fits in 256 MiB of memory");
	}
}

int
pload_parse(struct profile_load *load, struct psource *source)
{
	struct place at;

	plex_init(&load->lex, source);
	load->profile = NULL;
	load->rules = NULL;
	if (profiles_yyparse(load) == 2) {
		load->is_nomem = 1;
	}
	at = pload_place(load, &load->lex.token);
	tell_full(load, &at);
	return load->is_nomem ? ERR_NOMEM : 0;
}

int
profile_load_text(struct profile_load *load, enum profile_origin origin,
    const char *name, const char *text, size_t len)
{
	struct psource *source;
	int r;

	if (load->is_finished) {
		return ERR_LIMIT;
	}
	source = pload_text(load, origin, name, text, len);
	if (source == NULL) {
		return load->is_nomem ? ERR_NOMEM : ERR_LIMIT;
	}
	r = pload_parse(load, source);
	return r != 0 ? r : include_sources(load, source);
}

int
profile_load_finish(struct profile_load *load, struct profile_set **out)
{
	struct profile_set *set = calloc(1, sizeof(*set));
	int r = set == NULL || load->is_nomem ? ERR_NOMEM : 0;

	*out = NULL;
	if (r == 0 && load->is_finished) {
		r = ERR_FORMAT;
	}
	if (r == 0) {
		load->is_finished = 1;
		r = bind_profiles(load, set);
		if (load->is_full && !load->is_nomem) {
			r = ERR_FORMAT;
		}
		if (load->sources != NULL) {
			tell_full(load, &(struct place){
				.file = load->sources->name,
				.line = 1,
				.column = 1});
		}
	}
	sort(load, &load->errors);
	sort(load, &load->warnings);
	if (r == 0 && load->is_nomem) {
		r = ERR_NOMEM;
	}
	if (r == 0 && (load->errors.n > 0 || load->is_full)) {
		r = ERR_FORMAT;
	}
	if (r != 0) {
		free(set);
		return r;
	}
	set->arena = load->arena;
	load->arena = (struct arena){NULL};
	*out = set;
	return 0;
}
