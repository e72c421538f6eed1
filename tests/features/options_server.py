#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""options_server.py ADDRESS PORT [KTLS]: a server whose socket asks much of the kernel.

It answers what it gets, and asks for kTLS on each connection where told to. Prints "ready", and "tls"
or "no tls" once it has a connection.
"""
import ctypes
import socket
import struct
import sys

SO_ATTACH_FILTER, TCP_ULP = 26, 31


def attach_filter(listener):
    """A classic filter of one instruction: keep everything."""
    code = ctypes.create_string_buffer(struct.pack("<HBBI", 0x06, 0, 0, 0xFFFFFFFF))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                        struct.pack("HL", 1, ctypes.addressof(code)))


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 42)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
    attach_filter(listener)
    listener.bind((sys.argv[1], int(sys.argv[2])))
    listener.listen()
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        if len(sys.argv) > 3:
            try:
                connection.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
                print("tls", flush=True)
            except OSError as error:
                print("no tls:", error, flush=True)
        while data := connection.recv(4096):
            connection.sendall(data)


main()
