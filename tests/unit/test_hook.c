/*
 * The table of hooks: every fact has a word, words are unique but for those
 * that have a number and a name, and lookups find what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/facts/hook.h"

static void
test_words(void **state)
{
	(void)state;
	for (unsigned h = 0; h < HOOKS; h++) {
		const struct hook_info *info = hook_info((enum hook)h);

		assert_non_null(info->name);
		assert_true(info->nfacts > 0);
		assert_int_equal(hook_find(info->name, strlen(info->name)), h);
		for (size_t i = 0; i < info->nfacts; i++) {
			const struct hook_fact *f = &info->facts[i];

			assert_ptr_equal(
			    hook_fact_of((enum hook)h, f->fact), f);
			assert_non_null(hook_fact_find(
			    (enum hook)h, f->word, strlen(f->word)));
			for (size_t j = 0; j < i; j++) {
				if (strcmp(info->facts[j].word, f->word) == 0) {
					assert_int_equal(f->fact,
					    FACT_REQUEST_NAME);
				}
			}
			if (f->kind == FACT_IS_WORD) {
				assert_non_null(f->names);
			}
		}
	}
}

static void
test_unknown(void **state)
{
	(void)state;
	assert_int_equal(hook_find("sc", 2), HOOKS);
	assert_int_equal(hook_find("scsix", 5), HOOKS);
	assert_null(hook_fact_find(HOOK_SCSI, "baud", 4));
	assert_null(hook_fact_of(HOOK_SCSI, FACT_BAUD));
}

static void
test_names(void **state)
{
	const struct hook_fact *type = hook_fact_of(HOOK_SETUP, FACT_TYPE);
	uint32_t low, high;

	(void)state;
	assert_string_equal(fact_name_of(type, 2), "vendor");
	assert_null(fact_name_of(type, 3));
	assert_true(fact_name_range(type->names, "class", 5, 0, &low, &high));
	assert_int_equal(low, 1);
	assert_int_equal(high, 1);
	assert_false(fact_name_range(type->names, "class", 5, 1, &low, &high));
	assert_false(fact_name_range(type->names, "clas", 4, 0, &low, &high));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
