/*
 * What sallyport-signer may ask the kernel for, before it has the key.
 */
#ifndef PROXY_SIGNER_CONFINE_H
#define PROXY_SIGNER_CONFINE_H

/* Fatal when the kernel refuses. */
void confine_signer(void);

#endif
