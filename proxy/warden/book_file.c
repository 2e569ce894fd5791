/*
 * state.json on disk. A new file is written beside the old one, synced and
 * renamed over it, so that whatever happens one whole book is there.
 */
#include "proxy/warden/book.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define NAME "state.json"
#define NAME_NEW "state.json.new"
#define NAME_BAD "state.json.bad"
#define BOOK_MAX (16u * 1024u * 1024u)
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static void
read_boot(char out[BOOK_BOOT])
{
	uint8_t *text = NULL;
	size_t len = 0;

	(void)snprintf(out, BOOK_BOOT, "unknown");
	if (file_read(BOOT_ID, 4096, FILE_PUBLIC, &text, &len) == 0 &&
	    len >= BOOK_BOOT - 1) {
		memcpy(out, text, BOOK_BOOT - 1);
		out[BOOK_BOOT - 1] = '\0';
	}
	free(text);
}

static int
open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1) {
		log_warn("open %s", dir);
	}
	return fd;
}

/* What was in it is lost: nothing that it may have taken away is given again
 * to what is plugged in now. */
static struct book *
set_aside(int fd, const char *dir, const char *boot, const char *why)
{
	struct book *book = book_new(boot);

	log_warnx("read %s/" NAME ": %s; it is kept as " NAME_BAD ". Each "
		  "device that is plugged in now counts as given away once "
		  "already, and what was approved must be approved again",
	    dir, why);
	if (renameat(fd, NAME, fd, NAME_BAD) == -1) {
		log_warn("rename %s/" NAME, dir);
	}
	if (book != NULL) {
		book->was_bad = book->is_dirty = 1;
	}
	return book;
}

struct book *
book_open(const char *dir)
{
	char boot[BOOK_BOOT], why[160];
	struct book *book;
	uint8_t *text = NULL;
	size_t len = 0;
	int fd = open_dir(dir), r;

	if (fd == -1) {
		return NULL;
	}
	read_boot(boot);
	book = book_new(boot);
	r = file_read_at(fd, NAME, BOOK_MAX, FILE_PUBLIC, &text, &len);
	if (book != NULL && r == 0) {
		r = book_parse(book, (const char *)text, len, clock_mono(),
		    (int64_t)(clock_wall() / CLOCK_SEC), why, sizeof(why));
	} else if (r != 0) {
		(void)snprintf(why, sizeof(why), "%s", err_str(r));
	}
	free(text);
	if (book != NULL && r == ERR_NOENT) {
		book->is_dirty = 1;
	} else if (book != NULL && r != 0) {
		book_free(book);
		book = set_aside(fd, dir, boot, why);
	}
	close_fd(&fd);
	return book;
}

static int
replace(int dir, const char *text)
{
	int fd = openat(dir, NAME_NEW,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd == -1 ? ERR_SYS : file_write_all(fd, text, strlen(text));

	close_fd(&fd);
	if (r == 0 &&
	    (renameat(dir, NAME_NEW, dir, NAME) == -1 || fsync(dir) == -1)) {
		r = ERR_SYS;
	}
	return r;
}

int
book_save(struct book *book, const char *dir)
{
	char *text;
	int fd, r;

	if (!book->is_dirty) {
		return 0;
	}
	fd = open_dir(dir);
	if (fd == -1) {
		return ERR_SYS;
	}
	text = book_dump(book, clock_mono(),
	    (int64_t)(clock_wall() / CLOCK_SEC));
	r = text != NULL ? replace(fd, text) : ERR_NOMEM;
	if (r != 0) {
		log_warnx("write %s/" NAME ": %s", dir, err_str(r));
	} else {
		book->is_dirty = 0;
	}
	free(text);
	close_fd(&fd);
	return r;
}
