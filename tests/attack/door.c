/*
 * A door in sallyport-session and sallyport-probe for whoever broke into them,
 * which only the programs of tests/attack/broken.c have. It opens right after
 * the process has entered its sandbox, or a later state of it: what one line of
 * /sys/door says (there the test's own tmpfs) is tried then, from within. Linked
 * with --wrap=sandbox_enter and --wrap=sandbox_shrink; the rest is the product.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "tests/attack/door.h"
#include "tests/fake/attempts.h"

void __real_sandbox_enter(const struct sandbox *how);
void __real_sandbox_shrink(const struct sandbox_list *list);
void __wrap_sandbox_enter(const struct sandbox *how);
void __wrap_sandbox_shrink(const struct sandbox_list *list);

/* As read before the sandbox: the name of a state, and of an attempt. */
static char state[64], name[64];

static void
take_line(FILE *f, char *out, int size)
{
	if (fgets(out, size, f) != NULL) {
		out[strcspn(out, "\n")] = '\0';
	}
}

static void __attribute__((constructor))
read_door(void)
{
	FILE *f = fopen(DOOR_PATH, "re");

	if (f == NULL) {
		return;
	}
	take_line(f, state, sizeof(state));
	take_line(f, name, sizeof(name));
	take_line(f, attempt_key, sizeof(attempt_key));
	(void)fclose(f);
}

static void
open_door(const struct sandbox_list *list)
{
	if (strcmp(list->state, state) != 0) {
		return;
	}
	if (strncmp(state, "probe", 5) == 0) {
		attempt_device = 5;
	}
	for (size_t i = 0; i < nattempts; i++) {
		if (strcmp(attempts[i].name, name) == 0) {
			log_warnx("door: %s: %s: %s", state, name,
			    attempts[i].run() != 0 ? DOOR_THROUGH
						   : DOOR_REFUSED);
			_exit(DOOR_EXIT);
		}
	}
}

void
__wrap_sandbox_enter(const struct sandbox *how)
{
	__real_sandbox_enter(how);
	open_door(how->list);
}

void
__wrap_sandbox_shrink(const struct sandbox_list *list)
{
	__real_sandbox_shrink(list);
	open_door(list);
}
