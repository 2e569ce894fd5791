/*
 * The server is who its certificate says, by the configured CA alone when there
 * is one, and by its key when that is pinned.
 */
#include "proxy/fetch/server.h"

#define CONNECT_SECONDS 15L
/* So many bytes a second, over so many seconds, are too few. */
#define SLOW_BYTES 64L
#define SLOW_SECONDS 20L

static void
set_blob(CURL *curl, CURLoption option, const uint8_t *pem, uint32_t len)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)pem,
		.len = len - 1, /* without its NUL */
		.flags = CURL_BLOB_COPY,
	};

	if (len > 0) {
		(void)curl_easy_setopt(curl, option, &blob);
	}
}

static void
set_tls(CURL *curl, const char *pin, const struct ipc_pem *pem)
{
	(void)curl_easy_setopt(
	    curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (pem->ca_len > 0) {
		set_blob(curl, CURLOPT_CAINFO_BLOB, pem->ca, pem->ca_len);
		(void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	} else if (*pin != '\0') {
		/* The key is all there is to know of it. */
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (*pin != '\0') {
		(void)curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin);
	}
	set_blob(curl, CURLOPT_SSLCERT_BLOB, pem->cert, pem->cert_len);
	set_blob(curl, CURLOPT_SSLKEY_BLOB, pem->key, pem->key_len);
}

void
server_set(
    CURL *curl, const struct server *server, const struct ipc_pem *pem)
{
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(
	    curl, CURLOPT_USERAGENT, "sallyport/" SALLYPORT_VERSION);
	/* an empty one also means: whatever the environment says */
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, server->proxy);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	(void)curl_easy_setopt(
	    curl, CURLOPT_TIMEOUT, server->timeout + server->wait);
	(void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	(void)curl_easy_setopt(
	    curl, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS + server->wait);
	set_tls(curl, server->pin, pem);
}
