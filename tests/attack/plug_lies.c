/*
 * How the simulated device lies. Which lie it is, and whether to the probe or to
 * the session, stands in a file that the attack writes before either starts; no
 * process of the product would read it.
 */
#include "tests/attack/plug.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/fake/usb_sim.h"
#include "wire/cursor.h"

#define GET_DESCRIPTOR 6
#define REQUEST_VENDOR 0x40
/* Interface 1 in the configuration, and its class. */
#define MOUSE_AT (PLUG_CONFIG_SIZE - 25)

static struct usb_sim *device;
static unsigned reads;

static int
is_get_descriptor(const uint8_t setup[8])
{
	return (setup[0] & 0x60) == 0 && setup[1] == GET_DESCRIPTOR;
}

/* ------------------------------------------------------------------------ */
/* Answers                                                                  */

/* What it said of its length in the head is not what it says in the whole. */
static int
grows(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	uint32_t want = le16_at(setup + 6);

	(void)arg;
	if (!is_get_descriptor(setup) || setup[3] != 2 || want <= 9) {
		return USB_SIM_USUAL;
	}
	*actual = want < PLUG_CONFIG_SIZE ? want : PLUG_CONFIG_SIZE;
	memcpy(data, plug_config, *actual);
	le16_put(data + 2, 0xffff);
	return URB_OK;
}

static int
is_short(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	if (!is_get_descriptor(setup)) {
		return USB_SIM_USUAL;
	}
	*actual = le16_at(setup + 6) / 2;
	memset(data, 2, *actual);
	return URB_OK;
}

static int
is_empty(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)data;
	*actual = 0;
	return is_get_descriptor(setup) ? URB_OK : USB_SIM_USUAL;
}

static int
is_junk(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	if (!is_get_descriptor(setup)) {
		return USB_SIM_USUAL;
	}
	*actual = le16_at(setup + 6);
	memset(data, 0xee, *actual);
	return URB_OK;
}

/* One vendor, another one, and the first again. */
static int
flips(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	uint32_t want = le16_at(setup + 6);

	(void)arg;
	if (!is_get_descriptor(setup) || setup[3] != 1) {
		return USB_SIM_USUAL;
	}
	*actual = want < sizeof(plug_device) ? want : sizeof(plug_device);
	memcpy(data, plug_device, *actual);
	if (*actual > 9) {
		data[8] ^= (uint8_t)(++reads % 2);
	}
	return URB_OK;
}

static int
stalls(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)setup;
	(void)data;
	(void)actual;
	return URB_STALL;
}

static int
babbles(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	*actual = le16_at(setup + 6);
	memset(data, 0xee, (setup[0] & 0x80) != 0 ? *actual : 0);
	return URB_OVERFLOW;
}

static int
fails(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)setup;
	(void)data;
	(void)actual;
	return URB_ERROR;
}

static int
leaves(void *arg, const uint8_t setup[8], uint8_t *data, uint32_t *actual)
{
	(void)arg;
	(void)setup;
	(void)data;
	(void)actual;
	usb_sim_unplug(device);
	return URB_GONE;
}

/* When it is told to, in the middle of everything. */
static int
leaves_later(void *arg, const uint8_t setup[8], uint8_t *data,
    uint32_t *actual)
{
	return (setup[0] & 0x60) == REQUEST_VENDOR
	    ? leaves(arg, setup, data, actual)
	    : USB_SIM_USUAL;
}

/* ------------------------------------------------------------------------ */
/* Faces                                                                    */

static void
be_another(void)
{
	device->rec.device[8] ^= 1;
}

static void
be_keyboard(void)
{
	memcpy(device->rec.config_bytes + MOUSE_AT + 5, "\3\1\1", 3);
}

static void
type_keys(void)
{
	device->rec.report_bytes[3] = 6;
}

static void
be_two(void)
{
	device->rec.device[17] = 2;
}

static void
be_hub(void)
{
	device->rec.device[4] = 9;
}

/* Two pipes of one address. */
static void
be_double(void)
{
	device->rec.config_bytes[9 + 9 + 7 + 2] = PLUG_BULK_IN;
}

/* ------------------------------------------------------------------------ */
/* Pipes                                                                    */

static void
all_pipes(enum usb_sim_part part)
{
	for (uint8_t ep = 1; ep < 16; ep++) {
		usb_sim_ep(device, ep)->part = part;
		usb_sim_ep(device, ep | 0x80)->part = part;
	}
}

static void
pipes_stall(void)
{
	all_pipes(USB_SIM_STALL);
}

static void
pipes_babble(void)
{
	all_pipes(USB_SIM_BABBLE);
}

static void
pipes_fail(void)
{
	all_pipes(USB_SIM_ERROR);
}

static void
pipes_crumble(void)
{
	for (uint8_t ep = 1; ep < 16; ep++) {
		usb_sim_ep(device, ep | 0x80)->most = 1;
		usb_sim_ep(device, ep | 0x80)->bad_packet = 2;
		usb_sim_ep(device, ep)->bad_packet = 2;
	}
}

static const struct plug_lie {
	const char *name;
	void (*face)(void);
	int (*control)(void *arg, const uint8_t setup[8], uint8_t *data,
	    uint32_t *actual);
} table[] = {
	{"another", be_another, NULL},
	{"keyboard", be_keyboard, NULL},
	{"keys", type_keys, NULL},
	{"two", be_two, NULL},
	{"hub", be_hub, NULL},
	{"double", be_double, NULL},
	{"grows", NULL, grows},
	{"short", NULL, is_short},
	{"empty", NULL, is_empty},
	{"junk", NULL, is_junk},
	{"flips", NULL, flips},
	{"stalls", NULL, stalls},
	{"babbles", NULL, babbles},
	{"fails", NULL, fails},
	{"leaves", NULL, leaves},
	{"leaves-later", NULL, leaves_later},
	{"pipes-stall", pipes_stall, NULL},
	{"pipes-babble", pipes_babble, NULL},
	{"pipes-fail", pipes_fail, NULL},
	{"pipes-crumble", pipes_crumble, NULL},
};

void
plug_lie(struct usb_sim *sim)
{
	char text[64], *name;
	int fd = open(PLUG_LIE, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

	close_fd(&fd);
	text[n > 0 ? n : 0] = '\0';
	name = strchr(text, ' ');
	if (name == NULL) {
		return; /* honest */
	}
	*name++ = '\0';
	if (strstr(program_invocation_short_name, text) == NULL) {
		return; /* to the other one */
	}
	device = sim;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].name, name) != 0) {
			continue;
		}
		sim->control = table[i].control;
		if (table[i].face != NULL) {
			table[i].face();
		}
	}
}
