/*
 * The list of `sallyport agent', of what it and all its children never do: it
 * runs `sallyport attach', which is root's as it is, and that starts relays. So
 * it can have neither a list of what it does nor Landlock, for the reasons that
 * proxy/broker/confine.c has.
 */
#include "vhci-glue/agent.h"

#include <linux/capability.h>

#include "base/mem.h"
#include "base/sandbox_perils.h"

static const struct sandbox_call denied[] = {
	SANDBOX_PERILS,
};
static const struct sandbox_list list = {
	"agent and children", denied, ARRAY_LEN(denied)};

void
agent_confine(void)
{
	const uint64_t keep = UINT64_C(1) << CAP_SETUID |
	    UINT64_C(1) << CAP_SETGID | /* who relays are */
	    UINT64_C(1) << CAP_KILL |	/* and their end */
	    /* keys that an administrator gave to somebody else */
	    UINT64_C(1) << CAP_DAC_OVERRIDE;

	sandbox_keep_capabilities(keep);
	sandbox_deny(&list);
}
