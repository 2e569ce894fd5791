/*
 * A software device: a program that plays the device side of QEMU's usb-redir,
 * so that the guest's own host controller, kernel and libusb see a plugged
 * device whose every byte is ours. The engine (softdev.c) speaks the usbredir
 * protocol, answers the standard requests from the model's descriptors and
 * paces isochronous streams; a model (one file each, listed in models.c) says
 * what the device is and does.
 *
 * QEMU ends itself on broken framing, and loses the data path of endpoints that
 * contradict themselves. So a model's `config' is honest, and QEMU learns the
 * endpoints from it; a device that lies does so in the descriptor slot and in
 * its answers.
 */
#ifndef TESTS_VM_SOFTDEV_H
#define TESTS_VM_SOFTDEV_H

#include <stddef.h>
#include <stdint.h>

/* As usbredir has them. */
enum softdev_speed {
	SOFTDEV_LOW = 0,
	SOFTDEV_FULL = 1,
	SOFTDEV_HIGH = 2,
	SOFTDEV_SUPER = 3,
};
enum softdev_status {
	SOFTDEV_OK = 0,
	SOFTDEV_CANCELLED = 1,
	SOFTDEV_IOERROR = 3,
	SOFTDEV_STALL = 4,
	SOFTDEV_TIMEOUT = 5,
	SOFTDEV_BABBLE = 6,
	SOFTDEV_NEVER = 0x100, /* no answer at all */
};

#define SOFTDEV_CONTROL 4096u /* most bytes of a control transfer */
#define SOFTDEV_PACKET 3072u  /* ... of an isochronous packet at high speed */

/* Little-endian 16 and 32 bits in a table of bytes. */
#define U16(v) (uint8_t)((v) & 0xff), (uint8_t)((v) >> 8 & 0xff)
#define U32(v) U16((v) & 0xffff), U16((v) >> 16 & 0xffff)

struct softdev; /* the engine's */

struct softdev_reply {
	int status; /* SOFTDEV_OK at first */
	size_t len; /* bytes in data, for IN; 0 at first */
	uint8_t data[SOFTDEV_CONTROL];
};

/* A slot that is NULL does nothing: such requests are stalled. */
struct softdev_model {
	const char *name;
	const char *about;
	enum softdev_speed speed;
	const uint8_t *device; /* 18 bytes */
	const uint8_t *config; /* with everything in it; honest, see above */
	size_t config_len;
	const char *const *strings; /* 1, 2, ..., NULL */
	/* Options of the command line, NAME=VALUE; 0 or -1. */
	int (*option)(const char *name, const char *value);
	/* Any standard request before the engine: 1 if answered. Of what is
	 * answered to SET_CONFIGURATION, SET_INTERFACE and the two that ask for
	 * them the status alone counts. */
	int (*standard)(struct softdev *dev, const uint8_t setup[8],
	    struct softdev_reply *reply);
	/* Class and vendor requests; out are the bytes of an OUT one. */
	void (*control)(struct softdev *dev, const uint8_t setup[8],
	    const uint8_t *out, size_t len, struct softdev_reply *reply);
	void (*set_alt)(struct softdev *dev, uint8_t interface, uint8_t alt);
	/* The next packet of an isochronous IN endpoint; at most max bytes. */
	size_t (*iso_in)(
	    struct softdev *dev, uint8_t ep, uint8_t *buf, size_t max);
	void (*iso_out)(struct softdev *dev, uint8_t ep, const uint8_t *data,
	    size_t len);
	/* A bulk transfer; returns a status. For IN, *len is what the host
	 * wants and becomes what it gets. */
	int (*bulk)(struct softdev *dev, uint8_t ep, uint8_t *data,
	    size_t *len);
	/* Now and then, also while nothing comes; returns in how many ms it
	 * wants to be called again at the latest. */
	int (*tick)(struct softdev *dev);
	/* The host has left; what is worth a line in the log. */
	void (*report)(void);
};

/* Models, NULL-ended, sorted by name (models.c). */
extern const struct softdev_model *const softdev_models[];

extern const struct softdev_model softdev_camera, softdev_dfu, softdev_liar,
    softdev_microphone, softdev_mute, softdev_typist;

/* The report descriptor of a boot keyboard (typist.c). */
#define SOFTDEV_KEYBOARD_SIZE 63
extern const uint8_t softdev_keyboard[SOFTDEV_KEYBOARD_SIZE];

/* What SOFTDEV_SAYS has, its first line; a script writes it there while the
 * device runs. text is empty if there is none. */
#define SOFTDEV_SAYS "/tmp/softdev-says"
void softdev_said(char *text, size_t size);

/* The host has chosen the configuration. */
int softdev_is_configured(const struct softdev *dev);

/* A packet of an interrupt IN endpoint, for the host to fetch; QEMU keeps the
 * order, and some two thousand of them. 0 if the host does not read there: then
 * it is lost. */
int softdev_interrupt(
    struct softdev *dev, uint8_t ep, const uint8_t *data, size_t len);

/* Pulls the device out, and plugs it in: at once for us, 200 ms after it was
 * pulled out for the guest. It comes plugged in. */
void softdev_leave(struct softdev *dev);
void softdev_return(struct softdev *dev);

/* Monotonic, ns. */
uint64_t softdev_now(void);

/* Connects to QEMU at path (a UNIX socket, or a character device that leads
 * there), plays the model until SIGTERM or the end of the connection, and
 * unplugs it. Returns an exit code. */
int softdev_run(const struct softdev_model *model, const char *path);

#endif
