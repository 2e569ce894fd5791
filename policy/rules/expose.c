/*
 * `expose': which interfaces of a device the workstation sees. Whatever is not
 * asked for is hidden, and so is what would show more than was asked for: an
 * interface comes with all its alternate settings, so all of them must be
 * named by some selector.
 */
#include "policy/rules/ast.h"

#include <string.h>

static int
selector_fits(
    const struct selector *selector, const struct rule_interface *interface)
{
	if (selector->is_number) {
		return selector->number == interface->number;
	}
	if (selector->is_class) {
		return class_fits(selector->value.u.class, interface);
	}
	return interface_fits(&selector->value, interface);
}

/* A HID interface that is several things must be wanted as each of them. */
static int
is_wanted(const struct rule *rule, const struct rule_interface *interface)
{
	uint8_t things[4];
	size_t n = hid_things(interface, things);

	for (size_t i = 0; i < n; i++) {
		struct rule_interface one = *interface;
		size_t j = 0;

		one.hid = things[i];
		while (j < rule->nselectors &&
		    !selector_fits(&rule->selectors[j], &one)) {
			j++;
		}
		if (j == rule->nselectors) {
			return 0;
		}
	}
	return 1;
}

static int
is_data(const struct rule_interface *interface)
{
	return interface->class == 0x0a;
}

/* CDC's control interfaces, and RNDIS's under its other numbers. */
static int
has_data(const struct rule_interface *interface)
{
	return interface->class == 0x02 ||
	    (interface->class == 0xe0 && interface->subclass == 0x01 &&
		interface->protocol == 0x03) ||
	    (interface->class == 0xef && interface->subclass == 0x04 &&
		interface->protocol == 0x01);
}

static int
has_bit(const uint8_t mask[32], unsigned number)
{
	return mask[number / 8] >> number % 8 & 1;
}

static void
clear_bit(uint8_t mask[32], unsigned number)
{
	mask[number / 8] = (uint8_t)(mask[number / 8] & ~(1u << number % 8));
}

/* A data interface belongs to the control interface with the next lower number
 * that is no data interface, and goes with it unless it was named itself. */
static void
follow_control(uint8_t shown[32], const uint8_t hidden[32],
    const uint8_t present[32], const uint8_t data[32],
    const uint8_t control[32])
{
	int owner = -1;

	for (unsigned n = 0; n < 256; n++) {
		if (!has_bit(present, n)) {
			continue;
		}
		if (!has_bit(data, n)) {
			owner = has_bit(control, n) ? (int)n : -1;
		} else if (has_bit(hidden, n) && owner >= 0 &&
		    !has_bit(hidden, (unsigned)owner)) {
			shown[n / 8] = (uint8_t)(shown[n / 8] | 1u << n % 8);
		}
	}
}

static int
expose_config(const struct rule *rule, const struct rule_device *device,
    unsigned config, uint8_t mask[32])
{
	uint8_t present[32] = {0}, hidden[32] = {0}, data[32] = {0};
	uint8_t control[32] = {0}, other[32] = {0}, any = 0;

	for (size_t i = 0; i < device->ninterfaces; i++) {
		const struct rule_interface *interface =
		    &device->interfaces[i];
		unsigned byte = interface->number / 8;
		uint8_t bit = (uint8_t)(1u << interface->number % 8);

		if (interface->config != config) {
			continue;
		}
		present[byte] |= bit;
		if (!is_wanted(rule, interface)) {
			hidden[byte] |= bit;
		}
		*(is_data(interface) ? &data[byte] : &other[byte]) |= bit;
		if (has_data(interface)) {
			control[byte] |= bit;
		}
	}
	for (unsigned n = 0; n < 256; n++) {
		if (has_bit(other, n)) {
			clear_bit(data, n); /* not in all of its settings */
		}
		if (has_bit(present, n) && !has_bit(hidden, n)) {
			mask[n / 8] = (uint8_t)(mask[n / 8] | 1u << n % 8);
		}
	}
	follow_control(mask, hidden, present, data, control);
	for (size_t i = 0; i < 32; i++) {
		any |= mask[i];
	}
	return any != 0;
}

int
expose_device(const struct rule *rule, const struct rule_device *device,
    struct rule_exposure *out)
{
	int is_any = 0;

	memset(out, 0, sizeof(*out));
	if (rule->nselectors == 0) {
		out->is_all = 1;
		return 1;
	}
	for (unsigned config = 0; config < RULE_CONFIGS; config++) {
		is_any |=
		    expose_config(rule, device, config, out->mask[config]);
	}
	return is_any;
}

/* The selector's whose class, triple or number is that of an interface, in any
 * of its alternates. */
static const char *
selected_profile(const struct rule *rule, const struct rule_device *device,
    unsigned config, uint8_t number)
{
	for (size_t k = 0; k < rule->nselectors; k++) {
		for (size_t i = 0; i < device->ninterfaces; i++) {
			const struct rule_interface *interface =
			    &device->interfaces[i];

			if (interface->config == config &&
			    interface->number == number &&
			    selector_fits(&rule->selectors[k], interface)) {
				return rule->selectors[k].profile;
			}
		}
	}
	return NULL;
}

static const struct rule_interface *
find_interface(
    const struct rule_device *device, unsigned config, unsigned number)
{
	for (size_t i = 0; i < device->ninterfaces; i++) {
		if (device->interfaces[i].config == config &&
		    device->interfaces[i].number == number) {
			return &device->interfaces[i];
		}
	}
	return NULL;
}

/* Of the next lower interface that is no data interface, if that has data. */
static const char *
owners_profile(const struct rule *rule, const struct rule_device *device,
    unsigned config, unsigned number)
{
	const struct rule_interface *it =
	    find_interface(device, config, number);

	if (it == NULL || !is_data(it)) {
		return NULL;
	}
	while (number-- > 0) {
		it = find_interface(device, config, number);
		if (it != NULL && !is_data(it)) {
			return has_data(it) ? selected_profile(rule, device,
						  config, (uint8_t)number) :
					      NULL;
		}
	}
	return NULL;
}

const char *
expose_profile(const struct rule *rule, const struct rule_device *device,
    unsigned config, uint8_t number)
{
	const char *name = selected_profile(rule, device, config, number);

	if (name == NULL) {
		name = owners_profile(rule, device, config, number);
	}
	return name != NULL && *name != '\0' ? name : rule->grant.profile;
}

void
expose_reduce(const struct rule_exposure *exposure,
    const struct rule_device *device, struct rule_interface *list,
    struct rule_device *out)
{
	*out = *device;
	if (exposure->is_all) {
		return;
	}
	out->interfaces = list;
	out->ninterfaces = 0;
	for (size_t i = 0;
	     i < device->ninterfaces && i < RULE_INTERFACES_MAX; i++) {
		const struct rule_interface *interface =
		    &device->interfaces[i];

		if (interface->config < RULE_CONFIGS &&
		    has_bit(exposure->mask[interface->config],
			interface->number)) {
			list[out->ninterfaces++] = *interface;
		}
	}
}
