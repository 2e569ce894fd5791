/*
 * Descriptors of a serial port: interface 0 controls, 1 has the data.
 */
#ifndef TESTS_UNIT_SERIAL_PORT_H
#define TESTS_UNIT_SERIAL_PORT_H

#define SERIAL_PORT(subclass, protocol)                                       \
	9, 2, 67, 0, 2, 1, 0, 0x80, 50, 9, 4, 0, 0, 1, 2, subclass, protocol, \
	0, 5, 0x24, 0, 0x10, 1, 5, 0x24, 1, 0, 1, 4, 0x24, 2, 2, 5, 0x24, 6,  \
	0, 1, 7, 5, 0x82, 3, 16, 0, 10, 9, 4, 1, 0, 2, 0x0a, 0, 0, 0, 7, 5,   \
	1, 2, 0, 2, 0, 7, 5, 0x81, 2, 0, 2, 0

#endif
