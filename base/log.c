/*
 * Lines for the operator, on stderr and, when asked, in syslog. Each line goes
 * out in one write, so that lines of several processes never mix. Control
 * bytes that slipped through unescaped become '?': a peer can never start a
 * line of its own.
 */
#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#define LOG_LINE 2048

static const char *log_name = "sallyport";
static enum log_level log_max = LOG_LEVEL_INFO;
static int log_syslog;

void
log_init(const char *name)
{
	log_name = name;
	/* a program executed by descriptor has no name of its own in ps */
	prctl(PR_SET_NAME, name);
	signal(SIGPIPE, SIG_IGN);
}

void
log_set_level(enum log_level level)
{
	log_max = level;
}

void
log_open_syslog(void)
{
	/* in a PID namespace of its own a process is always number 1 */
	openlog(log_name, LOG_NDELAY | (getpid() != 1 ? LOG_PID : 0),
	    LOG_DAEMON);
}

void
log_use_syslog(void)
{
	log_open_syslog();
	log_syslog = 1;
}

/* Adds at line[len], never past the last byte but one (the newline's). */
static size_t __attribute__((format(printf, 3, 0)))
append(char *line, size_t len, const char *fmt, va_list ap)
{
	size_t room = LOG_LINE - 1 - len;
	int n = vsnprintf(line + len, room, fmt, ap);

	if (n < 0) {
		return len;
	}
	return len + ((size_t)n < room ? (size_t)n : room - 1);
}

static size_t __attribute__((format(printf, 3, 4)))
appendf(char *line, size_t len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	len = append(line, len, fmt, ap);
	va_end(ap);
	return len;
}

static void
write_line(char *line, size_t len)
{
	size_t i, done = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c < 0x20 || c == 0x7f) {
			line[i] = '?';
		}
	}
	line[len++] = '\n';
	while (done < len) {
		ssize_t n = write(STDERR_FILENO, line + done, len - done);

		if (n == -1 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			break;
		}
		done += (size_t)n;
	}
}

/* error is an errno value, or -1 for the x forms. */
static void __attribute__((format(printf, 3, 0)))
say(enum log_level level, int error, const char *fmt, va_list ap)
{
	static const int priority[] = {
	    [LOG_LEVEL_WARN] = LOG_WARNING,
	    [LOG_LEVEL_INFO] = LOG_INFO,
	    [LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};
	char line[LOG_LINE];
	size_t start, len;

	if (level > log_max) {
		return;
	}
	start = len = appendf(line, 0, "%s: ", log_name);
	len = append(line, len, fmt, ap);
	if (error >= 0) {
		len = appendf(line, len, ": %s", strerror(error));
	}
	if (log_syslog) {
		syslog(priority[level], "%s", line + start);
	}
	write_line(line, len);
}

#define SAY(level, error)                                                      \
	do {                                                                   \
		int saved_ = errno;                                            \
		va_list ap_;                                                   \
                                                                               \
		va_start(ap_, fmt);                                            \
		say(level, error, fmt, ap_);                                   \
		va_end(ap_);                                                   \
		errno = saved_;                                                \
	} while (0)

void
log_warn(const char *fmt, ...)
{
	SAY(LOG_LEVEL_WARN, saved_);
}

void
log_warnx(const char *fmt, ...)
{
	SAY(LOG_LEVEL_WARN, -1);
}

void
log_info(const char *fmt, ...)
{
	SAY(LOG_LEVEL_INFO, saved_);
}

void
log_infox(const char *fmt, ...)
{
	SAY(LOG_LEVEL_INFO, -1);
}

void
log_debug(const char *fmt, ...)
{
	SAY(LOG_LEVEL_DEBUG, saved_);
}

void
log_debugx(const char *fmt, ...)
{
	SAY(LOG_LEVEL_DEBUG, -1);
}

void
fatal(const char *fmt, ...)
{
	SAY(LOG_LEVEL_WARN, saved_);
	_exit(1);
}

void
fatalx(const char *fmt, ...)
{
	SAY(LOG_LEVEL_WARN, -1);
	_exit(1);
}

char *
log_escape(char *dst, size_t size, const void *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *s = src;
	size_t i, o = 0;

	for (i = 0; i < len; i++) {
		int is_odd = s[i] < 0x20 || s[i] > 0x7e || s[i] == '\\';
		size_t need = is_odd ? 4 : 1;

		if (o + need >= size) {
			break;
		}
		if (need == 1) {
			dst[o++] = (char)s[i];
			continue;
		}
		dst[o++] = '\\';
		dst[o++] = 'x';
		dst[o++] = hex[s[i] >> 4];
		dst[o++] = hex[s[i] & 15];
	}
	dst[o] = '\0';
	return dst;
}
