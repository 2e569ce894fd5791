/*
 * The control requests that have a name. A request has exactly one, and it says
 * what the request does, not how it is spelled:
 *
 *  - CLEAR_FEATURE and SET_FEATURE are named by their feature: clear-halt,
 *    set-halt, set-remote-wakeup ...; with a feature that USB 2.0 9.4 and USB
 *    3.2 9.4 do not have, they are clear-feature and set-feature.
 *  - GET_DESCRIPTOR is get-descriptor. One that a HID interface is asked for,
 *    of a type that HID 1.11 7.1 defines (0x21..0x23), is hid-get-descriptor:
 *    it is part of using a HID; a profile of another class need not allow it.
 *  - A class request is named by the class of the interface that it goes to, or
 *    that has the endpoint. Where a class has one bRequest for both directions
 *    (audio 2.0 and 3.0), the direction decides; a request whose direction is
 *    not the one that its class gives it has no name.
 *  - Vendor requests, and those of a class to the whole device, have none.
 *
 * A standard request has its name whatever its other fields hold; whether those
 * make sense is the floor's business.
 */
#ifndef POLICY_FACTS_SETUP_H
#define POLICY_FACTS_SETUP_H

enum setup_request {
	REQ_NONE,

	/* USB 2.0 9.4, USB 3.2 9.4 */
	REQ_GET_STATUS,
	REQ_CLEAR_HALT,
	REQ_CLEAR_REMOTE_WAKEUP,
	REQ_CLEAR_FUNCTION_SUSPEND,
	REQ_CLEAR_U1_ENABLE,
	REQ_CLEAR_U2_ENABLE,
	REQ_CLEAR_LTM_ENABLE,
	REQ_CLEAR_FEATURE,
	REQ_SET_HALT,
	REQ_SET_REMOTE_WAKEUP,
	REQ_SET_FUNCTION_SUSPEND,
	REQ_SET_U1_ENABLE,
	REQ_SET_U2_ENABLE,
	REQ_SET_LTM_ENABLE,
	REQ_SET_TEST_MODE,
	REQ_SET_FEATURE,
	REQ_SET_ADDRESS,
	REQ_GET_DESCRIPTOR,
	REQ_SET_DESCRIPTOR,
	REQ_GET_CONFIGURATION,
	REQ_SET_CONFIGURATION,
	REQ_GET_INTERFACE,
	REQ_SET_INTERFACE,
	REQ_SYNCH_FRAME,
	REQ_SET_SEL,
	REQ_SET_ISOCH_DELAY,

	/* HID 1.11 7.1, 7.2 */
	REQ_HID_GET_DESCRIPTOR,
	REQ_HID_GET_REPORT,
	REQ_HID_GET_IDLE,
	REQ_HID_GET_PROTOCOL,
	REQ_HID_SET_REPORT,
	REQ_HID_SET_IDLE,
	REQ_HID_SET_PROTOCOL,

	/* Bulk-Only Transport 1.0 3; CBI 1.1 2.1 */
	REQ_BOT_RESET,
	REQ_GET_MAX_LUN,
	REQ_CBI_COMMAND,

	/* CDC 1.2 6.2; PSTN 1.2 6.3, ECM 1.2 6.2, NCM 1.0 6.2, MBIM 1.0 8.1 */
	REQ_CDC_SEND_COMMAND,
	REQ_CDC_GET_RESPONSE,
	REQ_CDC_SET_COMM_FEATURE,
	REQ_CDC_GET_COMM_FEATURE,
	REQ_CDC_CLEAR_COMM_FEATURE,
	REQ_CDC_RESET_FUNCTION,
	REQ_CDC_SET_LINE_CODING,
	REQ_CDC_GET_LINE_CODING,
	REQ_CDC_SET_CONTROL_LINE_STATE,
	REQ_CDC_SEND_BREAK,
	REQ_CDC_SET_MULTICAST_FILTERS,
	REQ_CDC_SET_PATTERN_FILTER,
	REQ_CDC_GET_PATTERN_FILTER,
	REQ_CDC_SET_PACKET_FILTER,
	REQ_CDC_GET_STATISTIC,
	REQ_NCM_GET_NTB_PARAMETERS,
	REQ_NCM_GET_NET_ADDRESS,
	REQ_NCM_SET_NET_ADDRESS,
	REQ_NCM_GET_NTB_FORMAT,
	REQ_NCM_SET_NTB_FORMAT,
	REQ_NCM_GET_NTB_INPUT_SIZE,
	REQ_NCM_SET_NTB_INPUT_SIZE,
	REQ_NCM_GET_MAX_DATAGRAM_SIZE,
	REQ_NCM_SET_MAX_DATAGRAM_SIZE,
	REQ_NCM_GET_CRC_MODE,
	REQ_NCM_SET_CRC_MODE,

	/* Audio 1.0 5.2 (and MIDI 1.0, which adds none), audio 2.0 5.2 */
	REQ_UAC_SET_CUR,
	REQ_UAC_GET_CUR,
	REQ_UAC_SET_MIN,
	REQ_UAC_GET_MIN,
	REQ_UAC_SET_MAX,
	REQ_UAC_GET_MAX,
	REQ_UAC_SET_RES,
	REQ_UAC_GET_RES,
	REQ_UAC_SET_RANGE,
	REQ_UAC_GET_RANGE,
	REQ_UAC_SET_MEM,
	REQ_UAC_GET_MEM,
	REQ_UAC_GET_STAT,

	/* UVC 1.5 4.1 */
	REQ_UVC_SET_CUR,
	REQ_UVC_SET_CUR_ALL,
	REQ_UVC_GET_CUR,
	REQ_UVC_GET_MIN,
	REQ_UVC_GET_MAX,
	REQ_UVC_GET_RES,
	REQ_UVC_GET_LEN,
	REQ_UVC_GET_INFO,
	REQ_UVC_GET_DEF,
	REQ_UVC_GET_CUR_ALL,
	REQ_UVC_GET_MIN_ALL,
	REQ_UVC_GET_MAX_ALL,
	REQ_UVC_GET_RES_ALL,
	REQ_UVC_GET_DEF_ALL,

	/* Printer 1.1 4.2 */
	REQ_PRINTER_GET_DEVICE_ID,
	REQ_PRINTER_GET_PORT_STATUS,
	REQ_PRINTER_SOFT_RESET,

	/* CCID 1.1 5.3 */
	REQ_CCID_ABORT,
	REQ_CCID_GET_CLOCK_FREQUENCIES,
	REQ_CCID_GET_DATA_RATES,

	/* DFU 1.1 3 */
	REQ_DFU_DETACH,
	REQ_DFU_DNLOAD,
	REQ_DFU_UPLOAD,
	REQ_DFU_GETSTATUS,
	REQ_DFU_CLRSTATUS,
	REQ_DFU_GETSTATE,
	REQ_DFU_ABORT,

	/* Still Image 1.0 5.2 */
	REQ_PTP_CANCEL,
	REQ_PTP_GET_EXTENDED_EVENT_DATA,
	REQ_PTP_RESET,
	REQ_PTP_GET_STATUS,

	REQUESTS
};

#endif
