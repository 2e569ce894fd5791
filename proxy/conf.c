/*
 * gateway.conf: keys, defaults and ranges. Read by sallyportd and by the
 * warden; each uses its part.
 */
#include "proxy/conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"

/* uids that sessions leave for probes */
#define SPARE_UIDS 16u

struct text_default {
	char **where;
	const char *text;
};

static int
judge_local(struct gateway_conf *conf, const char *path, char *why,
    size_t why_size)
{
	conf->is_strict = strcmp(conf->at_boot, "strict") == 0;
	if (!conf->is_strict && strcmp(conf->at_boot, "adopt") != 0) {
		snprintf(why, why_size,
		    "%s: [local] at-boot: expected strict or adopt", path);
		return ERR_FORMAT;
	}
	if (conf->is_strict && !conf->before_drivers) {
		snprintf(why, why_size,
		    "%s: [local] at-boot = strict needs before-drivers = yes",
		    path);
		return ERR_FORMAT;
	}
	return 0;
}

static int
is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcmp(text, *words) == 0) {
			return 1;
		}
	}
	return 0;
}

static int
judge_audit(const struct gateway_conf *conf, const char *path, char *why,
    size_t why_size)
{
	static const char *const journals[] = {"all", "heads", "no", NULL};
	static const char *const serials[] = {"plain", "hashed", NULL};

	if (!is_one_of(conf->audit_journal, journals)) {
		snprintf(why, why_size,
		    "%s: [audit] journal: expected all, heads or no", path);
		return ERR_FORMAT;
	}
	if (!is_one_of(conf->audit_serials, serials)) {
		snprintf(why, why_size,
		    "%s: [audit] serials: expected plain or hashed", path);
		return ERR_FORMAT;
	}
	return 0;
}

static int
judge_bundle(
    struct gateway_conf *conf, const char *path, char *why, size_t why_size)
{
	const char *source = conf->bundle_source;

	if (*source != '\0' && *source != '/' &&
	    strncmp(source, "https://", 8) != 0) {
		snprintf(why, why_size, "%s: [bundle] source: expected "
		    "https:// or an absolute path", path);
		return ERR_FORMAT;
	}
	if ((*conf->bundle_cert == '\0') != (*conf->bundle_key == '\0')) {
		snprintf(why, why_size,
		    "%s: [bundle] cert and key go together", path);
		return ERR_FORMAT;
	}
	return 0;
}

static int
judge_upstream(
    struct gateway_conf *conf, const char *path, char *why, size_t why_size)
{
	const char *url = conf->upstream_url;

	if (*url != '\0' && strncmp(url, "https://", 8) != 0) {
		snprintf(why, why_size,
		    "%s: [upstream] url: expected https://", path);
		return ERR_FORMAT;
	}
	if ((*conf->upstream_cert == '\0') != (*conf->upstream_key == '\0')) {
		snprintf(why, why_size,
		    "%s: [upstream] cert and key go together", path);
		return ERR_FORMAT;
	}
	return 0;
}

/* Below state, unless something else is said. */
static int
default_captures(struct gateway_conf *conf)
{
	if (*conf->captures != '\0') {
		return 0;
	}
	free(conf->captures);
	if (asprintf(&conf->captures, "%s/captures", conf->state) == -1) {
		conf->captures = NULL;
		return ERR_NOMEM;
	}
	return 0;
}

/* The section [verdict NAME] that is being read. */
struct reading {
	struct gateway_conf *conf;
	struct gateway_verdict verdict;
};

static int
begin_verdict(void *arg, const char *name)
{
	struct reading *rd = arg;

	if (rd->conf->nverdicts == GATEWAY_VERDICTS) {
		return ERR_LIMIT;
	}
	rd->verdict = (struct gateway_verdict){
		.name = strdup(name), .concurrency = 4, .queue = 64,
		.health = 5};
	return rd->verdict.name != NULL ? 0 : ERR_NOMEM;
}

static const char *
end_verdict(void *arg)
{
	struct reading *rd = arg;

	if (rd->verdict.user == NULL || *rd->verdict.user == '\0') {
		return "no user; expected user = NAME, who may serve it";
	}
	rd->conf->verdicts[rd->conf->nverdicts++] = rd->verdict;
	rd->verdict = (struct gateway_verdict){NULL, NULL, 0, 0, 0};
	return NULL;
}

static void
free_verdict(struct gateway_verdict *verdict)
{
	free(verdict->name);
	free(verdict->user);
}

int
gateway_conf_load(
    struct gateway_conf *conf, const char *path, char *why, size_t why_size)
{
	struct reading rd = {.conf = conf};
	struct conf_named named = {begin_verdict, end_verdict, &rd};

	*conf = (struct gateway_conf){
		.port = 3241,
		.max_sessions = 64,
		.max_handshakes = 32,
		.address_sessions = 48,
		.address_handshakes = 16,
		.address_rate = 20,
		.usbfs_memory = 256,
		.uid_base = 60710,
		.uid_count = 280,
		.urbs = 256,
		.buffers = 8,
		.capture_size = 64,
		.capture_files = 4,
		.capture_record = 64,
		.audit_size = 64,
		.audit_files = 16,
		.bundle_threshold = 1,
		.bundle_interval = 300,
		.bundle_timeout = 60,
		.upstream_interval = 10,
		.upstream_timeout = 60,
		.upstream_status = 300,
		.before_drivers = 1,
		.watch_rules = 1,
		.live = NET_LIVENESS_DEFAULT,
	};
	const struct text_default texts[] = {
		{&conf->listen, ""},
		{&conf->user, "sallyport"},
		{&conf->rules, SYSCONFDIR "/sallyport/rules.d"},
		{&conf->profiles, SYSCONFDIR "/sallyport/profiles.d"},
		{&conf->stock_profiles, PROFILEDIR},
		{&conf->audit, "/var/log/sallyport/audit.jsonl"},
		{&conf->run, "/run/sallyport"},
		{&conf->state, "/var/lib/sallyport"},
		{&conf->captures, ""},
		{&conf->ca, SYSCONFDIR "/sallyport/tls/ca.pem"},
		{&conf->cert, SYSCONFDIR "/sallyport/tls/cert.pem"},
		{&conf->key, SYSCONFDIR "/sallyport/tls/key.pem"},
		{&conf->crl, ""},
		{&conf->metrics, ""},
		{&conf->readers, ""},
		{&conf->approvers, ""},
		{&conf->operators, ""},
		{&conf->bundle_source, ""},
		{&conf->bundle_keys, SYSCONFDIR "/sallyport/bundle.keys"},
		{&conf->bundle_pin, ""},
		{&conf->bundle_proxy, ""},
		{&conf->bundle_ca, ""},
		{&conf->bundle_cert, ""},
		{&conf->bundle_key, ""},
		{&conf->upstream_url, ""},
		{&conf->upstream_pin, ""},
		{&conf->upstream_proxy, ""},
		{&conf->upstream_ca, ""},
		{&conf->upstream_cert, ""},
		{&conf->upstream_key, ""},
		{&conf->keep, ""},
		{&conf->at_boot, "adopt"},
		{&conf->audit_journal, "all"},
		{&conf->audit_serials, "plain"},
	};
	const struct conf_key keys[] = {
		{"gateway", "listen", CONF_STRING, &conf->listen, 0, 0},
		{"gateway", "port", CONF_UINT, &conf->port, 1, 65535},
		{"gateway", "user", CONF_STRING, &conf->user, 0, 0},
		{"gateway", "rules", CONF_STRING, &conf->rules, 0, 0},
		{"gateway", "profiles", CONF_STRING, &conf->profiles, 0, 0},
		{"gateway", "stock-profiles", CONF_STRING,
		    &conf->stock_profiles, 0, 0},
		{"gateway", "audit", CONF_STRING, &conf->audit, 0, 0},
		{"gateway", "run", CONF_STRING, &conf->run, 0, 0},
		{"gateway", "state", CONF_STRING, &conf->state, 0, 0},
		{"gateway", "captures", CONF_STRING, &conf->captures, 0, 0},
		{"gateway", "watch-rules", CONF_BOOL, &conf->watch_rules, 0, 0},
		{"gateway", "tell-holder", CONF_BOOL, &conf->tell_holder, 0, 0},
		{"gateway", "max-sessions", CONF_UINT, &conf->max_sessions, 1,
		    1000},
		{"gateway", "max-handshakes", CONF_UINT,
		    &conf->max_handshakes, 1, 1000},
		{"gateway", "address-sessions", CONF_UINT,
		    &conf->address_sessions, 1, 1000},
		{"gateway", "address-handshakes", CONF_UINT,
		    &conf->address_handshakes, 1, 1000},
		{"gateway", "address-rate", CONF_UINT, &conf->address_rate, 1,
		    10000},
		{"gateway", "usbfs-memory", CONF_UINT, &conf->usbfs_memory, 0,
		    2047},
		{"tls", "ca", CONF_STRING, &conf->ca, 0, 0},
		{"tls", "cert", CONF_STRING, &conf->cert, 0, 0},
		{"tls", "key", CONF_STRING, &conf->key, 0, 0},
		{"tls", "crl", CONF_STRING, &conf->crl, 0, 0},
		{"tls", "key-holder", CONF_BOOL, &conf->key_holder, 0, 0},
		{"tls", "issuer", CONF_LIST, &conf->issuers, 0, 0},
		{"session", "uid-base", CONF_UINT, &conf->uid_base, 1000,
		    2147400000},
		{"session", "uid-count", CONF_UINT, &conf->uid_count, 17,
		    2000},
		{"session", "urbs", CONF_UINT, &conf->urbs, 1, 4096},
		{"session", "buffers", CONF_UINT, &conf->buffers, 1, 256},
		{"control", "metrics", CONF_STRING, &conf->metrics, 0, 0},
		{"control", "readers", CONF_STRING, &conf->readers, 0, 0},
		{"control", "approvers", CONF_STRING, &conf->approvers, 0, 0},
		{"control", "operators", CONF_STRING, &conf->operators, 0, 0},
		{"bundle", "source", CONF_STRING, &conf->bundle_source, 0, 0},
		{"bundle", "keys", CONF_STRING, &conf->bundle_keys, 0, 0},
		{"bundle", "threshold", CONF_UINT, &conf->bundle_threshold, 1,
		    16},
		{"bundle", "interval", CONF_UINT, &conf->bundle_interval, 1,
		    86400},
		{"bundle", "timeout", CONF_UINT, &conf->bundle_timeout, 1,
		    3600},
		{"bundle", "wait", CONF_UINT, &conf->bundle_wait, 0, 3600},
		{"bundle", "confirm-within", CONF_UINT, &conf->bundle_confirm,
		    0, 86400},
		{"bundle", "label", CONF_LIST, &conf->bundle_labels, 0, 0},
		{"bundle", "pin", CONF_STRING, &conf->bundle_pin, 0, 0},
		{"bundle", "proxy", CONF_STRING, &conf->bundle_proxy, 0, 0},
		{"bundle", "ca", CONF_STRING, &conf->bundle_ca, 0, 0},
		{"bundle", "cert", CONF_STRING, &conf->bundle_cert, 0, 0},
		{"bundle", "key", CONF_STRING, &conf->bundle_key, 0, 0},
		{"upstream", "url", CONF_STRING, &conf->upstream_url, 0, 0},
		{"upstream", "interval", CONF_UINT, &conf->upstream_interval,
		    1, 86400},
		{"upstream", "timeout", CONF_UINT, &conf->upstream_timeout, 1,
		    3600},
		{"upstream", "status", CONF_UINT, &conf->upstream_status, 0,
		    86400},
		{"upstream", "pin", CONF_STRING, &conf->upstream_pin, 0, 0},
		{"upstream", "proxy", CONF_STRING, &conf->upstream_proxy, 0, 0},
		{"upstream", "ca", CONF_STRING, &conf->upstream_ca, 0, 0},
		{"upstream", "cert", CONF_STRING, &conf->upstream_cert, 0, 0},
		{"upstream", "key", CONF_STRING, &conf->upstream_key, 0, 0},
		{"capture", "file-size", CONF_UINT, &conf->capture_size, 1,
		    4096},
		{"capture", "files", CONF_UINT, &conf->capture_files, 1, 99},
		{"capture", "record", CONF_UINT, &conf->capture_record, 1, 64},
		{"audit", "size", CONF_UINT, &conf->audit_size, 1, 4096},
		{"audit", "files", CONF_UINT, &conf->audit_files, 2, 99},
		{"audit", "journal", CONF_STRING, &conf->audit_journal, 0, 0},
		{"audit", "serials", CONF_STRING, &conf->audit_serials, 0, 0},
		{"local", "before-drivers", CONF_BOOL, &conf->before_drivers, 0,
		    0},
		{"local", "keep", CONF_STRING, &conf->keep, 0, 0},
		{"local", "at-boot", CONF_STRING, &conf->at_boot, 0, 0},
		{"liveness", "idle", CONF_UINT, &conf->live.idle_s, 1, 3600},
		{"liveness", "interval", CONF_UINT, &conf->live.interval_s, 1,
		    3600},
		{"liveness", "count", CONF_UINT, &conf->live.count, 1, 100},
		{"liveness", "user-timeout", CONF_UINT,
		    &conf->live.user_timeout_ms, 1000, 3600000},
		{"verdict", "", CONF_NAMED, &named, 0, 0},
		{"verdict", "user", CONF_STRING, &rd.verdict.user, 0, 0},
		{"verdict", "concurrency", CONF_UINT, &rd.verdict.concurrency,
		    1, 64},
		{"verdict", "queue", CONF_UINT, &rd.verdict.queue, 0, 256},
		{"verdict", "health", CONF_UINT, &rd.verdict.health, 1, 3600},
		{NULL, NULL, CONF_IGNORE, NULL, 0, 0},
	};
	int r;

	r = conf_load(path, keys, why, why_size);
	free_verdict(&rd.verdict); /* one with an error */
	/* After the file: what it sets is not freed before. */
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (*texts[i].where == NULL) {
			*texts[i].where = strdup(texts[i].text);
		}
		if (*texts[i].where == NULL) {
			snprintf(why, why_size, "%s: out of memory", path);
			return ERR_NOMEM;
		}
	}
	if (r == 0 && conf->max_sessions + SPARE_UIDS > conf->uid_count) {
		snprintf(why, why_size,
		    "%s: [gateway] max-sessions %u leaves no uids for probes; "
		    "at most %u of [session] uid-count",
		    path, conf->max_sessions, conf->uid_count - SPARE_UIDS);
		r = ERR_FORMAT;
	}
	if (r == 0) {
		r = judge_bundle(conf, path, why, why_size);
	}
	if (r == 0) {
		r = judge_upstream(conf, path, why, why_size);
	}
	if (r == 0) {
		r = default_captures(conf);
	}
	if (r == 0) {
		r = judge_audit(conf, path, why, why_size);
	}
	return r == 0 ? judge_local(conf, path, why, why_size) : r;
}

void
gateway_conf_free(struct gateway_conf *conf)
{
	free(conf->listen);
	free(conf->user);
	free(conf->rules);
	free(conf->profiles);
	free(conf->stock_profiles);
	free(conf->audit);
	free(conf->run);
	free(conf->state);
	free(conf->captures);
	conf_list_fini(&conf->issuers);
	free(conf->ca);
	free(conf->cert);
	free(conf->key);
	free(conf->crl);
	free(conf->metrics);
	free(conf->readers);
	free(conf->approvers);
	free(conf->operators);
	conf_list_fini(&conf->bundle_labels);
	free(conf->bundle_source);
	free(conf->bundle_keys);
	free(conf->bundle_pin);
	free(conf->bundle_proxy);
	free(conf->bundle_ca);
	free(conf->bundle_cert);
	free(conf->bundle_key);
	free(conf->upstream_url);
	free(conf->upstream_pin);
	free(conf->upstream_proxy);
	free(conf->upstream_ca);
	free(conf->upstream_cert);
	free(conf->upstream_key);
	free(conf->keep);
	free(conf->at_boot);
	for (size_t i = 0; i < conf->nverdicts; i++) {
		free_verdict(&conf->verdicts[i]);
	}
	free(conf->audit_journal);
	free(conf->audit_serials);
	*conf = (struct gateway_conf){0};
}
