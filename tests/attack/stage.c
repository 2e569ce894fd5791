/*
 * Starts and watches the attacked gateway. Its sysfs is a tmpfs over /sys of the
 * namespace: one root hub, and the device of plug.h at each of its ports.
 */
#include "tests/attack/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/attack/plug.h"

#define CONTROLLER "/sys/devices/pci0000:00/0000:00:14.0"
#define HUB CONTROLLER "/usb3"
#define MAX_ARGS 8
#define START_MS 20000
#define STOP_MS 10000

/* ------------------------------------------------------------------------ */
/* Namespaces                                                               */

/* Where root is not to be had, unshare(1) and newuidmap(1) make a root of a
 * namespace with uids of its own. */
static void
enter_as_user(char **argv)
{
	static char unshare_name[] = "unshare", root[] = "--map-root-user";
	static char uids[] = "--map-auto";
	static char self[PATH_MAX];
	char *args[MAX_ARGS + 5] = {unshare_name, root, uids, self};
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0 || getenv("ATTACK_INSIDE") != NULL) {
		return; /* or that did not help */
	}
	(void)setenv("ATTACK_INSIDE", "1", 1);
	for (int i = 0; i < MAX_ARGS && argv[i + 1] != NULL; i++) {
		args[i + 4] = argv[i + 1];
	}
	(void)execvp(args[0], args);
}

static int
raise_loopback(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	r = fd == -1 ? -1 : ioctl(fd, SIOCSIFFLAGS, &ifr);
	close_fd(&fd);
	return r;
}

/* The program's own directory, where the others are, too; asked before it leaves
 * its mounts: then what is below one of them has no whole name any more. */
static const char *
own_dir(void)
{
	static char dir[PATH_MAX];
	ssize_t n;

	if (dir[0] == '\0') {
		n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
		if (n <= 0) {
			fatal("readlink /proc/self/exe");
		}
		dir[n] = '\0';
		*strrchr(dir, '/') = '\0';
	}
	return dir;
}

int
stage_enter(char **argv)
{
	(void)setenv("SALLYPORT_LIBEXEC", own_dir(), 1);
	if (geteuid() != 0) {
		enter_as_user(argv);
		fprintf(stderr, "attack: not root, and no uids in a namespace "
				"(newuidmap of the package uidmap)\n");
		return -1;
	}
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("sys", "/sys", "tmpfs", 0, "mode=755") == -1 ||
	    mount("run", "/run", "tmpfs", 0, "mode=755") == -1 ||
	    raise_loopback() == -1) {
		fprintf(stderr, "attack: namespaces: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------------ */
/* Files                                                                    */

static void
put(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd == -1 || write(fd, data, len) != (ssize_t)len) {
		fatal("write %s", path);
	}
	close_fd(&fd);
}

void
stage_text(const char *dir, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX], *text;
	va_list ap;
	int n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		fatal("write %s", path);
	}
	put(path, text, (size_t)n, 0644);
	free(text);
}

void
stage_dirs(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0') {
			continue;
		}
		*p = '\0';
		if (mkdir(path, 0755) == -1 && errno != EEXIST) {
			fatal("make %s", path);
		}
		*p = c;
		if (c == '\0') {
			return;
		}
	}
}

static void
make_device(const char *dir, unsigned devnum, unsigned class, const char *name)
{
	uint8_t descriptors[18 + PLUG_CONFIG_SIZE];
	char link[PATH_MAX], path[PATH_MAX];

	stage_dirs("%s", dir);
	stage_text(dir, "busnum", "%d\n", STAGE_BUSNUM);
	stage_text(dir, "devnum", "%u\n", devnum);
	stage_text(dir, "bDeviceClass", "%02x\n", class);
	stage_text(dir, "idVendor", "%04x\n", PLUG_VID);
	stage_text(dir, "idProduct", "%04x\n", PLUG_PID);
	stage_text(dir, "speed", "480\n");
	stage_text(dir, "authorized", "1\n");
	stage_text(dir, "bConfigurationValue", "1\n");
	stage_text(dir, "interface_authorized_default", "1\n");
	memcpy(descriptors, plug_device, 18);
	descriptors[4] = (uint8_t)class;
	memcpy(descriptors + 18, plug_config, PLUG_CONFIG_SIZE);
	(void)snprintf(path, sizeof(path), "%s/descriptors", dir);
	put(path, descriptors, sizeof(descriptors), 0644);
	(void)snprintf(link, sizeof(link), "/sys/bus/usb/devices/%s", name);
	if (symlink(dir, link) == -1) {
		fatal("link %s", link);
	}
}

void
stage_make_sysfs(void)
{
	char dir[PATH_MAX], name[16];

	stage_dirs("/sys/bus/usb/devices");
	stage_dirs("/sys/bus/pci");
	make_device(HUB, 1, 9, "usb3");
	stage_dirs(HUB "/3-0:1.0");
	if (symlink("/sys/bus/pci", CONTROLLER "/subsystem") == -1) {
		fatal("link the controller");
	}
	for (unsigned i = 1; i <= STAGE_DEVICES + STAGE_SPENT; i++) {
		(void)snprintf(name, sizeof(name), "3-%u", i);
		(void)snprintf(dir, sizeof(dir), HUB "/%s", name);
		make_device(dir, 10 + i, 0, name);
		stage_dirs("%s/%s:1.0", dir, name);
		stage_dirs("%s/%s:1.1", dir, name);
		stage_dirs(HUB "/3-0:1.0/usb3-port%u", i);
	}
}

static void
make_pki(struct stage *s)
{
	struct pki_how how = {.subject = "CN=Attack CA", .use = PKI_CA};
	struct pki_cert *other = calloc(1, sizeof(*other));
	uint8_t sans[4096];
	size_t len = 0;

	if (other == NULL) {
		fatal("certificates");
	}
	pki_issue(&s->ca, NULL, &how);
	how.subject = "CN=Another CA";
	pki_issue(other, NULL, &how);
	pki_san(sans, &len, PKI_DNS, "gateway", 7);
	how = (struct pki_how){.subject = "CN=gateway", .use = PKI_SERVER,
		.sans = sans, .sans_len = len, .is_rsa = s->has_signer};
	pki_issue(&s->gateway, &s->ca, &how);
	how = (struct pki_how){.subject = "CN=honest", .use = PKI_CLIENT};
	pki_issue(&s->honest, &s->ca, &how);
	how.subject = "CN=attacker";
	pki_issue(&s->attacker, &s->ca, &how);
	pki_issue(&s->stranger, other, &how);
	free(other);
}

void
stage_pem(const char *dir, const char *name, const uint8_t *pem, size_t len)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	put(path, pem, len - 1, 0600); /* without the NUL */
}

static void
make_config(struct stage *s)
{
	struct pki_crl list;
	char top[PATH_MAX];

	if (realpath("policy/profiles/stock", top) == NULL) {
		fatal("run from the top of the tree: policy/profiles/stock");
	}
	stage_dirs("%s/rules.d", s->dir);
	stage_dirs("%s/profiles.d", s->dir);
	stage_pem(s->dir, "ca.pem", s->ca.pem, s->ca.pem_len);
	stage_pem(s->dir, "cert.pem", s->gateway.pem, s->gateway.pem_len);
	stage_pem(s->dir, "key.pem", s->gateway.key, s->gateway.key_len);
	if (s->has_list) {
		pki_make_crl(&list, &s->ca, "491231235959Z", NULL);
		stage_pem(s->dir, "crl.pem", list.pem, list.pem_len);
	}
	stage_text(s->dir, "profiles.d/any.profile", "profile attack-any {\n"
	    "on setup { allow }\non in { allow }\non out {\n"
	    "ask \"judge\" within 2s else deny len %d\nallow\n}\n}\n",
	    STAGE_ASKED);
	stage_text(s->dir, "rules.d/10.rules",
	    "default to any\nblock with-interface one-of { 03:01:* }\n"
	    "allow using \"attack-any\"\n");
	stage_text(s->dir, "gateway.conf",
	    "[gateway]\nlisten = 127.0.0.1\nport = %d\nuser = nobody\n"
	    "rules = %s/rules.d\nprofiles = %s/profiles.d\n"
	    "stock-profiles = %s\naudit = %s/log/audit.jsonl\n"
	    "run = %s/run\nstate = %s/state\nusbfs-memory = 0\n"
	    "[tls]\nca = %s/ca.pem\ncert = %s/cert.pem\nkey = %s/key.pem\n"
	    "key-holder = %s\n%s%s%s"
	    "[verdict judge]\nuser = 0\n",
	    STAGE_PORT, s->dir, s->dir, top, s->dir, s->dir, s->dir, s->dir,
	    s->dir, s->dir, s->has_signer ? "yes" : "no",
	    s->has_list ? "crl = " : "", s->has_list ? s->dir : "",
	    s->has_list ? "/crl.pem\n" : "");
}

/* ------------------------------------------------------------------------ */
/* Life                                                                     */

static void
run_broker(const struct stage *s)
{
	char program[PATH_MAX + 16], conf[PATH_MAX], log[PATH_MAX];
	int fd;

	(void)snprintf(program, sizeof(program), "%s/sallyportd", s->bin);
	(void)snprintf(conf, sizeof(conf), "%s/gateway.conf", s->dir);
	(void)snprintf(log, sizeof(log), "%s/stderr", s->dir);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1) {
		_exit(126);
	}
	(void)execl(program, "sallyportd", "-c", conf, (char *)NULL);
	_exit(127);
}

/* What the gateway said, shown when somebody wants it. The lines of sanitizers,
 * whose finds no exit status tells: how many. */
static unsigned
read_stderr(const struct stage *s, FILE *to)
{
	char path[PATH_MAX], line[512];
	unsigned finds = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/stderr", s->dir);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		finds += strstr(line, "ERROR: ") != NULL ||
		    strstr(line, "runtime error: ") != NULL;
		if (to != NULL) {
			fprintf(to, "    %s", line);
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return finds;
}

static unsigned
count_devices(FILE *audit)
{
	char line[8192];
	unsigned n = 0;

	rewind(audit);
	while (fgets(line, sizeof(line), audit) != NULL) {
		n += strstr(line, "\"outcome\":\"appeared\"") != NULL;
	}
	return n;
}

int
stage_start(struct stage *s)
{
	char path[PATH_MAX];

	(void)snprintf(s->bin, sizeof(s->bin), "%s", own_dir());
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/sallyport-attack.XXXXXX");
	if (mkdtemp(s->dir) == NULL || chmod(s->dir, 0755) == -1) {
		fatal("make a directory in /tmp");
	}
	stage_make_sysfs();
	make_pki(s);
	make_config(s);
	s->broker = fork();
	if (s->broker == 0) {
		run_broker(s);
	}
	(void)snprintf(path, sizeof(path), "%s/log/audit.jsonl", s->dir);
	for (int ms = 0; ms < START_MS; ms += 50) {
		(void)poll(NULL, 0, 50);
		if (s->audit == NULL) {
			s->audit = fopen(path, "re");
		}
		if (s->audit != NULL && count_devices(s->audit) ==
			STAGE_DEVICES + STAGE_SPENT) {
			return 0;
		}
	}
	fprintf(stderr, "attack: the gateway does not come up\n");
	(void)read_stderr(s, stderr);
	return -1;
}

void
stage_remove(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", "--", dir, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

int
stage_stop(struct stage *s)
{
	int status = -1, r = -1;

	if (s->broker > 0) {
		(void)kill(s->broker, SIGTERM);
		for (int ms = 0; ms < STOP_MS; ms += 20) {
			if (waitpid(s->broker, &status, WNOHANG) ==
			    s->broker) {
				r = status;
				s->broker = 0;
				break;
			}
			(void)poll(NULL, 0, 20);
		}
	}
	if (s->broker > 0) {
		fprintf(stderr, "attack: the gateway does not end\n");
		(void)kill(s->broker, SIGKILL);
		(void)waitpid(s->broker, NULL, 0);
	}
	stage_listen(s);
	if (read_stderr(s, NULL) > 0) {
		fprintf(stderr, "attack: a sanitizer found something\n");
		r = -1;
	}
	if (r != 0 || s->crashed > 0 || getenv("ATTACK_LOG") != NULL) {
		(void)read_stderr(s, stderr);
	}
	if (s->audit != NULL) {
		(void)fclose(s->audit);
	}
	stage_remove(s->dir);
	return r;
}

int
stage_is_alive(const struct stage *s)
{
	return kill(s->broker, 0) == 0;
}

/* ------------------------------------------------------------------------ */
/* What it says                                                             */

static const char *
text_of(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static void
take_line(struct stage *s, const char *line)
{
	json_t *o = json_loads(line, 0, NULL);
	const char *event = text_of(o, "event");
	const char *outcome = text_of(o, "outcome"), *how = text_of(o, "how");

	if (strcmp(outcome, "forbidden") == 0) {
		(void)snprintf(s->forbidden, sizeof(s->forbidden), "%s: %s",
		    text_of(o, "role"), text_of(o, "what"));
	} else if (strcmp(outcome, "ejected") == 0) {
		(void)snprintf(s->ejected, sizeof(s->ejected), "%s",
		    text_of(o, "reason"));
	}
	if (strcmp(outcome, "refused") == 0) {
		s->refused++;
		(void)snprintf(
		    s->rule, sizeof(s->rule), "%s", text_of(o, "refusal"));
	} else if (strcmp(outcome, "changed") == 0) {
		s->changed++;
	} else if (strcmp(event, "session") != 0) {
		/* of a device, or a list */
	} else if (strcmp(outcome, "identified") == 0) {
		s->identified++;
	} else if (strcmp(outcome, "streaming") == 0) {
		s->streaming++;
	} else if (strcmp(outcome, "ended") == 0) {
		s->ended++;
	}
	/* SIGKILL is how the broker ends one, SIGSYS how its sandbox does, and
	 * that is "forbidden"; nothing else may end it so */
	if (strncmp(how, "signal ", 7) == 0 && strcmp(how, "signal 9") != 0 &&
	    strcmp(how, "signal 31") != 0 && s->crashed++ == 0) {
		(void)snprintf(s->crash, sizeof(s->crash), "%.200s", line);
	}
	json_decref(o);
}

void
stage_listen(struct stage *s)
{
	char line[8192];
	long at;

	if (s->audit == NULL) {
		return;
	}
	clearerr(s->audit);
	for (;;) {
		at = ftell(s->audit);
		if (fgets(line, sizeof(line), s->audit) == NULL) {
			return;
		}
		if (strchr(line, '\n') == NULL) {
			(void)fseek(s->audit, at, SEEK_SET);
			return; /* half of it */
		}
		take_line(s, line);
	}
}

int
stage_wait_ended(struct stage *s, uint64_t n, int ms)
{
	uint64_t end = clock_mono() + (uint64_t)ms * CLOCK_MSEC;

	for (;;) {
		stage_listen(s);
		if (s->ended >= n) {
			return 0;
		}
		if (clock_mono() > end) {
			return -1;
		}
		(void)poll(NULL, 0, 2);
	}
}

/* ------------------------------------------------------------------------ */
/* What it costs                                                            */

static uint64_t
pss_of(pid_t pid)
{
	unsigned long kib = 0;
	char path[64], line[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "Pss:", 4) == 0) {
			kib = strtoul(line + 4, NULL, 10);
			break;
		}
	}
	if (f != NULL) {
		(void)fclose(f);
	}
	return kib;
}

uint64_t
stage_memory(const struct stage *s, uint64_t *most, unsigned *count)
{
	uint64_t sum = pss_of(s->broker), one;
	char path[64], *text = NULL, *p, *end;
	size_t size = 0;
	FILE *f;

	*most = 0;
	*count = 1;
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)s->broker, (int)s->broker);
	f = fopen(path, "re");
	if (f == NULL || getline(&text, &size, f) <= 0) {
		*count = 0;
	}
	for (p = text; p != NULL && *count > 0; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p) {
			break;
		}
		one = pss_of((pid_t)pid);
		sum += one;
		*most = one > *most ? one : *most;
		++*count;
	}
	free(text);
	if (f != NULL) {
		(void)fclose(f);
	}
	return sum;
}
