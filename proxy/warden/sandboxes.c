/*
 * `sallyctl sandbox`. The broker is our parent, and all others are its children.
 */
#include "proxy/warden/sandboxes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "proxy/warden/control.h"

#define PROCESSES 512u
#define TEXT 4096u

/* The number behind a line's name; -1 when there is none. */
static long long
number_of(const char *text, const char *name, int base)
{
	const char *p = strstr(text, name);
	char *end;
	unsigned long long v;

	if (p == NULL) {
		return -1;
	}
	p += strlen(name);
	p += strspn(p, " \t");
	v = strtoull(p, &end, base);
	return end != p && v <= INT64_MAX ? (long long)v : -1;
}

/* Whether its numbers are of more than one namespace, that of /proc among them.
 * -1 when there is no such line. */
static int
has_own_pids(const char *text)
{
	const char *p = strstr(text, "\nNSpid:");
	unsigned n = 0;
	char *end;

	if (p == NULL) {
		return -1;
	}
	for (p += 7; *p == '\t' || *p == ' '; p = end) {
		(void)strtoul(p, &end, 10);
		if (end == p) {
			break;
		}
		n++;
	}
	return n == 0 ? -1 : n > 1;
}

int
sandboxes_parse(struct sandbox_state *out, const char *text)
{
	long long uid = number_of(text, "\nUid:", 10), caps;

	if (uid < 0) {
		return ERR_FORMAT;
	}
	caps = number_of(text, "\nCapEff:", 16);
	*out = (struct sandbox_state){
		.uid = (uint32_t)uid,
		.seccomp = (int)number_of(text, "\nSeccomp:", 10),
		.lists = (int)number_of(text, "\nSeccomp_filters:", 10),
		.no_new_privs = (int)number_of(text, "\nNoNewPrivs:", 10),
		.pids = has_own_pids(text),
		.has_caps = caps >= 0,
		.caps = caps >= 0 ? (uint64_t)caps : 0,
	};
	return 0;
}

/* A file of /proc, whole, with a NUL behind it; its length or -1. */
static ssize_t
read_proc(char *out, pid_t pid, const char *name)
{
	char path[96];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : read(fd, out, TEXT - 1);
	close_fd(&fd);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

/* "sallyport-session session 12": as it was started, or says that it was. */
static void
put_name(json_t *o, pid_t pid)
{
	char text[TEXT];
	const char *slash;
	ssize_t n = read_proc(text, pid, "cmdline");
	size_t left = 3, at;

	slash = strrchr(text, '/'); /* of the first word alone, as yet */
	at = slash != NULL ? (size_t)(slash + 1 - text) : 0;
	for (ssize_t i = 0; i + 1 < n; i++) {
		if (text[i] == '\0' && --left == 0) {
			break;
		}
		text[i] = text[i] == '\0' ? ' ' : text[i];
	}
	control_text(o, "process", text + at);
}

static void
put_number(json_t *o, const char *name, int value)
{
	json_object_set_new(
	    o, name, value >= 0 ? json_integer(value) : json_null());
}

/* The kernel has these files for each network anew. */
static int
has_own_network(pid_t pid)
{
	struct stat ours, theirs;
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (stat("/proc/self/net/dev", &ours) == -1 ||
	    stat(path, &theirs) == -1) {
		return -1;
	}
	return ours.st_ino != theirs.st_ino;
}

/* And a number for each mount, wherever it is mounted. */
static int
has_own_mounts(pid_t pid)
{
	char ours[TEXT], theirs[TEXT];

	if (read_proc(ours, getpid(), "mountinfo") <= 0 ||
	    read_proc(theirs, pid, "mountinfo") <= 0) {
		return -1;
	}
	return strtoul(ours, NULL, 10) != strtoul(theirs, NULL, 10);
}

/* Which namespaces it has that we have not; null when that is not to be had. */
static void
put_spaces(json_t *o, pid_t pid, const struct sandbox_state *st)
{
	const struct {
		const char *name;
		int has;
	} spaces[] = {
		{"pid", st->pids},
		{"network", has_own_network(pid)},
		{"mount", has_own_mounts(pid)},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		if (spaces[i].has < 0) {
			json_decref(list);
			list = json_null();
			break;
		}
		if (spaces[i].has) {
			json_array_append_new(
			    list, json_string(spaces[i].name));
		}
	}
	json_object_set_new(o, "namespaces", list);
}

static json_t *
process_json(pid_t pid)
{
	char text[TEXT];
	struct sandbox_state st;
	json_t *o;

	/* it may have ended meanwhile */
	if (read_proc(text, pid, "status") <= 0 ||
	    sandboxes_parse(&st, text) != 0) {
		return NULL;
	}
	o = json_object();
	json_object_set_new(o, "pid", json_integer(pid));
	put_name(o, pid);
	json_object_set_new(o, "uid", json_integer(st.uid));
	json_object_set_new(o, "seccomp",
	    st.seccomp < 0 ? json_null() : json_boolean(st.seccomp == 2));
	put_number(o, "lists", st.lists);
	json_object_set_new(o, "no_new_privileges",
	    st.no_new_privs < 0 ? json_null()
				: json_boolean(st.no_new_privs == 1));
	(void)snprintf(text, sizeof(text), "%016" PRIx64, st.caps);
	json_object_set_new(o, "capabilities",
	    st.has_caps ? json_string(text) : json_null());
	put_spaces(o, pid, &st);
	return o;
}

static json_t *
processes_json(void)
{
	json_t *list = json_array(), *o = process_json(getppid());
	char text[TEXT], name[64], *p, *end;
	unsigned n = 0;

	if (o != NULL) {
		json_array_append_new(list, o);
	}
	(void)snprintf(
	    name, sizeof(name), "task/%d/children", (int)getppid());
	if (read_proc(text, getppid(), name) <= 0) {
		return list;
	}
	for (p = text; n < PROCESSES; p = end, n++) {
		long pid = strtol(p, &end, 10);

		/* a number that the buffer cut in two is left out */
		if (end == p || *end != ' ') {
			break;
		}
		o = process_json((pid_t)pid);
		if (o != NULL) {
			json_array_append_new(list, o);
		}
	}
	return list;
}

json_t *
control_sandbox(struct warden *w, json_t *request)
{
	unsigned lacks = sandbox_lacks() | sandbox_build_lacks();
	json_t *o = control_success(), *list = json_array();

	(void)w;
	(void)request;
	for (unsigned part = 1; part < SANDBOX_PARTS; part <<= 1) {
		if ((lacks & part) != 0) {
			json_array_append_new(
			    list, json_string(sandbox_part_name(part)));
		}
	}
	json_object_set_new(
	    o, "landlock_abi", json_integer(sandbox_landlock_abi()));
	json_object_set_new(o, "lacks", list);
	json_object_set_new(o, "processes", processes_json());
	return o;
}
