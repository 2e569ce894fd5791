/*
 * In sallyport-session and sallyport-probe of the scene: which device is plugged in
 * depends on what the broker opened, a file with its number.
 */
#include <unistd.h>

#include "base/log.h"
#include "tests/docs/things.h"
#include "tests/fake/usb_sim.h"

static struct usb_sim *sims[THINGS];

static void
choose(int fd)
{
	char c = 0;

	if (read(fd, &c, 1) != 1 || c < '0' || c >= '0' + THINGS) {
		fatalx("the scene: no number of a device");
	}
	usb_sim_plug(sims[c - '0']);
}

static void __attribute__((constructor))
plug_in(void)
{
	static struct devrec rec;

	for (unsigned i = 0; i < THINGS; i++) {
		thing_record(&rec, &things[i]);
		sims[i] = usb_sim_new(&rec);
		if (sims[i] == NULL) {
			fatalx("the scene: out of memory");
		}
		usb_sim_ep(sims[i], 0x81)->part = USB_SIM_SOURCE;
		usb_sim_ep(sims[i], 0x02)->part = USB_SIM_SINK;
	}
	usb_sim_on_open = choose;
}
