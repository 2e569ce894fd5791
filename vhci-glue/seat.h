/*
 * Whose the nodes of an attached device are, on a workstation with several
 * users: a rule for udev, written before the kernel gets the device, since
 * afterwards somebody could be faster.
 */
#ifndef VHCI_GLUE_SEAT_H
#define VHCI_GLUE_SEAT_H

#include <stddef.h>
#include <sys/types.h>

#include "vhci-glue/opts.h"
#include "vhci-glue/vhci.h"

#define SEAT_RULES "/run/udev/rules.d"
#define SEAT_PLATFORM "/sys/devices/platform"
#define SEAT_RULE_MAX 256

struct seat {
	uid_t uid;	  /* (uid_t)-1 = nobody's: all that follows does nothing */
	const char *name; /* borrowed; "" = of no seat */
	char user[257];	  /* "" = nobody's */
};

/* Whether a seat can have that name. */
int seat_is_name(const char *text);

/* What --user and --seat ask for; of a seat alone the login manager says who
 * sits there. 0, or an exit code with the reason said. */
int seat_find(struct seat *out, const struct opts *opts);

/* Writes the rule for the port, and has udev read it; without a user it takes
 * away what is left of an earlier one. 0, or -1 with the reason said. */
int seat_set(const struct seat *seat, const struct vhci *vhci,
    const struct vhci_port *port);
/* No rule is fine. */
void seat_clear(unsigned port);

/* Apart, for tests. The name that the kernel will give to a device on that port,
 * "3-1", from the controllers below platform: 0; ERR_NOENT: its bus is not
 * there; ERR_SYS. */
int seat_local(char out[VHCI_BUSID], const char *platform,
    const struct vhci *vhci, const struct vhci_port *port);
/* dst, or NULL when it does not fit. */
char *seat_rule(
    char *dst, size_t size, const char *local, const struct seat *seat);

#endif
