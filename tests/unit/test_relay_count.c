/*
 * vhci-glue/relay, the hot path in numbers: in the steady state no memory is
 * allocated, each reply up to a record is one receive and one send, several
 * commands of one turn are one send. Linked with --wrap for malloc, calloc,
 * realloc, send, recv and epoll_ctl.
 */
#include "tests/unit/relay_rig.h"

#include <sys/epoll.h>

struct counts {
	unsigned mallocs, sends, recvs, ctls;
};

static struct counts counts;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
int __real_epoll_ctl(int ep, int op, int fd, struct epoll_event *event);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
int __wrap_epoll_ctl(int ep, int op, int fd, struct epoll_event *event);

void *
__wrap_malloc(size_t size)
{
	counts.mallocs++;
	return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	counts.mallocs++;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	counts.mallocs++;
	return __real_realloc(p, size);
}

ssize_t
__wrap_send(int fd, const void *buf, size_t len, int flags)
{
	counts.sends++;
	return __real_send(fd, buf, len, flags);
}

ssize_t
__wrap_recv(int fd, void *buf, size_t len, int flags)
{
	counts.recvs++;
	return __real_recv(fd, buf, len, flags);
}

int
__wrap_epoll_ctl(int ep, int op, int fd, struct epoll_event *event)
{
	counts.ctls++;
	return __real_epoll_ctl(ep, op, fd, event);
}

/* What the relay alone did in one turn: the fakes' calls are not in it. */
static struct counts
one_turn(struct rig *r)
{
	struct counts before = counts, after;

	loop_once(r->loop, LOOP_NOWAIT);
	after.mallocs = counts.mallocs - before.mallocs;
	after.sends = counts.sends - before.sends;
	after.recvs = counts.recvs - before.recvs;
	after.ctls = counts.ctls - before.ctls;
	return after;
}

/* One bulk IN of len bytes, counted; what the two turns cost. */
static struct counts
exchange(struct rig *r, uint32_t seqnum, uint32_t len)
{
	static uint8_t data[65536];
	const struct usbip_header h = rig_submit(seqnum, USBIP_DIR_IN, 1, len);
	struct counts up, down;

	rig_say_header(r, &h);
	up = one_turn(r);
	gateway_fake_turn(&r->gw);
	assert_int_equal(gateway_fake_heard(&r->gw), USBIP_HEADER_SIZE);
	(void)gateway_fake_hear(&r->gw, USBIP_HEADER_SIZE);
	rig_answer(r, seqnum, 0, data, len, len);
	gateway_fake_turn(&r->gw);
	down = one_turn(r);
	rig_kernel_read(r);
	(void)rig_take(r, len, NULL);
	assert_int_equal(r->ngot, 0);
	up.mallocs += down.mallocs;
	up.sends += down.sends;
	up.recvs += down.recvs;
	up.ctls += down.ctls;
	return up;
}

static void
test_one_urb(void **state)
{
	static const uint32_t sizes[] = {0, 8, 64, 512, 16384 - 48};
	struct rig *r = *state;
	uint32_t seqnum = 0;

	(void)exchange(r, ++seqnum, 8); /* the loop's own first allocations */
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int k = 0; k < 50; k++) {
			struct counts c = exchange(r, ++seqnum, sizes[i]);

			assert_int_equal(c.mallocs, 0);
			assert_int_equal(c.sends, 2); /* one each way */
			assert_int_equal(c.recvs, 2);
			assert_int_equal(c.ctls, 0);
		}
	}
}

/* Commands that wait together leave together, and so do replies. */
static void
test_coalesced(void **state)
{
	struct rig *r = *state;
	struct counts c;

	rig_turn(r);
	for (int round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 32; i++) {
			const struct usbip_header h =
			    rig_submit(i, USBIP_DIR_IN, 1, 64);

			rig_say_header(r, &h);
		}
		c = one_turn(r);
		assert_int_equal(c.sends, 1);
		assert_int_equal(c.mallocs, 0);
		gateway_fake_turn(&r->gw);
		assert_int_equal(
		    gateway_fake_heard(&r->gw), 32 * USBIP_HEADER_SIZE);
		(void)gateway_fake_hear(&r->gw, 32 * USBIP_HEADER_SIZE);
		for (uint32_t i = 0; i < 32; i++) {
			rig_answer(r, i, 0, "12345678", 8, 8);
		}
		gateway_fake_turn(&r->gw);
		c = one_turn(r);
		assert_int_equal(c.sends, 1);
		assert_int_equal(c.mallocs, 0);
		rig_kernel_read(r);
		for (uint32_t i = 0; i < 32; i++) {
			(void)rig_take(r, 8, NULL);
		}
	}
}

/* 120 KiB out: records of 16 KiB, none of them smaller but the last. */
static void
test_records(void **state)
{
	static uint8_t data[122880];
	struct rig *r = *state;
	const struct usbip_header h =
	    rig_submit(1, USBIP_DIR_OUT, 2, sizeof(data));
	uint64_t before;

	rig_turn(r);
	before = r->stream->count.sends;
	rig_say_header(r, &h);
	rig_kernel_say(r, data, sizeof(data));
	rig_turn(r);
	assert_int_equal(
	    gateway_fake_heard(&r->gw), sizeof(data) + USBIP_HEADER_SIZE);
	assert_int_equal(r->stream->count.sends - before,
	    (sizeof(data) + USBIP_HEADER_SIZE) / STREAM_RECORD + 1);
}

/* An iso stream at depth, in the steady state. */
static void
test_iso_steady(void **state)
{
	static uint8_t data[32 * 192], descs[32 * USBIP_ISO_SIZE];
	struct usbip_iso iso[32];
	const struct usbip_ret_submit ret = {
	    .actual_length = sizeof(data), .npackets = 32};
	struct rig *r = *state;

	for (uint32_t i = 0; i < 32; i++) {
		iso[i] = (struct usbip_iso){i * 192, 192, 192, 0};
		usbip_encode_iso(descs + i * USBIP_ISO_SIZE, &iso[i]);
	}
	rig_turn(r);
	for (uint32_t seqnum = 0; seqnum < 200; seqnum++) {
		struct usbip_header h =
		    rig_submit(seqnum, USBIP_DIR_IN, 1, sizeof(data));
		struct counts c;

		h.u.submit.npackets = 32;
		rig_say_header(r, &h);
		rig_kernel_say(r, descs, sizeof(descs));
		c = one_turn(r);
		assert_true(seqnum < 8 || c.mallocs == 0);
		if (seqnum < 4) {
			continue; /* four are always in flight */
		}
		gateway_fake_say_ret(&r->gw, seqnum - 4, &ret, data,
		    sizeof(data), iso, 32);
		gateway_fake_turn(&r->gw);
		c = one_turn(r);
		assert_true(seqnum < 8 || c.mallocs == 0);
		rig_kernel_read(r);
		(void)rig_take(r, sizeof(data) + sizeof(descs), NULL);
	}
	assert_int_equal(r->ended, 0);
}

#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_one_urb),
	    RIG_TEST(test_coalesced),
	    RIG_TEST(test_records),
	    RIG_TEST(test_iso_steady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
