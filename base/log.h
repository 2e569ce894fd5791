/*
 * The one way a process speaks to its operator: lines on stderr (which systemd
 * collects), `program[role]: operation: object: reason`. The x rule:
 * log_warn, log_info, log_debug and fatal append strerror(errno); the x forms
 * do not. Peer strings are escaped by the caller with log_escape.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdarg.h>

enum log_level { LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* name is borrowed for the life of the process, e.g. "sallyport-session[3]".
 * Call once, first thing in main. Level INFO until log_set_level. Ignores
 * SIGPIPE as well: a reader of our lines that goes away must not end us. */
void log_init(const char *name);
void log_set_level(enum log_level level);
/* Also send every line to syslog(3) (for processes that outlive their
 * terminal). */
void log_use_syslog(void);
/* Connects to it, for later: who closes a door behind itself first. */
void log_open_syslog(void);

#define LOG_PRINTF __attribute__((format(printf, 1, 2)))
void log_warn(const char *fmt, ...) LOG_PRINTF;	  /* + ": " strerror(errno) */
void log_warnx(const char *fmt, ...) LOG_PRINTF;
void log_info(const char *fmt, ...) LOG_PRINTF;
void log_infox(const char *fmt, ...) LOG_PRINTF;
void log_debug(const char *fmt, ...) LOG_PRINTF;
void log_debugx(const char *fmt, ...) LOG_PRINTF;
/* Print and _exit(1). Only before serving, on a broker/worker protocol
 * violation, or on a broken invariant; never on a peer's or device's bytes. */
void fatal(const char *fmt, ...) LOG_PRINTF __attribute__((noreturn));
void fatalx(const char *fmt, ...) LOG_PRINTF __attribute__((noreturn));

/* Copies (src, len) to dst as printable ASCII: every byte outside 0x20..0x7e,
 * and the backslash, becomes \xHH. Always NUL-terminated, cut to fit; returns
 * dst. size must be at least 1. */
char *log_escape(char *dst, size_t size, const void *src, size_t len);

#endif
