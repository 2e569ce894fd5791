/*
 * What sallyport-front may still ask the kernel for. Its user is the one whose
 * files the CA's key is among, so it is its sandbox that keeps it from them.
 */
#ifndef CERTS_FRONT_CONFINE_H
#define CERTS_FRONT_CONFINE_H

/* Before the first byte of a peer. Fatal when the kernel refuses. */
void front_confine(void);

#endif
