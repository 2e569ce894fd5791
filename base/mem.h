/*
 * Small things about memory and descriptors that every process needs.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Overwrites secrets; never optimised away. NULL with len 0 is fine. */
void mem_wipe(void *p, size_t len);
/* Closes *fd if it is not -1 and sets it to -1; errno is kept. */
void close_fd(int *fd);

#define TAKE(ptr)                                                              \
	({                                                                     \
		__typeof__(&(ptr)) at_ = &(ptr); /* ptr may have an effect */  \
		__typeof__(ptr) take_ = *at_;                                  \
		*at_ = NULL;                                                   \
		take_;                                                         \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
