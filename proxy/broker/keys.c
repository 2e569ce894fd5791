/*
 * The [tls] files, for who may have them: all of them for a session, once, and
 * the public ones for the warden, whenever they are others. Those of [bundle] are
 * for who fetches one, those of [upstream] for who posts lines. They are read
 * here because nobody else can, and not looked into.
 */
#include "proxy/broker/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sealed.h"

/* A missing CRL that is configured is an error like any other: without it nobody
 * can be judged. */
int
broker_read_pem(const char *path, enum file_secrecy secrecy, size_t max,
    uint8_t **out, uint32_t *len)
{
	size_t n;
	int r;

	*out = NULL;
	*len = 0;
	if (*path == '\0') {
		return 0;
	}
	r = file_read(path, max, secrecy, out, &n);
	if (r == ERR_POLICY) {
		log_warnx("read %s: group or others may read it, or write to "
			  "its directory; run `chmod 0600 %s`, and `chmod "
			  "go-w` on that",
		    path, path);
	} else if (r != 0) {
		log_warnx("read %s: %s", path, err_str(r));
	} else {
		*len = (uint32_t)n + 1;
	}
	return r;
}

struct stamp
broker_stamp(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		return (struct stamp){0};
	}
	return (struct stamp){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = (uint64_t)st.st_size,
		.mtime = {st.st_mtim.tv_sec, st.st_mtim.tv_nsec},
		.ctime = {st.st_ctim.tv_sec, st.st_ctim.tv_nsec},
	};
}

/* The CRL as a sealed text in b->crl, -1 when none is configured. Read once for
 * all who get it, until the file is another. */
static int
read_crl(struct broker *b)
{
	const struct stamp now = broker_stamp(b->conf.crl);
	uint8_t *text = NULL;
	uint32_t len = 0;
	int r;

	if (b->crl != -1 && memcmp(&now, &b->crl_read, sizeof(now)) == 0) {
		return 0;
	}
	close_fd(&b->crl);
	b->crl_read = now;
	r = broker_read_pem(
	    b->conf.crl, FILE_PUBLIC, IPC_CRL_MAX - 1, &text, &len);
	if (r == 0 && len > 0) {
		r = sealed_new(&b->crl, text, len);
		if (r != 0) {
			log_warnx("read %s: %s", b->conf.crl,
			    r == ERR_FORMAT ? "it is no text" : err_str(r));
		}
	}
	free(text);
	return r;
}

/* Sends what the warden is to know of the CRL; texts and list are borrowed. */
static int
tell_crl(struct broker *b, struct ipc_crl *m, int list)
{
	int n = ipc_encode_crl(b->buf, CHANNEL_MAX, m);

	if (n < 0) {
		log_warnx("send the CRL: %s",
		    n == ERR_NOMEM ? "the CA and the certificate are over 64 "
				     "KiB together"
				   : "the CA or the certificate is no text");
		*m = (struct ipc_crl){
			.err = n == ERR_NOMEM ? ERR_LIMIT : ERR_FORMAT};
		list = -1;
		n = ipc_encode_crl(b->buf, CHANNEL_MAX, m);
	}
	return channel_send_wait(b->warden_chan, IPC_CRL_IS, 0, b->buf,
		   (size_t)n, list, 1000) == 0
	    ? 0
	    : ERR_PEER;
}

/* The warden asks this several times a second: mostly it is three stats. */
int
broker_on_crl(struct broker *b, struct child *unused, struct channel_msg *msg)
{
	uint8_t *ca = NULL, *cert = NULL;
	struct ipc_crl m = {.err = ERR_AGAIN};
	struct stamp now[3];
	struct ipc_byte want;
	int r;

	(void)unused;
	if (ipc_decode_byte(&want, msg->data, msg->len) != 0 ||
	    want.value > 1) {
		return ERR_PEER;
	}
	/* before they are read: what changes meanwhile is read again */
	now[0] = broker_stamp(b->conf.ca);
	now[1] = broker_stamp(b->conf.crl);
	now[2] = broker_stamp(b->conf.cert);
	if (want.value == 0 && memcmp(now, b->crl_told, sizeof(now)) == 0) {
		return tell_crl(b, &m, -1);
	}
	memcpy(b->crl_told, now, sizeof(now));
	m.err = *b->conf.crl == '\0' ? ERR_NOENT : 0;
	if (m.err == 0) {
		m.err = broker_read_pem(
		    b->conf.ca, FILE_PUBLIC, PEM_MAX, &ca, &m.ca_len);
	}
	if (m.err == 0) {
		m.err = read_crl(b);
	}
	m.sys = m.err == ERR_SYS ? errno : 0;
	m.ca = ca;
	if (m.err != 0) {
		m.ca = NULL;
		m.ca_len = 0;
	}
	/* without it the warden cannot tell when it ends, and no more */
	(void)broker_read_pem(
	    b->conf.cert, FILE_PUBLIC, PEM_MAX, &cert, &m.cert_len);
	m.cert = cert;
	r = tell_crl(b, &m, m.err == 0 ? b->crl : -1);
	free(ca);
	free(cert);
	return r;
}

/* Which files a child gets, and what does not go without them. */
struct files {
	const char *section, *ca, *cert, *key, *without;
	int has_crl;
};

static struct files
files_of(const struct gateway_conf *c, enum ipc_role role)
{
	if (role == IPC_ROLE_FETCHER) {
		return (struct files){"bundle", c->bundle_ca, c->bundle_cert,
			c->bundle_key, "no bundle comes", 0};
	}
	if (role == IPC_ROLE_POSTER) {
		return (struct files){"upstream", c->upstream_ca,
			c->upstream_cert, c->upstream_key,
			"no line is sent", 0};
	}
	return (struct files){
		"tls", c->ca, c->cert, c->key, "nobody can connect", 1};
}

struct texts {
	uint8_t *ca, *cert, *key; /* owned */
};

/* What of the files that child gets: with a signer, a session gets no key. */
static int
read_texts(struct broker *b, struct child *child, const struct files *f,
    struct texts *t, struct ipc_pem *m)
{
	int r = broker_read_pem(f->ca, FILE_PUBLIC, PEM_MAX, &t->ca,
	    &m->ca_len);

	m->ca = t->ca;
	if (r == 0 && b->conf.key_holder &&
	    child->role == IPC_ROLE_SESSION) {
		r = broker_serve_signer(b, child);
		/* the one that it has the key of, whatever is there by now */
		m->cert = b->signer_cert;
		m->cert_len = b->signer_cert_len;
		return r != 0 ? r : read_crl(b);
	}
	if (r == 0) {
		r = broker_read_pem(
		    f->cert, FILE_PUBLIC, PEM_MAX, &t->cert, &m->cert_len);
		m->cert = t->cert;
	}
	if (r == 0) {
		r = broker_read_pem(
		    f->key, FILE_SECRET, PEM_MAX, &t->key, &m->key_len);
		m->key = t->key;
	}
	return r != 0 || !f->has_crl ? r : read_crl(b);
}

int
broker_on_key(struct broker *b, struct child *child, struct channel_msg *msg)
{
	const struct files f = files_of(&b->conf, child->role);
	struct texts t = {NULL, NULL, NULL};
	struct ipc_pem m = {0};
	int n, r = ERR_NOENT;

	if (msg->len != 0) {
		return ERR_PEER;
	}
	child->key_given = 1;
	if (read_texts(b, child, &f, &t, &m) == 0) {
		n = ipc_encode_pem(b->buf, CHANNEL_MAX, &m);
		if (n > 0) {
			r = channel_send_wait(child->chan, IPC_KEY_IS,
			    child->conn, b->buf, (size_t)n,
			    f.has_crl ? b->crl : -1, 1000);
		} else {
			log_warnx("send keys: CA, certificate and key are over "
				  "64 KiB together");
		}
		mem_wipe(b->buf, CHANNEL_MAX);
	} else {
		log_warnx("%s %u: without all of the files of [%s] %s",
		    broker_role_name(child->role), child->conn, f.section,
		    f.without);
	}
	if (t.key != NULL) {
		mem_wipe(t.key, m.key_len);
	}
	free(t.ca);
	free(t.cert);
	free(t.key);
	return r;
}
