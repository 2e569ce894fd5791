/*
 * What goes upstream of an audit log: lines are written, rotated and torn, batches
 * read, halved, taken, and the warden dies in between, in any order. Each line is
 * sent once or counted.
 */
#include "base/err.h"
#include "tests/fuzz/upstream_log.h"

static struct upstream_log audit_log;
static struct upstream_reader reader;
static struct upstream_batch batch;
static struct upstream_mark taken;

static void
take(void)
{
	log_take(&audit_log, &batch, reader.most);
	taken = reader.mark;
	MUST(taken.sent == audit_log.had);
	close_fd(&batch.fd);
}

/* With what is on disk, or with nothing but the log. */
static void
die(void)
{
	struct upstream_mark mark;

	MUST(upstream_save(&taken, audit_log.dir) == 0);
	MUST(upstream_load(&mark, audit_log.dir) ==
	    (*taken.chain == '\0' ? ERR_FORMAT : 0));
	close_fd(&batch.fd);
	close_fd(&reader.fd);
	reader.mark = mark;
}

static int
read_more(void)
{
	int r = upstream_read(&reader, &batch);

	if (r == 0 && *taken.chain == '\0') {
		log_begun(&audit_log, &batch);
		taken = upstream_first(&batch);
	}
	MUST((r == 0) == (batch.fd != -1));
	return r;
}

static void
play(uint8_t op, const uint8_t *data, size_t size)
{
	switch (op % 8) {
	case 0:
		log_rotate(&audit_log);
		break;
	case 1:
		if (memchr(data, '{', size) == NULL) { /* no line of ours */
			log_append(&audit_log, (const char *)data, size);
			log_append(&audit_log, "\n", 1);
		}
		break;
	case 2:
		die();
		break;
	case 3:
		if (batch.fd == -1 || upstream_halve(&reader, &batch) != 0) {
			reader.most = op < 128 ? UPSTREAM_BATCH : 512;
		}
		break;
	case 4:
		if (op > 250) {
			log_renew(&audit_log);
		}
		upstream_check(&reader);
		break;
	case 5:
	case 6:
		log_line(&audit_log, NULL, op);
		break;
	default:
		if (batch.fd != -1) {
			take();
		} else {
			(void)read_more();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_begin(&audit_log);
	reader = (struct upstream_reader){.audit = &audit_log.audit, .fd = -1,
		.most = UPSTREAM_BATCH};
	batch = (struct upstream_batch){.fd = -1};
	memset(&taken, 0, sizeof(taken));
	for (size_t i = 0; i < size && i < 256; i++) {
		play(data[i], data + i, size - i < 32 ? size - i : 32);
	}
	do {
		if (batch.fd != -1) {
			take();
		}
	} while (read_more() == 0);
	/* of a chain that ended nobody can tell how long it was */
	MUST(audit_log.chain > 0 ?
		taken.sent + reader.mark.lost <= audit_log.lines :
		taken.sent + reader.mark.lost + audit_log.before ==
		    audit_log.lines);
	close_fd(&reader.fd);
	log_end(&audit_log);
	return 0;
}
