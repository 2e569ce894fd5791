/*
 * sallyctl: asks the warden of this machine and shows the answer. It decides
 * nothing.
 */
#ifndef PROXY_CTL_CTL_H
#define PROXY_CTL_CTL_H

#include <jansson.h>

/* ask.c: takes the request. The answer, with *code an exit status of
 * sallyctl(1); NULL after saying why. */
json_t *ctl_ask(const char *socket_path, json_t *request, int *code);

/* show.c: answers, for people. */
typedef void ctl_show(const json_t *answer);
ctl_show show_status, show_devices, show_sessions, show_reload, show_explain,
    show_asks, show_policy, show_quarantine, show_capture, show_nothing;

#endif
