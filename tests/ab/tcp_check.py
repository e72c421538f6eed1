#!/usr/bin/env python3
"""tcp_check.py ADDRESS PORT [REQUESTS [CONNECTIONS]] - asks a path over TCP connections, and judges.

Shares no code with ktax. Sends records in pieces of odd sizes over several connections at once,
many in flight on each, with stop frames and records without a mark among them; then connections that
break the rules. Prints NAME=VALUE: sent, stops, foreign, echoed, altered, disordered (not in the order
of their connection), kept (rule breakers that were not cut off).
"""
import select
import socket
import struct
import sys
import time

MAGIC = 0x4B544158
SIZES = (16, 17, 64, 255, 1000, 1400, 1500)
PIECES = (1, 3, 700, 5000, 2, 40, 9000)


def mark(number, kind=0, epoch=7):
    return struct.pack("!IIHHBBH", MAGIC, number, epoch, epoch ^ 0xFFFF, kind, 0, 0)


def record(payload):
    return struct.pack("!I", len(payload)) + payload


def request(number):
    size = SIZES[number % len(SIZES)]
    return mark(number) + bytes((number * 7 + i) & 0xFF for i in range(size - 16))


class Connection:
    def __init__(self, address, port, numbers):
        self.socket = socket.create_connection((address, port))
        self.socket.setblocking(False)
        self.wanted = list(numbers)
        self.out = b"".join(record(request(n)) for n in self.wanted)
        self.out = record(b"no mark, though long enough") + record(mark(0, kind=1)) + self.out
        self.foreign, self.stops = 1, 1
        self.into, self.turn, self.got = b"", 0, []

    def write(self):
        piece = self.out[: PIECES[self.turn % len(PIECES)]]
        self.turn += 1
        try:
            self.out = self.out[self.socket.send(piece) :]
        except BlockingIOError:
            pass

    def read(self):
        self.into += self.socket.recv(1 << 16)
        while len(self.into) >= 4:
            size = struct.unpack("!I", self.into[:4])[0]
            if len(self.into) < 4 + size:
                break
            self.got.append(self.into[4 : 4 + size])
            self.into = self.into[4 + size :]


def converse(connections, seconds):
    """Until all answers are there, and then for what should not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(len(c.got) < len(c.wanted) for c in connections):
        writers = [c.socket for c in connections if c.out]
        readable, writable, _ = select.select([c.socket for c in connections], writers, [], 0.1)
        for c in connections:
            if c.socket in writable:
                c.write()
            if c.socket in readable:
                c.read()
    time.sleep(0.2)
    for c in connections:
        if select.select([c.socket], [], [], 0)[0]:
            c.read()


def kept(address, port, data):
    """Does a connection that sends this stay open?"""
    with socket.create_connection((address, port)) as s:
        s.settimeout(3)
        s.sendall(data)
        try:
            return s.recv(1) != b""
        except ConnectionResetError:
            return False
        except TimeoutError:
            return True


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    requests = int(sys.argv[3]) if len(sys.argv) > 3 else 7000
    n = int(sys.argv[4]) if len(sys.argv) > 4 else 7
    connections = [Connection(address, port, range(i, requests, n)) for i in range(n)]
    converse(connections, 20)
    breakers = [struct.pack("!I", 0), struct.pack("!I", 1 << 31) + b"x", b"GET / HTTP/1.1\r\n\r\n"]
    stayed = sum(kept(address, port, data) for data in breakers)
    # Goes away with answers under way, in the middle of a record.
    with socket.create_connection((address, port)) as s:
        s.sendall(record(b"half of it")[:-3])
    got = [(c, n, a) for c in connections for n, a in zip(c.wanted, c.got)]
    every = {request(n) for n in range(requests)}
    strange = sum(a not in every for c in connections for a in c.got)
    print(f"sent={requests} stops={sum(c.stops for c in connections)} "
          f"foreign={sum(c.foreign for c in connections) + len(breakers)} "
          f"echoed={sum(len(c.got) for c in connections)} "
          f"altered={strange} disordered={sum(a != request(n) for _, n, a in got)} kept={stayed}")


main()
