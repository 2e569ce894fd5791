/*
 * Functions that this tree does without, made into compile errors. The
 * Makefile force-includes this header in every file (-include base/banned.h);
 * it pulls in the system headers that declare them first, so that it can come
 * before everything else.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef strcpy
#undef strcat
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef sscanf
#undef atoi
#undef atol
#undef alloca
#undef gets
#undef system
#undef popen

#define BANNED(name) banned_function_##name##_see_docs_HACKING
#define strcpy(...) BANNED(strcpy)
#define strcat(...) BANNED(strcat)
#define strncat(...) BANNED(strncat)
#define sprintf(...) BANNED(sprintf)
#define vsprintf(...) BANNED(vsprintf)
#define strtok(...) BANNED(strtok)
#define sscanf(...) BANNED(sscanf)
#define atoi(...) BANNED(atoi)
#define atol(...) BANNED(atol)
#define alloca(...) BANNED(alloca)
#define gets(...) BANNED(gets)
#define system(...) BANNED(system)
#define popen(...) BANNED(popen)

#endif
