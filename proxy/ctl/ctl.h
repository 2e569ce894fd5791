/*
 * sallyctl: asks the warden of this machine and shows the answer. It decides
 * nothing.
 */
#ifndef PROXY_CTL_CTL_H
#define PROXY_CTL_CTL_H

#include <jansson.h>

#define CTL_SOCKET "/run/sallyport/control.sock"

/* time.c: "90s", "10m", "2h", "1d" in seconds; 0 = that is none. */
long ctl_duration(const char *text);
/* A time as RFC 3339 has it in UTC, or the beginning of one; or a duration, that
 * long ago: in buf. NULL: neither. */
#define CTL_TIME 32
const char *ctl_time(const char *text, char buf[CTL_TIME]);

/* ask.c: takes the request. The answer, with *code an exit status of
 * sallyctl(1); NULL after saying why. */
json_t *ctl_ask(const char *socket_path, json_t *request, int *code);

/* Asks for lines that come as things happen: each parsed, and as it came, with
 * its newline. Returns when the gateway ends it: an exit status. Takes the
 * request. */
typedef void ctl_line(json_t *o, const char *text);
int ctl_watch(const char *socket_path, json_t *request, ctl_line *on_line);

/* units.c: "1.2 MB", four or five characters and the unit. Returns dst. */
#define CTL_AMOUNT 16
char *ctl_amount(char dst[CTL_AMOUNT], double n);

/* top.c: what goes through, each second; or, once, as text. An exit status. */
int top_gateway(const char *socket_path, int is_once);

/* asks.c: what is asked, on a terminal, until nothing is. An exit status. */
int asks_gateway(const char *socket_path);

/* watch.c: what happens, for people or as it is, until the gateway stops. An exit
 * status. */
int watch_gateway(const char *socket_path, int is_json);

/* serve.c: serves that name on the socket at path by running the command, NULL-ended,
 * for each ask, until the gateway or a signal ends it. An exit status. */
int serve_verdicts(const char *path, const char *name, char **command);

/* show.c, asks.c: answers, for people. */
typedef void ctl_show(const json_t *answer);
ctl_show show_status, show_devices, show_sessions, show_reload, show_explain,
    show_asks, show_policy, show_quarantine, show_capture, show_sandbox,
    show_verdicts, show_nothing;

#endif
