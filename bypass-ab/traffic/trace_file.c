// SPDX-License-Identifier: GPL-2.0
/*
 * The file is opened once; what is hashed is what is read. Nothing of it is trusted: libpcap checks
 * the lengths of its blocks, frame_parse those of the headers, and both are compared with each
 * other here.
 */
#include "trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sentence.h"

struct trace_file {
	pcap_t *pcap;
	int link;
	uint64_t packets;
};

/* ---- Opening ------------------------------------------------------------------------------ */

static int hash_bytes(int fd, EVP_MD_CTX *context)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		if (!EVP_DigestUpdate(context, bytes, n))
			return -EIO;
	return n < 0 ? -errno : 0;
}

static int hash_file(int fd, char ret_sha256[65])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	int err = -ENOMEM;

	if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL))
		err = hash_bytes(fd, context);
	if (!err && (!EVP_DigestFinal_ex(context, digest, &size) || size != 32))
		err = -EIO;
	EVP_MD_CTX_free(context);
	for (unsigned int i = 0; !err && i < size; i++)
		sprintf(ret_sha256 + 2 * i, "%02x", digest[i]);
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	return err;
}

static int open_regular(const char *path, char *why, size_t why_size)
{
	/* Not blocking: it may be a pipe that nobody writes to. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		err = -errno;
	else if (S_ISDIR(status.st_mode))
		err = -EISDIR;
	else if (!S_ISREG(status.st_mode))
		err = sentence(why, why_size, -EINVAL, "it is no regular file");
	if (!err)
		return fd;
	if (err != -EINVAL)
		sentence(why, why_size, err, "cannot open the trace: %s", strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

/* Takes @fd in any case. */
static pcap_t *open_pcap(int fd, char *error)
{
	FILE *stream = fdopen(fd, "re");
	pcap_t *pcap;

	if (!stream) {
		snprintf(error, PCAP_ERRBUF_SIZE, "%s", strerror(errno));
		close(fd);
		return NULL;
	}
	pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!pcap)
		fclose(stream);
	return pcap;
}

bool trace_link_is_known(int link)
{
	switch (link) {
	case DLT_EN10MB:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_NULL:
	case DLT_LOOP:
		return true;
	}
	return false;
}

static int refuse_link(int link, char *why, size_t why_size)
{
	const char *name = pcap_datalink_val_to_name(link);

	return sentence(why, why_size, -EPROTONOSUPPORT,
	                "frames of link type %s (%d) are not understood; capture on Ethernet",
	                name ? name : "unknown", link);
}

int trace_open(const char *path, struct trace_file **ret_file, char ret_sha256[65], char *why,
               size_t why_size)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	struct trace_file *file;
	int fd, err;

	fd = open_regular(path, why, why_size);
	if (fd < 0)
		return fd;
	err = hash_file(fd, ret_sha256);
	file = err ? NULL : calloc(1, sizeof(*file));
	if (!file) {
		close(fd);
		err = err ? err : -ENOMEM;
		return sentence(why, why_size, err, "cannot read the trace: %s", strerror(-err));
	}
	file->pcap = open_pcap(fd, error);
	if (!file->pcap) {
		free(file);
		return sentence(why, why_size, -EBADMSG, "it is no pcap or pcapng file: %s", error);
	}
	file->link = pcap_datalink(file->pcap);
	err = trace_link_is_known(file->link) ? 0 : refuse_link(file->link, why, why_size);
	if (err) {
		trace_close(file);
		return err;
	}
	*ret_file = file;
	return 0;
}

void trace_close(struct trace_file *file)
{
	if (!file)
		return;
	pcap_close(file->pcap);
	free(file);
}

/* ---- Packets ------------------------------------------------------------------------------ */

/* IP behind a header of @header bytes with the EtherType at @type. */
static enum frame_class parse_behind(const uint8_t *bytes, size_t length, size_t header,
                                     size_t type, struct frame_layout *layout)
{
	unsigned int protocol;

	if (length < header)
		return FRAME_DAMAGED;
	protocol = bytes[type] << 8 | bytes[type + 1];
	if (protocol != ETH_P_IP && protocol != ETH_P_IPV6)
		return FRAME_NOT_IP;
	return frame_parse_ip(bytes, length, header, layout);
}

enum frame_class trace_parse(int link, const uint8_t *bytes, size_t length,
                             struct frame_layout *layout)
{
	switch (link) {
	case DLT_EN10MB:
		return frame_parse(bytes, length, layout);
	case DLT_LINUX_SLL:
		return parse_behind(bytes, length, SLL_HDR_LEN, 14, layout);
	case DLT_LINUX_SLL2:
		return parse_behind(bytes, length, SLL2_HDR_LEN, 0, layout);
	case DLT_NULL:
	case DLT_LOOP:
		return frame_parse_ip(bytes, length, 4, layout);
	default:
		return frame_parse_ip(bytes, length, 0, layout);
	}
}

static void take_flow(const uint8_t *bytes, const struct frame_layout *layout, struct flow_key *key)
{
	size_t size = layout->ipv6 ? 16 : 4;
	const uint8_t *addresses = bytes + layout->ip + (layout->ipv6 ? 8 : 12);
	const uint8_t *udp = bytes + layout->udp;

	*key = (struct flow_key){ .ipv6 = layout->ipv6,
		                  .client_port = udp[0] << 8 | udp[1],
		                  .server_port = udp[2] << 8 | udp[3] };
	memcpy(key->client, addresses, size);
	memcpy(key->server, addresses + size, size);
}

/* False: no time. */
static bool take_time(const struct pcap_pkthdr *header, uint64_t *ret_ns)
{
	int64_t seconds = header->ts.tv_sec, ns = header->ts.tv_usec;

	if (seconds < 0 || seconds > INT64_MAX / 1000000000 - 1 || ns < 0 || ns >= 1000000000)
		return false;
	*ret_ns = seconds * 1000000000ULL + ns;
	return true;
}

/* Its ports are all that is read of its header. */
static void take_tcp(const struct pcap_pkthdr *header, const uint8_t *bytes, size_t captured,
                     const struct frame_layout *layout, struct trace_packet *packet)
{
	if (layout->protocol != IPPROTO_TCP || captured < layout->udp + 4U ||
	    !take_time(header, &packet->at_ns))
		return;
	packet->tcp = true;
	take_flow(bytes, layout, &packet->flow);
}

static void take_packet(int link, const struct pcap_pkthdr *header, const uint8_t *bytes,
                        struct trace_packet *packet)
{
	size_t captured = header->caplen < header->len ? header->caplen : header->len, end;
	struct frame_layout layout = { 0 };

	*packet = (struct trace_packet){ .class = trace_parse(link, bytes, captured, &layout) };
	if (packet->class == FRAME_NOT_UDP)
		take_tcp(header, bytes, captured, &layout, packet);
	if (packet->class != FRAME_UDP)
		return;
	end = (size_t)layout.payload + layout.payload_size;
	if (end > header->len || !take_time(header, &packet->at_ns)) {
		packet->class = FRAME_DAMAGED;
		return;
	}
	take_flow(bytes, &layout, &packet->flow);
	packet->payload_size = layout.payload_size;
	packet->truncated = end > captured;
	packet->vlan = layout.vlan_tags > 0;
}

int trace_next(struct trace_file *file, struct trace_packet *ret_packet, char *why, size_t why_size)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;

	switch (pcap_next_ex(file->pcap, &header, &bytes)) {
	case 1:
		file->packets++;
		take_packet(file->link, header, bytes, ret_packet);
		return 1;
	case PCAP_ERROR_BREAK:
		return 0;
	default:
		return sentence(why, why_size, -EBADMSG, "it is damaged after packet %llu: %s",
		                (unsigned long long)file->packets, pcap_geterr(file->pcap));
	}
}
