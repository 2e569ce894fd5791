/*
 * For fuzz_broker: what the broker's table would do, done by nobody. Devices
 * and processes are as in tests/unit/test_requests.c, and each act is held to
 * what was asked.
 */
#ifndef TESTS_FUZZ_BROKER_FAKES_H
#define TESTS_FUZZ_BROKER_FAKES_H

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proxy/broker/broker.h"
#include "tests/fuzz/fuzz.h"
#include "wire/cursor.h"

#define CHILDREN 4u
#define WARDEN_PID 4194303 /* nobody's */

static struct broker b;
static struct child children[CHILDREN];
static struct rcur in;
static unsigned acts; /* since the last message */
static int asked_by_child;
static int warden_is_dead;

pid_t __wrap_kill(pid_t pid, int sig);

pid_t
__wrap_kill(pid_t pid, int sig)
{
	(void)sig;
	MUST(pid == WARDEN_PID && !asked_by_child);
	warden_is_dead = 1;
	return 0;
}

/* A log of a million runs says nothing. */
void __wrap_log_warnx(const char *fmt, ...);
void __wrap_log_warn(const char *fmt, ...);

void
__wrap_log_warnx(const char *fmt, ...)
{
	(void)fmt;
}

void
__wrap_log_warn(const char *fmt, ...)
{
	(void)fmt;
}

void
loop_io_free(struct loop_io *io)
{
	MUST(io == NULL);
}

static int
result(void)
{
	static const int results[] = {
	    0, 0, 0, ERR_NOENT, ERR_POLICY, ERR_SYS, ERR_BUSY, ERR_LIMIT};

	errno = EIO;
	return results[rcur_u8(&in) % 8];
}

/* An act for the warden: on a place that can be. */
static void
act(const struct device_place *place)
{
	MUST(!asked_by_child && ++acts == 1);
	MUST(place == NULL || place->path[0] == '/');
}

int
device_open(const struct device_place *place, int *out)
{
	int r = result();

	act(place);
	*out = r == 0 ? dup(STDERR_FILENO) : -1;
	return r;
}

int
device_texts(const struct device_place *place, int *out)
{
	return device_open(place, out);
}

void
device_close(const struct device_place *place)
{
	(void)place;
}

int
device_set_config(
    const struct device_place *place, uint8_t value, int fd, uint8_t *before)
{
	(void)place;
	MUST(asked_by_child && ++acts == 1 && fd != -1);
	MUST(children[0].has_device && children[0].usb_fd == fd);
	MUST(memchr(children[0].grant.configs, value,
		 children[0].grant.nconfigs) != NULL);
	*before = 1;
	return result();
}

int
device_authorize(const struct device_place *place, uint8_t what)
{
	act(place);
	MUST(what != IPC_AUTH_DEVICE || b.conf.is_strict);
	return result();
}

void
broker_hurry_child(const struct child *child)
{
	MUST(child->has_device && child->key_given);
}

int
broker_serve_signer(struct broker *broker, struct child *session)
{
	MUST(asked_by_child && ++acts == 1 && broker->conf.key_holder);
	MUST(session->role == IPC_ROLE_SESSION && session->key_given);
	return result();
}

void
broker_signer_loaded(struct broker *broker, const struct ipc_loaded *m)
{
	MUST(children[0].role == IPC_ROLE_SIGNER && !children[0].key_given);
	MUST(broker == &b && (m->err == 0) == (m->bits != 0));
	children[0].key_given = 1;
}

struct child *
broker_find(struct broker *broker, uint32_t conn)
{
	for (unsigned i = 0; i < broker->nchildren; i++) {
		if (children[i].role != 0 && children[i].conn == conn) {
			return &children[i];
		}
	}
	return NULL;
}

int
broker_start_child(struct broker *broker, enum ipc_role role, uint32_t conn,
    int fd, unsigned flags, struct child **out, int *end)
{
	int r = result();

	(void)flags;
	MUST(!asked_by_child);
	/* who only asks for its key has nothing else */
	MUST((fd == -1) ==
	    (role == IPC_ROLE_FETCHER || role == IPC_ROLE_POSTER));
	*end = -1;
	for (unsigned i = 1; i < CHILDREN && r == 0; i++) {
		if (children[i].role == 0) {
			children[i].broker = broker;
			children[i].role = role;
			children[i].conn = conn;
			*out = &children[i];
			*end = dup(STDERR_FILENO);
			return 0;
		}
	}
	return r != 0 ? r : ERR_LIMIT;
}

void
broker_end_child(struct child *child)
{
	child->is_ending = 1;
}

void
broker_child_closed(struct child *child)
{
	(void)child;
}

#endif
