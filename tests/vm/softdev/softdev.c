/*
 * The engine of software devices: usbredir on one side, a model on the other.
 * One thread, one poll. Trusts its peer, which is QEMU.
 *
 *   hello -> endpoints -> device_connect -> requests and streams -> disconnect
 *
 * Isochronous IN: QEMU asks for nothing, it takes what comes at the rate of the
 * endpoint, buffers 60 ms of it by its own sums and drops what is beyond twice
 * of that. So packets are paced by the clock here. The interval told to QEMU is
 * 1, whatever the descriptor says, and a burst goes ahead: at high speed that
 * makes the buffer 480 packets.
 */
#include "tests/vm/softdev/softdev.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <usbredirparser.h>

#define ENDPOINTS 32u
#define INTERFACES 32u
#define TICK 4		     /* ms between looks at the streams */
#define BURST 480u	     /* packets ahead at high speed */
#define BACKLOG (1u << 20)   /* bytes that QEMU may be behind */
#define BULK_MAX (4u << 20)

struct stream {
	int is_on;
	uint64_t start, period; /* ns */
	uint64_t sent, dropped; /* packets */
};

struct softdev {
	const struct softdev_model *model;
	struct usbredirparser *parser;
	int fd;
	int is_over, is_greeted, is_plugged;
	uint8_t configuration;
	uint8_t alts[INTERFACES];
	uint8_t interrupts[ENDPOINTS]; /* 1: the host reads there */
	struct stream streams[ENDPOINTS];
};

static volatile sig_atomic_t is_stopped;

uint64_t
softdev_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
softdev_said(char *text, size_t size)
{
	FILE *f = fopen(SOFTDEV_SAYS, "re");

	text[0] = '\0';
	if (f == NULL) {
		return;
	}
	if (fgets(text, (int)size, f) == NULL) {
		text[0] = '\0';
	}
	(void)fclose(f);
	text[strcspn(text, "\n")] = '\0';
}

static unsigned
index_of(uint8_t ep)
{
	return (ep & 0x0f) | (ep & 0x80) >> 3;
}

/* ------------------------------------------------------------------------ */
/* The model's configuration, and what QEMU is told of it                   */

/* The active descriptor of an endpoint, or NULL. */
static const uint8_t *
find_endpoint(const struct softdev *dev, uint8_t ep)
{
	const uint8_t *p = dev->model->config;
	const uint8_t *last = p + dev->model->config_len;
	int is_active = 0;

	for (; p < last; p += p[0]) {
		if (p[1] == 4) {
			is_active = dev->alts[p[2] % INTERFACES] == p[3];
		} else if (p[1] == 5 && is_active && p[2] == ep) {
			return p;
		}
	}
	return NULL;
}

static unsigned
packet_size(const uint8_t *endpoint)
{
	unsigned raw = endpoint[4] | (unsigned)endpoint[5] << 8;

	return (raw & 0x7ff) * (1 + (raw >> 11 & 3));
}

static void
tell_endpoints(struct softdev *dev)
{
	struct usb_redir_interface_info_header ifaces = {0};
	struct usb_redir_ep_info_header eps = {0};
	const uint8_t *p = dev->model->config;
	const uint8_t *last = p + dev->model->config_len;
	uint8_t interface = 0;
	int is_active = 0;

	memset(eps.type, usb_redir_type_invalid, sizeof(eps.type));
	eps.type[0] = eps.type[16] = usb_redir_type_control;
	for (; p < last; p += p[0]) {
		unsigned at;

		if (p[1] == 4) {
			interface = p[2];
			is_active = dev->alts[p[2] % INTERFACES] == p[3];
			if (!is_active) {
				continue;
			}
			at = ifaces.interface_count++;
			ifaces.interface[at] = p[2];
			ifaces.interface_class[at] = p[5];
			ifaces.interface_subclass[at] = p[6];
			ifaces.interface_protocol[at] = p[7];
		} else if (p[1] == 5 && is_active) {
			at = index_of(p[2]);
			eps.type[at] = p[3] & 3;
			eps.interval[at] = (p[3] & 3) == 1 ? 1 : p[6];
			eps.interface[at] = interface;
			eps.max_packet_size[at] = (uint16_t)packet_size(p);
		}
	}
	usbredirparser_send_interface_info(dev->parser, &ifaces);
	usbredirparser_send_ep_info(dev->parser, &eps);
}

void
softdev_return(struct softdev *dev)
{
	const uint8_t *d = dev->model->device;
	struct usb_redir_device_connect_header plug = {
	    .speed = (uint8_t)dev->model->speed,
	    .device_class = d[4],
	    .device_subclass = d[5],
	    .device_protocol = d[6],
	    .vendor_id = (uint16_t)(d[8] | d[9] << 8),
	    .product_id = (uint16_t)(d[10] | d[11] << 8),
	    .device_version_bcd = (uint16_t)(d[12] | d[13] << 8),
	};

	if (!dev->is_greeted || dev->is_plugged) {
		return;
	}
	dev->is_plugged = 1;
	tell_endpoints(dev);
	usbredirparser_send_device_connect(dev->parser, &plug);
}

static void
on_hello(void *priv, struct usb_redir_hello_header *hello)
{
	struct softdev *dev = priv;

	(void)hello;
	dev->is_greeted = 1;
	softdev_return(dev);
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                 */

static void
put(struct softdev_reply *reply, const void *data, size_t len)
{
	reply->status = SOFTDEV_OK;
	reply->len = len < SOFTDEV_CONTROL ? len : SOFTDEV_CONTROL;
	memcpy(reply->data, data, reply->len);
}

static void
put_string(struct softdev_reply *reply, const struct softdev_model *model,
    uint8_t index)
{
	static const uint8_t languages[] = {4, 3, U16(0x0409)};
	const char *text = NULL;
	size_t n;

	if (index == 0) {
		put(reply, languages, sizeof(languages));
		return;
	}
	for (unsigned i = 1; model->strings[i - 1] != NULL; i++) {
		if (i == index) {
			text = model->strings[i - 1];
		}
	}
	if (text == NULL) {
		return;
	}
	n = strlen(text) < 126 ? strlen(text) : 126;
	reply->status = SOFTDEV_OK;
	reply->len = 2 + 2 * n;
	reply->data[0] = (uint8_t)reply->len;
	reply->data[1] = 3;
	for (size_t i = 0; i < n; i++) {
		reply->data[2 + 2 * i] = (uint8_t)text[i];
		reply->data[3 + 2 * i] = 0;
	}
}

static void
get_descriptor(struct softdev *dev, const uint8_t setup[8],
    struct softdev_reply *reply)
{
	const struct softdev_model *model = dev->model;

	switch (setup[3]) {
	case 1:
		put(reply, model->device, 18);
		return;
	case 2:
		if (setup[2] == 0) {
			put(reply, model->config, model->config_len);
		}
		return;
	case 3:
		put_string(reply, model, setup[2]);
		return;
	case 6: /* qualifier: the same at the other speed */
		if (model->speed == SOFTDEV_HIGH) {
			uint8_t q[10] = {10, 6};

			memcpy(q + 2, model->device + 2, 6);
			q[8] = model->device[17];
			put(reply, q, sizeof(q));
		}
		return;
	}
}

static int
is_answered(struct softdev *dev, const uint8_t setup[8],
    struct softdev_reply *reply)
{
	return dev->model->standard != NULL &&
	    dev->model->standard(dev, setup, reply) == 1;
}

/* What the model has to say of a request that usbredir has a packet for:
 * SOFTDEV_OK, a status instead, or SOFTDEV_NEVER. */
static int
status_of(struct softdev *dev, uint8_t type, uint8_t request, uint8_t value,
    uint8_t index)
{
	static struct softdev_reply reply;
	const uint8_t setup[8] = {type, request, value, 0, index};

	reply.status = SOFTDEV_OK;
	return is_answered(dev, setup, &reply) ? reply.status : SOFTDEV_OK;
}

static void
standard(struct softdev *dev, const uint8_t setup[8],
    struct softdev_reply *reply)
{
	static const uint8_t status[2] = {0, 0};

	reply->status = SOFTDEV_STALL;
	if (is_answered(dev, setup, reply)) {
		return;
	}
	switch (setup[1]) {
	case 0: /* GET_STATUS */
		put(reply, status, sizeof(status));
		return;
	case 1: /* CLEAR_FEATURE */
	case 3: /* SET_FEATURE */
		reply->status = SOFTDEV_OK;
		return;
	case 6: /* GET_DESCRIPTOR */
		get_descriptor(dev, setup, reply);
		return;
	}
}

static void
on_control(void *priv, uint64_t id,
    struct usb_redir_control_packet_header *hdr, uint8_t *data, int data_len)
{
	static struct softdev_reply reply;
	struct softdev *dev = priv;
	const uint8_t setup[8] = {hdr->requesttype, hdr->request,
	    U16(hdr->value), U16(hdr->index), U16(hdr->length)};

	memset(&reply, 0, sizeof(reply));
	if ((hdr->requesttype & 0x60) == 0) {
		standard(dev, setup, &reply);
	} else if (dev->model->control != NULL) {
		dev->model->control(
		    dev, setup, data, (size_t)data_len, &reply);
	} else {
		reply.status = SOFTDEV_STALL;
	}
	usbredirparser_free_packet_data(dev->parser, data);
	if (reply.status == SOFTDEV_NEVER) {
		return;
	}
	hdr->status = (uint8_t)reply.status;
	if ((hdr->requesttype & 0x80) != 0) {
		hdr->length = (uint16_t)(
		    reply.len < hdr->length ? reply.len : hdr->length);
		if (reply.status != SOFTDEV_OK) {
			hdr->length = 0;
		}
		usbredirparser_send_control_packet(dev->parser, id, hdr,
		    hdr->length > 0 ? reply.data : NULL, hdr->length);
	} else {
		usbredirparser_send_control_packet(
		    dev->parser, id, hdr, NULL, 0);
	}
}

static void
streams_stop(struct softdev *dev)
{
	for (unsigned i = 0; i < ENDPOINTS; i++) {
		dev->streams[i].is_on = 0;
	}
}

static void
on_reset(void *priv)
{
	struct softdev *dev = priv;

	streams_stop(dev);
	memset(dev->alts, 0, sizeof(dev->alts));
	memset(dev->interrupts, 0, sizeof(dev->interrupts));
	dev->configuration = 0;
}

void
softdev_leave(struct softdev *dev)
{
	if (dev->is_plugged) {
		dev->is_plugged = 0;
		on_reset(dev);
		usbredirparser_send_device_disconnect(dev->parser);
	}
}

static void
configuration_is(struct softdev *dev, uint64_t id, int status)
{
	struct usb_redir_configuration_status_header reply = {
	    .status = (uint8_t)status, .configuration = dev->configuration};

	if (status == SOFTDEV_NEVER) {
		return;
	}
	usbredirparser_send_configuration_status(dev->parser, id, &reply);
}

static void
on_set_configuration(void *priv, uint64_t id,
    struct usb_redir_set_configuration_header *hdr)
{
	struct softdev *dev = priv;
	int status = status_of(dev, 0, 9, hdr->configuration, 0);

	if (hdr->configuration != 0 &&
	    hdr->configuration != dev->model->config[5]) {
		status = SOFTDEV_STALL;
	}
	if (status != SOFTDEV_OK) {
		configuration_is(dev, id, status);
		return;
	}
	streams_stop(dev);
	memset(dev->alts, 0, sizeof(dev->alts));
	dev->configuration = hdr->configuration;
	tell_endpoints(dev);
	configuration_is(dev, id, usb_redir_success);
}

static void
on_get_configuration(void *priv, uint64_t id)
{
	configuration_is(priv, id, status_of(priv, 0x80, 8, 0, 0));
}

static void
alt_is(struct softdev *dev, uint64_t id, uint8_t interface, int status)
{
	struct usb_redir_alt_setting_status_header reply = {
	    .status = (uint8_t)status,
	    .interface = interface,
	    .alt = dev->alts[interface % INTERFACES],
	};

	if (status == SOFTDEV_NEVER) {
		return;
	}
	usbredirparser_send_alt_setting_status(dev->parser, id, &reply);
}

static void
on_set_alt(void *priv, uint64_t id,
    struct usb_redir_set_alt_setting_header *hdr)
{
	struct softdev *dev = priv;
	uint8_t interface = hdr->interface % INTERFACES;
	int status = status_of(dev, 1, 11, hdr->alt, interface);

	if (status != SOFTDEV_OK) {
		alt_is(dev, id, interface, status);
		return;
	}
	dev->alts[interface] = hdr->alt;
	tell_endpoints(dev);
	if (dev->model->set_alt != NULL) {
		dev->model->set_alt(dev, interface, hdr->alt);
	}
	alt_is(dev, id, interface, usb_redir_success);
}

static void
on_get_alt(void *priv, uint64_t id,
    struct usb_redir_get_alt_setting_header *hdr)
{
	alt_is(priv, id, hdr->interface,
	    status_of(priv, 0x81, 10, 0, hdr->interface));
}

/* ------------------------------------------------------------------------ */
/* Data                                                                     */

static void
on_bulk(void *priv, uint64_t id, struct usb_redir_bulk_packet_header *hdr,
    uint8_t *data, int data_len)
{
	struct softdev *dev = priv;
	size_t len = hdr->length | (size_t)hdr->length_high << 16;
	int is_in = (hdr->endpoint & 0x80) != 0;
	int status = SOFTDEV_STALL;
	uint8_t *buf = data;

	if (is_in) {
		buf = len <= BULK_MAX ? calloc(1, len + 1) : NULL;
	} else {
		len = (size_t)data_len;
	}
	if (dev->model->bulk != NULL && (buf != NULL || len == 0)) {
		status = dev->model->bulk(dev, hdr->endpoint, buf, &len);
	}
	if (status != SOFTDEV_OK) {
		len = 0;
	}
	if (status != SOFTDEV_NEVER) {
		hdr->status = (uint8_t)status;
		hdr->length = (uint16_t)(len & 0xffff);
		hdr->length_high = (uint16_t)(len >> 16);
		usbredirparser_send_bulk_packet(dev->parser, id, hdr,
		    is_in && len > 0 ? buf : NULL, is_in ? (int)len : 0);
	}
	if (is_in) {
		free(buf);
	}
	usbredirparser_free_packet_data(dev->parser, data);
}

static void
on_iso_out(void *priv, uint64_t id, struct usb_redir_iso_packet_header *hdr,
    uint8_t *data, int data_len)
{
	struct softdev *dev = priv;

	(void)id;
	if (dev->model->iso_out != NULL) {
		dev->model->iso_out(
		    dev, hdr->endpoint, data, (size_t)data_len);
	}
	usbredirparser_free_packet_data(dev->parser, data);
}

static void
stream_is(struct softdev *dev, uint64_t id, uint8_t ep, uint8_t status)
{
	struct usb_redir_iso_stream_status_header reply = {
	    .status = status, .endpoint = ep};

	usbredirparser_send_iso_stream_status(dev->parser, id, &reply);
}

static void
on_start_iso(void *priv, uint64_t id,
    struct usb_redir_start_iso_stream_header *hdr)
{
	struct softdev *dev = priv;
	struct stream *stream = &dev->streams[index_of(hdr->endpoint)];
	const uint8_t *ep = find_endpoint(dev, hdr->endpoint);
	unsigned exponent;

	if (ep == NULL || (ep[3] & 3) != 1) {
		stream_is(dev, id, hdr->endpoint, usb_redir_stall);
		return;
	}
	exponent = ep[6] >= 1 && ep[6] <= 16 ? ep[6] - 1u : 0;
	*stream = (struct stream){
	    .is_on = 1,
	    .start = softdev_now(),
	    .period = (uint64_t)(dev->model->speed >= SOFTDEV_HIGH ? 125000
								   : 1000000)
		<< exponent,
	};
	stream_is(dev, id, hdr->endpoint, usb_redir_success);
}

static void
on_stop_iso(
    void *priv, uint64_t id, struct usb_redir_stop_iso_stream_header *hdr)
{
	struct softdev *dev = priv;
	struct stream *stream = &dev->streams[index_of(hdr->endpoint)];

	if (stream->is_on && (hdr->endpoint & 0x80) != 0) {
		warnx("stream %02x: %llu packets, %llu of them not sent",
		    hdr->endpoint, (unsigned long long)stream->sent,
		    (unsigned long long)stream->dropped);
	}
	stream->is_on = 0;
	stream_is(dev, id, hdr->endpoint, usb_redir_success);
}

/* What is due by the clock on an isochronous IN endpoint. */
static void
stream_send(struct softdev *dev, uint8_t ep, struct stream *stream)
{
	uint8_t buf[SOFTDEV_PACKET];
	const uint8_t *desc = find_endpoint(dev, ep);
	uint64_t due = (softdev_now() - stream->start) / stream->period;
	size_t max;

	if (desc == NULL) {
		return;
	}
	max = packet_size(desc);
	max = max < sizeof(buf) ? max : sizeof(buf);
	due += dev->model->speed == SOFTDEV_HIGH ? BURST : BURST / 8;
	while (stream->sent < due) {
		struct usb_redir_iso_packet_header hdr = {.endpoint = ep};
		size_t len = dev->model->iso_in(dev, ep, buf, max);

		if (usbredirparser_get_bufferered_output_size(dev->parser) >
		    BACKLOG) {
			stream->dropped++;
			stream->sent++;
			continue;
		}
		hdr.length = (uint16_t)len;
		usbredirparser_send_iso_packet(
		    dev->parser, stream->sent++, &hdr, buf, (int)len);
	}
}

static int
streams_send(struct softdev *dev)
{
	int any = 0;

	for (unsigned i = 16; i < ENDPOINTS; i++) {
		if (dev->streams[i].is_on && dev->model->iso_in != NULL) {
			stream_send(dev, (uint8_t)(0x80 | (i & 0x0f)),
			    &dev->streams[i]);
			any = 1;
		}
	}
	return any;
}

static void
on_start_interrupt(void *priv, uint64_t id,
    struct usb_redir_start_interrupt_receiving_header *hdr)
{
	struct usb_redir_interrupt_receiving_status_header reply = {
	    .status = usb_redir_success, .endpoint = hdr->endpoint};
	struct softdev *dev = priv;

	dev->interrupts[index_of(hdr->endpoint)] = 1;
	usbredirparser_send_interrupt_receiving_status(
	    dev->parser, id, &reply);
}

static void
on_stop_interrupt(void *priv, uint64_t id,
    struct usb_redir_stop_interrupt_receiving_header *hdr)
{
	struct usb_redir_interrupt_receiving_status_header reply = {
	    .status = usb_redir_success, .endpoint = hdr->endpoint};
	struct softdev *dev = priv;

	dev->interrupts[index_of(hdr->endpoint)] = 0;
	usbredirparser_send_interrupt_receiving_status(
	    dev->parser, id, &reply);
}

int
softdev_interrupt(
    struct softdev *dev, uint8_t ep, const uint8_t *data, size_t len)
{
	struct usb_redir_interrupt_packet_header hdr = {
	    .endpoint = ep, .length = (uint16_t)len};
	uint8_t copy[SOFTDEV_PACKET];

	if (!dev->interrupts[index_of(ep)] || len > sizeof(copy)) {
		return 0;
	}
	memcpy(copy, data, len); /* the parser's argument is not const */
	usbredirparser_send_interrupt_packet(
	    dev->parser, 0, &hdr, copy, (int)len);
	return 1;
}

int
softdev_is_configured(const struct softdev *dev)
{
	return dev->configuration != 0;
}

/* Everything is answered when it comes, or never: nothing is to be cancelled. */
static void
on_cancel(void *priv, uint64_t id)
{
	(void)priv;
	(void)id;
}

/* ------------------------------------------------------------------------ */
/* The connection                                                           */

static void
on_log(void *priv, int level, const char *msg)
{
	(void)priv;
	if (level <= usbredirparser_warning) {
		warnx("%s", msg);
	}
}

static int
on_read(void *priv, uint8_t *data, int count)
{
	struct softdev *dev = priv;
	ssize_t n = read(dev->fd, data, (size_t)count);

	if (n > 0) {
		return (int)n;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	dev->is_over = 1;
	return -1;
}

static int
on_write(void *priv, uint8_t *data, int count)
{
	struct softdev *dev = priv;
	ssize_t n = write(dev->fd, data, (size_t)count);

	if (n >= 0) {
		return (int)n;
	}
	if (errno == EAGAIN || errno == EINTR) {
		return 0;
	}
	dev->is_over = 1;
	return -1;
}

static void
on_filter_reject(void *priv)
{
	struct softdev *dev = priv;

	warnx("QEMU does not take the device");
	dev->is_over = 1;
}

static int
open_path(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && S_ISCHR(st.st_mode)) {
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd == -1) {
			warn("open: %s", path);
		}
		return fd;
	}
	if (strlen(path) >= sizeof(addr.sun_path)) {
		warnx("connect: %s: name too long", path);
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		warn("connect: %s", path);
		if (fd != -1) {
			close(fd);
		}
		return -1;
	}
	return fd;
}

static void
parser_init(struct softdev *dev)
{
	uint32_t caps[USB_REDIR_CAPS_SIZE] = {0};
	struct usbredirparser *p = dev->parser;

	p->priv = dev;
	p->log_func = on_log;
	p->read_func = on_read;
	p->write_func = on_write;
	p->hello_func = on_hello;
	p->reset_func = on_reset;
	p->set_configuration_func = on_set_configuration;
	p->get_configuration_func = on_get_configuration;
	p->set_alt_setting_func = on_set_alt;
	p->get_alt_setting_func = on_get_alt;
	p->start_iso_stream_func = on_start_iso;
	p->stop_iso_stream_func = on_stop_iso;
	p->start_interrupt_receiving_func = on_start_interrupt;
	p->stop_interrupt_receiving_func = on_stop_interrupt;
	p->cancel_data_packet_func = on_cancel;
	p->filter_reject_func = on_filter_reject;
	p->control_packet_func = on_control;
	p->bulk_packet_func = on_bulk;
	p->iso_packet_func = on_iso_out;
	usbredirparser_caps_set_cap(
	    caps, usb_redir_cap_connect_device_version);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_filter);
	usbredirparser_caps_set_cap(
	    caps, usb_redir_cap_ep_info_max_packet_size);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_64bits_ids);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_32bits_bulk_length);
	usbredirparser_init(p, "softdev", caps, USB_REDIR_CAPS_SIZE,
	    usbredirparser_fl_usb_host);
}

static void
stop(int signal)
{
	(void)signal;
	is_stopped = 1;
}

/* Bounded, for QEMU may not read any more. */
static void
unplug(struct softdev *dev)
{
	if (!dev->is_plugged || dev->is_over) {
		return;
	}
	usbredirparser_send_device_disconnect(dev->parser);
	for (int i = 0;
	    i < 100 && usbredirparser_has_data_to_write(dev->parser) > 0; i++) {
		if (usbredirparser_do_write(dev->parser) == -1) {
			return;
		}
		poll(NULL, 0, 10);
	}
}

int
softdev_run(const struct softdev_model *model, const char *path)
{
	static struct softdev dev;
	const struct sigaction action = {.sa_handler = stop};
	struct pollfd pfd = {.events = POLLIN};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	dev.model = model;
	dev.fd = open_path(path);
	if (dev.fd == -1) {
		return 1;
	}
	dev.parser = usbredirparser_create();
	if (dev.parser == NULL) {
		errx(1, "out of memory");
	}
	parser_init(&dev);
	pfd.fd = dev.fd;
	while (!dev.is_over && !is_stopped) {
		int any = streams_send(&dev);
		int wait = model->tick != NULL ? model->tick(&dev) : -1;

		if (any && (wait == -1 || wait > TICK)) {
			wait = TICK;
		}

		if (usbredirparser_has_data_to_write(dev.parser) > 0) {
			usbredirparser_do_write(dev.parser);
		}
		pfd.events = POLLIN;
		if (usbredirparser_has_data_to_write(dev.parser) > 0) {
			pfd.events |= POLLOUT;
		}
		if (poll(&pfd, 1, wait) > 0 &&
		    (pfd.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
			usbredirparser_do_read(dev.parser);
		}
	}
	unplug(&dev);
	if (model->report != NULL) {
		model->report();
	}
	usbredirparser_destroy(dev.parser);
	close(dev.fd);
	return 0;
}
