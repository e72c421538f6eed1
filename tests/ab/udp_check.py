#!/usr/bin/env python3
"""udp_check.py ADDRESS PORT [REQUESTS] - asks a path from plain UDP sockets, and judges.

Shares no code with ktax. Sends marked requests of many sizes from two ports, at most WINDOW at a
time, stop frames, and datagrams that are no request; reads all that comes back. Prints NAME=VALUE:
sent, stops, foreign, echoed, missing, repeated (an answer that came twice), altered (not the bytes
of the request), strayed (came to the other port), strange (was never asked for).
"""
import select
import socket
import struct
import sys
import time

MAGIC = 0x4B544158
SIZES = (16, 17, 64, 255, 1000, 1400, 1452)
WINDOW = 150  # more than a burst of a path


def mark(number, kind=0, epoch=7):
    return struct.pack("!IIHHBBH", MAGIC, number, epoch, epoch ^ 0xFFFF, kind, 0, number % 2)


def request(number):
    size = SIZES[number % len(SIZES)]
    return mark(number) + bytes((number * 7 + i) & 0xFF for i in range(size - 16))


def foreign():
    wrong = bytearray(mark(1))
    wrong[0] ^= 1
    return [b"", b"short", b"no mark, though long enough", bytes(wrong), mark(1)[:15],
            mark(1) + bytes(1600)]  # longer than any request may be: comes in IP fragments


class Client:
    def __init__(self, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(2)]
        for s in self.sockets:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.connect((address, port))
        self.answers, self.altered, self.strayed, self.strange = {}, 0, 0, 0

    def read(self, seconds):
        """All that is there within a time; False if nothing came."""
        readable = select.select(self.sockets, [], [], seconds)[0]
        for s in readable:
            self.judge(s.recv(65536), self.sockets.index(s))
        return bool(readable)

    def judge(self, data, which):
        number = struct.unpack("!I", data[4:8])[0] if len(data) >= 16 else None
        if number is None or number >= self.asked:
            self.strange += 1
            return
        self.answers[number] = self.answers.get(number, 0) + 1
        self.altered += data != request(number)
        self.strayed += which != number % 2

    def ask(self, requests):
        self.asked = requests
        for number in range(requests):
            self.sockets[number % 2].send(request(number))
            if number % WINDOW == WINDOW - 1:
                self.wait_for(number + 1)
        for data in foreign() + [mark(9, kind=1)]:
            self.sockets[0].send(data)
        self.wait_for(requests)
        while self.read(0.3):
            pass

    def wait_for(self, answers):
        end = time.monotonic() + 5
        while len(self.answers) < answers and time.monotonic() < end:
            self.read(0.1)


def main():
    requests = int(sys.argv[3]) if len(sys.argv) > 3 else 6000
    client = Client(sys.argv[1], int(sys.argv[2]))
    client.ask(requests)
    echoed = len(client.answers)
    print(f"sent={requests} stops=1 foreign={len(foreign())} echoed={echoed} "
          f"missing={requests - echoed} repeated={sum(client.answers.values()) - echoed} "
          f"altered={client.altered} strayed={client.strayed} strange={client.strange}")


main()
