#!/usr/bin/env python3
"""Both ends of a conversation whose capture is judged, and a second witness of it.

capture_check.py server PORT                  echoes until it is ended
capture_check.py client ADDRESS PORT COUNT    requests of sizes and gaps that a replay must show
capture_check.py watch INTERFACE PORT COUNT   "time_ns payload_bytes" of what arrives for PORT
"""
import random
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35


def server(port):
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.bind(("", port))
    while True:
        data, peer = echo.recvfrom(65536)
        echo.sendto(data[:32], peer)


def client(address, port, count):
    draw = random.Random(1)
    flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(5)]
    for flow in flows:
        flow.connect((address, port))
    for i in range(count):
        flows[i % 5].send(b"secret" + bytes(draw.randrange(20, 1400)))
        time.sleep(draw.expovariate(2000))


def watch(interface, port, count):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    tap.bind((interface, 0x0800))
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    print("ready", file=sys.stderr, flush=True)
    while count:
        frame, extra, _, _ = tap.recvmsg(2048, 64)
        to, length = struct.unpack("!HH", frame[36:40])
        if frame[23] != socket.IPPROTO_UDP or to != port:
            continue
        seconds, ns = struct.unpack("qq", extra[0][2])
        print(seconds * 1000000000 + ns, length - 8)
        count -= 1


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "server":
        server(int(arguments[0]))
    elif what == "client":
        client(arguments[0], int(arguments[1]), int(arguments[2]))
    else:
        watch(arguments[0], int(arguments[1]), int(arguments[2]))
