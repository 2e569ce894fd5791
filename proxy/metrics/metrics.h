/*
 * sallyport-metrics: what the gateway counts, as Prometheus reads it. A process
 * of its own beside the gateway, under a user of its own: it parses HTTP of
 * whoever is on this machine, so it gets nothing but numbers. It decides nothing.
 *
 *   main.c     options, sockets, privileges
 *   confine.c  what it may ask the kernel for
 *   http.c     libmicrohttpd on the loop
 *   ask.c      one question to the warden at a time
 *   text.c     the answer as text
 */
#ifndef PROXY_METRICS_METRICS_H
#define PROXY_METRICS_METRICS_H

#include <jansson.h>
#include <stddef.h>

struct loop;

/* text.c: the exposition format 0.0.4 of an answer to {"op":"metrics"}; NULL is
 * a gateway that does not answer. Malloced; NULL: out of memory. What is not in
 * the answer is left out. */
char *metrics_text(const json_t *answer);

/* ask.c: asks the control socket at path; done gets what metrics_text makes of
 * the answer, malloced, or NULL: out of memory. */
struct ask;
typedef void ask_done(void *arg, char *text);
/* path is borrowed. NULL: out of memory. */
struct ask *ask_new(
    struct loop *loop, const char *path, ask_done *done, void *arg);
/* Whoever asks while one is asked gets the same answer. */
void ask_start(struct ask *ask);
void ask_free(struct ask *ask);

/* http.c: serves GET /metrics on a listening socket, which is taken. NULL:
 * logged. */
struct http;
struct http *http_new(struct loop *loop, int fd, const char *control);
void http_free(struct http *http);

/* confine.c: before the first byte of anybody, with where it listens. Fatal when
 * the kernel refuses. */
void metrics_confine(const char *listen);

#endif
