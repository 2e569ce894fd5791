/*
 * One line on standard error for each failure. It is put together in memory
 * and written at once, so that lines of two processes never mix.
 */
#include "certs/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/error.h>

#include "certs/cmd.h"
#include "certs/text.h"

static void
write_all(const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, p, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return;
		}
		p += n;
		len -= (size_t)n;
	}
}

__attribute__((format(printf, 4, 0))) static void
say_line(const char *op, const char *object, const char *advice, const char *fmt,
    va_list ap)
{
	char reason[1024], *line = NULL;
	size_t len = 0;
	FILE *f;

	vsnprintf(reason, sizeof(reason), fmt, ap);
	f = open_memstream(&line, &len);
	if (f == NULL) {
		return;
	}
	fputs("sallyport-certs: ", f);
	if (op != NULL) {
		fprintf(f, "%s: ", op);
	}
	if (object != NULL) {
		text_put(f, object, strlen(object), TEXT_PLAIN);
		fputs(": ", f);
	}
	text_put(f, reason, strlen(reason), TEXT_PLAIN);
	fputs("; ", f);
	text_put(f, advice, strlen(advice), TEXT_PLAIN);
	fputc('\n', f);
	if (fclose(f) == 0) {
		write_all(line, len);
	}
	free(line);
}

int
say_fail(const char *op, const char *object, const char *advice, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_line(op, object, advice, fmt, ap);
	va_end(ap);
	return -1;
}

static const char *
advice(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return "run as a user who may, or choose another directory";
	case EROFS:
		return "choose a directory that can be written";
	case ENOENT:
		return "check the path";
	case ENOTDIR:
		return "a part of the path is a file: choose another path";
	case ELOOP:
		return "symbolic links are not followed here: name the file";
	case ENAMETOOLONG:
		return "choose a shorter path";
	case ENOSPC:
	case EDQUOT:
		return "make room and try again";
	case ENOMEM:
		return "free some memory and try again";
	default:
		return "check the path and its file system";
	}
}

int
say_sys(const char *op, const char *object, int err)
{
	return say_fail(op, object, advice(err), "%s", strerror(err));
}

int
say_mbed(const char *op, const char *object, const char *advice, int r)
{
	char reason[160];

	mbedtls_strerror(r, reason, sizeof(reason));
	return say_fail(op, object, advice, "%s (-0x%04x)", reason, -r);
}

int
say_usage(const char *op, const char *object, const char *fmt, ...)
{
	char advice[64];
	va_list ap;

	snprintf(advice, sizeof(advice), "see 'sallyport-certs %s%s--help'",
	    op != NULL ? op : "", op != NULL ? " " : "");
	va_start(ap, fmt);
	say_line(op, object, advice, fmt, ap);
	va_end(ap);
	return CMD_USAGE;
}

int
say_done(const char *op)
{
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		say_sys(op, "standard output", errno);
		return CMD_FAILED;
	}
	return CMD_OK;
}
