/*
 * What sallyport-capture may ask the kernel for, before it reads its pipe.
 */
#ifndef PROXY_CAPTURE_CONFINE_H
#define PROXY_CAPTURE_CONFINE_H

/* Fatal when the kernel refuses. */
void confine(void);

#endif
