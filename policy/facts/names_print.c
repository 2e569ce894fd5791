/*
 * Names of printer languages and PJL commands.
 */
#include "policy/facts/names.h"

const struct fact_name names_print_lang[] = {{NULL, 0, 0}};
const struct fact_name names_print_pjl[] = {{NULL, 0, 0}};
