/*
 * `sallyctl sandbox`. The broker is our parent, and all others are its children.
 */
#include "proxy/warden/sandboxes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
