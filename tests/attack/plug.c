/*
 * Plugs the simulated device into sallyport-session and sallyport-probe before
 * their main, which is the product's own.
 */
#include "tests/attack/plug.h"

#include "base/log.h"
#include "tests/fake/usb_sim.h"

static void __attribute__((constructor))
plug_in(void)
{
	static struct devrec rec;
	struct usb_sim *sim;

	plug_record(&rec);
	sim = usb_sim_new(&rec);
	if (sim == NULL) {
		fatalx("the attacked device: out of memory");
	}
	for (uint8_t ep = 1; ep < 16; ep++) {
		usb_sim_ep(sim, ep)->part = USB_SIM_SINK;
		usb_sim_ep(sim, ep | 0x80)->part = USB_SIM_SOURCE;
	}
	usb_sim_ep(sim, PLUG_INT_IN)->most = 8;
	usb_sim_ep(sim, PLUG_SILENT_IN)->part = USB_SIM_SILENT;
	usb_sim_ep(sim, PLUG_MOUSE_IN)->part = USB_SIM_SILENT;
	plug_lie(sim);
}
