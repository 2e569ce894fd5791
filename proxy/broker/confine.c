/*
 * The list of sallyportd, of what it and all its children never do. A list of
 * what it does would be theirs as well: the kernel hands it down. Together that
 * is nearly everything, so this one is turned round; each child has a list of
 * the other kind from its first hostile byte. Landlock is no use here either:
 * who is held by it cannot leave a namespace of mounts, and children do.
 *
 * What the broker may do by what it is are its capabilities (main.c).
 */
#include "proxy/broker/broker.h"

#include "base/mem.h"
#include "base/sandbox_perils.h"

static const struct sandbox_call denied[] = {
	SANDBOX_PERILS,
};
static const struct sandbox_list list = {
	"broker and children", denied, ARRAY_LEN(denied)};

void
confine_broker(void)
{
	sandbox_deny(&list);
}
