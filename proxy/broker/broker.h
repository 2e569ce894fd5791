/*
 * The broker, sallyportd: the privileged parent of the gateway. It opens USB
 * device nodes, switches authorization, starts and reaps the other processes.
 * It answers a closed table of requests (requests.c), checks every one again,
 * and parses no network byte, no device byte and no policy.
 */
#ifndef PROXY_BROKER_BROKER_H
#define PROXY_BROKER_BROKER_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/channel.h"
#include "base/file.h"
#include "proxy/conf.h"
#include "wire/ipc.h"

struct loop;
struct loop_io;
struct loop_timer;
struct broker;

/* A session, or a helper of the warden. Its slot decides its uid: uid_base + slot. */
struct child {
	struct broker *broker; /* borrowed */
	enum ipc_role role;    /* 0 = slot is free */
	uint32_t conn;
	pid_t pid;
	int chan;	      /* owned; broker's end of its fd 3 */
	struct loop_io *io;   /* owned */
	struct loop_timer *limit; /* owned; a probe's, or a last grace */
	int key_given; /* a signer: it said that it has it */
	int signer_end; /* owned, -1; a session's channel, for the signer */
	int is_ending;	      /* killed; waits to be reaped */
	enum ipc_fault fault; /* it did what it may not, and why it ended */
	int has_what;
	uint32_t what; /* see ipc_exited */
	int has_device;
	int usb_fd; /* owned; shares the child's claims until it is reaped: they
		       must last until its interfaces are de-authorized */
	uint8_t config_before; /* to set again at the end; 0 = unchanged */
	struct ipc_grant grant; /* valid when has_device */
};

#define BROKER_NO_CHILD                                                        \
	((struct child){.chan = -1, .usb_fd = -1, .signer_end = -1})

/* Tells whether a file is another than before; all 0 = it was not there. */
struct stamp {
	uint64_t dev, ino, size;
	int64_t mtime[2], ctime[2];
};

struct broker {
	struct gateway_conf conf;
	const char *conf_path; /* argv's, then conf_real */
	char conf_real[PATH_MAX];
	struct loop *loop;
	uid_t warden_uid;
	gid_t warden_gid;
	pid_t warden_pid; /* 0 = not running */
	int warden_chan;  /* owned, -1 */
	int control_fd;	  /* owned; listening, a copy for each warden */
	int verdict_fd;	  /* likewise; -1: nobody may serve a verdict */
	struct loop_io *warden_io;
	struct loop_timer *restart;
	int warden_is_barred; /* it made a call that it may not make */
	uint32_t warden_what;
	unsigned restarts; /* in a row, for the back-off */
	uint64_t warden_started;
	int is_stopping;
	struct stamp crl_told[3]; /* [tls] ca, crl and cert, as the warden
				     knows them */
	int crl;	/* owned, -1; sealed text, as crl_read was */
	struct stamp crl_read;
	/* With [tls] key-holder. */
	struct child signer; /* role 0: there is none now */
	struct stamp signer_read[2]; /* cert and key, as the last one got them */
	uint8_t *signer_cert; /* owned; PEM, its NUL counted */
	uint32_t signer_cert_len;
	int signer_refused; /* it does not take them: wait for others */
	struct loop_timer *signer_restart; /* owned */
	unsigned signer_restarts;
	uint64_t signer_started;
	unsigned nchildren;	/* slots: conf.uid_count */
	struct child *children; /* owned array */
	uint8_t buf[CHANNEL_HEADER + CHANNEL_MAX];
};

/* "session"; never NULL. */
static inline const char *
broker_role_name(enum ipc_role role)
{
	return role == IPC_ROLE_SESSION	 ? "session" :
	    role == IPC_ROLE_PROBE	 ? "probe" :
	    role == IPC_ROLE_RECORDER	 ? "capture" :
	    role == IPC_ROLE_FETCHER	 ? "fetch" :
	    role == IPC_ROLE_POSTER	 ? "post" :
	    role == IPC_ROLE_TRIAL	 ? "trial" :
					   "signer";
}

/* children.c: life and death of processes. */
int broker_start_warden(struct broker *b); /* 0 or ERR_SYS, logged */
struct child *broker_find(struct broker *b, uint32_t conn);
/* Starts a session (fd = peer socket), a probe (flags of enum
 * ipc_probe_flags; fd = usbfs node, or what device_texts gave), a recorder
 * (fd = a pipe's end), a fetcher or poster (no fd: -1) or a trial (fd = a
 * bundle); fd is borrowed. *warden_end is the warden's end of its channel, owned
 * by the caller. 0, ERR_LIMIT, ERR_BUSY (conn number in use) or ERR_SYS. */
int broker_start_child(struct broker *b, enum ipc_role role, uint32_t conn,
    int fd, unsigned flags, struct child **out, int *warden_end);
/* Forgets it; it has ended, or is not ours to watch any more. */
void broker_clear_child(struct child *child);
void broker_on_limit(void *arg); /* arg = struct child *; its time is over */
/* Milliseconds until a process is started again that ended; the next time in a
 * row it is twice as long. started is when it was. */
unsigned broker_back_off(unsigned *restarts, uint64_t started);
/* Each is started behind the others; this one has a device now. */
void broker_hurry_child(const struct child *child);
/* Kills it; it is reaped by the SIGCHLD handler, which tells the warden. */
void broker_end_child(struct child *child);
/* Its channel is closed: it has a moment to end by itself. */
void broker_child_closed(struct child *child);
void broker_reap(void *arg); /* arg = struct broker *; SIGCHLD */
void broker_end_all(struct broker *b);

/* requests.c: what the warden and the children may ask. */
void broker_on_warden(void *arg, int events); /* arg = struct broker * */
void broker_on_child(void *arg, int events);  /* arg = struct child * */
/* What the signer has said so far, a word for each session that there can be:
 * what one did is heard before it is forgotten, and who says more waits. */
void broker_hear_signer(struct broker *b);
/* What it said last, after its death, of a call that it may not make; and what
 * the warden said, into warden_what. */
void broker_last_words(struct child *child);
void broker_last_words_of_warden(struct broker *b);

/* confine.c: what it and its children never do. */
void confine_broker(void);

/* signer.c: sallyport-signer, where [tls] key-holder wants it. */
/* Starts it with certificate and key as they are now, and waits until it has
 * them. 0 or an error, logged: then nobody could connect. */
int broker_try_signer(struct broker *b);
/* The same without waiting: its channel has the key. */
int broker_start_signer(struct broker *b);
/* Ends one that nothing is to be done with, and waits for that. */
void broker_end_signer(struct broker *b);
/* It was reaped. */
void broker_signer_gone(struct broker *b, int status);
/* Gives it the other end of that session's channel. Where certificate or key are
 * others than it has, another one is started. 0 or an error, logged. */
int broker_serve_signer(struct broker *b, struct child *session);
/* It says that it has the key, or why not. */
void broker_signer_loaded(struct broker *b, const struct ipc_loaded *m);

/* keys.c: answers to KEY and CRL; 0 or ERR_PEER, as requests.c wants it. */
int broker_on_key(
    struct broker *b, struct child *child, struct channel_msg *msg);
int broker_on_crl(
    struct broker *b, struct child *unused, struct channel_msg *msg);
/* A file of [tls] or [bundle]: its PEM text with its NUL counted in *len, the
 * caller's to free (and to wipe, when it is a key); nothing for "". 0 or an
 * error, logged. */
int broker_read_pem(const char *path, enum file_secrecy secrecy, size_t max,
    uint8_t **out, uint32_t *len);
#define PEM_MAX (60u * 1024u)
struct stamp broker_stamp(const char *path);

/* device.c: sysfs and usbfs. Each checks the place again. */
/* Opens the node, takes its interfaces away from kernel drivers, authorizes
 * and claims them for this descriptor, and drops the descriptor's usbfs
 * privileges. 0, ERR_FORMAT (no such place can be), ERR_NOENT (something else
 * is there now), ERR_POLICY (hub, or behind a virtual controller), ERR_SYS. */
int device_open(const struct device_place *place, int *out);
/* Its sysfs directory, to name files in and for nothing else: no attribute of
 * it is read here that the device's lock guards. Results as above. */
int device_texts(const struct device_place *place, int *out);
/* De-authorizes its interfaces again, when it is still there. */
void device_close(const struct device_place *place);
/* Sets bConfigurationValue, authorizes that configuration's interfaces and
 * claims them for fd. *before gets the value that was set until now. */
int device_set_config(const struct device_place *place, uint8_t value, int fd,
    uint8_t *before);
/* Sets it again; its interfaces come up as the root hub's default has it. */
void device_restore_config(const struct device_place *place, uint8_t value);
/* What of enum ipc_authorize_what. 0, or as device_open. */
int device_authorize(const struct device_place *place, uint8_t what);
/* Sets how much memory usbfs may lend to the URBs of all devices. Logged when
 * it cannot: then the kernel's own bound holds, and sessions wait sooner. */
void device_set_memory(unsigned mib);

/* roots.c: the interface default of root hubs. */
/* Takes up what an earlier broker wrote down at path, and writes there from now
 * on. 0; ERR_FORMAT (nobody but root writes there: a broken disk), ERR_SYS. */
int roots_load(const char *path);
/* Interfaces of what is plugged in below name ("usb1", its sysfs directory
 * open as dir) are de-authorized from now on. 0, ERR_FORMAT (no such name can
 * be), ERR_LIMIT, ERR_SYS. */
int roots_close(int dir, const char *name);
/* Gives back the defaults as they were, below sysfs, and forgets them. */
void roots_restore(const char *sysfs);

/* atboot.c */
#define ATBOOT_PATH SYSCONFDIR "/modprobe.d/sallyport.conf"
#define ATBOOT_MODULE "/sys/module/usbcore"
/* Makes the file at path say what [local] at-boot is, and tells the log when
 * the kernel that runs (module) differs. A file that is not ours is left alone.
 * 0, or ERR_SYS or ERR_POLICY, logged: strict would not hold. */
int atboot_apply(int is_strict, const char *path, const char *module);

/* attr.c: below dir. A number is small and not negative; -1 = none. */
#define SYSFS_USB "/sys/bus/usb/devices"
int attr_write(int dir, const char *name, const char *text); /* 0, ERR_SYS */
long attr_number(int dir, const char *name, int base);
/* Replaces the file, mode 0644, so that there is always the old one or the new
 * one. 0, ERR_LIMIT or ERR_SYS. */
int file_replace(const char *path, const char *text);

#endif
