/*
 * CTAP 2.0: getInfo, makeCredential, getAssertion; see ctap2.h.
 */
#include "tests/vm/fidokey/ctap2.h"

#include <err.h>
#include <string.h>
#include <sys/random.h>

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include "tests/vm/fidokey/cbor.h"

#if MBEDTLS_VERSION_MAJOR >= 3
#define PRIVATE MBEDTLS_PRIVATE
#define sha256 mbedtls_sha256
#else
#define PRIVATE(name) name
#define sha256 mbedtls_sha256_ret
#endif

#define HASH 32u
#define ID 32u /* of a credential */
#define KEYS 8u
#define ES256 (-7)

#define MAKE_CREDENTIAL 0x01
#define GET_ASSERTION 0x02
#define GET_INFO 0x04

#define OK 0x00
#define INVALID_COMMAND 0x01
#define INVALID_CBOR 0x12
#define MISSING_PARAMETER 0x14
#define UNSUPPORTED_ALGORITHM 0x26
#define KEY_STORE_FULL 0x28
#define NO_CREDENTIALS 0x2e
#define OTHER 0x7f

#define USER_PRESENT 0x01
#define HAS_CREDENTIAL 0x40

static const uint8_t aaguid[16] = "bench fido key 1";

static struct {
	uint8_t id[ID], rp[HASH];
	mbedtls_ecp_keypair key;
} keys[KEYS];
static unsigned nkeys;
static uint32_t counter;

struct request {
	uint8_t rp[HASH];
	const uint8_t *challenge; /* clientDataHash */
	int has_rp, has_es256;
	int chosen; /* key of the allow list, or -1 */
	int has_list;
};

static int
random_bytes(void *arg, unsigned char *buf, size_t len)
{
	(void)arg;
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -1;
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

static void
read_rp_id(struct cbor_in *in, struct request *req)
{
	size_t len;
	const uint8_t *p = cbor_get_string(in, CBOR_TEXT, &len);

	if (p != NULL) {
		req->has_rp = sha256(p, len, req->rp, 0) == 0;
	}
}

static void
read_rp(struct cbor_in *in, struct request *req)
{
	uint64_t n;

	if (cbor_get(in, &n) != CBOR_MAP) {
		in->is_bad = 1;
		return;
	}
	for (; n > 0 && !in->is_bad; n--) {
		if (cbor_is_text(in, "id")) {
			read_rp_id(in, req);
		} else {
			cbor_skip(in);
		}
	}
}

static void
read_algorithms(struct cbor_in *in, struct request *req)
{
	uint64_t n, m;

	if (cbor_get(in, &n) != CBOR_ARRAY) {
		in->is_bad = 1;
		return;
	}
	for (; n > 0 && !in->is_bad; n--) {
		if (cbor_get(in, &m) != CBOR_MAP) {
			in->is_bad = 1;
			return;
		}
		for (; m > 0 && !in->is_bad; m--) {
			if (!cbor_is_text(in, "alg")) {
				cbor_skip(in);
			} else if (cbor_get_int(in) == ES256) {
				req->has_es256 = 1;
			}
		}
	}
}

static void
choose(struct request *req, const uint8_t *id, size_t len)
{
	for (unsigned i = 0; i < nkeys; i++) {
		if (len == ID && memcmp(keys[i].id, id, ID) == 0) {
			req->chosen = (int)i;
		}
	}
}

static void
read_allowed(struct cbor_in *in, struct request *req)
{
	uint64_t n, m;

	req->has_list = 1;
	if (cbor_get(in, &n) != CBOR_ARRAY) {
		in->is_bad = 1;
		return;
	}
	for (; n > 0 && !in->is_bad; n--) {
		if (cbor_get(in, &m) != CBOR_MAP) {
			in->is_bad = 1;
			return;
		}
		for (; m > 0 && !in->is_bad; m--) {
			if (cbor_is_text(in, "id")) {
				size_t len;
				const uint8_t *id = cbor_get_string(
				    in, CBOR_BYTES, &len);

				choose(req, id, len);
			} else {
				cbor_skip(in);
			}
		}
	}
}

static void
read_challenge(struct cbor_in *in, struct request *req)
{
	size_t len;

	req->challenge = cbor_get_string(in, CBOR_BYTES, &len);
	if (len != HASH) {
		in->is_bad = 1;
	}
}

/* The two commands number their parameters differently. */
static int
read_request(struct request *req, uint8_t command, const uint8_t *p, size_t len)
{
	struct cbor_in in = {.p = p, .left = len};
	int is_make = command == MAKE_CREDENTIAL;
	uint64_t n;

	*req = (struct request){.chosen = -1};
	if (cbor_get(&in, &n) != CBOR_MAP) {
		return INVALID_CBOR;
	}
	for (; n > 0 && !in.is_bad; n--) {
		int name = cbor_get_int(&in);

		if (name == (is_make ? 1 : 2)) {
			read_challenge(&in, req);
		} else if (is_make && name == 2) {
			read_rp(&in, req);
		} else if (!is_make && name == 1) {
			read_rp_id(&in, req);
		} else if (is_make && name == 4) {
			read_algorithms(&in, req);
		} else if (!is_make && name == 3) {
			read_allowed(&in, req);
		} else {
			cbor_skip(&in);
		}
	}
	if (in.is_bad) {
		return INVALID_CBOR;
	}
	return req->challenge != NULL && req->has_rp ? OK : MISSING_PARAMETER;
}

/* ------------------------------------------------------------------------ */
/* Answers                                                                  */

/* rpIdHash, flags, counter; the caller appends. */
static size_t
auth_data(uint8_t *buf, const struct request *req, uint8_t flags)
{
	counter++;
	memcpy(buf, req->rp, HASH);
	buf[HASH] = flags;
	for (unsigned i = 0; i < 4; i++) {
		buf[HASH + 1 + i] = (uint8_t)(counter >> (24 - 8 * i));
	}
	return HASH + 5;
}

static int
sign(struct cbor_out *out, unsigned at, const uint8_t *data, size_t len,
    const uint8_t *challenge)
{
	uint8_t text[512], hash[HASH], sig[MBEDTLS_ECDSA_MAX_LEN];
	mbedtls_ecdsa_context ctx;
	size_t n = 0;
	int r;

	if (len + HASH > sizeof(text)) {
		return -1;
	}
	memcpy(text, data, len);
	memcpy(text + len, challenge, HASH);
	mbedtls_ecdsa_init(&ctx);
	r = sha256(text, len + HASH, hash, 0);
	if (r == 0) {
		r = mbedtls_ecdsa_from_keypair(&ctx, &keys[at].key);
	}
	if (r == 0) {
		r = mbedtls_ecdsa_write_signature(&ctx, MBEDTLS_MD_SHA256,
		    hash, HASH, sig,
#if MBEDTLS_VERSION_MAJOR >= 3
		    sizeof(sig),
#endif
		    &n, random_bytes, NULL);
	}
	mbedtls_ecdsa_free(&ctx);
	cbor_put_bytes(out, sig, n);
	return r;
}

/* COSE: kty EC2, alg ES256, crv P-256, x, y. */
static int
put_public(struct cbor_out *out, const mbedtls_ecp_keypair *key)
{
	uint8_t point[65];
	size_t n;
	int r = mbedtls_ecp_point_write_binary(&key->PRIVATE(grp),
	    &key->PRIVATE(Q), MBEDTLS_ECP_PF_UNCOMPRESSED, &n, point,
	    sizeof(point));

	cbor_put(out, CBOR_MAP, 5);
	cbor_put_int(out, 1);
	cbor_put_int(out, 2);
	cbor_put_int(out, 3);
	cbor_put_int(out, ES256);
	cbor_put_int(out, -1);
	cbor_put_int(out, 1);
	cbor_put_int(out, -2);
	cbor_put_bytes(out, point + 1, 32);
	cbor_put_int(out, -3);
	cbor_put_bytes(out, point + 33, 32);
	return r;
}

static int
make_credential(struct cbor_out *out, const struct request *req)
{
	uint8_t data[512];
	struct cbor_out public = {.buf = data, .size = sizeof(data)};
	unsigned at = nkeys;

	if (!req->has_es256) {
		return UNSUPPORTED_ALGORITHM;
	}
	if (nkeys == KEYS) {
		return KEY_STORE_FULL;
	}
	mbedtls_ecp_keypair_init(&keys[at].key);
	if (mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, &keys[at].key,
		random_bytes, NULL) != 0 ||
	    random_bytes(NULL, keys[at].id, ID) != 0) {
		return OTHER;
	}
	memcpy(keys[at].rp, req->rp, HASH);
	nkeys++;

	public.len = auth_data(data, req, USER_PRESENT | HAS_CREDENTIAL);
	memcpy(data + public.len, aaguid, sizeof(aaguid));
	public.len += sizeof(aaguid);
	data[public.len++] = 0;
	data[public.len++] = ID;
	memcpy(data + public.len, keys[at].id, ID);
	public.len += ID;
	if (put_public(&public, &keys[at].key) != 0 || public.is_full) {
		return OTHER;
	}

	cbor_put(out, CBOR_MAP, 3);
	cbor_put_int(out, 1);
	cbor_put_text(out, "packed");
	cbor_put_int(out, 2);
	cbor_put_bytes(out, data, public.len);
	cbor_put_int(out, 3);
	cbor_put(out, CBOR_MAP, 2);
	cbor_put_text(out, "alg");
	cbor_put_int(out, ES256);
	cbor_put_text(out, "sig");
	return sign(out, at, data, public.len, req->challenge) == 0 ? OK
								    : OTHER;
}

static int
get_assertion(struct cbor_out *out, struct request *req)
{
	uint8_t data[HASH + 5];

	for (unsigned i = 0; !req->has_list && i < nkeys; i++) {
		if (memcmp(keys[i].rp, req->rp, HASH) == 0) {
			req->chosen = (int)i;
		}
	}
	if (req->chosen < 0 ||
	    memcmp(keys[req->chosen].rp, req->rp, HASH) != 0) {
		return NO_CREDENTIALS;
	}
	auth_data(data, req, USER_PRESENT);
	cbor_put(out, CBOR_MAP, 3);
	cbor_put_int(out, 1);
	cbor_put(out, CBOR_MAP, 2);
	cbor_put_text(out, "id");
	cbor_put_bytes(out, keys[req->chosen].id, ID);
	cbor_put_text(out, "type");
	cbor_put_text(out, "public-key");
	cbor_put_int(out, 2);
	cbor_put_bytes(out, data, sizeof(data));
	cbor_put_int(out, 3);
	return sign(out, (unsigned)req->chosen, data, sizeof(data),
		   req->challenge) == 0
	    ? OK
	    : OTHER;
}

static int
get_info(struct cbor_out *out)
{
	cbor_put(out, CBOR_MAP, 4);
	cbor_put_int(out, 1);
	cbor_put(out, CBOR_ARRAY, 1);
	cbor_put_text(out, "FIDO_2_0");
	cbor_put_int(out, 3);
	cbor_put_bytes(out, aaguid, sizeof(aaguid));
	cbor_put_int(out, 4);
	cbor_put(out, CBOR_MAP, 2);
	cbor_put_text(out, "rk");
	cbor_put_bool(out, 0);
	cbor_put_text(out, "up");
	cbor_put_bool(out, 1);
	cbor_put_int(out, 5);
	cbor_put_int(out, 1024);
	return OK;
}

size_t
ctap2_command(const uint8_t *request, size_t len, uint8_t *out, size_t size)
{
	struct cbor_out body = {.buf = out, .size = size, .len = 1};
	struct request req;
	int status = INVALID_COMMAND;

	if (len > 0 && request[0] == GET_INFO) {
		status = get_info(&body);
	} else if (len > 0 && (request[0] == MAKE_CREDENTIAL ||
				  request[0] == GET_ASSERTION)) {
		status =
		    read_request(&req, request[0], request + 1, len - 1);
		if (status == OK && request[0] == MAKE_CREDENTIAL) {
			status = make_credential(&body, &req);
		} else if (status == OK) {
			status = get_assertion(&body, &req);
		}
	}
	if (body.is_full) {
		status = OTHER;
	}
	out[0] = (uint8_t)status;
	return status == OK ? body.len : 1;
}
