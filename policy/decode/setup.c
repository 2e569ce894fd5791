/*
 * See setup.h. One table for each class: bRequest, direction, name. The
 * direction is that of bmRequestType bit 7, since a device may look at bRequest
 * alone and a profile must not take a write for a read.
 */
#include "policy/decode/setup.h"

#include "policy/decode/av.h"
#include "policy/facts/setup.h"
#include "wire/cursor.h"

enum { TYPE_STANDARD, TYPE_CLASS, TYPE_VENDOR };
enum { TO_DEVICE, TO_INTERFACE, TO_ENDPOINT };

#define CLASS_AUDIO 0x01
#define CLASS_CDC 0x02
#define CLASS_HID 0x03
#define CLASS_IMAGE 0x06
#define CLASS_PRINTER 0x07
#define CLASS_STORAGE 0x08
#define CLASS_CCID 0x0b
#define CLASS_VIDEO 0x0e
#define CLASS_WIRELESS 0xe0
#define CLASS_MISC 0xef
#define CLASS_APPLICATION 0xfe

#define LINE_CODING_SIZE 7u /* PSTN 1.2 6.3.11 */

struct request {
	uint8_t number, is_in;
	uint8_t name; /* enum setup_request */
};
_Static_assert(REQUESTS <= 256, "a name fits a byte");

#define OUT(number, name) {number, 0, name}
#define IN(number, name) {number, 1, name}
#define END {0, 0, REQ_NONE}

static const struct request standard[] = {
	IN(0x00, REQ_GET_STATUS),
	OUT(0x05, REQ_SET_ADDRESS),
	IN(0x06, REQ_GET_DESCRIPTOR),
	OUT(0x07, REQ_SET_DESCRIPTOR),
	IN(0x08, REQ_GET_CONFIGURATION),
	OUT(0x09, REQ_SET_CONFIGURATION),
	IN(0x0a, REQ_GET_INTERFACE),
	OUT(0x0b, REQ_SET_INTERFACE),
	IN(0x0c, REQ_SYNCH_FRAME),
	OUT(0x30, REQ_SET_SEL),
	OUT(0x31, REQ_SET_ISOCH_DELAY),
	END,
};

static const struct request hid[] = {
	IN(0x01, REQ_HID_GET_REPORT),
	IN(0x02, REQ_HID_GET_IDLE),
	IN(0x03, REQ_HID_GET_PROTOCOL),
	OUT(0x09, REQ_HID_SET_REPORT),
	OUT(0x0a, REQ_HID_SET_IDLE),
	OUT(0x0b, REQ_HID_SET_PROTOCOL),
	END,
};

static const struct request storage[] = {
	OUT(0x00, REQ_CBI_COMMAND),
	IN(0xfe, REQ_GET_MAX_LUN),
	OUT(0xff, REQ_BOT_RESET),
	END,
};

/* Also of RNDIS, whose control interface is of another class. */
static const struct request cdc[] = {
	OUT(0x00, REQ_CDC_SEND_COMMAND),
	IN(0x01, REQ_CDC_GET_RESPONSE),
	OUT(0x02, REQ_CDC_SET_COMM_FEATURE),
	IN(0x03, REQ_CDC_GET_COMM_FEATURE),
	OUT(0x04, REQ_CDC_CLEAR_COMM_FEATURE),
	OUT(0x05, REQ_CDC_RESET_FUNCTION),
	OUT(0x20, REQ_CDC_SET_LINE_CODING),
	IN(0x21, REQ_CDC_GET_LINE_CODING),
	OUT(0x22, REQ_CDC_SET_CONTROL_LINE_STATE),
	OUT(0x23, REQ_CDC_SEND_BREAK),
	OUT(0x40, REQ_CDC_SET_MULTICAST_FILTERS),
	OUT(0x41, REQ_CDC_SET_PATTERN_FILTER),
	IN(0x42, REQ_CDC_GET_PATTERN_FILTER),
	OUT(0x43, REQ_CDC_SET_PACKET_FILTER),
	IN(0x44, REQ_CDC_GET_STATISTIC),
	IN(0x80, REQ_NCM_GET_NTB_PARAMETERS),
	IN(0x81, REQ_NCM_GET_NET_ADDRESS),
	OUT(0x82, REQ_NCM_SET_NET_ADDRESS),
	IN(0x83, REQ_NCM_GET_NTB_FORMAT),
	OUT(0x84, REQ_NCM_SET_NTB_FORMAT),
	IN(0x85, REQ_NCM_GET_NTB_INPUT_SIZE),
	OUT(0x86, REQ_NCM_SET_NTB_INPUT_SIZE),
	IN(0x87, REQ_NCM_GET_MAX_DATAGRAM_SIZE),
	OUT(0x88, REQ_NCM_SET_MAX_DATAGRAM_SIZE),
	IN(0x89, REQ_NCM_GET_CRC_MODE),
	OUT(0x8a, REQ_NCM_SET_CRC_MODE),
	END,
};

static const struct request audio1[] = {
	OUT(0x01, REQ_UAC_SET_CUR),
	OUT(0x02, REQ_UAC_SET_MIN),
	OUT(0x03, REQ_UAC_SET_MAX),
	OUT(0x04, REQ_UAC_SET_RES),
	OUT(0x05, REQ_UAC_SET_MEM),
	IN(0x81, REQ_UAC_GET_CUR),
	IN(0x82, REQ_UAC_GET_MIN),
	IN(0x83, REQ_UAC_GET_MAX),
	IN(0x84, REQ_UAC_GET_RES),
	IN(0x85, REQ_UAC_GET_MEM),
	IN(0xff, REQ_UAC_GET_STAT),
	END,
};

/* bInterfaceProtocol 0x20 and 0x30 */
static const struct request audio2[] = {
	OUT(0x01, REQ_UAC_SET_CUR),
	IN(0x01, REQ_UAC_GET_CUR),
	OUT(0x02, REQ_UAC_SET_RANGE),
	IN(0x02, REQ_UAC_GET_RANGE),
	OUT(0x03, REQ_UAC_SET_MEM),
	IN(0x03, REQ_UAC_GET_MEM),
	END,
};

static const struct request video[] = {
	OUT(0x01, REQ_UVC_SET_CUR),
	OUT(0x11, REQ_UVC_SET_CUR_ALL),
	IN(0x81, REQ_UVC_GET_CUR),
	IN(0x82, REQ_UVC_GET_MIN),
	IN(0x83, REQ_UVC_GET_MAX),
	IN(0x84, REQ_UVC_GET_RES),
	IN(0x85, REQ_UVC_GET_LEN),
	IN(0x86, REQ_UVC_GET_INFO),
	IN(0x87, REQ_UVC_GET_DEF),
	IN(0x91, REQ_UVC_GET_CUR_ALL),
	IN(0x92, REQ_UVC_GET_MIN_ALL),
	IN(0x93, REQ_UVC_GET_MAX_ALL),
	IN(0x94, REQ_UVC_GET_RES_ALL),
	IN(0x97, REQ_UVC_GET_DEF_ALL),
	END,
};

static const struct request printer[] = {
	IN(0x00, REQ_PRINTER_GET_DEVICE_ID),
	IN(0x01, REQ_PRINTER_GET_PORT_STATUS),
	OUT(0x02, REQ_PRINTER_SOFT_RESET),
	END,
};

static const struct request card[] = {
	OUT(0x01, REQ_CCID_ABORT),
	IN(0x02, REQ_CCID_GET_CLOCK_FREQUENCIES),
	IN(0x03, REQ_CCID_GET_DATA_RATES),
	END,
};

static const struct request dfu[] = {
	OUT(0x00, REQ_DFU_DETACH),
	OUT(0x01, REQ_DFU_DNLOAD),
	IN(0x02, REQ_DFU_UPLOAD),
	IN(0x03, REQ_DFU_GETSTATUS),
	OUT(0x04, REQ_DFU_CLRSTATUS),
	IN(0x05, REQ_DFU_GETSTATE),
	OUT(0x06, REQ_DFU_ABORT),
	END,
};

static const struct request image[] = {
	OUT(0x64, REQ_PTP_CANCEL),
	IN(0x65, REQ_PTP_GET_EXTENDED_EVENT_DATA),
	OUT(0x66, REQ_PTP_RESET),
	IN(0x67, REQ_PTP_GET_STATUS),
	END,
};

static const struct request none[] = {END};

static const struct request *
class_requests(const struct desc_alt *alt)
{
	switch (alt->class) {
	case CLASS_AUDIO:
		return alt->protocol == 0x00 ? audio1 : audio2;
	case CLASS_CDC:
		return cdc;
	case CLASS_HID:
		return hid;
	case CLASS_IMAGE:
		return image;
	case CLASS_PRINTER:
		return printer;
	case CLASS_STORAGE:
		return storage;
	case CLASS_CCID:
		return card;
	case CLASS_VIDEO:
		return video;
	case CLASS_WIRELESS:
		return alt->subclass == 1 && alt->protocol == 3 ? cdc : none;
	case CLASS_MISC:
		return alt->subclass == 4 ? cdc : none;
	case CLASS_APPLICATION:
		return alt->subclass == 1 ? dfu : none;
	}
	return none;
}

static enum setup_request
find(const struct request *r, const uint8_t setup[8])
{
	for (; r->name != REQ_NONE; r++) {
		if (r->number == setup[1] && r->is_in == setup[0] >> 7) {
			return (enum setup_request)r->name;
		}
	}
	return REQ_NONE;
}

/* CLEAR_FEATURE and SET_FEATURE: USB 2.0 table 9-6, USB 3.2 table 9-9. */
static enum setup_request
feature_name(const uint8_t setup[8], unsigned recipient)
{
	static const struct {
		uint8_t recipient, feature, clear, set;
	} table[] = {
		{TO_ENDPOINT, 0, REQ_CLEAR_HALT, REQ_SET_HALT},
		{TO_INTERFACE, 0, REQ_CLEAR_FUNCTION_SUSPEND,
		    REQ_SET_FUNCTION_SUSPEND},
		{TO_DEVICE, 1, REQ_CLEAR_REMOTE_WAKEUP, REQ_SET_REMOTE_WAKEUP},
		{TO_DEVICE, 2, REQ_CLEAR_FEATURE, REQ_SET_TEST_MODE},
		{TO_DEVICE, 48, REQ_CLEAR_U1_ENABLE, REQ_SET_U1_ENABLE},
		{TO_DEVICE, 49, REQ_CLEAR_U2_ENABLE, REQ_SET_U2_ENABLE},
		{TO_DEVICE, 50, REQ_CLEAR_LTM_ENABLE, REQ_SET_LTM_ENABLE},
	};
	int is_clear = setup[1] == 0x01;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].recipient == recipient &&
		    table[i].feature == le16_at(setup + 2)) {
			return (enum setup_request)(is_clear ? table[i].clear :
							       table[i].set);
		}
	}
	return is_clear ? REQ_CLEAR_FEATURE : REQ_SET_FEATURE;
}

static enum setup_request
standard_name(const uint8_t setup[8], unsigned recipient,
    const struct decode_iface *iface)
{
	if ((setup[1] == 0x01 || setup[1] == 0x03) && setup[0] < 0x80) {
		return feature_name(setup, recipient);
	}
	if (setup[0] == 0x81 && setup[1] == 0x06 && setup[3] >= 0x21 &&
	    setup[3] <= 0x23 && iface != NULL &&
	    iface->alt->class == CLASS_HID) {
		return REQ_HID_GET_DESCRIPTOR;
	}
	return find(standard, setup);
}

/* Facts that only the class knows where to look for. */
static void
class_facts(struct facts *f, enum setup_request name, const uint8_t setup[8],
    const uint8_t *data, uint32_t len, const struct decode_iface *iface)
{
	uint8_t class = iface->alt->class;

	if (name == REQ_HID_GET_REPORT || name == REQ_HID_SET_REPORT) {
		facts_set(f, FACT_KIND, setup[3]);
		facts_set(f, FACT_REPORT_ID, setup[2]);
	} else if (name == REQ_HID_GET_IDLE || name == REQ_HID_SET_IDLE) {
		facts_set(f, FACT_REPORT_ID, setup[2]);
	} else if (name == REQ_CDC_SET_LINE_CODING && data != NULL &&
	    len >= LINE_CODING_SIZE) {
		facts_set(f, FACT_BAUD, le32_at(data));
	}
	/* Audio 1.0 5.2.2, audio 2.0 5.2.2, UVC 1.5 4.2; an endpoint has
	 * controls, but is no entity */
	if (class == CLASS_AUDIO || class == CLASS_VIDEO) {
		facts_set(f, FACT_CONTROL, av_control(iface, setup));
		if ((setup[0] & 0x1f) == TO_INTERFACE) {
			facts_set(f, FACT_ENTITY, setup[5]);
		}
	}
}

void
setup_facts(struct facts *f, const uint8_t setup[8], const uint8_t *data,
    uint32_t len, const struct decode_iface *iface)
{
	unsigned type = setup[0] >> 5 & 3, recipient = setup[0] & 0x1f;
	enum setup_request name = REQ_NONE;

	facts_init(f, HOOK_SETUP);
	facts_set(f, FACT_TYPE, type);
	facts_set(f, FACT_RECIPIENT, recipient);
	facts_set(f, FACT_REQUEST, setup[1]);
	facts_set(f, FACT_VALUE, le16_at(setup + 2));
	facts_set(f, FACT_INDEX, le16_at(setup + 4));
	facts_set(f, FACT_WLENGTH, le16_at(setup + 6));
	facts_set(f, FACT_DIR, setup[0] >> 7);
	if (data != NULL) {
		f->bytes = data;
		f->nbytes = len;
	}
	if (type == TYPE_STANDARD) {
		name = standard_name(setup, recipient, iface);
	} else if (type == TYPE_CLASS && iface != NULL) {
		name = find(class_requests(iface->alt), setup);
		class_facts(f, name, setup, data, len, iface);
	}
	if (name != REQ_NONE) {
		facts_set(f, FACT_REQUEST_NAME, name);
	}
}

uint8_t
setup_interface(const uint8_t setup[8], const struct desc_config *config)
{
	if (setup[0] == 0xa1 && setup[1] == 0x00) {
		const struct desc_alt *alt =
		    desc_find_alt(config, setup[5], setup[4]);

		if (alt != NULL && alt->class == CLASS_PRINTER) {
			return setup[5];
		}
	}
	return setup[4];
}
