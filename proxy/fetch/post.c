/*
 * One batch of lines by HTTPS. Which lines they are stands in the request, so
 * that a server which had them, and whose answer was lost, knows them again. Its
 * answer counts by its status alone; what else it says is not kept.
 */
#include "proxy/fetch/post.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "proxy/fetch/server.h"

/* What is read of what it says. */
#define ANSWER_MAX (64u * 1024u)
#define TOO_LARGE 413

static size_t
on_data(char *data, size_t one, size_t n, void *arg)
{
	size_t *got = arg;

	(void)data;
	*got += one * n;
	return *got <= ANSWER_MAX ? one * n : 0;
}

static struct curl_slist *
headers_of(const struct ipc_post *how)
{
	char lines[5][96];
	struct curl_slist *list = NULL, *more;

	(void)snprintf(lines[0], sizeof(lines[0]),
	    "Content-Type: application/x-ndjson");
	(void)snprintf(lines[1], sizeof(lines[1]),
	    "Idempotency-Key: \"%s-%" PRIu64 "-%" PRIu64 "\"", how->chain,
	    how->first, how->last);
	(void)snprintf(lines[2], sizeof(lines[2]), "Sallyport-Chain: %s",
	    how->chain);
	(void)snprintf(lines[3], sizeof(lines[3]), "Sallyport-Lost: %" PRIu64,
	    how->lost);
	/* libcurl would wait a second for leave to send a body */
	(void)snprintf(lines[4], sizeof(lines[4]), "Expect:");
	for (size_t i = 0; i < 5; i++) {
		more = curl_slist_append(list, lines[i]);
		if (more == NULL) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = more;
	}
	return list;
}

static int
post(CURL *curl, const size_t *got, char *error, struct ipc_posted *m)
{
	CURLcode code = curl_easy_perform(curl);
	curl_off_t after = 0;
	long status = 0;

	if (code == CURLE_WRITE_ERROR && *got > ANSWER_MAX) {
		code = CURLE_OK; /* its status stands before all it says */
	}
	if (code != CURLE_OK) {
		(void)snprintf(m->why, sizeof(m->why), "%s",
		    *error != '\0' ? error : curl_easy_strerror(code));
		return ERR_PEER;
	}
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300) {
		return 0;
	}
	(void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &after);
	m->retry_after = after <= 0 ? 0 :
	    after > IPC_RETRY_MAX   ? IPC_RETRY_MAX :
				      (uint32_t)after;
	(void)snprintf(m->why, sizeof(m->why), "the server says %ld", status);
	return status == TOO_LARGE ? ERR_LIMIT : ERR_PEER;
}

int
http_post(const struct ipc_post *how, const struct ipc_pem *pem,
    const uint8_t *text, struct ipc_posted *m)
{
	const struct server server = {
		.pin = how->pin,
		.proxy = how->proxy,
		.timeout = how->timeout,
		.wait = how->timeout,
	};
	char error[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = headers_of(how);
	size_t got = 0;
	CURL *curl = NULL;
	int r = ERR_NOMEM;

	if (headers != NULL) {
		curl = curl_easy_init();
	}
	if (curl == NULL) {
		(void)snprintf(m->why, sizeof(m->why), "%s", err_str(r));
		curl_slist_free_all(headers);
		return r;
	}
	server_set(curl, &server, pem);
	/* the batch is bounded, and so is its time: no pace within that */
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)how->timeout);
	(void)curl_easy_setopt(curl, CURLOPT_URL, how->url);
	(void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)text);
	(void)curl_easy_setopt(
	    curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)how->len);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	r = post(curl, &got, error, m);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return r;
}
