/*
 * Class codes in words (usb.org, defined class codes). Every number has one.
 */
#ifndef WIRE_CLASS_WORDS_H
#define WIRE_CLASS_WORDS_H

#include <stdint.h>

/* Of an interface, or of a device whose class is not 0. "" of what says nothing
 * beside another: the data interface of a communications device. */
const char *usb_class_word(uint8_t class, uint8_t subclass, uint8_t protocol);

#endif
