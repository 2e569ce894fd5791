/*
 * A bundle by HTTPS: SOURCE, then SOURCE.sig, over one connection, from a server
 * as server.c has it. What it sends is counted as it comes; nothing is unpacked.
 */
#include "proxy/fetch/parcel.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/log.h"
#include "proxy/fetch/server.h"

struct transfer {
	CURL *curl;
	struct parcel *parcel;
	const struct ipc_fetch *how;
	struct ipc_fetched *m;
	char error[CURL_ERROR_SIZE];
	char tag[IPC_TAG];
	int is_too_large;
	struct curl_slist *headers; /* owned */
};

static size_t
on_data(char *data, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	int r = parcel_add(t->parcel, data, one * n);

	t->is_too_large = r == ERR_LIMIT;
	return r == 0 ? one * n : 0;
}

/* A quoted tag, weak or not, of printable ASCII; what is no such tag is none. */
static void
take_tag(struct transfer *t, const char *value, size_t len)
{
	while (len > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		len--;
	}
	while (len > 0 && strchr("\r\n \t", value[len - 1]) != NULL) {
		len--;
	}
	t->tag[0] = '\0';
	if (len < 2 || len >= sizeof(t->tag) || value[len - 1] != '"') {
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (value[i] <= ' ' || value[i] > '~') {
			return;
		}
	}
	memcpy(t->tag, value, len);
	t->tag[len] = '\0';
}

static size_t
on_header(char *data, size_t one, size_t n, void *arg)
{
	static const char name[] = "ETag:";
	size_t len = one * n, skip = sizeof(name) - 1;

	if (len > skip && strncasecmp(data, name, skip) == 0) {
		take_tag(arg, data + skip, len - skip);
	}
	return len;
}

static void
set_all(struct transfer *t, const struct ipc_pem *pem)
{
	const struct server server = {
		.pin = t->how->pin,
		.proxy = t->how->proxy,
		.timeout = t->how->timeout,
		.wait = t->how->wait,
	};
	CURL *curl = t->curl;

	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->error);
	server_set(curl, &server, pem);
}

static int
add_header(struct transfer *t, const char *name, const char *value)
{
	char line[IPC_TAG + 32];
	struct curl_slist *list;

	(void)snprintf(line, sizeof(line), "%s: %s", name, value);
	list = curl_slist_append(t->headers, line);
	if (list == NULL) {
		return ERR_NOMEM;
	}
	t->headers = list;
	return 0;
}

/* What is only asked of the bundle: that it is another one, and patience. */
static int
add_headers(struct transfer *t)
{
	char wait[32];
	int r = 0;

	if (t->how->tag[0] != '\0') {
		r = add_header(t, "If-None-Match", t->how->tag);
	}
	if (r == 0 && t->how->tag[0] != '\0' && t->how->wait > 0) {
		(void)snprintf(wait, sizeof(wait), "wait=%u", t->how->wait);
		r = add_header(t, "Prefer", wait);
	}
	(void)curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	return r;
}

static int
refuse(struct transfer *t, int err, const char *what, const char *why)
{
	(void)snprintf(t->m->why, sizeof(t->m->why), "%s: %s", what, why);
	return err;
}

/* ERR_AGAIN: not modified. */
static int
get(struct transfer *t, const char *url, size_t most, const char *what)
{
	char text[64];
	long status = 0;
	CURLcode code;

	parcel_part(t->parcel, most);
	t->error[0] = t->tag[0] = '\0';
	t->is_too_large = 0;
	(void)curl_easy_setopt(t->curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(
	    t->curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)most);
	code = curl_easy_perform(t->curl);
	if (t->is_too_large || code == CURLE_FILESIZE_EXCEEDED) {
		return refuse(t, ERR_LIMIT, what, "larger than it may be");
	}
	if (code != CURLE_OK) {
		return refuse(t, ERR_PEER, what,
		    t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
	}
	(void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 304) {
		return ERR_AGAIN;
	}
	if (status != 200) {
		(void)snprintf(text, sizeof(text), "the server says %ld, not "
		    "200", status);
		return refuse(t, ERR_NOENT, what, text);
	}
	return t->parcel->len > 0 ? 0 :
				    refuse(t, ERR_FORMAT, what, "it is empty");
}

static int
get_both(struct transfer *t)
{
	char url[IPC_SOURCE + 8];
	int r = add_headers(t);

	if (r != 0) {
		return refuse(t, r, "start", err_str(r));
	}
	r = get(t, t->how->source, t->how->bundle_max, "the bundle");
	if (r != 0) {
		return r;
	}
	memcpy(t->m->tag, t->tag, sizeof(t->tag));
	t->m->bundle_len = (uint32_t)t->parcel->len;
	(void)curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, NULL);
	(void)snprintf(url, sizeof(url), "%s.sig", t->how->source);
	r = get(t, url, t->how->signatures_max, "its signatures");
	t->m->signatures_len = (uint32_t)t->parcel->len;
	return r == ERR_AGAIN ? refuse(t, ERR_FORMAT, "its signatures",
				    "the server says 304 without being asked") :
				r;
}

int
http_start(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == 0 ? 0 : ERR_NOMEM;
}

void
http_stop(void)
{
	curl_global_cleanup();
}

int
http_fetch(const struct ipc_fetch *how, const struct ipc_pem *pem,
    struct parcel *p, struct ipc_fetched *m)
{
	struct transfer t = {.parcel = p, .how = how, .m = m};
	int r = ERR_NOMEM;

	t.curl = curl_easy_init();
	if (t.curl == NULL) {
		return refuse(&t, r, "start", err_str(r));
	}
	set_all(&t, pem);
	r = get_both(&t);
	curl_slist_free_all(t.headers);
	curl_easy_cleanup(t.curl);
	return r;
}
