/*
 * The seam to the USB device: libusb on a usbfs descriptor that somebody else
 * opened, or a simulated device (tests/fake/usb_sim.c). One device per process.
 * The session and the probe know nothing else of USB hardware.
 */
#ifndef PROXY_USB_USB_H
#define PROXY_USB_USB_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct usb_dev;

enum urb_type { URB_CONTROL, URB_ISO, URB_BULK, URB_INTERRUPT };

/* How a transfer ended. */
enum urb_result {
	URB_OK,	       /* actual bytes moved; may be short */
	URB_STALL,
	URB_CANCELLED, /* by cancel; actual bytes may have moved before */
	URB_OVERFLOW,  /* babble */
	URB_GONE,      /* the device left */
	URB_ERROR,     /* anything else on the bus */
};

enum urb_flags {
	URB_ZERO_PACKET = 1,  /* bulk OUT: end with a zero-length packet */
	URB_SHORT_NOT_OK = 2, /* IN: a short answer is an error (the session
				 turns URB_OK into EREMOTEIO itself) */
};

struct urb_iso {
	uint32_t length; /* in: of this packet */
	uint32_t actual; /* out */
	enum urb_result result;
};

/* Bytes kept free in front of data, for the backend's control setup. */
#define URB_HEADROOM 8u

/* One transfer. The caller owns it and its buffers and leaves them alone from
 * a successful submit until done is called. */
struct urb {
	enum urb_type type;
	uint8_t endpoint; /* address with the direction bit */
	uint8_t setup[8]; /* control only; wLength == length */
	unsigned flags;	  /* enum urb_flags */
	uint8_t *data;	  /* length bytes, with URB_HEADROOM writable before */
	uint32_t length;
	struct urb_iso *iso; /* isochronous: npackets entries, back to back */
	uint32_t npackets;

	uint32_t actual; /* out */
	enum urb_result result;

	void *backend; /* the backend's own, kept from one use to the next; given
			  back by urb_release */
};

/* Callbacks; each may call submit and cancel, but not close. */
struct usb_sink {
	/* A submitted URB ended: exactly once for each. */
	void (*done)(void *arg, struct urb *urb);
	/* The device left or its descriptor broke; URBs in flight end with
	 * URB_GONE, before or after. At most once. */
	void (*gone)(void *arg);
	void *arg;
};

struct usb_open {
	int fd;		  /* usbfs node, open for writing; taken: closed by
			     close, also when open fails */
	struct loop *loop; /* borrowed until close */
};

/* All return 0 or a negative enum err: ERR_STALL, ERR_CLOSED (device gone),
 * ERR_BUSY, ERR_AGAIN (no kernel memory for URBs now: back-pressure, try when
 * another is done), ERR_NOMEM, ERR_SYS. */
struct usb_ops {
	const char *name;
	int (*open)(struct usb_dev **out, const struct usb_open *how,
	    const struct usb_sink *sink);
	/* Asynchronous. On failure done is not called. */
	int (*submit)(struct usb_dev *dev, struct urb *urb);
	/* Asks for an early end; done still fires, with what really happened.
	 * ERR_NOENT when the URB is not in flight any more. */
	int (*cancel)(struct usb_dev *dev, struct urb *urb);
	int (*claim)(struct usb_dev *dev, uint8_t interface);
	int (*release)(struct usb_dev *dev, uint8_t interface);
	/* These three block (USB has no asynchronous form of them). */
	int (*set_interface)(
	    struct usb_dev *dev, uint8_t interface, uint8_t alternate);
	int (*clear_halt)(struct usb_dev *dev, uint8_t endpoint);
	/* ERR_NOENT: it came back as another device and must be opened anew. */
	int (*reset)(struct usb_dev *dev);
	/* enum usbip_speed of the device, 0 if unknown. */
	int (*speed)(struct usb_dev *dev);
	/* Gives back what the backend keeps in an URB that is not in flight. */
	void (*urb_release)(struct usb_dev *dev, struct urb *urb);
	/* Cancels what is in flight, waits for it (bounded), gives back what
	 * the backend keeps in URBs (which must live until then), frees. After
	 * it no callback, ever. NULL is fine. */
	void (*close)(struct usb_dev *dev);
};

/* The backend that this program was linked with: proxy/usb/libusb.c, or
 * tests/fake/usb_sim.c. */
extern const struct usb_ops *const usb_backend;

#endif
