/*
 * usb.ids: "VVVV  vendor", below it "<tab>PPPP  product", comments with #; the
 * vendors end where lines start with another word ("C 00  ..."). The file is
 * the distribution's, read as text that may be anything.
 */
#include "base/usbids.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define FILE_MAX (8u * 1024u * 1024u)

struct usbids {
	char *text; /* owned; a NUL behind it */
	size_t len;
};

struct usbids *
usbids_open(const char *path)
{
	static const char *const usual[] = {
	    "/usr/share/misc/usb.ids",
	    "/usr/share/hwdata/usb.ids",
	    "/var/lib/usbutils/usb.ids",
	};
	struct usbids *ids = calloc(1, sizeof(*ids));
	uint8_t *data = NULL;
	size_t len = 0;
	int r = -1;

	if (ids == NULL) {
		return NULL;
	}
	if (path != NULL) {
		r = file_read(path, FILE_MAX, FILE_PUBLIC, &data, &len);
	}
	for (size_t i = 0; path == NULL && r != 0 && i < ARRAY_LEN(usual);
	     i++) {
		r = file_read(usual[i], FILE_MAX, FILE_PUBLIC, &data, &len);
	}
	if (r != 0) {
		free(ids);
		return NULL;
	}
	ids->text = (char *)data;
	ids->len = len;
	return ids;
}

void
usbids_close(struct usbids *ids)
{
	if (ids != NULL) {
		free(ids->text);
		free(ids);
	}
}

/* Four lower-case hex digits and two blanks at p: 1 with the number. */
static int
is_entry(const char *p, size_t len, unsigned *number)
{
	unsigned n = 0;

	if (len < 6 || p[4] != ' ' || p[5] != ' ') {
		return 0;
	}
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9') {
			n = n * 16 + (unsigned)(c - '0');
		} else if (c >= 'a' && c <= 'f') {
			n = n * 16 + (unsigned)(c - 'a') + 10;
		} else {
			return 0;
		}
	}
	*number = n;
	return 1;
}

void
usbids_find(const struct usbids *ids, uint16_t vid, uint16_t pid,
    char vendor[USBIDS_NAME], char product[USBIDS_NAME])
{
	const char *p, *end;
	int is_ours = 0;

	vendor[0] = product[0] = '\0';
	if (ids == NULL) {
		return;
	}
	p = ids->text;
	end = p + ids->len;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((stop != NULL ? stop : end) - p);
		unsigned n;

		if (is_entry(p, len, &n)) {
			if (is_ours) {
				return; /* the next vendor */
			}
			is_ours = n == vid;
			if (is_ours) {
				log_escape(
				    vendor, USBIDS_NAME, p + 6, len - 6);
			}
		} else if (is_ours && len > 1 && p[0] == '\t' &&
		    is_entry(p + 1, len - 1, &n) && n == pid) {
			log_escape(product, USBIDS_NAME, p + 7, len - 7);
			return;
		}
		p += len + (stop != NULL);
	}
}
