/*
 * What `sallyport-certs serve' may ask the kernel for, and with it each
 * sallyport-front that it starts, whose own list comes on top.
 */
#ifndef CERTS_SERVE_CONFINE_H
#define CERTS_SERVE_CONFINE_H

/* Before the first connection, with the CA read and the listener there; dir: the
 * CA. Fatal when the kernel refuses. */
void serve_confine(const char *dir);

#endif
