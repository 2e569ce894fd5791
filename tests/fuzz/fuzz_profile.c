#include "tests/fuzz/fuzz_profile.h"

#include <string.h>

#include "policy/profiles/profile.h"
#include "tests/fuzz/fuzz.h"

static const char text[] =
    "profile a { on scsi {\n"
    " note len > 9 log \"n\"\n"
    " deny sense 07/27/00 op { 0x0a 0x2a } lba { 1 10..99 200..300 }\n"
    " allow op 1\n allow op 2\n allow op 3\n allow op 4\n allow op 5\n"
    " allow op 6\n allow op 7..30 lba 2048..4095\n"
    " allow lun { 1 3 9 70 } blocks { 1 1000 100000 } op 0x1a\n drop op 0x35\n }\n"
    " on hid { drop key 4..9\n drop chord { Ctrl+0x04..0x1d GUI+0x15 }\n"
    " drop usage { 0xc00e9 0xc00ea }\n allow }\n"
    " on ctap { deny ctaperr 27 rp \"evil.example\"\n"
    " allow rp \"a.example\"\n allow rp \"b.example\"\n"
    " allow rp \"c.*\"\n allow rp \"d\"\n allow rp \"e\"\n"
    " allow rp \"f\"\n allow rp \"g\"\n allow rp \"h\"\n }\n"
    " on out { allow le16@2 & \"ff0f\" 0x100..0x1ff\n"
    " allow bytes@1 \"3456\"\n drop contains \"3456\" in 0..40\n"
    " deny time { Mon-Fri 08:00-17:00 }\n } }\n"
    "profile b extends a { mode audit\n meter m 9/s burst 3\n"
    " quota q 1KiB per 1h\n on scsi { deny op 0x2a over q\n"
    " ask \"x\" within 9s else deny op 0x2b over m key \"K\"\n"
    " rewrite { wp = 1 } op 0x5a } }\n";

static uint8_t *honest;
static size_t honest_size;

static void
build(void)
{
	static const struct profile_bind binds[] = {{1, 0, 0}, {1, 1, 1}};
	struct profile_load *load = profile_load_new();
	struct profile_set *set = NULL;
	void *block = NULL;
	char why[128];

	MUST(load != NULL);
	MUST(profile_load_text(load, PROFILE_LOCAL, "f", text,
		 sizeof(text) - 1) == 0);
	if (profile_load_finish(load, &set) != 0) {
		fprintf(stderr, "%s\n", profile_load_error(load, 0)->text);
		abort();
	}
	MUST(profile_build(set, binds, 2, 3600, &block, &honest_size, why,
		 sizeof(why)) == 0);
	honest = block;
	profile_set_free(set);
	profile_load_free(load);
}

uint8_t *
fuzz_block(const uint8_t *data, size_t size, size_t *len)
{
	uint8_t *block;

	if (honest == NULL) {
		build();
	}
	if (size > 0 && data[0] == 0) {
		block = malloc(size);
		MUST(block != NULL);
		memcpy(block, data + 1, size - 1);
		*len = size - 1;
		return block;
	}
	block = malloc(honest_size);
	MUST(block != NULL);
	memcpy(block, honest, honest_size);
	*len = honest_size;
	for (size_t i = 1; i + 8 <= size; i += 8) {
		uint32_t at;

		memcpy(&at, data + i, sizeof(at));
		memcpy(block + at % (honest_size / 4) * 4, data + i + 4, 4);
	}
	return block;
}

void
fuzz_unit(struct unit_words *u, unsigned i)
{
	static const char *const units[] = {
		"scsi op=0x2a lun=0 lba=5..12 len=4096 blocks=8",
		"scsi op=5 lun=1 lba=none len=0", "scsi", "scsi op=0x5a",
		"scsi op=0x2a lba=0..18446744073709551615 len=600",
		"scsi op=0x1a lun=70", "scsi op=0x2b lba=150 len=9", "hid",
		"hid key=Ctrl+0x04+0x06 keydowns=2 kind=1",
		"hid usage=0xc00e9+0x10001 key=none", "hid key=0x13f+0xe0",
		"ctap rp=c.example", "ctap rp=evil.example", "ctap rp=",
		"out bytes=0034560134561234", "out bytes=12", "out",
		"out ep=1 len=8 bytes=00", "net", "setup request=6 value=1"};
	char why[64];

	_Static_assert(sizeof(units) / sizeof(units[0]) == FUZZ_UNITS, "all");
	(void)unit_read(u, units[i], why, sizeof(why));
}
