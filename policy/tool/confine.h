/*
 * What sallyport-trial may ask the kernel for, before it reads its bundle.
 */
#ifndef POLICY_TOOL_CONFINE_H
#define POLICY_TOOL_CONFINE_H

/* stock: the directory of stock profiles, which it reads. Fatal when the kernel
 * refuses. */
void confine_trial(const char *stock);

#endif
