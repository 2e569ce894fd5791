/*
 * The lists of sallyport-probe: of one that reads a device, and of one that
 * reads what sysfs says of it.
 */
#include "proxy/session/confine.h"

#include "base/mem.h"
#include "base/sandbox.h"
#include "proxy/usb/calls.h"
#include "wire/ipc.h"

#define BROKER 3
#define FILES 32u
#define MEMORY ((size_t)256 << 20)

static const struct sandbox_call probe[] = {
	SANDBOX_LOOP,
	SANDBOX_CALL(sendmsg), /* the record, to the warden */
	SANDBOX_CALL(recvmsg), /* its end, from there */
	SANDBOX_CALL(poll),
	SANDBOX_CALL(ppoll),
	USB_CALLS_TO_OPEN(CONFINE_PROBE_FD),
	USB_CALLS(CONFINE_PROBE_FD),
};

static const struct sandbox_call texts[] = {
	SANDBOX_CALL(openat), /* attributes; Landlock has one directory */
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(poll),
	SANDBOX_CALL(ppoll),
};

static const struct sandbox_list probe_list = {
	"probe", probe, ARRAY_LEN(probe)};
static const struct sandbox_list texts_list = {
	"probe, texts", texts, ARRAY_LEN(texts)};

void
confine_probe(void)
{
	const struct sandbox how = {
		.list = &probe_list,
		.spaces = SANDBOX_SPACES,
		.files = FILES,
		.memory = MEMORY,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}

void
confine_texts(int fd)
{
	const struct sandbox_path dir = {.fd = fd, .access = SANDBOX_READ};
	const struct sandbox how = {
		.list = &texts_list,
		.paths = &dir,
		.npaths = 1,
		/* the directory that it has is outside of its root */
		.spaces = SANDBOX_SPACES,
		.files = FILES,
		.memory = MEMORY,
		.parent = BROKER,
		.barred = IPC_BARRED,
	};

	sandbox_enter(&how);
}
