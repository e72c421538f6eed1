#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""napi.py INTERFACE [DEFER GRO_NS SUSPEND_NS]: prints "ID DEFER GRO_NS SUSPEND_NS" of each NAPI
instance, through the generic netlink family "netdev" (Linux 6.13); or sets all of them first."""
import socket
import struct
import sys

REQUEST, ACK, DUMP = 1, 4, 0x300
ERROR, DONE = 2, 3
CTRL, GET_FAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
NAPI_GET, NAPI_SET = 11, 14
IFINDEX, ID, DEFER, GRO, SUSPEND = 1, 2, 5, 6, 7


def attribute(kind, payload):
    data = struct.pack("HH", 4 + len(payload), kind) + payload
    return data + b"\0" * (-len(data) % 4)


def attributes(data):
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        found[kind & 0x3FFF] = data[4:size]
        data = data[(size + 3) & ~3 :]
    return found


def ask(family, command, flags, payload):
    body = struct.pack("BBH", command, 1, 0) + payload
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as s:
        s.send(struct.pack("IHHII", 16 + len(body), family, REQUEST | flags, 1, 0) + body)
        while True:
            data = s.recv(65536)
            while data:
                size, kind = struct.unpack_from("IH", data)
                if kind in (ERROR, DONE):
                    error = struct.unpack_from("i", data, 16)[0]
                    if error:
                        sys.exit(f"netlink: error {-error}")
                    return
                yield attributes(data[20:size])
                data = data[(size + 3) & ~3 :]


def number(data):
    return int.from_bytes(data or b"\0", sys.byteorder)


def instances(family, interface):
    payload = attribute(IFINDEX, struct.pack("I", socket.if_nametoindex(interface)))
    return sorted(
        [number(found.get(key)) for key in (ID, DEFER, GRO, SUSPEND)]
        for found in ask(family, NAPI_GET, DUMP, payload)
    )


def main():
    name = attribute(FAMILY_NAME, b"netdev\0")
    family = number(next(iter(list(ask(CTRL, GET_FAMILY, ACK, name))))[FAMILY_ID])
    interface, settings = sys.argv[1], [int(word) for word in sys.argv[2:]]
    for instance in instances(family, interface) if settings else []:
        payload = attribute(ID, struct.pack("I", instance[0]))
        payload += attribute(DEFER, struct.pack("I", settings[0]))
        payload += attribute(GRO, struct.pack("Q", settings[1]))
        payload += attribute(SUSPEND, struct.pack("Q", settings[2]))
        list(ask(family, NAPI_SET, ACK, payload))
    for instance in instances(family, interface):
        print(*instance)


main()
