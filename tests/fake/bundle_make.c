#include "tests/fake/bundle_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

const char *const make_private[MAKE_KEYS] = {
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEICjgIAeDqB3PyTLHiC/kEVzEhc4LWS8rBMvtBuRNOzPYoAoGCCqGSM49\n"
	"AwEHoUQDQgAEBm0weQxgMKeA5IbW5n0UJpE2DTc5smi03Nr6CkHJn+DKEZQckzr0\n"
	"aaQmrUJKXzjCLUHNpJ9roz7SE+vmDl/zdg==\n"
	"-----END EC PRIVATE KEY-----\n",
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEICaQiyzkyrvERlctqwYzbivhGQpMPXjCUgBIfjzLxkYfoAoGCCqGSM49\n"
	"AwEHoUQDQgAEcIMz8rabAydfbJYlcEGc/2GtntXhJJJSAOwche2JyKL0GJW9KWyI\n"
	"FlZzACZLlUTb4rqIlNhRyGeMfRuAHgLr1g==\n"
	"-----END EC PRIVATE KEY-----\n",
	"-----BEGIN EC PRIVATE KEY-----\n"
	"MHcCAQEEIFHyHcyq9FQPUEsamCKuAscCveWYBS6wrUiDeHyTKP9ooAoGCCqGSM49\n"
	"AwEHoUQDQgAE4OOrAZm71l4gT61uifo+ekdB9CDdtrUmC/tVOB0n+txzztqB0ecA\n"
	"kz/KfuHP0fuOcrNtbmn1JizS8+xfl++t7g==\n"
	"-----END EC PRIVATE KEY-----\n",
};

const char *const make_public[MAKE_KEYS] = {
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBm0weQxgMKeA5IbW5n0UJpE2DTc5\n"
	"smi03Nr6CkHJn+DKEZQckzr0aaQmrUJKXzjCLUHNpJ9roz7SE+vmDl/zdg==\n"
	"-----END PUBLIC KEY-----\n",
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcIMz8rabAydfbJYlcEGc/2GtntXh\n"
	"JJJSAOwche2JyKL0GJW9KWyIFlZzACZLlUTb4rqIlNhRyGeMfRuAHgLr1g==\n"
	"-----END PUBLIC KEY-----\n",
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4OOrAZm71l4gT61uifo+ekdB9CDd\n"
	"trUmC/tVOB0n+txzztqB0ecAkz/KfuHP0fuOcrNtbmn1JizS8+xfl++t7g==\n"
	"-----END PUBLIC KEY-----\n",
};

static void
must(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "make a bundle: %s\n", what);
		abort();
	}
}

struct manifest
make_manifest(int64_t serial)
{
	return (struct manifest){
		.serial = serial,
		.not_before = 1000,
		.expires = 2000,
		.grace = 500,
	};
}

uint8_t *
make_bundle(const struct manifest *m, const struct make_file *files,
    size_t *len)
{
	struct tar_writer tar = {.data = NULL};
	struct manifest full = *m;
	char *text;

	while (files[full.nfiles].name != NULL) {
		full.nfiles++;
	}
	full.files = calloc(full.nfiles + 1, sizeof(*full.files));
	must(full.files != NULL, "memory");
	for (size_t i = 0; i < full.nfiles; i++) {
		struct digest_part part = {files[i].text, strlen(files[i].text)};

		(void)snprintf(
		    full.files[i].name, TAR_NAME, "%s", files[i].name);
		must(digest_sha256(full.files[i].sha256, &part, 1) == 0,
		    "digest");
	}
	text = manifest_print(&full);
	must(text != NULL &&
		tar_add(&tar, MANIFEST_NAME, text, strlen(text)) == 0,
	    "manifest");
	for (size_t i = 0; i < full.nfiles; i++) {
		must(tar_add(&tar, files[i].name, files[i].text,
			 strlen(files[i].text)) == 0,
		    "file");
	}
	must(tar_end(&tar) == 0, "end");
	free(text);
	free(full.files);
	*len = tar.len;
	return tar.data;
}

char *
make_signatures(const uint8_t *bytes, size_t len, unsigned keys)
{
	struct digest_part part = {bytes, len};
	struct signatures s = {.n = 0};
	char why[128] = "", *text;

	must(digest_sha256(s.sha256, &part, 1) == 0, "digest");
	for (int i = 0; i < MAKE_KEYS; i++) {
		struct sign_key pub;
		uint8_t der[SIGN_DER_MAX];
		size_t n;

		if ((keys >> i & 1) != 0) {
			must(sign_make(&pub, der, &n, s.sha256, make_private[i],
				 strlen(make_private[i]) + 1, why,
				 sizeof(why)) == 0,
			    why);
			must(signed_add(&s, pub.id, der, n) == 0, "add");
		}
	}
	text = signed_print(&s);
	must(text != NULL, "memory");
	return text;
}

struct keyring
make_ring(unsigned keys, unsigned threshold)
{
	struct keyring ring = {.threshold = threshold};
	char why[128] = "";
	size_t n;

	for (int i = 0; i < MAKE_KEYS; i++) {
		if ((keys >> i & 1) != 0) {
			must(sign_keys_read(&ring.keys[ring.nkeys++], 1, &n,
				 make_public[i], strlen(make_public[i]), why,
				 sizeof(why)) == 0,
			    why);
		}
	}
	return ring;
}
