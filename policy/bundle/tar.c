/*
 * The archive is a sequence of
 *
 *   header (512)  name, constants, size, checksum, constants
 *   data          up to the next multiple of 512, the rest zero
 *
 * and ends in two blocks of zeros, and there the bytes end too (POSIX.1-1988,
 * ustar interchange format; owner 0, mode 0644, time 0).
 */
#include "policy/bundle/tar.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* Fields of a header: where, and how long. */
enum {
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_TIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
	AT_DEVMAJOR = 329,
	AT_DEVMINOR = 337,
	AT_PREFIX = 345,
	PREFIX_LEN = 155,
};

static int
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int
tar_is_name(const char *name)
{
	size_t len = strlen(name), part = 0;
	unsigned depth = 1;

	for (size_t i = 0; i < len; i++) {
		if (name[i] == '/') {
			if (part == 0 || ++depth > TAR_DEPTH) {
				return 0;
			}
			part = 0;
			continue;
		}
		if (!is_name_char(name[i]) ||
		    (part == 0 && (name[i] == '.' || name[i] == '-'))) {
			return 0;
		}
		part++;
	}
	return part > 0 && len < TAR_NAME;
}

/* digits octal digits and a NUL */
static void
put_octal(uint8_t *dst, unsigned digits, size_t value)
{
	for (unsigned i = digits; i > 0; i--) {
		dst[i - 1] = (uint8_t)('0' + (value & 7));
		value >>= 3;
	}
	dst[digits] = '\0';
}

/* The one header of that name and size. */
static void
make_header(uint8_t h[TAR_BLOCK], const char *name, size_t len)
{
	size_t sum = 0;

	memset(h, 0, TAR_BLOCK);
	memcpy(h, name, strlen(name));
	put_octal(h + AT_MODE, 7, 0644);
	put_octal(h + AT_UID, 7, 0);
	put_octal(h + AT_GID, 7, 0);
	put_octal(h + AT_SIZE, 11, len);
	put_octal(h + AT_TIME, 11, 0);
	h[AT_TYPE] = '0';
	memcpy(h + AT_MAGIC, "ustar\0" "00", 8);
	put_octal(h + AT_DEVMAJOR, 7, 0);
	put_octal(h + AT_DEVMINOR, 7, 0);
	memset(h + AT_SUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		sum += h[i];
	}
	put_octal(h + AT_SUM, 6, sum);
}

static size_t
padded(size_t len)
{
	return (len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

static int
is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0) {
			return 0;
		}
	}
	return 1;
}

void
tar_open(struct tar_reader *tar, const void *bytes, size_t len)
{
	*tar = (struct tar_reader){.p = bytes, .end = (const uint8_t *)bytes + len};
}

static int
refuse(const char **why, const char *text)
{
	*why = text;
	return ERR_FORMAT;
}

/* Why a header is not the one that we write; it is not. */
static const char *
name_flaw(const uint8_t *h)
{
	switch (h[AT_TYPE]) {
	case '0':
		break;
	case '1':
	case '2':
		return "a link is in it";
	case '3':
	case '4':
	case '6':
		return "a device or a FIFO is in it";
	case '5':
		return "a directory is in it; only files can be";
	case 'x':
	case 'g':
	case 'L':
	case 'K':
		return "an extended header is in it";
	default:
		return "something that is no file is in it";
	}
	if (!is_zero(h + AT_LINK, 100)) {
		return "a file of it has the name of a link";
	}
	if (!is_zero(h + AT_PREFIX, PREFIX_LEN)) {
		return "a name is longer than 99 bytes";
	}
	return "a header is not as `sallyport-policy bundle create' writes it";
}

/* 11 octal digits and a NUL. 0 or ERR_FORMAT. */
static int
read_size(const uint8_t *p, size_t *out)
{
	size_t v = 0;

	for (int i = 0; i < 11; i++) {
		if (p[i] < '0' || p[i] > '7') {
			return ERR_FORMAT;
		}
		v = v << 3 | (size_t)(p[i] - '0');
	}
	*out = v;
	return p[11] == '\0' ? 0 : ERR_FORMAT;
}

static int
read_header(struct tar_reader *tar, struct tar_file *out, const char **why)
{
	const uint8_t *h = tar->p;
	uint8_t same[TAR_BLOCK];

	if (h[TAR_NAME - 1] != '\0') {
		return refuse(why, "a name is longer than 99 bytes");
	}
	memcpy(out->name, h, TAR_NAME);
	if (!tar_is_name(out->name)) {
		return refuse(why, "a name may not be; expected parts of "
				   "A-Z a-z 0-9 . _ - that begin with no dot");
	}
	if (read_size(h + AT_SIZE, &out->len) != 0) {
		return refuse(why, "a size is no number of 11 octal digits");
	}
	make_header(same, out->name, out->len);
	if (memcmp(h, same, TAR_BLOCK) != 0) {
		return refuse(why, name_flaw(h));
	}
	if (tar->count > 1 && strcmp(tar->last, out->name) >= 0) {
		return refuse(why, strcmp(tar->last, out->name) == 0 ?
			"a file is in it twice" :
			"its files are not in the order of their names");
	}
	return 0;
}

int
tar_next(struct tar_reader *tar, struct tar_file *out, const char **why)
{
	size_t left = (size_t)(tar->end - tar->p);
	int r;

	if (left > TAR_MAX) {
		*why = "it is larger than 16 MiB";
		return ERR_LIMIT;
	}
	if (left < 2 * (size_t)TAR_BLOCK) {
		return refuse(why, "it ends too early");
	}
	if (is_zero(tar->p, TAR_BLOCK)) {
		if (!is_zero(tar->p, 2 * (size_t)TAR_BLOCK)) {
			return refuse(why, "one block of zeros is in it");
		}
		return left == 2 * (size_t)TAR_BLOCK ?
		    0 :
		    refuse(why, "bytes follow its end");
	}
	if (tar->count == TAR_FILES) {
		*why = "more than 1024 files are in it";
		return ERR_LIMIT;
	}
	r = read_header(tar, out, why);
	if (r != 0) {
		return r;
	}
	left -= TAR_BLOCK;
	if (out->len > left || padded(out->len) > left) {
		return refuse(why, "it ends too early");
	}
	out->data = tar->p + TAR_BLOCK;
	if (!is_zero(out->data + out->len, padded(out->len) - out->len)) {
		return refuse(why, "bytes are hidden behind the end of a file");
	}
	tar->p = out->data + padded(out->len);
	tar->count++;
	memcpy(tar->last, out->name, TAR_NAME);
	return 1;
}

/* ------------------------------------------------------------------------ */
/* Writing                                                                  */

/* Room for len bytes more, all zero; NULL when there is none. */
static uint8_t *
extend(struct tar_writer *tar, size_t len)
{
	uint8_t *p;

	if (len > tar->room - tar->len) {
		size_t room = 2 * tar->room + len;

		p = realloc(tar->data, room);
		if (p == NULL) {
			return NULL;
		}
		tar->data = p;
		tar->room = room;
	}
	p = tar->data + tar->len;
	memset(p, 0, len);
	tar->len += len;
	return p;
}

int
tar_add(struct tar_writer *tar, const char *name, const void *data, size_t len)
{
	uint8_t *p;

	if (!tar_is_name(name) ||
	    (tar->count > 1 && strcmp(tar->last, name) >= 0)) {
		return ERR_FORMAT;
	}
	if (tar->count == TAR_FILES || len > TAR_MAX ||
	    tar->len + 3 * (size_t)TAR_BLOCK + padded(len) > TAR_MAX) {
		return ERR_LIMIT;
	}
	p = extend(tar, TAR_BLOCK + padded(len));
	if (p == NULL) {
		return ERR_NOMEM;
	}
	make_header(p, name, len);
	if (len > 0) {
		memcpy(p + TAR_BLOCK, data, len);
	}
	tar->count++;
	memcpy(tar->last, name, strlen(name) + 1);
	return 0;
}

int
tar_end(struct tar_writer *tar)
{
	return extend(tar, 2 * (size_t)TAR_BLOCK) != NULL ? 0 : ERR_NOMEM;
}

void
tar_writer_fini(struct tar_writer *tar)
{
	free(tar->data);
	*tar = (struct tar_writer){0};
}
