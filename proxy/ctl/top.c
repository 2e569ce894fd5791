/*
 * sallyctl top: asks once a second and shows the answer, on a screen by ncurses
 * or once as text. Keys: q ends, r, u, f and b say what is sorted by.
 */
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/ctl/ctl.h"
#include "proxy/ctl/top.h"

#define TEXT_WIDTH 160u

/* Both answers. 0, or an exit status after saying why. */
static int
look(struct top *top, const char *socket_path)
{
	json_t *status, *sessions = NULL;
	int code;

	status = ctl_ask(socket_path, json_pack("{s:s}", "op", "status"), &code);
	if (status != NULL && code == 0) {
		sessions = ctl_ask(
		    socket_path, json_pack("{s:s}", "op", "sessions"), &code);
	}
	if (sessions != NULL && code == 0 &&
	    top_update(top, status, sessions) != 0) {
		log_warnx("top: out of memory");
		code = 1;
	}
	json_decref(status);
	json_decref(sessions);
	return code;
}

/* ------------------------------------------------------------------------ */
/* Text                                                                     */

static int
print_once(struct top *top, const char *socket_path)
{
	char line[TOP_LINE];
	int code = look(top, socket_path);

	if (code != 0) {
		return code;
	}
	printf("%s\n%s\n\n%s\n", top->head[0], top->head[1],
	    top_title(line, top, TEXT_WIDTH));
	for (size_t i = 0; i < top->n; i++) {
		puts(top_line(line, top, &top->rows[i], TEXT_WIDTH));
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

/* ------------------------------------------------------------------------ */
/* Screen                                                                   */

static void
draw(const struct top *top)
{
	static const char *const sorts[] = {"rate", "URBs", "refusals", "bus id"};
	char line[TOP_LINE];
	int lines, columns;

	getmaxyx(stdscr, lines, columns);
	erase();
	attron(A_BOLD);
	mvaddnstr(0, 0, top->head[0], columns);
	attroff(A_BOLD);
	mvaddnstr(1, 0, top->head[1], columns);
	attron(A_REVERSE);
	mvhline(3, 0, ' ', columns);
	mvaddstr(3, 0, top_title(line, top, (unsigned)columns));
	attroff(A_REVERSE);
	for (int i = 0; i < (int)top->n && i + 5 < lines; i++) {
		mvaddstr(4 + i, 0,
		    top_line(line, top, &top->rows[i], (unsigned)columns));
	}
	mvprintw(lines - 1, 0,
	    "sorted by %s; (r)ate (u)rbs re(f)usals (b)us id  (q)uit",
	    sorts[top->sort]);
	refresh();
}

/* 0: go on. */
static int
heed(struct top *top, int key)
{
	switch (key) {
	case 'q':
		return 1;
	case 'r':
		top->sort = TOP_BY_RATE;
		return 0;
	case 'u':
		top->sort = TOP_BY_URBS;
		return 0;
	case 'f':
		top->sort = TOP_BY_REFUSALS;
		return 0;
	case 'b':
		top->sort = TOP_BY_BUSID;
		return 0;
	default:
		return 0;
	}
}

static int
run_screen(struct top *top, const char *socket_path)
{
	int code = look(top, socket_path), is_over = 0;
	uint64_t next = clock_mono() + CLOCK_SEC, now;
	SCREEN *screen;

	if (code != 0) {
		return code;
	}
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL) {
		log_warnx("top: this terminal is not known; see --once");
		return 1;
	}
	(void)cbreak();
	(void)noecho();
	(void)curs_set(0);
	while (!is_over && code == 0) {
		draw(top);
		now = clock_mono();
		timeout(now < next ? (int)((next - now) / CLOCK_MSEC) + 1 : 0);
		is_over = heed(top, getch());
		/* a key is no second of history */
		if (!is_over && clock_mono() >= next) {
			next += CLOCK_SEC;
			code = look(top, socket_path);
		}
	}
	(void)endwin();
	delscreen(screen);
	if (code != 0) {
		log_warnx("top: the gateway does not answer any more");
	}
	return code;
}

int
top_gateway(const char *socket_path, int is_once)
{
	struct top top = {0};
	int code;

	(void)setlocale(LC_CTYPE, "");
	top.has_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!is_once && !isatty(STDOUT_FILENO)) {
		log_warnx("top: not a terminal; see --once");
		return 2;
	}
	code = is_once ? print_once(&top, socket_path)
		       : run_screen(&top, socket_path);
	top_free(&top);
	return code;
}
