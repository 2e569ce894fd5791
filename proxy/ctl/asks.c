/*
 * sallyctl approve and deny without a number: what is asked. On a terminal with
 * the seconds that are left, anew each second, for as long as anything waits for
 * an answer; else once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/ctl/ctl.h"

static const char *
text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

static void
print_ask(FILE *to, const json_t *e)
{
	char left[24] = "-";

	if (json_is_integer(json_object_get(e, "seconds"))) {
		(void)snprintf(left, sizeof(left), "%lld",
		    (long long)json_integer_value(
			json_object_get(e, "seconds")));
	}
	(void)fprintf(to, "%-5lld %-9s %-8s %-16s %-24s %s\n",
	    (long long)json_integer_value(json_object_get(e, "id")),
	    text_of(e, "state"), left, text_of(e, "approver"),
	    text_of(e, "name"), text_of(e, "stable"));
	if (*text_of(e, "unit") != '\0') {
		(void)fprintf(to, "      %s\n", text_of(e, "unit"));
	}
}

/* How many of them wait for an answer. */
static size_t
print_asks(FILE *to, const json_t *list)
{
	size_t i, n = 0;
	json_t *e;

	(void)fprintf(to, "%-5s %-9s %-8s %-16s %-24s %s\n", "ID", "STATE",
	    "SECONDS", "APPROVER", "WHO", "DEVICE");
	json_array_foreach (list, i, e) {
		print_ask(to, e);
		n += strcmp(text_of(e, "state"), "open") == 0 ||
		    strcmp(text_of(e, "state"), "held") == 0;
	}
	return n;
}

void
show_asks(const json_t *o)
{
	const json_t *list = json_object_get(o, "asks");

	if (json_is_array(list)) {
		(void)print_asks(stdout, list);
	} /* else an answer was given */
}

/* ------------------------------------------------------------------------ */
/* Live                                                                     */

/* How much of a line a terminal of so many columns shows. No character has more
 * columns than bytes. */
static size_t
cut(const char *line, size_t len, size_t columns)
{
	if (len <= columns) {
		return len;
	}
	len = columns;
	while (len > 0 && ((unsigned char)line[len] & 0xc0) == 0x80) {
		len--;
	}
	return len;
}

/* Puts text in place of the `before' lines above the cursor. Returns its lines. */
static unsigned
replace(const char *text, unsigned before)
{
	struct winsize size = {0};
	unsigned n = 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 ||
	    size.ws_row < 3 || size.ws_col < 20) {
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	}
	if (before > 0) {
		printf("\033[%uA", before);
	}
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (n == size.ws_row - 2u && text[len + 1] != '\0') {
			puts("...\033[K");
			n++;
			break;
		}
		printf("%.*s\033[K\n", (int)cut(text, len, size.ws_col), text);
		text += len + (text[len] == '\n');
		n++;
	}
	printf("\033[J");
	(void)fflush(stdout);
	return n;
}

static void
wait_until(uint64_t when)
{
	uint64_t now = clock_mono();
	struct timespec left;

	if (now < when) {
		left.tv_sec = (time_t)((when - now) / CLOCK_SEC);
		left.tv_nsec = (long)((when - now) % CLOCK_SEC);
		(void)nanosleep(&left, NULL);
	}
}

int
asks_gateway(const char *socket_path)
{
	uint64_t next = clock_mono();
	unsigned lines = 0;
	size_t waiting;
	int code;

	do {
		json_t *reply = ctl_ask(
		    socket_path, json_pack("{s:s}", "op", "asks"), &code);
		char *text = NULL;
		size_t len = 0;
		FILE *to;

		if (code != 0) {
			json_decref(reply);
			return code;
		}
		to = open_memstream(&text, &len);
		if (to == NULL) {
			fatal("approve");
		}
		waiting = print_asks(to, json_object_get(reply, "asks"));
		if (waiting == 0) {
			(void)fputs("nothing waits for an answer\n", to);
		}
		if (fclose(to) != 0) {
			fatal("approve");
		}
		lines = replace(text, lines);
		free(text);
		json_decref(reply);
		next += CLOCK_SEC;
		if (waiting > 0) {
			wait_until(next);
		}
	} while (waiting > 0);
	return 0;
}
