/*
 * Devices of each class under the profile that is made for it, so that every
 * decoder is in a session of some input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/tool/devtext.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/session_play.h"
#include "tests/sim/sim.h"

/* What the stock profiles do not say: each verdict, asks, meters, quotas. */
static const char local[] =
    "profile words extends base {\n"
    "  meter fast 20/s burst 5\n"
    "  quota day 4096 per 24h\n"
    "  cap transfer 4KiB\n"
    "  on setup { ask \"a\" within 5s else deny type vendor; allow }\n"
    "  on out { ask \"a\" within 5s else allow u8@0 1; drop u8@0 2;\n"
    "    deny u8@0 3; eject u8@0 4; quarantine u8@0 5;\n"
    "    note u8@0 6 log \"six\"; deny over fast; deny over day; allow }\n"
    "  on in { ask \"a\" within 5s else deny u8@0 1; drop u8@0 2; deny u8@0 "
    "3;\n"
    "    allow }\n"
    "  on hid { allow }\n"
    "}\n"
    "profile eem extends net { for { 02:0c:07 } }\n";

static struct play_part parts[] = {
    {.device = NULL},
    {.device = NULL, .usings = {"words"}},
    {.device = "honest/stick-usb2", .usings = {"storage-ro"}},
    {.device = "honest/stick-usb2", .usings = {"storage-rw"}},
    {.device = "honest/qemu-kbd", .usings = {"keyboard"}},
    {.device = "honest/keyboard-media", .usings = {"scanner 0"}},
    {.device = "honest/mouse-low", .usings = {"mouse"}},
    {.device = "honest/fido-key", .usings = {"fido"}},
    {.device = "honest/ccid-gemalto", .usings = {"ccid"}},
    {.device = "honest/camera-ptp", .usings = {"mtp-ro"}},
    {.device = "honest/printer-laser", .usings = {"printer 0"}},
    {.device = "honest/headset-uac1", .usings = {"headset-nomic", "mouse 3"}},
    {.device = "honest/webcam-bulk", .usings = {"camera"}},
    {.device = "honest/gadget-ecm", .usings = {"net"}},
    {.device = "honest/gadget-ncm", .usings = {"net"}},
    {.device = "honest/gadget-rndis", .usings = {"net"}},
    {.device = "honest/gadget-eem", .usings = {"eem"}},
    {.device = "honest/arduino-uno", .usings = {"serial"}},
    {.device = "honest/dfu-1.0", .usings = {"probe-no-dfu"}},
    {.device = "honest/gadget-zero"},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

static void
use(struct sim *sim, const char *using)
{
	const char *space = strchr(using, ' ');
	size_t len = space != NULL ? (size_t)(space - using) : strlen(using);

	sim->usings[sim->nusings].interface =
	    space != NULL ? (int)strtol(space, NULL, 10) : -1;
	(void)snprintf(sim->usings[sim->nusings++].name, PROFILE_NAME, "%.*s",
	    (int)len, using);
}

static void
find_addresses(struct play_part *part)
{
	static struct desc_config config;

	for (unsigned c = 0; c < part->rec->nconfigs; c++) {
		size_t len;
		const uint8_t *bytes = devrec_config(part->rec, c, &len);

		MUST(desc_parse_config(&config, bytes, len, NULL) == 0);
		for (unsigned i = 0; i < config.nendpoints &&
				     part->naddresses < sizeof(part->addresses);
		     i++) {
			part->addresses[part->naddresses++] =
			    config.endpoints[i].address;
		}
	}
	if (part->naddresses == 0) { /* DFU has control alone */
		part->addresses[part->naddresses++] = 0x81;
	}
}

static void
make(struct play_part *part)
{
	static struct devtext text;
	static struct desc_config scratch;
	static struct sim sim;
	struct desc_why why;
	char path[300];

	memset(&sim, 0, sizeof(sim));
	sim.path = "session_parts.c";
	sim.rig = rig_new();
	part->rec = malloc(sizeof(*part->rec));
	MUST(part->rec != NULL);
	*part->rec = sim.rig->rec;
	if (part->device != NULL) {
		(void)snprintf(
		    path, sizeof(path), "tests/devices/%s.txt", part->device);
		MUST(devtext_read(&text, path) == 0);
		MUST(devrec_check(&text.rec, &scratch, &why) == 0);
		*part->rec = sim.rig->rec = text.rec;
	}
	sim.profiles = strdup(local);
	sim.profiles_len = sizeof(local) - 1;
	for (unsigned i = 0; i < 4 && part->usings[i] != NULL; i++) {
		use(&sim, part->usings[i]);
	}
	for (unsigned i = 0; i < 2 && sim.nusings > 0; i++) {
		if (sim_compile(&sim, &part->size[i]) != 0) {
			(void)fprintf(stderr, "%s\n", sim.why);
			abort();
		}
		part->block[i] = sim.block;
		sim.block = NULL;
	}
	find_addresses(part);
	free(sim.profiles);
	usb_sim_free(sim.rig->sim);
	free(sim.rig);
}

const struct play_part *
play_part(unsigned n)
{
	struct play_part *part = &parts[n % PARTS];

	if (part->rec == NULL) {
		make(part);
	}
	return part;
}
