/*
 * What sallyport-enroll may ask the kernel for: its lists, and when each is
 * entered.
 */
#ifndef CERTS_ENROLL_CONFINE_H
#define CERTS_ENROLL_CONFINE_H

/* Both are fatal when the kernel refuses. */

/* Before the server's name is resolved. */
void enroll_confine_connecting(void);
/* Before the server's first byte: no path, no socket. */
void enroll_confine_connected(void);

#endif
