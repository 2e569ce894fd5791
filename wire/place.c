/*
 * Where a device is plugged, as the gateway's kernel says, in the fixed form
 * that travels in messages. The broker makes paths and node names of it, so
 * both directions refuse a bus id or a path that could name anything else.
 */
#include "wire/devrec.h"

#include <string.h>

#include "base/err.h"
#include "wire/cursor.h"
#include "wire/usbip_check.h"

/* Absolute, printable, no empty, "." or ".." component: sysfs has none. */
static int
path_ok(const char path[USBIP_PATH_SIZE])
{
	size_t n = strnlen(path, USBIP_PATH_SIZE);
	size_t start = 0; /* of the component that is being read */

	if (n == USBIP_PATH_SIZE || n < 2 || path[0] != '/') {
		return 0;
	}
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0') {
			if (path[i] <= ' ' || path[i] > '~') {
				return 0;
			}
			continue;
		}
		size_t len = i - start - 1;
		const char *part = path + start + 1;

		if (len == 0 || (len == 1 && part[0] == '.') ||
		    (len == 2 && part[0] == '.' && part[1] == '.')) {
			return 0;
		}
		start = i;
	}
	return 1;
}

static int
place_ok(const struct device_place *place)
{
	return usbip_check_busid(place->busid) == 0 && path_ok(place->path) &&
	    place->busnum != 0 && place->devnum != 0 &&
	    place->speed >= USBIP_SPEED_LOW &&
	    place->speed <= USBIP_SPEED_SUPER_PLUS;
}

static void
put_text(struct wcur *c, const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	wcur_copy(c, text, n);
	wcur_zero(c, size - n);
}

/* A text, then nothing but NULs to its size. */
static int
get_text(struct rcur *c, char *text, size_t size)
{
	rcur_copy(c, text, size);
	for (size_t i = strnlen(text, size); i < size; i++) {
		if (text[i] != '\0') {
			return ERR_FORMAT;
		}
	}
	return text[size - 1] == '\0' ? 0 : ERR_FORMAT;
}

int
place_encode(void *buf, size_t size, const struct device_place *place)
{
	struct wcur c = wcur_of(buf, size);

	if (!place_ok(place)) {
		return ERR_FORMAT;
	}
	put_text(&c, place->busid, sizeof(place->busid));
	put_text(&c, place->path, sizeof(place->path));
	wcur_be16(&c, place->busnum);
	wcur_be16(&c, place->devnum);
	wcur_u8(&c, place->speed);
	return c.failed ? ERR_NOMEM : (int)c.used;
}

int
place_decode(struct device_place *out, const void *buf, size_t len)
{
	struct rcur c = rcur_of(buf, len);
	int bad;

	bad = get_text(&c, out->busid, sizeof(out->busid));
	bad |= get_text(&c, out->path, sizeof(out->path));
	out->busnum = rcur_be16(&c);
	out->devnum = rcur_be16(&c);
	out->speed = rcur_u8(&c);
	if (bad || !rcur_done(&c) || !place_ok(out)) {
		memset(out, 0, sizeof(*out));
		return ERR_FORMAT;
	}
	return 0;
}
