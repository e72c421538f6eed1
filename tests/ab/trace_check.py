#!/usr/bin/env python3
"""A witness on the wire between generator and responder, and what it says of the blocks it has seen.

trace_check.py watch INTERFACE PORT FILE     until SIGTERM: what arrives for PORT, with its time
trace_check.py judge FILE BLOCK...           are all blocks in FILE the block of `print_trace`?

A block ends with its stop frame. Of a frame, only the epoch and its complement may differ from one
block to another.
"""
import hashlib
import signal
import socket
import struct
import sys

SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_STATISTICS = 6
MARK = 42  # offset in the frame
STOP = 1


def end_watch(tap):
    _, drops = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    print(f"missed {drops} frames", file=sys.stderr, flush=True)
    sys.exit(0)


def watch(interface, port, path):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    tap.bind((interface, 0x0003))
    signal.signal(signal.SIGTERM, lambda *_: end_watch(tap))
    with open(path, "wb") as out:
        print("ready", file=sys.stderr, flush=True)
        while True:
            frame, extra, _, address = tap.recvmsg(2048, 64)
            if address[2] == socket.PACKET_OUTGOING or len(frame) < MARK + 16:
                continue
            if frame[12:14] != b"\x08\x00" or struct.unpack("!H", frame[36:38])[0] != port:
                continue
            seconds, ns = struct.unpack("qq", extra[0][2])
            out.write(struct.pack("=QH", seconds * 1000000000 + ns, len(frame)) + frame)


def frames(path):
    with open(path, "rb") as file:
        while header := file.read(10):
            at, length = struct.unpack("=QH", header)
            yield at, file.read(length)


def blocks(path):
    block, ended = [], False
    for at, frame in frames(path):
        is_stop = frame[MARK + 12] == STOP
        if ended and not is_stop:
            if block:  # else: responders were stopped before the first one
                yield block
            block = []
        ended = is_stop
        if not is_stop:
            epoch = frame[MARK + 8:MARK + 10]
            assert bytes(255 - b for b in epoch) == frame[MARK + 10:MARK + 12]
            block.append((at, frame[:MARK + 8] + frame[MARK + 12:]))
    yield block


def judge(path, expected):
    with open(expected, encoding="ascii") as file:
        wanted = [tuple(int(n) for n in line.split()) for line in file]
    seen, contents, late, n = 0, set(), 0, 0
    sizes_differ = 0
    for block in blocks(path):
        seen += 1
        if len(block) != len(wanted):
            print(f"# block {seen} has {len(block)} requests", file=sys.stderr)
        contents.add(hashlib.sha256(b"".join(frame for _, frame in block)).hexdigest())
        sizes_differ += [len(frame) - MARK + 4 for _, frame in block] != [size for _, size, _ in wanted]
        if len(block) != len(wanted):
            continue
        # The median of the differences is when the block began.
        offsets = sorted(at - due for (at, _), (due, _, _) in zip(block, wanted))
        start = offsets[len(offsets) // 2]
        late += sum(abs(offset - start) > 50000 for offset in offsets)
        n += len(offsets)
    print(f"{seen} blocks, {len(contents)} contents, {sizes_differ} of other sizes, "
          f"{late} of {n} requests not within 50 us")


if __name__ == "__main__":
    if sys.argv[1] == "watch":
        watch(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        judge(sys.argv[2], sys.argv[3])
