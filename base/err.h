/*
 * Error codes that every room shares. A code exists only where some caller
 * behaves differently on it. Pure constants: wire/ and policy/ may include
 * this header, and nothing else of base/.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	ERR_OK = 0,
	ERR_SHORT = -1,	    /* more bytes are needed; not wrong so far */
	ERR_FORMAT = -2,    /* bytes that no correct peer sends */
	ERR_LIMIT = -3,	    /* well-formed, but over a documented limit */
	ERR_POLICY = -4,    /* refused by policy or by the floor */
	ERR_SYS = -5,	    /* a system call failed; errno tells */
	ERR_PEER = -6,	    /* the peer broke the protocol's order */
	ERR_NOMEM = -7,	    /* no memory, or no room in the caller's buffer */
	ERR_AGAIN = -8,	    /* nothing to do now; the loop will call again */
	ERR_CLOSED = -9,    /* orderly end of the other side */
	ERR_NOENT = -10,    /* no such device, file or entry */
	ERR_BUSY = -11,	    /* exists, but somebody else holds it */
	ERR_TLS = -12,	    /* handshake or record failure */
	ERR_STALL = -13,    /* the device answered STALL */
	ERR_TIMEOUT = -14,  /* a deadline passed */
};

/* Short lower-case text for a code, never NULL. ERR_SYS gives strerror(errno)
 * as it is at the time of the call. */
const char *err_str(int err);

#endif
