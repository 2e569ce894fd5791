/*
 * Files of a CA: read with a limit, and written as a set that appears whole or
 * not at all and never replaces anything, or one by one in place of the one
 * before. Knows nothing of what is in them. What root writes belongs to the
 * owner of the directory it lies in. Every failure has been said when a
 * function returns -1.
 */
#ifndef CERTS_FILE_H
#define CERTS_FILE_H

#include <stddef.h>
#include <stdint.h>

#define FILE_MAX (256u * 1024) /* largest file that is read */
#define FILE_LIST_MAX (8u * 1024 * 1024) /* of FILE_LIST */
#define FILE_SET_MAX 3	       /* most files in a set */
#define FILE_MODE 0600
#define FILE_DIR_MODE 0700

/* FILE_SECRET: refuse a file that group or others can read, or a link.
 * FILE_LIST: a larger one. */
enum file_kind { FILE_PUBLIC, FILE_SECRET, FILE_LIST };

struct file_buf {
	uint8_t *bytes; /* owned; a NUL follows the last byte */
	size_t len;	/* without that NUL */
};

/* `dir/name`, owned by the caller; NULL (said) without memory. */
char *file_path(const char *op, const char *dir, const char *name);

/* Reads the whole regular file at path. out must be zeroed or freed. */
int file_read(const char *op, const char *path, enum file_kind kind,
    struct file_buf *out);
/* Wipes and frees; a zeroed one is fine. */
void file_buf_free(struct file_buf *buf);

/* Puts (data, len) in the place of dir/name, or makes it, in one step: who
 * reads it meanwhile has the one or the other, whole. */
int file_replace(const char *op, const char *dir, const char *name,
    const void *data, size_t len);

struct file_set;

/* Opens dir, made with its parents if missing. exists_advice is the advice for
 * one who would overwrite; op, dir and exists_advice are borrowed until free.
 * SIGINT, SIGTERM and SIGHUP wait until free. NULL after saying why. */
struct file_set *file_set_new(const char *op, const char *dir,
    const char *exists_advice);
/* Writes (data, len) to a hidden file beside name, which has less than 64
 * bytes, and syncs it. Fails if name exists. */
int file_set_add(struct file_set *set, const char *name, const void *data,
    size_t len);
/* Gives every file its name, the last added last, without replacing any. */
int file_set_publish(struct file_set *set);
/* From now on free leaves the files alone. */
void file_set_keep(struct file_set *set);
/* Takes everything back, directories included, unless kept. NULL is fine. */
void file_set_free(struct file_set *set);

#endif
