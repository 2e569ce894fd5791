/*
 * How sallyport-certs tells that something went wrong: one line on standard
 * error, `sallyport-certs: operation: object: reason; what to do`. Every text
 * is escaped, so callers may hand over names and paths as they came.
 */
#ifndef CERTS_SAY_H
#define CERTS_SAY_H

/* Says it and returns -1. object may be NULL. advice must not be. */
__attribute__((format(printf, 4, 5))) int say_fail(const char *op,
    const char *object, const char *advice, const char *fmt, ...);

/* The same with the reason and the advice that belong to err, an errno. */
int say_sys(const char *op, const char *object, int err);

/* The same with the reason of mbedTLS's code r. */
int say_mbed(const char *op, const char *object, const char *advice, int r);

/* Says it, points to `op --help`, and returns CMD_USAGE. op is the
 * subcommand's name, or NULL for the program itself. */
__attribute__((format(printf, 3, 4))) int say_usage(const char *op,
    const char *object, const char *fmt, ...);

/* Flushes standard output: CMD_OK, or CMD_FAILED after having said why. */
int say_done(const char *op);

#endif
