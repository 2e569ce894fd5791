/*
 * A relay between a kernel that submits and a gateway that answers what it
 * likes: replies of every form to what is waited for, to what is not, and cut.
 * Whatever reaches the kernel is the answer to something that it submitted,
 * with the lengths, packets and offsets of that.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/fake/gateway_fake.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/relay_kernel.h"
#include "vhci-glue/relay.h"
#include "vhci-glue/seen.h"

static int ended;

static void
on_ended(void *arg, const struct ending *end)
{
	(void)arg;
	MUST(!ended && end->kind != ENDING_NONE && end->why != NULL);
	ended = 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct relay_kernel k;
	struct usbip_device dev = gateway_fake_drive();
	struct relay_how how = {.ended = on_ended};
	struct relay *relay = NULL;
	int up[2], down[2];

	memset(&k, 0, sizeof(k));
	k.in = rcur_of(data, size);
	ended = 0;
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, up) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, down) == 0);
	k.fd = down[0];
	k.gateway = up[0];
	how.kernel = down[1];
	how.loop = k.loop = loop_new();
	how.stream = stream_plain_new(up[1]);
	MUST(how.loop != NULL && how.stream != NULL);
	MUST(seen_new(&how.seen, &dev) == 0);
	MUST(relay_new(&relay, &how) == 0);
	while (!k.in.failed && !ended) {
		relay_kernel_step(&k);
	}
	close_fd(&k.gateway);
	relay_kernel_turn(&k);
	MUST(ended);
	relay_free(relay);
	close_fd(&k.fd);
	loop_free(k.loop);
	return 0;
}
