/*
 * Records of a session, as sallyport-capture reads them: any bytes. What comes of
 * them is a file that libpcap reads to its end.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proxy/capture/recorder.h"
#include "tests/fuzz/fuzz.h"

static int frames = -1;

static int
on_next(void *arg, int *pcap, int *rulings)
{
	(void)arg;
	if (frames != -1) {
		close(frames);
	}
	frames = memfd_create("frames", MFD_CLOEXEC);
	*pcap = dup(frames);
	*rulings = memfd_create("rulings", MFD_CLOEXEC);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct recorder_how how = {.max = 1u << 20, .next = on_next};
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *hdr;
	struct recorder *rec;
	const u_char *bytes;
	uint64_t n, dropped;
	pcap_t *p;
	int r;

	MUST(recorder_new(&rec, &how) == 0);
	(void)recorder_take(rec, data, size);
	recorder_counts(rec, &n, &dropped);
	recorder_free(rec);
	MUST(lseek(frames, 0, SEEK_SET) == 0);
	p = pcap_fopen_offline(fdopen(dup(frames), "rb"), why);
	MUST(p != NULL);
	while ((r = pcap_next_ex(p, &hdr, &bytes)) == 1) {
		n--;
	}
	MUST(r == PCAP_ERROR_BREAK && (n == 0 || size > 1u << 19));
	pcap_close(p);
	return 0;
}
