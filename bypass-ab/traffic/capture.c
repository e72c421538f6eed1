// SPDX-License-Identifier: GPL-2.0
/*
 * libpcap reads and writes. Two things are done around it:
 *
 * The kernel hands packets over in blocks, up to BLOCK_MS late. So at the end the last block is
 * waited for, and what came after the end is left out by its time.
 *
 * libpcap says of a failed write only that there was one. So the file is flushed whenever its buffer
 * would be full, and if that fails, cut back to where it was before: it never ends within a packet.
 */
#include "capture.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sentence.h"
#include "trace_file.h"

#define BLOCK_MS      50
#define TURN_MS       100
#define BUFFER_BYTES  (16 << 20)
#define FLUSH_BYTES   4096
#define RECORD_HEADER 16     /* before each packet in a file */
#define SNAP_HEADERS  192    /* Ethernet, VLAN tags, IPv6 with some extension headers, UDP */
#define SNAP_ALL      262144 /* as tcpdump has it */
#define OTHER_HEADERS 34     /* kept of what is not UDP: Ethernet and IPv4 */

struct capture {
	const struct capture_options *options;
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	FILE *file;
	int link;
	struct capture_counts counts, flushed;
	long flushed_size; /* of the file, up to the packet that flushed counts last */
	size_t unflushed;  /* bytes taken since */
	int error;         /* of the first write that failed: after it, none is tried */
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t end_realtime_ns;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* ---- Opening ------------------------------------------------------------------------------ */

static int activation_error(struct capture *capture, int status, char *why, size_t why_size)
{
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return sentence(why, why_size, -EPERM, "it lacks CAP_NET_RAW");
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return sentence(why, why_size, -ENODEV, "there is no such interface");
	case PCAP_ERROR_IFACE_NOT_UP:
		return sentence(why, why_size, -ENETDOWN, "the interface is down");
	default:
		return sentence(why, why_size, -EIO, "%s", pcap_geterr(capture->pcap));
	}
}

static int open_interface(struct capture *capture, char *why, size_t why_size)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	int status;

	capture->pcap = pcap_create(capture->options->interface, error);
	if (!capture->pcap)
		return sentence(why, why_size, -EIO, "%s", error);
	pcap_set_snaplen(capture->pcap, capture->options->payload ? SNAP_ALL : SNAP_HEADERS);
	pcap_set_timeout(capture->pcap, BLOCK_MS);
	pcap_set_buffer_size(capture->pcap, BUFFER_BYTES);
	if (pcap_set_tstamp_precision(capture->pcap, PCAP_TSTAMP_PRECISION_NANO))
		return sentence(why, why_size, -EOPNOTSUPP, "it has no timestamps in ns");
	status = pcap_activate(capture->pcap);
	if (status < 0)
		return activation_error(capture, status, why, why_size);
	capture->link = pcap_datalink(capture->pcap);
	if (!trace_link_is_known(capture->link))
		return sentence(why, why_size, -EPROTONOSUPPORT,
		                "its frames are of a link type that is not understood (%d)",
		                capture->link);
	if (pcap_setnonblock(capture->pcap, 1, error))
		return sentence(why, why_size, -EIO, "%s", error);
	return 0;
}

static int set_filter(struct capture *capture, char *why, size_t why_size)
{
	struct bpf_program program;
	int err = 0;

	if (!capture->options->filter || !*capture->options->filter)
		return 0;
	if (pcap_compile(capture->pcap, &program, capture->options->filter, 1,
	                 PCAP_NETMASK_UNKNOWN))
		return sentence(why, why_size, -EINVAL, "%s", pcap_geterr(capture->pcap));
	if (pcap_setfilter(capture->pcap, &program))
		err = sentence(why, why_size, -EIO, "%s", pcap_geterr(capture->pcap));
	pcap_freecode(&program);
	return err;
}

static int open_file(struct capture *capture, char *why, size_t why_size)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK |
	            (capture->options->overwrite ? 0 : O_EXCL);
	int fd = open(capture->options->output, flags, 0600);
	struct stat status;

	if (fd < 0)
		return sentence(why, why_size, -errno, "%s", strerror(errno));
	/* Emptied only now: it may be no file at all, whose content is somebody's device. */
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || ftruncate(fd, 0)) {
		close(fd);
		return sentence(why, why_size, -EINVAL, "it is no regular file");
	}
	capture->file = fdopen(fd, "we");
	if (!capture->file) {
		close(fd);
		return sentence(why, why_size, -ENOMEM, "out of memory");
	}
	capture->dumper = pcap_dump_fopen(capture->pcap, capture->file);
	if (!capture->dumper || fflush(capture->file))
		return sentence(why, why_size, -EIO, "its header cannot be written: %s",
		                strerror(errno));
	capture->flushed_size = ftell(capture->file);
	return 0;
}

/* What is open stays open; nothing else can be opened with special rights. */
static int drop_privileges(char *why, size_t why_size)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_CAPS) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return sentence(why, why_size, -EIO, "cannot give up capabilities");
	return 0;
}

static int open_all(struct capture *capture, enum capture_stage *stage, char *why, size_t why_size)
{
	int err = open_interface(capture, why, why_size);

	*stage = CAPTURE_INTERFACE;
	if (err)
		return err;
	*stage = CAPTURE_FILTER;
	err = set_filter(capture, why, why_size);
	if (err)
		return err;
	*stage = CAPTURE_FILE;
	err = open_file(capture, why, why_size);
	return err ? err : drop_privileges(why, why_size);
}

/* ---- Capturing ---------------------------------------------------------------------------- */

/* How much of a packet is header. */
static uint32_t header_size(const struct capture *capture, const struct pcap_pkthdr *header,
                            const uint8_t *bytes)
{
	struct frame_layout layout = { 0 };

	if (trace_parse(capture->link, bytes, header->caplen, &layout) == FRAME_UDP)
		return layout.payload;
	return header->caplen < OTHER_HEADERS ? header->caplen : OTHER_HEADERS;
}

/* Brings to the file what was taken. */
static void flush(struct capture *capture)
{
	errno = 0;
	if (capture->error || fflush(capture->file) || ferror(capture->file)) {
		capture->error = capture->error ? capture->error : errno ? -errno : -EIO;
		return;
	}
	capture->flushed_size = ftell(capture->file);
	capture->flushed = capture->counts;
	capture->unflushed = 0;
}

static void take(uint8_t *context, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
	struct capture *capture = (struct capture *)context;
	const struct capture_options *options = capture->options;
	struct pcap_pkthdr kept = *header;
	uint64_t at_ns = header->ts.tv_sec * 1000000000ULL + header->ts.tv_usec;

	if (capture->error || (options->packets && capture->counts.packets == options->packets))
		return;
	if (capture->end_realtime_ns && at_ns > capture->end_realtime_ns)
		return;
	if (!options->payload)
		kept.caplen = header_size(capture, header, bytes);
	errno = 0;
	pcap_dump((uint8_t *)capture->dumper, &kept, bytes);
	if (ferror(capture->file))
		capture->error = errno ? -errno : -EIO;
	capture->counts.packets++;
	capture->counts.bytes += header->len;
	capture->unflushed += RECORD_HEADER + kept.caplen;
	if (capture->unflushed >= FLUSH_BYTES)
		flush(capture);
}

/* Cuts the file back to what has fitted into it. */
static int cut_back(struct capture *capture, char *why, size_t why_size)
{
	int err = capture->error;

	/* Closing must not try again what could not be written. */
	__fpurge(capture->file);
	if (ftruncate(fileno(capture->file), capture->flushed_size))
		return sentence(why, why_size, err, "%s; it ends within a packet", strerror(-err));
	return sentence(why, why_size, err, "%s", strerror(-err));
}

static int read_packets(struct capture *capture, enum capture_stage *stage, char *why,
                        size_t why_size)
{
	int n;

	do
		n = pcap_dispatch(capture->pcap, 10000, take, (uint8_t *)capture);
	while (n > 0 && !capture->error);
	flush(capture);
	*stage = CAPTURE_FILE;
	if (capture->error)
		return cut_back(capture, why, why_size);
	*stage = CAPTURE_INTERFACE;
	if (n < 0)
		return sentence(why, why_size, -ENETDOWN, "%s", pcap_geterr(capture->pcap));
	return 0;
}

static void take_losses(struct capture *capture)
{
	struct pcap_stat stat;

	if (!pcap_stats(capture->pcap, &stat))
		capture->counts.lost = (uint64_t)stat.ps_drop + stat.ps_ifdrop;
	capture->counts.elapsed_ns = now_ns(CLOCK_MONOTONIC) - capture->start_ns;
}

static bool is_over(struct capture *capture)
{
	const struct capture_options *options = capture->options;

	take_losses(capture);
	if (options->progress && !options->progress(options->context, &capture->counts))
		return true;
	if (options->packets && capture->counts.packets >= options->packets)
		return true;
	return options->duration_ns && capture->counts.elapsed_ns >= options->duration_ns;
}

/* How long to wait for packets: not beyond the end. */
static int wait_ms(const struct capture *capture)
{
	uint64_t end_ns = capture->start_ns + capture->options->duration_ns;
	uint64_t now = now_ns(CLOCK_MONOTONIC);

	if (!capture->options->duration_ns || end_ns > now + TURN_MS * 1000000ULL)
		return TURN_MS;
	return end_ns > now ? (int)((end_ns - now) / 1000000) + 1 : 0;
}

static int loop(struct capture *capture, enum capture_stage *stage, char *why, size_t why_size)
{
	struct pollfd ready = { .fd = pcap_get_selectable_fd(capture->pcap), .events = POLLIN };
	struct timespec block = { .tv_nsec = 2 * BLOCK_MS * 1000000L };
	int err = 0;

	capture->start_ns = now_ns(CLOCK_MONOTONIC);
	while (!err && !is_over(capture)) {
		poll(&ready, 1, wait_ms(capture)); /* a signal ends it early: progress() knows */
		err = read_packets(capture, stage, why, why_size);
	}
	if (err)
		return err;
	capture->end_realtime_ns = now_ns(CLOCK_REALTIME);
	nanosleep(&block, NULL);
	return read_packets(capture, stage, why, why_size);
}

static int close_all(struct capture *capture, int err, char *why, size_t why_size)
{
	if (capture->dumper)
		pcap_dump_close(capture->dumper);
	else if (capture->file)
		fclose(capture->file);
	if (capture->pcap)
		pcap_close(capture->pcap);
	return err;
}

int capture_run(const struct capture_options *options, struct capture_counts *ret_counts,
                enum capture_stage *ret_stage, char *why, size_t why_size)
{
	struct capture capture = { .options = options };
	int err = open_all(&capture, ret_stage, why, why_size);

	if (!err) {
		err = loop(&capture, ret_stage, why, why_size);
		take_losses(&capture);
		*ret_counts = capture.counts;
		ret_counts->packets = capture.flushed.packets;
		ret_counts->bytes = capture.flushed.bytes;
	}
	return close_all(&capture, err, why, why_size);
}
