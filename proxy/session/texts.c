/*
 * Texts of a device, in sallyport-probe. The kernel shows them under the lock
 * of the device, which it holds while it configures, names or resets it, and of
 * a hub while it enumerates what is plugged in below: for as long as a device
 * takes to answer, which a hostile one does not. So this process may hang; it
 * is killed when its time is over. The texts are hostile.
 */
#include "proxy/session/texts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define SEND_LIMIT_MS 1000

/* The bytes of an attribute, NUL-terminated, without the one line end that the
 * kernel adds; a text may have others. */
static int
read_attr(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t used = 0;
	ssize_t n = 0;

	buf[0] = '\0';
	if (fd == -1) {
		return errno == ENOENT ? ERR_NOENT : ERR_SYS;
	}
	while (used < size && (n = read(fd, buf + used, size - used)) > 0) {
		used += (size_t)n;
	}
	close_fd(&fd);
	if (n < 0) {
		return errno == ENODEV ? ERR_NOENT : ERR_SYS;
	}
	if (used > 0 && buf[used - 1] == '\n') {
		used--;
	}
	if (used >= size) {
		return ERR_LIMIT;
	}
	if (memchr(buf, '\0', used) != NULL) {
		return ERR_FORMAT;
	}
	buf[used] = '\0';
	return 0;
}

int
texts_read(struct ipc_texts *out, int dir)
{
	const struct {
		const char *name;
		char *text;
	} attrs[] = {
		{"product", out->product},
		{"manufacturer", out->manufacturer},
		{"serial", out->serial},
	};
	char value[16];
	int r;

	memset(out, 0, sizeof(*out));
	/* Every device has this one, and it is behind the same lock: whoever
	 * hears from here knows that nobody held that just now. */
	r = read_attr(dir, "bConfigurationValue", value, sizeof(value));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(attrs); i++) {
		r = read_attr(
		    dir, attrs[i].name, attrs[i].text, IPC_DEVICE_TEXT);
		if (r == ERR_NOENT) {
			r = 0; /* it has no such text */
		}
	}
	return r;
}

int
texts_run(int dir, int warden)
{
	static struct ipc_texts texts;
	static uint8_t
	    buf[sizeof(struct ipc_texts) + sizeof(struct ipc_refused)];
	struct ipc_refused why = {.rule = "gateway.texts"};
	uint16_t type = IPC_TEXTS;
	int n, r = texts_read(&texts, dir);

	if (r == 0) {
		n = ipc_encode_texts(buf, sizeof(buf), &texts);
	} else {
		type = IPC_PROBE_FAILED;
		snprintf(why.text, sizeof(why.text), "its texts: %s",
		    r == ERR_SYS ? strerror(errno) : err_str(r));
		n = ipc_encode_refused(buf, sizeof(buf), &why);
	}
	r = n < 0 ? n
		  : channel_send_wait(warden, type, 0, buf, (size_t)n, -1,
			SEND_LIMIT_MS);
	if (r != 0) {
		log_warnx("texts: tell the warden: %s", err_str(r));
	}
	return r == 0 ? 0 : 1;
}
