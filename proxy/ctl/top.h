/*
 * What `sallyctl top' shows: the devices that somebody has, what goes through
 * each, and how that was in the last minute. top_model.c knows no screen.
 */
#ifndef PROXY_CTL_TOP_H
#define PROXY_CTL_TOP_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TOP_HISTORY 60u /* seconds */
#define TOP_ROWS 1000u	/* sessions that a gateway has at most */
#define TOP_TEXT 160u

enum top_sort { TOP_BY_RATE, TOP_BY_URBS, TOP_BY_REFUSALS, TOP_BY_BUSID };

struct top_row {
	long long connection;
	char busid[40], device[TOP_TEXT], name[TOP_TEXT];
	uint64_t in_s, out_s, urbs_s, open, refusals;
	/* bytes in both directions in each second, the last one last */
	uint64_t history[TOP_HISTORY];
	int is_seen;
};

struct top {
	enum top_sort sort;
	int has_unicode;
	size_t n;
	struct top_row *rows; /* owned */
	char head[2][256];    /* the gateway in two lines */
};

/* A second passed: answers to status and sessions. 0 or ERR_NOMEM; what is not
 * in them is empty. */
int top_update(struct top *top, const json_t *status, const json_t *sessions);
/* What was in the last n seconds as so many characters, the highest of max
 * being full. Returns dst. */
#define TOP_SPARK (TOP_HISTORY * 3 + 1)
char *top_spark(char dst[TOP_SPARK], const struct top *top,
    const struct top_row *row, unsigned n, uint64_t max);
/* The highest that any row has had. */
uint64_t top_max(const struct top *top);
/* Lines of at most width columns: the titles, or that row. Returns dst. */
#define TOP_LINE 1024u
char *top_title(char dst[TOP_LINE], const struct top *top, unsigned width);
char *top_line(char dst[TOP_LINE], const struct top *top,
    const struct top_row *row, unsigned width);
void top_free(struct top *top);

#endif
