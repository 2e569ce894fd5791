/*
 * What the class files of vetting share: the configuration in hand, a walk over
 * an alternate's descriptors, and how to say no. Internal to policy/vet/.
 */
#ifndef POLICY_VET_PART_H
#define POLICY_VET_PART_H

#include "policy/vet/vet.h"
#include "wire/desc.h"
#include "wire/desc_why.h"

struct vet {
	const struct devrec *rec;         /* borrowed */
	const struct desc_config *config; /* borrowed: parsed and checked */
	const uint8_t *bytes;             /* of the configuration, borrowed */
	size_t len;
	unsigned index;       /* of the configuration */
	struct desc_why *why; /* may be NULL */
};

/* The descriptors of an alternate, its own first. at is the offset within the
 * configuration. */
struct vet_walk {
	const uint8_t *p;
	size_t n, at;
	const uint8_t *base;
	size_t len, pos, start;
};

struct vet_walk vet_walk_of(const struct vet *v, const struct desc_alt *alt);
int vet_walk_next(struct vet_walk *w); /* 0 at the end */

/* ERR_POLICY, with its reason. */
int vet_no(const struct vet *v, const char *rule, const char *text, size_t at);

/* A class-specific descriptor that is shorter than `least` bytes is refused as
 * R6.length. */
int vet_at_least(const struct vet *v, const struct vet_walk *w, size_t least,
    const char *text);

int vet_has_interface(const struct vet *v, uint8_t number);
struct vet_ends {
	unsigned bulk_in, bulk_out, int_in, int_out, iso_in, iso_out;
};
struct vet_ends vet_count_ends(
    const struct desc_config *config, const struct desc_alt *alt);

/* What a class expects of its interfaces, of a whole configuration
 * (expect_class.c). */
int expect_classes(const struct vet *v);

/* One alternate each: 0 or ERR_POLICY. */
int vet_cdc(const struct vet *v, const struct desc_alt *alt);
int vet_audio_control(const struct vet *v, const struct desc_alt *alt);
int vet_audio_stream(const struct vet *v, const struct desc_alt *alt);
int vet_midi(const struct vet *v, const struct desc_alt *alt);
int vet_video_control(const struct vet *v, const struct desc_alt *alt);
int vet_video_stream(const struct vet *v, const struct desc_alt *alt);
int vet_hid_descriptor(const struct vet *v, const struct desc_alt *alt);
int vet_ccid(const struct vet *v, const struct desc_alt *alt);
int vet_uas(const struct vet *v, const struct desc_alt *alt);
int vet_dfu(const struct vet *v, const struct desc_alt *alt);

#endif
