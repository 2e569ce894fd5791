/* What fuzz_rules judges: one device, one file to include, one world. */
#ifndef TESTS_FUZZ_FUZZ_WORLD_H
#define TESTS_FUZZ_FUZZ_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "policy/rules/rules.h"
#include "tests/fuzz/fuzz.h"

static const struct rule_interface fuzz_interfaces[] = {
    {.class = 3, .number = 0},
    {.class = 3, .subclass = 1, .protocol = 1, .number = 1, .hid = 6},
    {.class = 2, .subclass = 2, .number = 2},
    {.class = 0x0a, .number = 3, .config = 1}};
static const struct rule_ancestor fuzz_hubs[] = {
    {0x17ef, 0x3060, "h", "3-2", "p:2"}};
static const struct rule_device fuzz_device = {
    .name = "a", .interfaces = fuzz_interfaces, .ninterfaces = 4,
    .ancestors = fuzz_hubs, .nancestors = 1, .plugged = 100};

static inline int
fuzz_read(void *arg, const char *from, const char *path,
    struct rules_file *out, char *why, size_t size)
{
	static const char text[] = "block name \"b\"\n";

	(void)arg;
	(void)from;
	(void)why;
	(void)size;
	out->name = strdup(path);
	out->text = strdup(text);
	out->len = strlen(text);
	return 0;
}

static const struct rules_means fuzz_means = {.read = fuzz_read};

static inline int
fuzz_local(void *arg, const char *zone, int64_t at, struct rule_local *out)
{
	(void)arg;
	out->weekday = 2;
	out->second = (uint32_t)(at % 86400);
	return zone[0] == 'x' ? ERR_NOENT : 0;
}

static inline size_t
fuzz_desks(void *arg, struct rule_desk *out)
{
	(void)arg;
	out[0] = (struct rule_desk){"a", "seat0", RULE_UNLOCKED};
	out[1] = (struct rule_desk){"", "b", RULE_LOCK_UNKNOWN};
	return 2;
}

static inline int
fuzz_is_armed(void *arg, const char *token)
{
	(void)arg;
	MUST(token[0] != '\0');
	return token[0] == 'a';
}

static inline int
fuzz_devices(
    void *arg, enum rule_devices which, rule_device_fn *fn, void *fn_arg)
{
	(void)arg;
	(void)which;
	return fn(fn_arg, &fuzz_device);
}

static inline int64_t
fuzz_counted(void *arg, uint64_t rule, enum rule_count what)
{
	(void)arg;
	(void)what;
	return rule & 1;
}

static inline void
fuzz_count(void *arg, uint64_t rule, enum rule_count what)
{
	(void)arg;
	(void)what;
	MUST(rule != 0);
}

static inline uint32_t
fuzz_draw(void *arg, uint64_t rule)
{
	(void)arg;
	return (uint32_t)rule;
}

static inline int
fuzz_had_lease(void *arg, uint64_t rule)
{
	(void)arg;
	return rule & 1;
}

static inline uint32_t
fuzz_leases(void *arg, uint64_t rule, enum rule_scope scope)
{
	(void)arg;
	(void)rule;
	MUST(scope == RULE_PER_GATEWAY || scope == RULE_PER_WORKSTATION);
	return 1;
}

static inline enum rule_approval
fuzz_approval(void *arg, uint64_t rule)
{
	(void)arg;
	return (enum rule_approval)(rule % 3);
}

static inline void
fuzz_noted(void *arg, const struct rule_decision *would)
{
	(void)arg;
	MUST(would->line != 0 && !would->is_implicit);
}

static const struct rule_world_ops fuzz_ops = {fuzz_local, fuzz_desks,
    fuzz_is_armed, fuzz_devices, fuzz_counted, fuzz_count, fuzz_draw,
    fuzz_had_lease, fuzz_leases, fuzz_approval, fuzz_noted};
/* not at import: what is counted would change what comes next */
static const struct rule_world fuzz_world = {
    .ops = &fuzz_ops, .now = 1900000000, .moment = RULE_AT_LIST};

static inline void
fuzz_difference(void *arg, const char *file, unsigned line, const char *name,
    const char *text)
{
	(void)arg;
	MUST(file[0] == 'u' && line > 0 && name[0] == 'C' && text[0] != '\0');
}

static inline void
fuzz_overlap(void *arg, const struct rule_overlap *overlap)
{
	(void)arg;
	MUST(overlap->earlier < overlap->later);
}

#endif
