/*
 * audit.chain: the number and the key of the next audit line, written over with
 * each one, so that a restart goes on where the log ended and the disk has no
 * key of a line that was written. Not synced: what a power cut takes of it,
 * hashing on from the key before brings back.
 *
 * One block, written at once: magic, id, seq, key, last MAC, whether there is a
 * first key, that key, and SHA-256 over all of it against torn writes.
 */
#include "proxy/warden/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define NAME "audit.chain"
#define NAME_BAD "audit.chain.bad"
#define MAGIC "SPCHAIN1"
#define AT_ID 8
#define AT_SEQ (AT_ID + CHAIN_ID)
#define AT_KEY (AT_SEQ + 8)
#define AT_LAST (AT_KEY + CHAIN_KEY)
#define AT_HAS (AT_LAST + 32)
#define AT_FIRST (AT_HAS + 1)
#define AT_SUM (AT_FIRST + CHAIN_KEY)
#define BLOCK (AT_SUM + 32)

static int
put(const struct audit_chain *c)
{
	uint8_t block[BLOCK] = MAGIC;
	int r;

	memcpy(block + AT_ID, c->chain.id, CHAIN_ID);
	for (unsigned i = 0; i < 8; i++) {
		block[AT_SEQ + i] = (uint8_t)(c->chain.seq >> (56 - 8 * i));
	}
	memcpy(block + AT_KEY, c->chain.key, CHAIN_KEY);
	memcpy(block + AT_LAST, c->last, 32);
	block[AT_HAS] = c->has_first != 0;
	memcpy(block + AT_FIRST, c->first, CHAIN_KEY);
	r = digest_sha256(
	    block + AT_SUM, &(struct digest_part){block, AT_SUM}, 1);
	if (r == 0 && pwrite(c->fd, block, BLOCK, 0) != BLOCK) {
		r = ERR_SYS;
	}
	mem_wipe(block, sizeof(block));
	return r;
}

/* 0, ERR_NOENT: it is empty, ERR_FORMAT or ERR_SYS. */
static int
get(struct audit_chain *c)
{
	uint8_t block[BLOCK], sum[32];
	ssize_t n = pread(c->fd, block, BLOCK, 0);
	int r;

	if (n <= 0) {
		return n == 0 ? ERR_NOENT : ERR_SYS;
	}
	r = digest_sha256(sum, &(struct digest_part){block, AT_SUM}, 1);
	if (r == 0 &&
	    (n != BLOCK || memcmp(block, MAGIC, AT_ID) != 0 ||
		memcmp(sum, block + AT_SUM, 32) != 0)) {
		r = ERR_FORMAT;
	}
	if (r == 0) {
		memcpy(c->chain.id, block + AT_ID, CHAIN_ID);
		c->chain.seq = 0;
		for (unsigned i = 0; i < 8; i++) {
			c->chain.seq = c->chain.seq << 8 | block[AT_SEQ + i];
		}
		memcpy(c->chain.key, block + AT_KEY, CHAIN_KEY);
		memcpy(c->last, block + AT_LAST, 32);
		c->has_first = block[AT_HAS] != 0;
		memcpy(c->first, block + AT_FIRST, CHAIN_KEY);
	}
	mem_wipe(block, sizeof(block));
	return r;
}

static int
open_at(int dir)
{
	return openat(dir, NAME,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int
audit_chain_renew(struct audit_chain *c)
{
	struct audit_chain old = *c;
	int r = ERR_SYS;

	if (getrandom(c->first, CHAIN_KEY, 0) == CHAIN_KEY) {
		r = chain_begin(&c->chain, c->first);
	}
	memset(c->last, 0, sizeof(c->last));
	c->has_first = 1;
	if (r == 0) {
		r = put(c);
	}
	if (r == 0 && fsync(c->fd) == -1) {
		r = ERR_SYS;
	}
	if (r != 0) {
		*c = old;
	}
	mem_wipe(&old, sizeof(old));
	return r;
}

/* The one that is there, or a new one. */
static int
read_or_begin(struct audit_chain *c, int dir, int *is_new)
{
	int r = get(c);

	*is_new = r != 0;
	if (r == ERR_FORMAT) {
		/* Not the key's end, but the chain's: it cannot go on. */
		log_warnx("read " NAME ": cannot be; it is kept as " NAME_BAD
			  ", and another chain of audit lines begins");
		close_fd(&c->fd);
		if (renameat(dir, NAME, dir, NAME_BAD) == -1) {
			return ERR_SYS;
		}
		c->fd = open_at(dir);
		r = c->fd != -1 ? ERR_NOENT : ERR_SYS;
	}
	return r == ERR_NOENT ? audit_chain_renew(c) : r;
}

struct audit_chain *
audit_chain_open(const char *dir, int *is_new)
{
	struct audit_chain *c = calloc(1, sizeof(*c));
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = ERR_SYS;

	if (c != NULL) {
		c->fd = dirfd != -1 ? open_at(dirfd) : -1;
		if (c->fd != -1) {
			r = read_or_begin(c, dirfd, is_new);
		}
	}
	if (r != 0) {
		log_warn("open %s/" NAME, dir);
		audit_chain_free(c);
		c = NULL;
	}
	close_fd(&dirfd);
	return c;
}

void
audit_chain_free(struct audit_chain *c)
{
	if (c != NULL) {
		close_fd(&c->fd);
		mem_wipe(c, sizeof(*c));
		free(c);
	}
}

int
audit_chain_next(struct audit_chain *c, const uint8_t mac[32])
{
	int r = chain_next(&c->chain);

	memcpy(c->last, mac, 32);
	return r == 0 ? put(c) : r;
}

int
audit_chain_take(struct audit_chain *c, char text[CHAIN_KEY_TEXT])
{
	struct chain first;
	uint8_t key[CHAIN_KEY];
	int r = ERR_NOENT;

	if (!c->has_first) {
		return r;
	}
	memcpy(key, c->first, CHAIN_KEY);
	r = chain_begin(&first, key);
	mem_wipe(c->first, CHAIN_KEY);
	c->has_first = 0;
	if (r == 0 && (put(c) != 0 || fsync(c->fd) == -1)) {
		r = ERR_SYS;
	}
	if (r == 0) {
		(void)chain_key_print(text, &first);
	} else {
		memcpy(c->first, key, CHAIN_KEY);
		c->has_first = 1;
	}
	mem_wipe(key, sizeof(key));
	mem_wipe(&first, sizeof(first));
	return r;
}
