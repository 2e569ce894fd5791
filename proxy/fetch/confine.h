/*
 * What sallyport-fetch may ask the kernel for, by where it fetches from.
 */
#ifndef PROXY_FETCH_CONFINE_H
#define PROXY_FETCH_CONFINE_H

/* Both are fatal when the kernel refuses. */

/* The network: before the server's name is resolved. */
void confine_fetch_network(void);
/* Files: they are open already, and not read yet. */
void confine_fetch_files(void);

#endif
