/*
 * Names of audio and video controls, streams and formats.
 */
#include "policy/facts/names.h"

const struct fact_name names_av_control[] = {{NULL, 0, 0}};
const struct fact_name names_av_stream[] = {{NULL, 0, 0}};
const struct fact_name names_av_format[] = {{NULL, 0, 0}};
