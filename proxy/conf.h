/*
 * The gateway's configuration, /etc/sallyport/gateway.conf, as broker and
 * warden read it: one table, so that the two never disagree. The file is
 * root's own and trusted; it is read with conf_load, strictly.
 */
#ifndef PROXY_CONF_H
#define PROXY_CONF_H

#include <stddef.h>

#include "base/conf.h"
#include "base/net.h"

/* [verdict NAME]: who answers what is asked of NAME. */
#define GATEWAY_VERDICTS 16u
struct gateway_verdict {
	char *name, *user; /* owned */
	unsigned concurrency; /* asks that it has at once */
	unsigned queue;	      /* that wait for a place beside them */
	unsigned health; /* seconds between pings, and for the answer to one */
};

struct gateway_conf {
	/* [gateway] */
	char *listen;	   /* "" = all addresses */
	unsigned port;	   /* 3241 */
	char *user;	   /* the warden's, "sallyport" */
	char *rules;	   /* a directory of *.rules, or one file */
	char *profiles;	   /* a directory of *.profile */
	char *stock_profiles; /* those that came with the program */
	char *audit;	   /* audit.jsonl */
	char *run;	   /* directory of sockets */
	char *state;	   /* directory of what is kept over a restart */
	char *captures;	   /* directory of captures, made by the warden */
	int watch_rules;   /* loads them when their files change */
	int tell_holder;   /* who has a device, to those who might have it */
	unsigned max_sessions;
	/* Of whom nothing is known yet, and of one source address. */
	unsigned max_handshakes, address_sessions, address_handshakes;
	unsigned address_rate; /* new connections a second */
	unsigned usbfs_memory; /* MiB for all of usbfs; 0 = left alone */
	/* [tls], read by the broker only */
	char *ca, *cert, *key, *crl; /* crl "" = none */
	int key_holder; /* the key is sallyport-signer's, and no session's */
	/* read by the warden: "NAME sha256:HEX" of a CA's public key */
	struct conf_list issuers;
	/* [session] */
	unsigned uid_base, uid_count; /* uids of sessions and probes */
	unsigned urbs;	  /* of one session at its device at once */
	unsigned buffers; /* MiB of their buffers together */
	/* [control]: groups whose members may ask sallyctl's questions, "" = none.
	 * root and the gateway's user may always do everything. */
	char *metrics, *readers, *approvers, *operators;
	/* [bundle]: rules from a publisher */
	char *bundle_source; /* "https://...", a path, or "" = none */
	char *bundle_keys;   /* PEM: who may sign */
	unsigned bundle_threshold; /* how many of them must */
	unsigned bundle_interval, bundle_timeout, bundle_wait; /* seconds */
	unsigned bundle_confirm; /* seconds; 0 = nobody has to */
	struct conf_list bundle_labels;
	char *bundle_pin, *bundle_proxy; /* "" = none */
	/* read by the broker only; "" = none */
	char *bundle_ca, *bundle_cert, *bundle_key;
	/* [upstream]: who gets the lines of the audit log */
	char *upstream_url; /* "https://..." or "" = nobody */
	unsigned upstream_interval, upstream_timeout; /* seconds */
	unsigned upstream_status; /* seconds; 0 = no such line */
	char *upstream_pin, *upstream_proxy; /* "" = none */
	/* read by the broker only; "" = none */
	char *upstream_ca, *upstream_cert, *upstream_key;
	/* [capture] */
	unsigned capture_size;	 /* MiB of one file */
	unsigned capture_files;	 /* of one capture */
	unsigned capture_record; /* KiB of one transfer */
	/* [audit] */
	unsigned audit_size;  /* MiB of one file */
	unsigned audit_files; /* the one that is written to included */
	char *audit_journal;  /* "all", "heads" or "no" */
	char *audit_serials;  /* "plain" or "hashed" */
	/* [local] */
	int before_drivers; /* de-authorize interfaces by default */
	char *keep;	    /* rule file of the gateway's own devices, or "" */
	char *at_boot;	    /* "strict" or "adopt" */
	int is_strict;	    /* at_boot is "strict" */
	/* [liveness] */
	struct net_liveness live;
	struct gateway_verdict verdicts[GATEWAY_VERDICTS];
	size_t nverdicts;
};

#define GATEWAY_CONF_PATH SYSCONFDIR "/sallyport/gateway.conf"

/* Fills *conf with the defaults, then with the file. On error why holds one
 * line for people and *conf must still be given to gateway_conf_free. */
int gateway_conf_load(struct gateway_conf *conf, const char *path, char *why,
    size_t why_size);
void gateway_conf_free(struct gateway_conf *conf);

#endif
