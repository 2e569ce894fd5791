/*
 * The hot path in exact counts, with the allocator and the socket calls
 * wrapped by the linker: in the steady state no malloc for an URB, one send for
 * a reply up to 16 KiB and one for each record above, and one send for several
 * completions of one turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stream.h"
#include "tests/fake/session_rig.h"

/* ------------------------------------------------------------------------ */
/* What the linker routes here; the rig's own calls are not counted, since it
 * sends and allocates only between `measure(1)` and `measure(0)`'s turns.   */

/* Volatile, since the compiler believes that malloc looks at neither. */
static volatile int is_counting;
static volatile unsigned mallocs, sends;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
ssize_t __real_send(int fd, const void *buf, size_t len, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __real_writev(int fd, const struct iovec *iov, int n);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int n);

void *
__wrap_malloc(size_t size)
{
	mallocs += (unsigned)is_counting;
	return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	mallocs += (unsigned)is_counting;
	return __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	mallocs += (unsigned)is_counting;
	return __real_realloc(p, size);
}

ssize_t
__wrap_send(int fd, const void *buf, size_t len, int flags)
{
	sends += (unsigned)is_counting;
	return __real_send(fd, buf, len, flags);
}

/* Channels do not count: a message a second says that transfers go through. */
static unsigned
is_peer(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type != SOCK_SEQPACKET;
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	sends += is_counting && is_peer(fd);
	return __real_sendmsg(fd, msg, flags);
}

ssize_t
__wrap_write(int fd, const void *buf, size_t len)
{
	sends += (unsigned)is_counting;
	return __real_write(fd, buf, len);
}

ssize_t
__wrap_writev(int fd, const struct iovec *iov, int n)
{
	sends += (unsigned)is_counting;
	return __real_writev(fd, iov, n);
}

/* ------------------------------------------------------------------------ */

/* Turns of the session alone are counted. */
static void
counted_turns(struct rig *rig, int n)
{
	is_counting = 1;
	for (int i = 0; i < n; i++) {
		loop_once(rig->loop, LOOP_NOWAIT);
	}
	is_counting = 0;
}

static void
reset_counts(void)
{
	mallocs = sends = 0;
}

/* One URB, alone. */
static void
one(struct rig *rig, uint32_t seq, uint8_t address, uint32_t length)
{
	rig_submit(rig, seq, address, 0, length, NULL, NULL);
	counted_turns(rig, 6);
	rig_expect_submit(rig, seq, 0, length);
}

static void
test_the_wraps(void **state)
{
	void *volatile p;

	(void)state;
	/* that they count at all */
	reset_counts();
	is_counting = 1;
	p = malloc(10);
	p = realloc(p, 20);
	is_counting = 0;
	free(p);
	assert_int_equal(mallocs, 2);
}

static void
test_one_send_a_reply(void **state)
{
	static const struct {
		uint8_t address;
		uint32_t length, sends;
	} cases[] = {
		{RIG_BULK_IN, 0, 1},
		{RIG_BULK_IN, 13, 1},
		{RIG_INT_IN, 8, 1},
		{RIG_BULK_IN, 512, 1},
		{RIG_BULK_IN, 16384 - 48, 1}, /* 16 KiB with its header */
		{RIG_BULK_IN, 16384, 2},      /* 48 bytes more than a record */
		{RIG_BULK_IN, 122880, 8},     /* 7.5 records and the header */
		{RIG_BULK_IN, 1048576, 65},
		{RIG_BULK_OUT, 31, 1},
		{RIG_BULK_OUT, 16384, 1},
		{RIG_BULK_OUT, 122880, 1},
	};
	struct rig *rig = rig_streaming();
	uint32_t seq = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int j = 0; j < 3; j++) {
			uint64_t before;

			rig_submit(rig, seq, cases[i].address, 0,
			    cases[i].length, NULL, NULL);
			before = rig->stream->count.sends;
			rig_expect_submit(rig, seq++, 0, cases[i].length);
			/* a socket that is full answers "again", which is no
			 * send; those are not possible below its size */
			if (cases[i].length <= 122880) {
				assert_int_equal(
				    rig->stream->count.sends - before,
				    cases[i].sends);
			}
		}
	}
	rig_free(rig);
}

static void
test_one_send_a_turn(void **state)
{
	struct rig *rig = rig_streaming();
	uint32_t seq = 1;

	(void)state;
	usb_sim_ep(rig->sim, RIG_INT_IN)->part = USB_SIM_SILENT;
	for (int round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < 16; i++) {
			rig_submit(
			    rig, seq + i, RIG_INT_IN, 0, 64, NULL, NULL);
		}
		rig_settle(rig);
		for (uint32_t i = 0; i < 16; i++) {
			assert_int_equal(usb_sim_finish(rig->sim, RIG_INT_IN,
					     URB_OK, "12345678", 8),
			    1);
		}
		reset_counts();
		counted_turns(rig, 4);
		for (uint32_t i = 0; i < 16; i++) {
			rig_expect_submit(rig, seq++, 0, 8);
		}
		assert_int_equal(sends, 1);
	}
	/* answers made here as well */
	rig_cork(rig);
	for (uint32_t i = 0; i < 16; i++) {
		rig_control(rig, seq + i,
		    (const uint8_t[]){0x80, 6, 0, 1, 0, 0, 18, 0}, NULL);
	}
	rig_uncork(rig);
	reset_counts();
	counted_turns(rig, 4);
	for (uint32_t i = 0; i < 16; i++) {
		rig_expect_submit(rig, seq++, 0, 18);
	}
	assert_int_equal(sends, 1);
	rig_free(rig);
}

static void
mixed_round(struct rig *rig, uint32_t *seq)
{
	static const uint32_t sizes[] = {
		0, 13, 31, 512, 4096, 16384, 65536, 122880};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		one(rig, (*seq)++, RIG_BULK_IN, sizes[i]);
		one(rig, (*seq)++, RIG_BULK_OUT, sizes[i]);
	}
	one(rig, (*seq)++, RIG_INT_IN, 8);
	rig_control(rig, *seq, (const uint8_t[]){0xc0, 1, 0, 0, 0, 0, 0, 0},
	    NULL);
	counted_turns(rig, 6);
	rig_expect_submit(rig, (*seq)++, 0, 0);
	rig_control(rig, *seq, (const uint8_t[]){0x80, 6, 0, 2, 0, 0, 99, 0},
	    NULL);
	counted_turns(rig, 6);
	rig_expect_submit(rig, (*seq)++, 0, 94);
}

static void
test_no_malloc(void **state)
{
	struct rig *rig = rig_streaming();
	uint32_t seq = 1;

	(void)state;
	for (int i = 0; i < 3; i++) {
		mixed_round(rig, &seq);
	}
	reset_counts();
	for (int i = 0; i < 100; i++) {
		mixed_round(rig, &seq);
	}
	assert_int_equal(mallocs, 0);
	rig_free(rig);
}

static void
deep_round(struct rig *rig, uint32_t *seq, uint32_t depth)
{
	rig_cork(rig);
	for (uint32_t i = 0; i < depth; i++) {
		rig_submit(rig, *seq + i, RIG_BULK_IN, 0, 16384, NULL, NULL);
		rig_submit(
		    rig, *seq + depth + i, RIG_BULK_OUT, 0, 512, NULL, NULL);
	}
	rig_uncork(rig);
	for (uint32_t i = 0; i < 2 * depth; i++) {
		counted_turns(rig, 2);
		rig_next(rig);
	}
	*seq += 2 * depth;
}

static void
test_no_malloc_deep(void **state)
{
	struct rig *rig = rig_new();
	uint32_t seq = 1;

	(void)state;
	/* above the bound as well: held URBs cost nothing either */
	rig->limits.urbs = 8;
	rig_start(rig);
	rig_import(rig);
	for (int i = 0; i < 3; i++) {
		deep_round(rig, &seq, 40);
	}
	reset_counts();
	for (int i = 0; i < 20; i++) {
		deep_round(rig, &seq, 40);
	}
	assert_int_equal(mallocs, 0);
	rig_free(rig);
}

static void
test_no_malloc_unlink(void **state)
{
	struct rig *rig = rig_streaming();
	uint32_t seq = 1;

	(void)state;
	usb_sim_ep(rig->sim, RIG_BULK_IN)->part = USB_SIM_SILENT;
	for (int i = 0; i < 50; i++) {
		if (i == 5) {
			reset_counts();
		}
		rig_submit(rig, seq, RIG_BULK_IN, 0, 512, NULL, NULL);
		counted_turns(rig, 4);
		rig_unlink(rig, seq + 1, seq);
		counted_turns(rig, 4);
		rig_expect_unlink(rig, seq + 1, USBIP_ECONNRESET);
		seq += 2;
	}
	assert_int_equal(mallocs, 0);
	rig_free(rig);
}

static void
test_no_malloc_iso(void **state)
{
	static const uint8_t set_interface[8] = {1, 11, 1, 0, 0, 0, 0, 0};
	struct rig *rig = rig_streaming();
	struct usbip_iso iso[32];
	uint32_t seq = 1;

	(void)state;
	rig_do_control(rig, seq++, set_interface, 0, 0);
	for (uint32_t i = 0; i < 32; i++) {
		iso[i] = (struct usbip_iso){.offset = i * 256, .length = 192};
	}
	for (int i = 0; i < 50; i++) {
		if (i == 5) {
			reset_counts();
		}
		rig_submit_iso(rig, seq, RIG_ISO_IN, 8192, NULL, iso, 32);
		counted_turns(rig, 6);
		rig_expect_submit(rig, seq++, 0, 32 * 192);
		rig_submit_iso(rig, seq, RIG_ISO_OUT, 8192, NULL, iso, 32);
		counted_turns(rig, 6);
		rig_expect_submit(rig, seq++, 0, 32 * 192);
	}
	assert_int_equal(mallocs, 0);
	rig_free(rig);
}

/* Many small submits cost few reads. */
static void
test_reads(void **state)
{
	struct rig *rig = rig_streaming();
	uint64_t before;

	(void)state;
	rig_cork(rig);
	for (uint32_t i = 0; i < 100; i++) {
		rig_submit(rig, i, RIG_BULK_OUT, 0, 100, NULL, NULL);
	}
	rig_uncork(rig);
	before = rig->stream->count.recvs;
	for (uint32_t i = 0; i < 100; i++) {
		rig_expect_submit(rig, i, 0, 100);
	}
	assert_in_range(rig->stream->count.recvs - before, 1, 3);
	rig_free(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_wraps),
		cmocka_unit_test(test_one_send_a_reply),
		cmocka_unit_test(test_one_send_a_turn),
		cmocka_unit_test(test_no_malloc),
		cmocka_unit_test(test_no_malloc_deep),
		cmocka_unit_test(test_no_malloc_unlink),
		cmocka_unit_test(test_no_malloc_iso),
		cmocka_unit_test(test_reads),
	};

	log_init("test_counts");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
