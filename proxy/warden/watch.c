/*
 * The directories that rules came from, watched by inotify. What happened does
 * not matter: after a short silence policy_touched looks at the texts.
 */
#include "proxy/warden/warden.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#define SILENCE (200 * CLOCK_MSEC)
#define WHAT                                                                   \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |            \
	    IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR)

struct watch {
	struct warden *warden;
	int fd; /* owned */
	struct loop_io *io;
	struct loop_timer *silence;
	struct {
		char *dir; /* owned */
		int wd;
	} dirs[SOURCE_DIRS];
	unsigned n;
};

static void
on_silence(void *arg)
{
	struct watch *watch = arg;

	policy_touched(watch->warden);
}

static void
on_event(void *arg, int events)
{
	struct watch *watch = arg;
	char buf[4096];
	ssize_t n;

	(void)events;
	while ((n = read(watch->fd, buf, sizeof(buf))) > 0) {
	}
	loop_timer_set(watch->silence, SILENCE);
}

int
watch_start(struct warden *w)
{
	struct watch *watch;

	if (!w->conf.watch_rules) {
		return 0;
	}
	watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		log_warn("watch the rules");
		return ERR_NOMEM;
	}
	watch->warden = w;
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd != -1) {
		watch->io = loop_io_new(
		    w->loop, watch->fd, LOOP_READ, on_event, watch);
		watch->silence = loop_timer_new(w->loop, on_silence, watch);
	}
	if (watch->fd == -1 || watch->io == NULL || watch->silence == NULL) {
		/* Fewer comforts, but the gateway works. */
		log_warn("watch the rules: a change needs `sallyctl reload'");
		loop_io_free(watch->io);
		loop_timer_free(watch->silence);
		close_fd(&watch->fd);
		free(watch);
		return 0;
	}
	w->watch = watch;
	return 0;
}

static int
is_in(const char *dir, char *const *dirs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(dir, dirs[i]) == 0) {
			return 1;
		}
	}
	return 0;
}

static void
add(struct watch *watch, const char *dir)
{
	int wd = inotify_add_watch(watch->fd, dir, WHAT);
	char *copy = wd == -1 ? NULL : strdup(dir);

	if (copy == NULL || watch->n == SOURCE_DIRS) {
		log_warn("watch %s: a change in it needs `sallyctl reload'",
		    dir);
		free(copy);
		return;
	}
	for (unsigned i = 0; i < watch->n; i++) {
		if (strcmp(watch->dirs[i].dir, dir) == 0) {
			watch->dirs[i].wd = wd;
			free(copy);
			return;
		}
	}
	watch->dirs[watch->n].dir = copy;
	watch->dirs[watch->n].wd = wd;
	watch->n++;
}

/* Those that stay are added again: the directory of that name may be another
 * one by now, and adding the same twice does nothing. */
void
watch_set(struct warden *w, char *const *dirs, unsigned n)
{
	struct watch *watch = w->watch;

	if (watch == NULL) {
		return;
	}
	for (unsigned i = watch->n; i-- > 0;) {
		if (!is_in(watch->dirs[i].dir, dirs, n)) {
			(void)inotify_rm_watch(watch->fd, watch->dirs[i].wd);
			free(watch->dirs[i].dir);
			watch->dirs[i] = watch->dirs[--watch->n];
		}
	}
	for (unsigned i = 0; i < n; i++) {
		add(watch, dirs[i]);
	}
}
