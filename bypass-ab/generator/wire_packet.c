// SPDX-License-Identifier: GPL-2.0
/*
 * AF_PACKET: a memory-mapped receive ring (TPACKET_V2: V3 hands blocks over by a timer of 1 ms) and
 * send() past the queueing discipline. Runs wherever packet sockets do.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sentence.h"
#include "wire.h"

#define SLOT_BYTES  2048
#define SLOTS       4096
#define BLOCK_BYTES (1 << 16)
#define RING_BYTES  ((size_t)SLOT_BYTES * SLOTS)

struct wire {
	int receiver, sender;
	uint8_t *ring;
	unsigned int next;
	uint64_t drops;
};

static int packet_socket(const char *interface, uint16_t protocol)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	address.sll_ifindex = if_nametoindex(interface);
	if (!address.sll_ifindex || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/*
 * UDP from @port only, so that nothing else fills the ring. The kernel has taken a VLAN tag off
 * before; an IPv6 header has no options here.
 */
static int filter_port(int fd, uint16_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 9),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 14),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 5, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 40),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SLOT_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return -errno;
	return setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ? -errno : 0;
}

static int map_ring(struct wire *wire)
{
	struct tpacket_req size = { .tp_block_size = BLOCK_BYTES,
		                    .tp_block_nr = RING_BYTES / BLOCK_BYTES,
		                    .tp_frame_size = SLOT_BYTES,
		                    .tp_frame_nr = SLOTS };
	int version = TPACKET_V2;
	void *ring;

	if (setsockopt(wire->receiver, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(wire->receiver, SOL_PACKET, PACKET_RX_RING, &size, sizeof(size)))
		return -errno;
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
	            wire->receiver, 0);
	if (ring == MAP_FAILED)
		return -errno;
	wire->ring = ring;
	return 0;
}

static void packet_close(struct wire *wire)
{
	if (!wire)
		return;
	if (wire->ring)
		munmap(wire->ring, RING_BYTES);
	if (wire->receiver >= 0)
		close(wire->receiver);
	if (wire->sender >= 0)
		close(wire->sender);
	free(wire);
}

static int packet_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                       size_t why_size)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	const char *interface = config->interface;
	int one = 1, err = 0;

	if (!wire)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	wire->sender = packet_socket(interface, 0);
	wire->receiver = packet_socket(interface, ETH_P_ALL);
	if (wire->sender < 0 || wire->receiver < 0)
		err = wire->sender < 0 ? wire->sender : wire->receiver;
	if (!err)
		err = filter_port(wire->receiver, config->flow->server.port);
	if (!err)
		err = map_ring(wire);
	if (!err && setsockopt(wire->sender, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		err = -errno;
	if (err) {
		packet_close(wire);
		return sentence(why, why_size, err, "cannot open a packet socket on %s: %s",
		                interface, strerror(-err));
	}
	*ret_wire = wire;
	return 0;
}

static int packet_send(struct wire *wire, const uint8_t *frame, size_t size)
{
	if (send(wire->sender, frame, size, MSG_DONTWAIT) >= 0)
		return 0;
	return errno == ENOBUFS ? -EAGAIN : -errno;
}

static struct tpacket2_hdr *next_slot(struct wire *wire)
{
	return (void *)(wire->ring + (size_t)wire->next * SLOT_BYTES);
}

static int packet_receive(struct wire *wire, unsigned int most,
                          void (*visit)(void *context, const struct frame_mark *mark),
                          void *context)
{
	unsigned int n = 0;

	for (; n < most; n++) {
		struct tpacket2_hdr *slot = next_slot(wire);
		const struct frame_mark *mark;

		if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		mark = frame_find_mark((uint8_t *)slot + slot->tp_mac, slot->tp_snaplen, 0);
		if (mark)
			visit(context, mark);
		__atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		wire->next = (wire->next + 1) % SLOTS;
	}
	return n;
}

/* The kernel's counter starts anew at each reading. */
static uint64_t packet_drops(struct wire *wire)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (!getsockopt(wire->receiver, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		wire->drops += stats.tp_drops;
	return wire->drops;
}

const struct wire_type wire_packet = {
	.name = "AF_PACKET",
	.open = packet_open,
	.send = packet_send,
	.receive = packet_receive,
	.drops = packet_drops,
	.close = packet_close,
};
