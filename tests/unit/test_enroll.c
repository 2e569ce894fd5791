/* wire/enroll: tokens, requests and replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tests/unit/rnd.h"
#include "wire/enroll.h"

static void
test_tokens(void **state)
{
	struct rnd r = {.state = 1};
	struct enroll_token token, again;
	char text[ENROLL_TOKEN_TEXT], wrong[ENROLL_TOKEN_TEXT + 8];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		rnd_bytes(&r, token.id, sizeof(token.id));
		rnd_bytes(&r, token.secret, sizeof(token.secret));
		rnd_bytes(&r, token.pin, sizeof(token.pin));
		enroll_token_text(text, &token);
		assert_int_equal(strlen(text), 72);
		assert_int_equal(strspn(text + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789-_"),
		    68);
		assert_int_equal(enroll_token_read(&again, text), 0);
		assert_memory_equal(again.id, token.id, sizeof(token.id));
		assert_memory_equal(
		    again.secret, token.secret, sizeof(token.secret));
		assert_memory_equal(again.pin, token.pin, sizeof(token.pin));
	}
	/* RFC 4648 10, and the two letters that differ from base64 */
	memset(&token, 0xfb, sizeof(token));
	enroll_token_text(text, &token);
	assert_memory_equal(text, "sp1_-_v7-_v7", 12);
	for (size_t i = 0; i < ENROLL_TOKEN_TEXT - 1; i++) {
		static const char bad[] = "=+/ .\n\xc3";

		for (size_t b = 0; b < sizeof(bad); b++) {
			memcpy(wrong, text, sizeof(text));
			wrong[i] = bad[b]; /* the last cuts it */
			assert_int_equal(
			    enroll_token_read(&again, wrong), ERR_FORMAT);
		}
	}
	memcpy(wrong, text, sizeof(text));
	memcpy(wrong + strlen(wrong), "A", 2);
	assert_int_equal(enroll_token_read(&again, wrong), ERR_FORMAT);
	assert_int_equal(enroll_token_read(&again, ""), ERR_FORMAT);
	memcpy(wrong, text, sizeof(text));
	wrong[2] = '2';
	assert_int_equal(enroll_token_read(&again, wrong), ERR_FORMAT);
}

static void
test_requests(void **state)
{
	uint8_t buf[ENROLL_REQUEST_MAX + 1], part[ENROLL_SIGNED];
	uint8_t other[ENROLL_SIGNED], room[ENROLL_REQUEST_MAX];
	struct rnd r = {.state = 2};
	struct enroll_request m, out;
	size_t len;
	int n;

	(void)state;
	memset(&m, 0, sizeof(m));
	rnd_bytes(&r, m.id, sizeof(m.id));
	rnd_bytes(&r, m.secret, sizeof(m.secret));
	rnd_bytes(&r, m.spki, sizeof(m.spki));
	for (m.sig_len = 0; m.sig_len <= ENROLL_SIG_MAX + 1; m.sig_len++) {
		rnd_bytes(&r, m.sig,
		    m.sig_len < sizeof(m.sig) ? m.sig_len : sizeof(m.sig));
		n = enroll_encode_request(buf, sizeof(buf), &m);
		if (m.sig_len < 8 || m.sig_len > ENROLL_SIG_MAX) {
			assert_int_equal(n, ERR_FORMAT);
			continue;
		}
		assert_int_equal(n, 4 + 1 + 3 + 16 + 91 + 1 + m.sig_len);
		assert_int_equal(
		    enroll_length(buf, ENROLL_REQUEST_MAX, &len), 0);
		assert_int_equal(len, n - 4);
		assert_int_equal(
		    enroll_decode_request(&out, buf, (size_t)n), 0);
		assert_memory_equal(out.spki, m.spki, sizeof(m.spki));
		assert_int_equal(out.sig_len, m.sig_len);
		assert_memory_equal(out.sig, m.sig, m.sig_len);
		for (int cut = 0; cut < n; cut++) {
			assert_int_equal(
			    enroll_decode_request(&out, buf, (size_t)cut),
			    ERR_FORMAT);
			assert_int_equal(
			    enroll_encode_request(room, (size_t)cut, &m),
			    ERR_NOMEM);
		}
		assert_int_equal(
		    enroll_decode_request(&out, buf, (size_t)n + 1),
		    ERR_FORMAT);
		buf[4] = 2; /* another version */
		assert_int_equal(enroll_decode_request(&out, buf, (size_t)n),
		    ERR_FORMAT);
	}
	/* all of a request but the signature is signed */
	m.sig_len = 70;
	enroll_signed_part(part, &m);
	assert_memory_equal(part, "sallyport-enroll/1", 19);
	for (int i = 0; i < 3; i++) {
		out = m;
		(i == 0 ? out.id : i == 1 ? out.secret : out.spki)[2] ^= 1;
		enroll_signed_part(other, &out);
		assert_memory_not_equal(part, other, sizeof(part));
	}
}

static void
test_lengths(void **state)
{
	static const struct {
		uint8_t head[4];
		size_t max;
		int result;
		size_t len;
	} rows[] = {
		{{0, 0, 0, 0}, 100, ERR_FORMAT, 0},
		{{0, 0, 0, 1}, 5, 0, 1},
		{{0, 0, 0, 1}, 4, ERR_LIMIT, 0},
		{{0, 0, 0, 96}, 100, 0, 96},
		{{0, 0, 0, 97}, 100, ERR_LIMIT, 0},
		{{0xff, 0xff, 0xff, 0xff}, 100, ERR_LIMIT, 0},
		{{0xff, 0xff, 0xff, 0xfe}, 3, ERR_LIMIT, 0},
		{{0, 1, 0, 0}, ENROLL_REPLY_MAX, ERR_LIMIT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = 7;

		assert_int_equal(
		    enroll_length(rows[i].head, rows[i].max, &len),
		    rows[i].result);
		assert_int_equal(len, rows[i].len);
	}
}

static void
test_replies(void **state)
{
	static uint8_t buf[ENROLL_REPLY_MAX], big[ENROLL_REPLY_MAX];
	struct enroll_reply m = {.status = ENROLL_OK,
	    .cert = (const uint8_t *)"cert",
	    .cert_len = 4,
	    .ca = (const uint8_t *)"the ca",
	    .ca_len = 6}, out;
	int n = enroll_encode_reply(buf, sizeof(buf), &m);

	(void)state;
	assert_int_equal(n, 4 + 2 + 4 + 4 + 4 + 6);
	assert_int_equal(enroll_decode_reply(&out, buf, (size_t)n), 0);
	assert_ptr_equal(out.cert, buf + 10); /* borrowed */
	assert_int_equal(out.cert_len, 4);
	assert_memory_equal(out.ca, "the ca", 6);
	for (int cut = 0; cut < n; cut++) {
		assert_int_equal(
		    enroll_decode_reply(&out, buf, (size_t)cut), ERR_FORMAT);
		assert_null(out.cert);
	}
	buf[12] = 0; /* no text any more */
	assert_int_equal(
	    enroll_decode_reply(&out, buf, (size_t)n), ERR_FORMAT);
	/* a length that lies */
	n = enroll_encode_reply(buf, sizeof(buf), &m);
	memset(buf + 6, 0xff, 4);
	assert_int_equal(
	    enroll_decode_reply(&out, buf, (size_t)n), ERR_FORMAT);
	/* texts and no text */
	m.ca_len = 0;
	assert_int_equal(enroll_encode_reply(buf, sizeof(buf), &m), ERR_FORMAT);
	m.status = ENROLL_REFUSED;
	assert_int_equal(enroll_encode_reply(buf, sizeof(buf), &m), ERR_FORMAT);
	m.cert_len = 0;
	n = enroll_encode_reply(buf, sizeof(buf), &m);
	assert_int_equal(n, 14);
	assert_int_equal(enroll_decode_reply(&out, buf, (size_t)n), 0);
	assert_int_equal(out.status, ENROLL_REFUSED);
	buf[5] = ENROLL_OK;
	assert_int_equal(
	    enroll_decode_reply(&out, buf, (size_t)n), ERR_FORMAT);
	buf[5] = ENROLL_FAILED + 1;
	assert_int_equal(
	    enroll_decode_reply(&out, buf, (size_t)n), ERR_FORMAT);
	/* more than there is room for */
	memset(big, 'x', sizeof(big));
	m = (struct enroll_reply){.cert = big,
	    .cert_len = sizeof(big) - 14,
	    .ca = big,
	    .ca_len = 1};
	assert_int_equal(enroll_encode_reply(buf, sizeof(buf), &m), ERR_NOMEM);
	m.cert_len--;
	assert_int_equal(
	    enroll_encode_reply(buf, sizeof(buf), &m), ENROLL_REPLY_MAX);
	assert_int_equal(enroll_decode_reply(&out, buf, sizeof(buf)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
