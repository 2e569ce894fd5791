/*
 * Whole files: reading them, bounded, and writing them.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

enum file_secrecy {
	FILE_PUBLIC, /* any mode */
	FILE_SECRET, /* refused when group or others have any right to it, or
			may write to its directory */
	FILE_OWN,    /* refused when another user's, but root's, or when group
			or others may write to it */
	FILE_TRUSTED, /* refused when others may write to it */
};

/* Reads path whole into *out (malloc, one NUL byte added after *len, freed by
 * the caller; wipe it when it was secret). A FIFO, device or directory is
 * refused; symbolic links are followed. ERR_NOENT, ERR_LIMIT (over max),
 * ERR_POLICY (secrecy), ERR_SYS, ERR_NOMEM. */
int file_read(const char *path, size_t max, enum file_secrecy secrecy,
    uint8_t **out, size_t *len);
/* Same, below directory fd. */
int file_read_at(int dirfd, const char *path, size_t max,
    enum file_secrecy secrecy, uint8_t **out, size_t *len);

/* Writes all of it and waits until it is on the disk. 0, or ERR_SYS with
 * errno. */
int file_write_all(int fd, const void *data, size_t len);

#endif
