/*
 * The real sallyport-fetch, with a test in place of broker and warden, and the
 * helpers that it talks through: a server in Python, and Debian's tinyproxy.
 */
#ifndef FAKE_FETCH_CHILD_H
#define FAKE_FETCH_CHILD_H

#include <sys/types.h>

#include "tests/fake/pki.h"

/* The program, beside the test's folder or in SALLYPORT_LIBEXEC. Once, first. */
void fetch_child_find(void);
/* As "fetch" or "post", with these ends of its channels, which stay the
 * caller's; and with the environment of the test, where the broker gives it none. */
pid_t fetch_child_start(const char *role, int broker_end, int warden_end);
/* It asks for its files, at the other end of its channel, and gets these. */
void fetch_child_give_key(
    int chan, const struct pki_cert *ca, const struct pki_cert *who);

/* A script of tests/fake, told these words: its pid, and the port that it says
 * it serves on. It does not outlive the test. */
pid_t fetch_child_serve(
    const char *script, const char *const *words, unsigned *port);

/* tinyproxy on 127.0.0.1, with these lines in its configuration; it writes to
 * DIR/proxy.log. 0: there is no such program here. */
pid_t fetch_child_proxy(const char *dir, const char *lines, unsigned *port);
/* A port of 127.0.0.1 that nobody has just now. */
unsigned fetch_child_port(void);
/* Until somebody listens there. */
void fetch_child_await(unsigned port);
void fetch_child_end(pid_t *pid);

#endif
