/*
 * One session and one writer, each a process of its own, that take turns of
 * silence and of flood. The writer is the warden's own code below audit_write:
 * a line is made by jansson, gets its number and its MAC, is appended, the key is
 * replaced, and files are rotated.
 */
#include "tests/bench/flood.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/chain.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "proxy/warden/audit.h"
#include "tests/bench/load.h"

#define LOG "audit.jsonl"
#define FILES 99u
#define STEP (2 * CLOCK_MSEC)
#define TURN (400 * CLOCK_MSEC)

struct page {
	volatile int is_ready, is_on, is_over;
	volatile uint64_t ns; /* that it was on */
	volatile uint64_t accepted;
	volatile double cpu; /* seconds */
	char key[CHAIN_KEY_TEXT];
};

static struct page *
map(int fd)
{
	void *page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (page == MAP_FAILED) {
		fatal("flood: page");
	}
	return page;
}

static void
pause_for(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / CLOCK_SEC),
	    .tv_nsec = (long)(ns % CLOCK_SEC)};

	(void)nanosleep(&t, NULL);
}

/* ------------------------------------------------------------------------ */
/* The writer                                                               */

/* As long as lines about a transfer are. */
static void
put(struct audit *audit, uint64_t n)
{
	char number[24], *text;
	json_t *o;

	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
	o = json_pack("{s:s,s:I,s:s,s:s,s:{s:s,s:s,s:s,s:s,s:s,s:s},"
		      "s:{s:i,s:s,s:s,s:s,s:s},s:s,s:s,s:s}",
	    "time", "2026-11-25T12:00:00.000Z", "mono_ms", (json_int_t)n,
	    "event", "transfer", "outcome", "deny", "device", "busid",
	    "3-2.4", "id", "0781:5567", "stable",
	    "0781:5567:4C530001@pci-0000:00:14.0:2.4", "name", "Cruzer Blade",
	    "serial", "4C530001", "hash",
	    "jzdIkBWAhWKSZEZJFBTQZBhUPZCGT8PdPlJhHbcWTU0=", "session",
	    "connection", 7, "peer", "192.0.2.1:41000", "identity",
	    "key:00112233445566778899aabbccddeeff/cn:desk-1", "name", "desk-1",
	    "fingerprint",
	    "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
	    "hook", "scsi", "facts", "op WRITE(10) lba 4096 blocks 8", "n",
	    number);
	text = o != NULL ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER)
			 : NULL;
	if (text == NULL) {
		fatalx("flood: out of memory");
	}
	audit_put(audit, "", text, strlen(text));
	free(text);
	json_decref(o);
}

/* As many as the clock says, until the turn is over. */
static void
turn(struct page *page, struct audit *audit)
{
	uint64_t start = clock_mono(), done = 0, now;
	int is_on;

	if (!page->is_on) {
		return;
	}
	do {
		is_on = page->is_on;
		now = clock_mono() - start;
		while (done < now * FLOOD_RATE / CLOCK_SEC) {
			put(audit, page->accepted + done++);
		}
		pause_for(STEP);
	} while (is_on);
	page->ns += now;
	page->accepted += done;
}

int
bench_flood(void)
{
	static char log[] = LOG;
	struct audit audit = {.fd = -1, .limit = 1024 * 1024, .files = FILES};
	struct page *page = map(3);
	struct rusage used;

	if (fchdir(4) == -1 || audit_open(&audit, log) != 0 ||
	    audit_chain_start(&audit, ".") != 0 ||
	    audit_chain_take(audit.chain, page->key) != 0) {
		fatal("flood: log");
	}
	page->is_ready = 1;
	while (!page->is_over) {
		turn(page, &audit);
		pause_for(CLOCK_MSEC);
	}
	if (audit.failed != 0 || getrusage(RUSAGE_SELF, &used) == -1) {
		fatalx("flood: %llu lines were lost",
		    (unsigned long long)audit.failed);
	}
	page->cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	audit_close(&audit);
	return 0;
}

/* ------------------------------------------------------------------------ */
/* The bench's side                                                         */

static pid_t
start(int page, int dir)
{
	char self[PATH_MAX];
	struct spawn how = {
	    .path = self,
	    .argv = (const char *const[]){"bench", "flood", "plain", NULL},
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .die_with_parent = 1,
	    .fds = {page, dir},
	    .nfds = 2,
	};
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	pid_t pid;

	if (n <= 0) {
		fatal("readlink: /proc/self/exe");
	}
	self[n] = '\0';
	pid = spawn_child(&how);
	if (pid == -1) {
		fatal("start: flood");
	}
	return pid;
}

static double
p50(struct rig *rig)
{
	static const struct load_cell small = {
	    LOAD_INTERRUPT, LOAD_IN, 48, 1};
	struct load_slice slice;

	load_run(rig, &small, TURN, 256, &slice);
	return (double)slice.p50 / 1e3;
}

static void
take_turns(struct flood_bench *bench, struct page *page)
{
	struct rig rig;

	rig_open(&rig, RIG_GW_TLS);
	(void)p50(&rig);
	for (unsigned r = 0; r < FLOOD_ROUNDS; r++) {
		bench->calm[r] = p50(&rig);
		page->is_on = 1;
		bench->flooded[r] = p50(&rig);
		page->is_on = 0;
		pause_for(20 * STEP); /* what is owed is written */
	}
	rig_close(&rig);
}

/* Lines that are the chain's next, one after the other, over all files. */
static void
prove(struct flood_bench *bench, int dir, const char *key)
{
	static char line[CHAIN_LINE_MAX];
	struct chain chain;
	uint64_t own = 0;

	if (chain_key_parse(&chain, key, strlen(key)) != 0) {
		fatalx("flood: key");
	}
	for (unsigned i = FILES; i-- > 0;) {
		char name[24];
		int fd;
		FILE *f;

		(void)snprintf(name, sizeof(name), i == 0 ? LOG : LOG ".%u", i);
		fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
		f = fd != -1 ? fdopen(fd, "r") : NULL;
		bench->files += f != NULL;
		while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
			size_t len = strcspn(line, "\n");
			struct chain_parts parts;

			if (chain_split(&parts, line, len) != 0 ||
			    parts.seq != chain.seq ||
			    !chain_is_mac(&chain, line, &parts) ||
			    chain_next(&chain) != 0) {
				fatalx("flood: %s: a line is not as written",
				    name);
			}
			own += strstr(line, "\"event\":\"audit\"") != NULL;
		}
		if (f != NULL) {
			(void)fclose(f);
			(void)unlinkat(dir, name, 0);
		}
	}
	bench->proven = chain.seq - own;
}

void
flood_measure(struct flood_bench *bench)
{
	char path[] = "/tmp/bench-flood.XXXXXX";
	int page_fd = memfd_create("flood", MFD_CLOEXEC), dir, status = -1;
	struct page *page;
	pid_t pid;

	if (page_fd == -1 || ftruncate(page_fd, sizeof(*page)) == -1 ||
	    mkdtemp(path) == NULL) {
		fatal("flood");
	}
	page = map(page_fd);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid = start(page_fd, dir);
	for (int i = 0; i < 5000 && !page->is_ready; i++) {
		pause_for(CLOCK_MSEC);
	}
	take_turns(bench, page);
	page->is_over = 1;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
		continue;
	}
	if (status != 0 || page->accepted == 0) {
		fatalx("flood: the writer failed");
	}
	bench->accepted = page->accepted;
	bench->rate = (double)page->accepted * 1e9 / (double)page->ns;
	bench->cpu = page->cpu * 1e9 / (double)page->ns;
	prove(bench, dir, page->key);
	bench->is_measured = 1;
	(void)unlinkat(dir, "audit.chain", 0);
	(void)rmdir(path);
	(void)close(dir);
	(void)close(page_fd);
	(void)munmap(page, sizeof(*page));
}

static int
compare(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return (a > b) - (a < b);
}

struct flood_ratio
flood_ratio(const struct flood_bench *bench)
{
	double ratios[FLOOD_ROUNDS];

	for (unsigned r = 0; r < FLOOD_ROUNDS; r++) {
		ratios[r] = bench->flooded[r] / bench->calm[r];
	}
	qsort(ratios, FLOOD_ROUNDS, sizeof(ratios[0]), compare);
	return (struct flood_ratio){ratios[FLOOD_ROUNDS / 2], ratios[0],
	    ratios[FLOOD_ROUNDS - 1]};
}

void
flood_print(const struct flood_bench *bench)
{
	struct flood_ratio ratio = flood_ratio(bench);

	if (!bench->is_measured) {
		return;
	}
	printf("\nAudit: %.0f lines/s beside a session, in turns with none\n",
	    bench->rate);
	printf("%-18s  %5.2f (%4.2f..%4.2f) of p50 without, 48 B through "
	       "gateway and TLS\n", "session, p50", ratio.median, ratio.least,
	    ratio.most);
	printf("%-18s  %llu accepted, %llu of them in %u files under their "
	       "MACs\n", "lines", (unsigned long long)bench->accepted,
	    (unsigned long long)bench->proven, bench->files);
	printf("%-18s  %5.1f %% of a core, %.1f us for each line\n",
	    "writer", 100 * bench->cpu, 1e6 * bench->cpu / bench->rate);
}
