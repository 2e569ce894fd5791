/*
 * What the warden may ask the kernel for, and where it may go, from before it
 * reads its first rule. What a library opens once must be open by then: the
 * control sockets, the listener, who users are, the log.
 */
#ifndef PROXY_WARDEN_CONFINE_H
#define PROXY_WARDEN_CONFINE_H

#include "proxy/conf.h"

void confine_warden(const struct gateway_conf *conf);

#endif
