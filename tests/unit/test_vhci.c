/* vhci-glue: sysfs of vhci_hcd as untrusted text, and the small pure parts of
 * the workstation's commands. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "vhci-glue/gateway.h"
#include "vhci-glue/imported.h"
#include "vhci-glue/opts.h"
#include "vhci-glue/ports.h"
#include "vhci-glue/uids.h"
#include "base/usbids.h"
#include "vhci-glue/vhci.h"
#include "vhci-glue/words.h"
#include "wire/ipc.h"

#define HEAD "hub port sta spd dev      sockfd local_busid\n"

/* Two controllers of 2 + 2 ports, as Linux 6.1 shows them. */
static const char first[] = HEAD
    "hs  0000 006 003 00030007 000009 17-1\n"
    "hs  0001 004 000 00000000 000000 0-0\n"
    "ss  0002 004 000 00000000 000000 0-0\n"
    "ss  0003 005 000 00000000 000000 0-0\n";
static const char second[] = HEAD
    "hs  0004 004 000 00000000 000000 0-0\n"
    "hs  0005 007 000 00000000 000000 0-0\n"
    "ss  0006 006 005 0001000a 000012 20-1\n"
    "ss  0007 004 000 00000000 000000 0-0\n";

static char why[256];

static int
setup(void **state)
{
	char *dir = strdup("/tmp/test_vhci.XXXXXX");

	*state = dir;
	return dir == NULL || mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	int r = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return r;
}

static char *
path_of(const char *dir, const char *name)
{
	static char path[256];

	assert_true(snprintf(path, sizeof(path), "%s/%s", dir, name) <
	    (int)sizeof(path));
	return path;
}

static void
put(const char *dir, const char *name, const char *text)
{
	int fd = open(path_of(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
assert_holds(const char *dir, const char *name, const char *text)
{
	char buf[128] = {0};
	int fd = open(path_of(dir, name), O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, buf, sizeof(buf) - 1) >= 0);
	close(fd);
	assert_string_equal(buf, text);
}

static void
test_read(void **state)
{
	const char *dir = *state;
	struct vhci v;

	put(dir, "nports", "8\n");
	put(dir, "status", first);
	put(dir, "status.1", second);
	assert_int_equal(vhci_init(&v, dir, why, sizeof(why)), 0);
	assert_int_equal(v.nports, 8);
	assert_int_equal(v.n, 8);
	assert_int_equal(v.ports[0].state, VHCI_USED);
	assert_int_equal(v.ports[0].hub, VHCI_HS);
	assert_int_equal(v.ports[0].speed, 3);
	assert_int_equal(v.ports[0].devid, 0x00030007);
	assert_string_equal(v.ports[0].local, "17-1");
	assert_int_equal(v.ports[3].state, VHCI_NOT_ASSIGNED);
	assert_int_equal(v.ports[3].hub, VHCI_SS);
	assert_int_equal(v.ports[6].devid, 0x0001000a);
	assert_int_equal(vhci_find(&v, 5)->state, VHCI_ERROR);
	assert_null(vhci_find(&v, 8));
	vhci_fini(&v);
	vhci_fini(&v);
}

static void
test_fewer_files(void **state)
{
	const char *dir = *state;
	struct vhci v;

	/* status.1 is missing: what is there counts */
	put(dir, "nports", "8\n");
	put(dir, "status", first);
	assert_int_equal(vhci_init(&v, dir, why, sizeof(why)), 0);
	assert_int_equal(v.n, 4);
	vhci_fini(&v);
}

/* A controller that is not ready yet shows wider columns. */
static void
test_not_ready(void **state)
{
	struct vhci v;
	size_t at = 0;

	put(*state, "nports", "1\n");
	put(*state, "status",
	    HEAD "hs  0000 005 000 00000000 0000000000000000 0-0\n");
	assert_int_equal(vhci_init(&v, *state, why, sizeof(why)), 0);
	assert_null(vhci_next_free(&v, USBIP_SPEED_FULL, &at));
	vhci_fini(&v);
}

static void
test_not_loaded(void **state)
{
	struct vhci v;

	assert_int_equal(
	    vhci_init(&v, "/nonexistent", why, sizeof(why)), ERR_NOENT);
	put(*state, "nports", "8\n");
	assert_int_equal(vhci_init(&v, *state, why, sizeof(why)), ERR_NOENT);
}

static void
test_garbage(void **state)
{
	static const char *const bad[] = {
	    "",
	    "\n",
	    "prt sta spd bus dev socket           local_busid\n",
	    "hub port",
	    HEAD "hs\n",
	    HEAD "hs  0000 006 003 00030007 000009\n",
	    HEAD "hs  0000 006 003 00030007 000009 17-1 more\n",
	    HEAD "xs  0000 004 000 00000000 000000 0-0\n",
	    HEAD "hss 0000 004 000 00000000 000000 0-0\n",
	    HEAD "hs  0008 004 000 00000000 000000 0-0\n",
	    HEAD "hs  -001 004 000 00000000 000000 0-0\n",
	    HEAD "hs  99999999999 004 000 00000000 000000 0-0\n",
	    HEAD "hs  0000 003 000 00000000 000000 0-0\n",
	    HEAD "hs  0000 008 000 00000000 000000 0-0\n",
	    HEAD "hs  0000 0x4 000 00000000 000000 0-0\n",
	    HEAD "hs  0000 004 007 00000000 000000 0-0\n",
	    HEAD "hs  0000 004 000 0000000g 000000 0-0\n",
	    HEAD "hs  0000 004 000 100000000 000000 0-0\n",
	    HEAD "hs  0000 004 000 00000000 0000a0 0-0\n",
	    HEAD "hs  0000 004 000 00000000 000000 ../../etc\n",
	    HEAD "hs  0000 004 000 00000000 000000 "
		 "1-1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1\n",
	    HEAD "hs  0000 004 000 00000000 000000 0-0\n"
		 "hs  0000 004 000 00000000 000000 0-0\n",
	    HEAD "hs  0000 004\t000 00000000 000000 0-0\n",
	};
	struct vhci v;

	put(*state, "nports", "8\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(*state, "status", bad[i]);
		why[0] = '\0';
		if (vhci_init(&v, *state, why, sizeof(why)) != ERR_FORMAT) {
			fail_msg("line %zu passes: %s", i, bad[i]);
		}
		assert_non_null(strstr(why, "/status:"));
	}
	/* a NUL in the middle */
	int fd = open(path_of(*state, "status"), O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, HEAD "hs  0000 004\0", sizeof(HEAD) + 12),
	    sizeof(HEAD) + 12);
	close(fd);
	assert_int_equal(vhci_init(&v, *state, why, sizeof(why)), ERR_FORMAT);
}

static void
test_nports(void **state)
{
	static const char *const bad[] = {
	    "", "\n", "0\n", "-1\n", "x\n", "8\n9\n", "3841\n", "8 \n"};
	struct vhci v;

	put(*state, "status", first);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(*state, "nports", bad[i]);
		if (vhci_init(&v, *state, why, sizeof(why)) != ERR_FORMAT) {
			fail_msg("nports %zu passes: %s", i, bad[i]);
		}
	}
	/* more rows than it says */
	put(*state, "nports", "3\n");
	assert_int_equal(vhci_init(&v, *state, why, sizeof(why)), ERR_FORMAT);
}

static void
test_choice(void **state)
{
	const char *dir = *state;
	const struct vhci_port *p;
	struct vhci v;
	size_t at = 0;

	put(dir, "nports", "8\n");
	put(dir, "status", first);
	put(dir, "status.1", second);
	assert_int_equal(vhci_init(&v, dir, why, sizeof(why)), 0);
	/* high speed: hs ports that are free, in order */
	p = vhci_next_free(&v, USBIP_SPEED_HIGH, &at);
	assert_int_equal(p->port, 1);
	p = vhci_next_free(&v, USBIP_SPEED_HIGH, &at);
	assert_int_equal(p->port, 4);
	assert_null(vhci_next_free(&v, USBIP_SPEED_HIGH, &at));
	assert_null(vhci_next_free(&v, USBIP_SPEED_HIGH, &at));
	at = 0;
	p = vhci_next_free(&v, USBIP_SPEED_SUPER, &at);
	assert_int_equal(p->port, 2);
	p = vhci_next_free(&v, USBIP_SPEED_SUPER, &at);
	assert_int_equal(p->port, 7);
	assert_null(vhci_next_free(&v, USBIP_SPEED_SUPER, &at));
	vhci_fini(&v);
}

static void
test_all_busy(void **state)
{
	struct vhci v;
	size_t at = 0;

	put(*state, "nports", "2\n");
	put(*state, "status",
	    HEAD "hs  0000 006 003 00030007 000009 17-1\n"
		 "ss  0001 004 000 00000000 000000 0-0\n");
	assert_int_equal(vhci_init(&v, *state, why, sizeof(why)), 0);
	assert_null(vhci_next_free(&v, USBIP_SPEED_FULL, &at));
	vhci_fini(&v);
}

static void
test_attach(void **state)
{
	char line[64], small[8];

	assert_int_equal(
	    vhci_attach_line(line, sizeof(line), 8, 5, 3 << 16 | 7, 3), 12);
	assert_string_equal(line, "8 5 196615 3");
	assert_true(vhci_attach_line(line, sizeof(line), UINT32_MAX, INT32_MAX,
			UINT32_MAX, 5) > 0);
	assert_string_equal(line, "4294967295 2147483647 4294967295 5");
	assert_int_equal(
	    vhci_attach_line(small, sizeof(small), 8, 5, 196615, 3), 0);
	assert_int_equal(
	    vhci_attach_line(line, sizeof(line), 8, -1, 196615, 3), 0);

	assert_int_equal(vhci_attach(*state, 8, 5, 196615, 3), ERR_SYS);
	assert_int_equal(errno, ENOENT);
	put(*state, "attach", "");
	put(*state, "detach", "");
	assert_int_equal(vhci_attach(*state, 8, 5, 196615, 3), 0);
	assert_holds(*state, "attach", "8 5 196615 3");
	assert_int_equal(vhci_detach(*state, 8), 0);
	assert_holds(*state, "detach", "8");
}

static void
test_wait(void **state)
{
	char local[VHCI_BUSID];

	put(*state, "nports", "4\n");
	put(*state, "status", first);
	assert_int_equal(vhci_wait(*state, 0, VHCI_USED, 0, local), 0);
	assert_string_equal(local, "17-1");
	assert_int_equal(
	    vhci_wait(*state, 1, VHCI_USED, 100, local), ERR_TIMEOUT);
	assert_int_equal(
	    vhci_wait(*state, 77, VHCI_FREE, 0, NULL), ERR_TIMEOUT);
}

static void
test_gateway(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		const char *again;
	} good[] = {
	    {"lab", "lab", 3241, "lab:3241"},
	    {"lab.example:1", "lab.example", 1, "lab.example:1"},
	    {"10.0.0.1:65535", "10.0.0.1", 65535, "10.0.0.1:65535"},
	    {"[2001:db8::1]:99", "2001:db8::1", 99, "[2001:db8::1]:99"},
	    {"[::1]", "::1", 3241, "[::1]:3241"},
	    {"2001:db8::1", "2001:db8::1", 3241, "[2001:db8::1]:3241"},
	    {"fe80::1%eth0", "fe80::1%eth0", 3241, "[fe80::1%eth0]:3241"},
	};
	static const char *const bad[] = {"", ":", ":3241", "a:", "a:0",
	    "a:65536", "a:99999999999", "a:1x", "a:-1", "a: 1", "[::1", "[]",
	    "[::1]x", "[::1]:", "a b", "a/b", "a\nb", "\x1b[1m", "a'b"};
	char text[GATEWAY_TEXT], big[400];
	struct gateway g;
	const char *reason;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(
		    gateway_parse(&g, good[i].text, 3241, &reason), 0);
		assert_string_equal(g.host, good[i].host);
		assert_int_equal(g.port, good[i].port);
		assert_string_equal(
		    gateway_text(text, sizeof(text), &g), good[i].again);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		if (gateway_parse(&g, bad[i], 3241, &reason) != ERR_FORMAT) {
			fail_msg("passes: %s", bad[i]);
		}
		assert_non_null(reason);
	}
	memset(big, 'a', sizeof(big));
	big[256] = '\0';
	assert_int_equal(gateway_parse(&g, big, 1, &reason), ERR_FORMAT);
	big[255] = '\0';
	assert_int_equal(gateway_parse(&g, big, 1, &reason), 0);
}

static void
test_imported(void **state)
{
	static const uint32_t speeds[] = {0, 4, 7, UINT32_MAX};
	const struct usbip_device good = {
	    .busid = "3-2.4",
	    .busnum = 3,
	    .devnum = 7,
	    .speed = USBIP_SPEED_SUPER_PLUS,
	};
	struct usbip_device d = good;

	(void)state;
	assert_null(imported_check(&d));
	assert_int_equal(imported_devid(&d), 0x00030007);
	assert_int_equal(imported_speed(&d), USBIP_SPEED_SUPER);
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		d = good;
		d.speed = speeds[i];
		assert_non_null(imported_check(&d));
	}
	d = good;
	d.busnum = 65536;
	assert_non_null(imported_check(&d));
	d.busnum = 0;
	assert_non_null(imported_check(&d));
	d = good;
	d.devnum = 128;
	assert_non_null(imported_check(&d));
	d.devnum = 0;
	assert_non_null(imported_check(&d));
	d = good;
	memset(d.busid, '1', sizeof(d.busid));
	assert_non_null(imported_check(&d));
}

static void
test_notes(void **state)
{
	char dir[128];
	struct ports_note note = {
	    .port = 12,
	    .gateway = "[2001:db8::1]:3241",
	    .busid = "3-2.4",
	    .vid = 0x0951,
	    .pid = 0x00ff,
	    .devid = 0xfffe0007,
	    .relay = 4242,
	    .since = "2026-11-22T13:09:00.123Z",
	};
	struct ports_note got;
	struct stat st;

	(void)snprintf(dir, sizeof(dir), "%s/run/ports", (char *)*state);
	assert_int_equal(ports_read(dir, 12, &got), ERR_NOENT);
	assert_int_equal(ports_write(dir, &note), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(ports_write(dir, &note), 0);
	assert_int_equal(ports_read(dir, 12, &got), 0);
	assert_string_equal(got.gateway, note.gateway);
	assert_string_equal(got.busid, note.busid);
	assert_string_equal(got.since, note.since);
	assert_int_equal(got.vid, note.vid);
	assert_int_equal(got.pid, note.pid);
	assert_int_equal(got.devid, note.devid);
	assert_int_equal(got.relay, note.relay);
	assert_string_equal(got.user, "");
	assert_string_equal(got.seat, "");
	(void)snprintf(note.user, sizeof(note.user), "anna");
	(void)snprintf(note.seat, sizeof(note.seat), "seat0");
	assert_int_equal(ports_write(dir, &note), 0);
	assert_int_equal(ports_read(dir, 12, &got), 0);
	assert_string_equal(got.user, "anna");
	assert_string_equal(got.seat, "seat0");
	assert_int_equal(ports_read(dir, 13, &got), ERR_NOENT);
	ports_remove(dir, 12);
	ports_remove(dir, 12);
	assert_int_equal(ports_read(dir, 12, &got), ERR_NOENT);

	put(dir, "12", "{\"port\": 12}");
	assert_int_equal(ports_read(dir, 12, &got), ERR_FORMAT);
	put(dir, "12", "not JSON");
	assert_int_equal(ports_read(dir, 12, &got), ERR_FORMAT);
	put(dir, "12", "");
	assert_int_equal(ports_read(dir, 12, &got), ERR_FORMAT);

	/* a directory that others may write to is not used */
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(ports_write(dir, &note), ERR_POLICY);
}

static void
test_notes_stale(void **state)
{
	const struct vhci_port used = {
	    .state = VHCI_USED, .devid = 0x00030007};
	const struct vhci_port idle = {.state = VHCI_FREE};
	struct ports_note note = {.devid = 0x00030007, .relay = getpid()};

	(void)state;
	/* this process is no relay */
	assert_false(ports_is_current(&note, &used));
	assert_false(ports_is_current(&note, &idle));
	note.relay = 0x7ffffff0;
	assert_false(ports_is_current(&note, &used));
}

static void
test_uids(void **state)
{
	char name[32], text[128];
	uid_t uid = uids_pick("/nonexistent");

	assert_true(uid >= UIDS_FIRST && uid < UIDS_FIRST + UIDS_COUNT);
	/* all but one are taken */
	for (unsigned i = 0; i < UIDS_COUNT; i++) {
		if (i == 42) {
			continue;
		}
		(void)snprintf(name, sizeof(name), "%u", 1000 + i);
		assert_int_equal(mkdir(path_of(*state, name), 0700), 0);
		(void)snprintf(name, sizeof(name), "%u/status", 1000 + i);
		(void)snprintf(text, sizeof(text),
		    "Name:\tsallyport-relay\nUid:\t%u\t%u\t%u\t%u\n",
		    UIDS_FIRST + i, UIDS_FIRST + i, UIDS_FIRST + i,
		    UIDS_FIRST + i);
		put(*state, name, text);
	}
	assert_int_equal(uids_pick(*state), UIDS_FIRST + 42);
}

static void
rates_are_short(void **state)
{
	static const struct {
		uint64_t rate;
		const char *text;
	} rows[] = {
		{0, "0 B/s"}, {999, "999 B/s"}, {1000, "1.0 kB/s"},
		{31250000, "31.3 MB/s"}, {999949, "999.9 kB/s"},
		{999950, "1.0 MB/s"}, {UINT64_MAX, "1844674.4 TB/s"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(
		    words_rate(text, sizeof(text), rows[i].rate),
		    rows[i].text);
	}
}

static void
test_words(void **state)
{
	struct ipc_item item = {.ninterfaces = 1};
	char text[64], tiny[6];

	(void)state;
	item.interfaces[0] = (struct usbip_interface){8, 6, 0x50};
	assert_string_equal(
	    words_what(text, sizeof(text), &item), "mass storage");
	item.ninterfaces = 3;
	item.interfaces[1] = (struct usbip_interface){3, 1, 1};
	item.interfaces[2] = (struct usbip_interface){8, 6, 0x50};
	assert_string_equal(words_what(text, sizeof(text), &item),
	    "mass storage + keyboard");
	assert_string_equal(words_what(tiny, sizeof(tiny), &item), "mass ");
	item.ninterfaces = 0;
	assert_string_equal(words_what(text, sizeof(text), &item), "unknown");
	item.dev.class = 9;
	assert_string_equal(words_what(text, sizeof(text), &item), "hub");
	item.dev.class = 0x77;
	assert_string_equal(
	    words_what(text, sizeof(text), &item), "unknown class");
	for (unsigned i = 0; i < 256; i++) {
		item.dev.class = (uint8_t)i;
		assert_true(strlen(words_what(text, sizeof(text), &item)) < 64);
		assert_non_null(words_speed(i));
		assert_non_null(words_speed_short(i));
	}
}

static void
test_usbids(void **state)
{
	struct usbids *ids;
	char vendor[USBIDS_NAME], product[USBIDS_NAME];

	put(*state, "usb.ids",
	    "# comment\n0951  Kingston\n\t1666  Stick\x1b[31m\n\t1667  Other\n"
	    "\t\t01  an interface\n0952  Next\n\t1668  Third\nC 00  class\n"
	    "\t01  sub\n0953  Las");
	assert_null(usbids_open(path_of(*state, "none")));
	ids = usbids_open(path_of(*state, "usb.ids"));
	assert_non_null(ids);
	usbids_find(ids, 0x0951, 0x1666, vendor, product);
	assert_string_equal(vendor, "Kingston");
	assert_string_equal(product, "Stick\\x1b[31m");
	usbids_find(ids, 0x0951, 0x1668, vendor, product);
	assert_string_equal(vendor, "Kingston");
	assert_string_equal(product, "");
	usbids_find(ids, 0x0952, 0x1668, vendor, product);
	assert_string_equal(product, "Third");
	usbids_find(ids, 0x0953, 1, vendor, product);
	assert_string_equal(vendor, "Las");
	usbids_find(ids, 0x9999, 1, vendor, product);
	assert_string_equal(vendor, "");
	usbids_find(NULL, 0x0951, 0x1666, vendor, product);
	assert_string_equal(vendor, "");
	usbids_close(ids);
	usbids_close(NULL);
}

/* --- command line and configuration --- */

static int
parse(struct opts *o, unsigned mask, const char *const *args)
{
	static char copy[16][64];
	char *argv[17];
	int argc = 0;

	for (; args[argc] != NULL; argc++) {
		(void)snprintf(
		    copy[argc], sizeof(copy[argc]), "%s", args[argc]);
		argv[argc] = copy[argc];
	}
	argv[argc] = NULL;
	return opts_parse(o, argc, argv, mask);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
test_opts(void **state)
{
	const unsigned all =
	    OPTS_HAS_GATEWAY | OPTS_HAS_JSON | OPTS_HAS_ATTACH;
	struct opts o;

	(void)state;
	assert_int_equal(parse(&o, all, ARGS("attach", "gw", "1-1")), 0);
	assert_int_equal(o.noperands, 2);
	assert_int_equal(o.port, 3241);
	assert_null(o.name);
	assert_int_equal(
	    parse(&o, all,
		ARGS("attach", "gw", "--port", "99", "--json", "--name=x",
		    "1-1", "--foreground", "--log", "/l", "--tls", "d",
		    "--config", "c")),
	    0);
	assert_int_equal(o.port, 99);
	assert_int_equal(o.form, OPTS_JSON);
	assert_int_equal(o.place, OPTS_FOREGROUND);
	assert_string_equal(o.name, "x");
	assert_string_equal(o.tls, "d");
	assert_string_equal(o.operands[1], "1-1");
	assert_int_equal(parse(&o, all, ARGS("attach", "--help")), 1);
	assert_int_equal(parse(&o, all, ARGS("attach", "--nope")), -1);
	assert_int_equal(parse(&o, all, ARGS("attach", "--port")), -1);
	assert_int_equal(parse(&o, all, ARGS("attach", "--port", "0")), -1);
	assert_int_equal(parse(&o, all, ARGS("attach", "--port", "x")), -1);
	assert_int_equal(parse(&o, all, ARGS("a", "1", "2", "3")), -1);
	assert_int_equal(
	    parse(&o, OPTS_HAS_JSON, ARGS("status", "--port", "9")), -1);
	assert_int_equal(
	    parse(&o, OPTS_HAS_JSON, ARGS("status", "--foreground")), -1);
	assert_int_equal(parse(&o, all, ARGS("a", "--", "--json")), 0);
	assert_int_equal(o.form, OPTS_TEXT);
}

static void
test_opts_accept(void **state)
{
	const unsigned all = OPTS_HAS_GATEWAY | OPTS_HAS_ATTACH;
	static const char *const bad[] = {"--accept=", "--accept=hub",
	    "--accept=keyboard,", "--accept=,keyboard", "--accept=Keyboard",
	    "--wait=0", "--wait=x", "--wait=", "--wait=86401", "--wait=-1"};
	struct opts o;

	(void)state;
	assert_int_equal(parse(&o, all, ARGS("attach")), 0);
	assert_int_equal(o.accept, IPC_ACCEPT_LISTED);
	assert_int_equal(o.wait_s, OPTS_NO_WAIT);
	assert_int_equal(o.ask, OPTS_ATTACH);
	assert_int_equal(
	    parse(&o, all, ARGS("attach", "--accept", "keyboard")), 0);
	assert_int_equal(o.accept, IPC_ACCEPT_LISTED | IPC_ACCEPT_KEYBOARD);
	assert_int_equal(
	    parse(&o, all, ARGS("a", "--accept=none,network", "--wait")), 0);
	assert_int_equal(o.accept, IPC_ACCEPT_NETWORK);
	assert_int_equal(o.wait_s, 0);
	assert_int_equal(
	    parse(&o, all, ARGS("a", "--wait=86400", "--ask")), 0);
	assert_int_equal(o.wait_s, 86400);
	assert_int_equal(o.ask, OPTS_ASK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(&o, all, ARGS("a", bad[i])), -1);
	}
	assert_int_equal(
	    parse(&o, OPTS_HAS_GATEWAY, ARGS("list", "--wait")), -1);
}

static void
test_settings(void **state)
{
	const char *conf;
	struct settings s;
	struct opts o = {.command = "list"};

	put(*state, "w.conf",
	    "[tls]\nca = /a/ca.pem\nkey = /a/key.pem\n[liveness]\n"
	    "idle = 5\nuser-timeout = 9000\n[accept]\nrules = /r\n");
	conf = path_of(*state, "w.conf");
	o.config = conf;
	assert_int_equal(settings_load(&s, &o), 0);
	assert_string_equal(s.ca, "/a/ca.pem");
	assert_string_equal(s.cert, OPTS_TLS "/cert.pem");
	assert_string_equal(s.key, "/a/key.pem");
	assert_int_equal(s.live.idle_s, 5);
	assert_int_equal(s.live.interval_s, 2);
	assert_int_equal(s.live.user_timeout_ms, 9000);
	assert_string_equal(s.rules, "/r");
	settings_free(&s);
	o.tls = "/mine";
	assert_int_equal(settings_load(&s, &o), 0);
	assert_string_equal(s.ca, "/mine/ca.pem");
	assert_string_equal(s.key, "/mine/key.pem");
	settings_free(&s);
	put(*state, "w.conf", "[tls]\nca = /a\nnonsense = 1\n");
	assert_int_equal(settings_load(&s, &o), -1);
	settings_free(&s);
	o.config = "/nonexistent";
	assert_int_equal(settings_load(&s, &o), -1);
	settings_free(&s);
}

#define DIR_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_short),
	    DIR_TEST(test_read),
	    DIR_TEST(test_fewer_files),
	    DIR_TEST(test_not_ready),
	    DIR_TEST(test_not_loaded),
	    DIR_TEST(test_garbage),
	    DIR_TEST(test_nports),
	    DIR_TEST(test_choice),
	    DIR_TEST(test_all_busy),
	    DIR_TEST(test_attach),
	    DIR_TEST(test_wait),
	    cmocka_unit_test(test_gateway),
	    cmocka_unit_test(test_imported),
	    DIR_TEST(test_notes),
	    cmocka_unit_test(test_notes_stale),
	    DIR_TEST(test_uids),
	    cmocka_unit_test(test_words),
	    DIR_TEST(test_usbids),
	    cmocka_unit_test(test_opts),
	    cmocka_unit_test(test_opts_accept),
	    DIR_TEST(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
