/*
 * Names of SCSI commands.
 */
#include "policy/facts/names.h"

const struct fact_name names_scsi_op[] = {{NULL, 0, 0}};
