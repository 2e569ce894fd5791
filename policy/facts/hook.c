/*
 * The table of hooks and their facts. What a name stands for is in the names
 * file of its protocol.
 */
#include "policy/facts/hook.h"

#include <string.h>

#include "policy/facts/names.h"

#define U8 0xffu
#define U16 0xffffu
#define U32 0xffffffffu

#define NUMBER(f, w, m) {.fact = f, .kind = FACT_IS_NUMBER, .word = w, .max = m}
#define WORD(f, w, m, n) \
	{.fact = f, .kind = FACT_IS_WORD, .word = w, .max = m, .names = n}
#define NAMED(f, w, n)                                            \
	{.fact = f, .kind = FACT_IS_WORD, .word = w, .max = U32, \
		.names = n, .is_closed = 1}
#define FLAG(f, w) {.fact = f, .kind = FACT_IS_FLAG, .word = w, .max = 1}
#define OTHER(f, k, w, n) {.fact = f, .kind = k, .word = w, .max = U32, \
		.names = n}

static const struct hook_fact setup[] = {
	NAMED(FACT_TYPE, "type", names_type),
	NAMED(FACT_RECIPIENT, "recipient", names_recipient),
	NUMBER(FACT_REQUEST, "request", U8),
	NAMED(FACT_REQUEST_NAME, "request", names_setup_request),
	NUMBER(FACT_VALUE, "value", U16),
	NUMBER(FACT_INDEX, "index", U16),
	NUMBER(FACT_WLENGTH, "wlength", U16),
	NAMED(FACT_DIR, "dir", names_dir),
	NAMED(FACT_KIND, "kind", names_hid_kind),
	NUMBER(FACT_REPORT_ID, "report-id", U8),
	NUMBER(FACT_BAUD, "baud", U32),
	NUMBER(FACT_ENTITY, "entity", U8),
	WORD(FACT_CONTROL, "control", U16, names_av_control),
};

static const struct hook_fact raw_out[] = {
	NUMBER(FACT_EP, "ep", U8),
	NAMED(FACT_XFER, "xfer", names_xfer),
	NUMBER(FACT_LEN, "len", U32),
};

static const struct hook_fact raw_in[] = {
	NUMBER(FACT_EP, "ep", U8),
	NAMED(FACT_XFER, "xfer", names_xfer),
	NUMBER(FACT_LEN, "len", U32),
	NAMED(FACT_STATUS, "status", names_status),
};

static const struct hook_fact scsi[] = {
	WORD(FACT_OP, "op", 0x1ff, names_scsi_op),
	NUMBER(FACT_LUN, "lun", U8),
	OTHER(FACT_LBA, FACT_IS_SPAN, "lba", NULL),
	NUMBER(FACT_BLOCKS, "blocks", U32),
	NUMBER(FACT_PAGE, "page", U8),
	NUMBER(FACT_LEN, "len", U32),
	{.fact = FACT_WP, .kind = FACT_IS_FLAG, .word = "wp", .max = 1,
	    .is_editable = 1},
};

static const struct hook_fact hid[] = {
	NAMED(FACT_KIND, "kind", names_hid_kind),
	NUMBER(FACT_REPORT_ID, "report-id", U8),
	OTHER(FACT_KEY, FACT_IS_KEYS, "key", names_key),
	OTHER(FACT_CHORD, FACT_IS_CHORDS, "chord", names_key),
	OTHER(FACT_USAGE, FACT_IS_USAGES, "usage", NULL),
	NUMBER(FACT_KEYDOWNS, "keydowns", U16),
	NUMBER(FACT_GAP, "gap", U32),
	NUMBER(FACT_LEN, "len", U16),
};

static const struct hook_fact ccid[] = {
	WORD(FACT_MSG, "msg", U8, names_ccid_msg),
	NUMBER(FACT_SLOT, "slot", U8),
	NAMED(FACT_DIR, "dir", names_dir),
	NUMBER(FACT_LEN, "len", U32),
};

static const struct hook_fact apdu[] = {
	NUMBER(FACT_CLA, "cla", U8),
	WORD(FACT_INS, "ins", U8, names_apdu_ins),
	NUMBER(FACT_P1, "p1", U8),
	NUMBER(FACT_P2, "p2", U8),
	OTHER(FACT_AID, FACT_IS_HEX, "aid", NULL),
	NUMBER(FACT_LC, "lc", U32),
};

static const struct hook_fact ctap[] = {
	WORD(FACT_CMD, "cmd", U8, names_ctap_cmd),
	WORD(FACT_U2F, "u2f", U8, names_ctap_u2f),
	WORD(FACT_CBOR, "cbor", U8, names_ctap_cbor),
	OTHER(FACT_RP, FACT_IS_TEXT, "rp", NULL),
	NAMED(FACT_DIR, "dir", names_dir),
	NUMBER(FACT_LEN, "len", U16),
};

static const struct hook_fact serial[] = {
	NUMBER(FACT_BAUD, "baud", U32),
	FLAG(FACT_DTR, "dtr"),
	FLAG(FACT_RTS, "rts"),
	NAMED(FACT_DIR, "dir", names_dir),
	NUMBER(FACT_LEN, "len", U32),
};

static const struct hook_fact net[] = {
	WORD(FACT_ETHERTYPE, "ethertype", U16, names_ethertype),
	WORD(FACT_PROTO, "proto", U8, names_ip_proto),
	NUMBER(FACT_DPORT, "dport", U16),
	NAMED(FACT_DIR, "dir", names_dir),
	NUMBER(FACT_LEN, "len", U32),
};

static const struct hook_fact av[] = {
	NUMBER(FACT_ENTITY, "entity", U8),
	WORD(FACT_CONTROL, "control", U16, names_av_control),
	NAMED(FACT_STREAM, "stream", names_av_stream),
	NAMED(FACT_FORMAT, "format", names_av_format),
	NAMED(FACT_DIR, "dir", names_dir),
	NUMBER(FACT_LEN, "len", U32),
};

static const struct hook_fact print[] = {
	NAMED(FACT_LANG, "lang", names_print_lang),
	NAMED(FACT_PJL, "pjl", names_print_pjl),
	NUMBER(FACT_LEN, "len", U32),
};

static const struct hook_fact mtp[] = {
	WORD(FACT_OP, "op", U16, names_mtp_op),
	NUMBER(FACT_OBJECT, "object", U32),
	NUMBER(FACT_LEN, "len", U32),
};

static const struct hook_fact dfu[] = {
	WORD(FACT_REQUEST, "request", U8, names_dfu_request),
	NUMBER(FACT_LEN, "len", U16),
};

#define HOOK(n, facts_, flags_) \
	{.name = n, .flags = flags_, .facts = facts_, \
		.nfacts = sizeof(facts_) / sizeof((facts_)[0])}

static const struct hook_info hooks[HOOKS] = {
	[HOOK_SETUP] = HOOK("setup", setup, HOOK_HOLDS | HOOK_BYTES),
	[HOOK_OUT] = HOOK("out", raw_out, HOOK_HOLDS | HOOK_BYTES | HOOK_DROPS),
	[HOOK_IN] = HOOK("in", raw_in, HOOK_HOLDS | HOOK_BYTES | HOOK_DROPS),
	[HOOK_SCSI] = HOOK("scsi", scsi,
	    HOOK_HOLDS | HOOK_SENSE | HOOK_BYTES | HOOK_DROPS),
	[HOOK_HID] = HOOK("hid", hid, HOOK_HOLDS | HOOK_BYTES | HOOK_DROPS),
	[HOOK_CCID] = HOOK("ccid", ccid, HOOK_HOLDS | HOOK_BYTES),
	[HOOK_APDU] = HOOK("apdu", apdu, HOOK_HOLDS | HOOK_SW | HOOK_BYTES),
	[HOOK_CTAP] = HOOK("ctap", ctap, HOOK_HOLDS | HOOK_CTAPERR | HOOK_BYTES),
	[HOOK_SERIAL] = HOOK("serial", serial, HOOK_HOLDS | HOOK_BYTES |
	    HOOK_DROPS),
	/* a transfer has many frames, and packets of a stream do not wait */
	[HOOK_NET] = HOOK("net", net, HOOK_BYTES | HOOK_DROPS),
	[HOOK_AV] = HOOK("av", av, HOOK_BYTES | HOOK_DROPS),
	[HOOK_PRINT] = HOOK("print", print, HOOK_HOLDS | HOOK_BYTES |
	    HOOK_DROPS),
	[HOOK_MTP] = HOOK("mtp", mtp, HOOK_HOLDS | HOOK_BYTES),
	[HOOK_DFU] = HOOK("dfu", dfu, HOOK_HOLDS | HOOK_BYTES),
};

const struct hook_info *
hook_info(enum hook hook)
{
	return &hooks[hook];
}

static int
is_word(const char *name, const char *word, size_t len)
{
	return strncmp(name, word, len) == 0 && name[len] == '\0';
}

enum hook
hook_find(const char *name, size_t len)
{
	unsigned i = 0;

	while (i < HOOKS && !is_word(hooks[i].name, name, len)) {
		i++;
	}
	return (enum hook)i;
}

const struct hook_fact *
hook_fact_find(enum hook hook, const char *word, size_t len)
{
	for (size_t i = 0; i < hooks[hook].nfacts; i++) {
		if (is_word(hooks[hook].facts[i].word, word, len)) {
			return &hooks[hook].facts[i];
		}
	}
	return NULL;
}

const struct hook_fact *
hook_fact_of(enum hook hook, enum fact fact)
{
	for (size_t i = 0; i < hooks[hook].nfacts; i++) {
		if (hooks[hook].facts[i].fact == fact) {
			return &hooks[hook].facts[i];
		}
	}
	return NULL;
}

static int
is_alone(const struct fact_name *names, const char *name)
{
	unsigned n = 0;

	for (; names->name != NULL; names++) {
		n += strcmp(names->name, name) == 0;
	}
	return n == 1;
}

const char *
fact_name_of(const struct hook_fact *fact, uint64_t number)
{
	const struct fact_name *n = fact->names;

	for (; n != NULL && n->name != NULL; n++) {
		if (n->low == number && n->high == number &&
		    is_alone(fact->names, n->name)) {
			return n->name;
		}
	}
	return NULL;
}

int
fact_name_range(const struct fact_name *names, const char *word, size_t len,
    unsigned i, uint32_t *low, uint32_t *high)
{
	for (; names != NULL && names->name != NULL; names++) {
		if (is_word(names->name, word, len) && i-- == 0) {
			*low = names->low;
			*high = names->high;
			return 1;
		}
	}
	return 0;
}
