/*
 * A bus of our own, and on it what systemd-logind answers about its sessions;
 * what fails ends the test, by cmocka's assertions.
 */
#ifndef TESTS_FAKE_LOGIND_H
#define TESTS_FAKE_LOGIND_H

#include <stddef.h>
#include <sys/types.h>

#define LOGIND_ROOT "/org/freedesktop/login1"
#define FAKE_SESSIONS 64

struct fake_session {
	const char *id, *user, *seat, *class, *type, *state;
	int is_active, is_locked;
	char path[64];
};

/* What there is now. */
extern struct fake_session fake_sessions[FAKE_SESSIONS];
extern size_t nfake_sessions;

/* An active, graphical, unlocked one of a user. */
struct fake_session *logind_add(
    const char *id, const char *user, const char *seat);

/* Starts dbus-daemon, which listens at path and has its configuration in config.
 * Its pid, or -1 with the reason said. */
pid_t logind_bus_start(const char *config, const char *path);

/* On the bus at address, D-Bus's way of writing it; and off. */
void logind_open(const char *address);
void logind_close(void);
/* Answers all that was asked; fd is to be polled for reading, -1 = none. */
void logind_turn(void);
int logind_fd(void);
/* Something of that object is new; which, nobody asks. */
void logind_emit(const char *path, const char *name);

#endif
