#!/usr/bin/env python3
"""echo_check.py INTERFACE PORT [--plain] [--untagged] - asks a raw path at the other end of a link, and judges.

Shares no code with ktax: builds frames, swaps, and sums checksums on its own. Sends marked requests
(IPv4, IPv6, VLAN tags, many sizes), stop frames, and frames that are no request, through a packet
socket, and reads all that comes back. Prints NAME=VALUE: sent, foreign, stops, echoed, missing,
repeated (an answer that came twice), altered (not the request with its ends swapped), bad_sums,
strange (came, but was never asked for).

--plain leaves out what a packet socket alters: double VLAN tags, and fragments (it puts them
together). --untagged leaves out all VLAN tags, which a NIC may filter.
"""
import socket
import struct
import sys
import time

CLIENT_MAC, SERVER_MAC = bytes.fromhex("020000007701"), bytes.fromhex("020000007702")
CLIENT4, SERVER4 = bytes([10, 77, 0, 1]), bytes([10, 77, 0, 2])
CLIENT6, SERVER6 = (socket.inet_pton(socket.AF_INET6, "fd77::%d" % n) for n in (1, 2))
CLIENT_PORT = 6000
LEAST_FRAME = 60  # without FCS
ROUNDS = 20
MAGIC = 0x4B544158
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
VLAN_VALID = 1 << 4


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(source, target, size):
    if len(source) == 4:
        return source + target + struct.pack("!BBH", 0, 17, size)
    return source + target + struct.pack("!IHBB", size, 0, 0, 17)


def udp(source, target, ports, payload):
    size = 8 + len(payload)
    header = struct.pack("!HHHH", *ports, size, 0)
    sum_ = checksum(pseudo_header(source, target, size) + header + payload) or 0xFFFF
    return header[:6] + struct.pack("!H", sum_) + payload


def ipv4(body, protocol=17, fragment=0):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, fragment, 64, protocol, 0)
    head += CLIENT4 + SERVER4
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ipv6(body):
    return struct.pack("!IHBB", 0x60000000, len(body), 17, 64) + CLIENT6 + SERVER6 + body


def ethernet(body, type_, vlans=()):
    tags = b"".join(struct.pack("!HH", tpid, vid) for tpid, vid in vlans)
    return SERVER_MAC + CLIENT_MAC + tags + struct.pack("!H", type_) + body


def mark(number, kind=0, epoch=7):
    return struct.pack("!IIHHBBH", MAGIC, number, epoch, epoch ^ 0xFFFF, kind, 0, 0)


def request(number, port, size, v6=False, vlans=(), kind=0):
    filling = bytes((number * 7 + i) & 0xFF for i in range(size - 16))
    payload = mark(number, kind) + filling
    if v6:
        return ethernet(ipv6(udp(CLIENT6, SERVER6, (CLIENT_PORT, port), payload)), 0x86DD, vlans)
    return ethernet(ipv4(udp(CLIENT4, SERVER4, (CLIENT_PORT, port), payload)), 0x0800, vlans)


def requests(port, plain):
    number, sizes = 0, (16, 17, 32, 64, 255, 1000, 1400, 1472)
    for _ in range(ROUNDS):
        for size in sizes:
            yield number, request(number, port, size)
            number += 1
            yield number, request(number, port, min(size, 1452), v6=True)
            number += 1
        if "--untagged" in sys.argv:
            continue
        yield number, request(number, port, 48, vlans=[(0x8100, 5)])
        number += 1
        tags = [(0x8100, 6)] if plain else [(0x88A8, 6), (0x8100, 5)]
        yield number, request(number, port, 48, v6=True, vlans=tags)
        number += 1


def foreign(port, plain):
    """Frames that are no request of this port."""
    marked, ports = mark(1), (CLIENT_PORT, port)
    whole = udp(CLIENT4, SERVER4, ports, marked)
    fragments = [
        ethernet(ipv4(whole, fragment=0x2000), 0x0800),  # the first of several
        ethernet(ipv4(whole, fragment=100), 0x0800),  # a later one
    ]
    return ([] if plain else fragments) + [
        ethernet(b"\0" * 46, 0x0806),  # ARP, after a fashion
        ethernet(ipv4(whole, protocol=6), 0x0800),  # TCP
        ethernet(ipv4(udp(CLIENT4, SERVER4, (CLIENT_PORT, port + 1), marked)), 0x0800),
        ethernet(ipv4(udp(CLIENT4, SERVER4, ports, b"no mark, though long enough")), 0x0800),
        ethernet(ipv4(udp(CLIENT4, SERVER4, ports, b"short")), 0x0800),
        ethernet(b"\x45\0\0", 0x0800),  # cut within the IP header
    ]


def split(frame):
    """(MACs, the middle, source and target address, ports, length and sum of UDP, payload)"""
    at = 12
    while frame[at : at + 2] in (b"\x81\0", b"\x88\xa8"):
        at += 4
    v6 = frame[at : at + 2] == b"\x86\xdd"
    ip, size = at + 2, 16 if v6 else 4
    addresses = ip + (8 if v6 else 12)
    udp_at = addresses + 2 * size
    return (frame[6:12], frame[0:6], frame[12:addresses],
            frame[addresses : addresses + size], frame[addresses + size : udp_at],
            frame[udp_at : udp_at + 2], frame[udp_at + 2 : udp_at + 4], frame[udp_at + 4 :])


def swapped(frame):
    source, target, middle, from_, to, sport, dport, rest = split(frame)
    return source + target + middle + to + from_ + dport + sport + rest


def sums_hold(frame):
    _, _, middle, from_, to, sport, dport, rest = split(frame)
    datagram = sport + dport + rest
    if checksum(pseudo_header(from_, to, len(datagram)) + datagram):
        return False
    # An IPv4 header begins 12 bytes before its addresses, at the end of the middle.
    return len(from_) == 16 or not checksum(middle[-12:] + from_ + to)


def number_of(frame):
    payload = split(frame)[7][4:]
    magic, number = struct.unpack("!II", payload[:8])
    return number if magic == MAGIC else None


def open_socket(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((interface, 0))
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return s


def receive(s, seconds):
    """The next frame with its VLAN tag, which the kernel takes off; None: there is none."""
    s.settimeout(seconds)
    try:
        frame, control, _, _ = s.recvmsg(4096, 256)
    except (TimeoutError, BlockingIOError):
        return None
    for level, type_, data in control:
        if (level, type_) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if status & VLAN_VALID:
                frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame


def is_from(frame, port):
    try:
        return frame[6:12] == SERVER_MAC and split(frame)[5] == struct.pack("!H", port)
    except IndexError:
        return False


def unpadded(frame, size):
    """A NIC fills frames up to the least size that Ethernet has."""
    return frame[:size] if len(frame) <= LEAST_FRAME else frame


def judge(counts, wanted, seen, frame, port):
    if not is_from(frame, port):
        counts["strange"] += frame[6:12] == SERVER_MAC
        return
    number = number_of(frame)
    if number not in wanted:
        counts["strange"] += 1
        return
    frame = unpadded(frame, len(wanted[number]))
    counts["echoed"] += number not in seen
    counts["repeated"] += number in seen
    seen.add(number)
    counts["altered"] += frame != swapped(wanted[number])
    counts["bad_sums"] += not sums_hold(frame)


def main():
    interface, port = sys.argv[1], int(sys.argv[2])
    plain = "--plain" in sys.argv
    wanted = dict(requests(port, plain))
    names = "sent foreign stops echoed missing repeated altered bad_sums strange"
    counts, seen = dict.fromkeys(names.split(), 0), set()
    s = open_socket(interface)
    others = [("foreign", f) for f in foreign(port, plain)]
    others += [("stops", request(0xFFFF0000 + i, port, 16, kind=1)) for i in range(3)]
    for i, frame in enumerate(wanted.values()):
        s.send(frame)
        counts["sent"] += 1
        if i % 20 == 10:
            kind, other = others[i // 20 % len(others)]
            s.send(other)
            counts[kind] += 1
        while (answer := receive(s, 0.0002)) is not None:
            judge(counts, wanted, seen, answer, port)
    end = time.monotonic() + 1
    while time.monotonic() < end and len(seen) < len(wanted):
        if (answer := receive(s, 0.1)) is not None:
            judge(counts, wanted, seen, answer, port)
    while (answer := receive(s, 0.05)) is not None:  # one too many?
        judge(counts, wanted, seen, answer, port)
    counts["missing"] = len(wanted) - len(seen)
    print(" ".join("%s=%d" % item for item in counts.items()))


main()
