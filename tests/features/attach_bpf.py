#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""attach_bpf.py KIND [TARGET]: has a program that does nothing attached until it is ended.

  cgroup DIRECTORY     cgroup_skb, ingress
  tcx INTERFACE        tcx, ingress (Linux 6.6)
  sk_lookup            the network namespace that it is started in

Prints "ready". Exit status 2: the kernel does not have it. By system call, since bpftool and libbpf of
Debian 12 know no tcx, and nothing has to be compiled.
"""
import ctypes
import os
import signal
import socket
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
PROG_LOAD, LINK_CREATE = 5, 28
# KIND: program type, attach type, value that the program returns
KINDS = {"cgroup": (8, 0, 1), "tcx": (3, 46, -1), "sk_lookup": (30, 36, 1)}
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 256)
    fd = libc.syscall(SYS_BPF, command, buffer, len(attributes))
    if fd < 0:
        error = ctypes.get_errno()
        print(f"bpf command {command}: {os.strerror(error)}", file=sys.stderr)
        sys.exit(2)
    return fd


def load(program_type, attach_type, value):
    # r0 = value; exit
    code = struct.pack("<BBhi", 0xB7, 0, 0, value) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    instructions, text = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    expected = attach_type if program_type == 30 else 0
    return bpf(PROG_LOAD, struct.pack(
        "<IIQQIIQII16sII", program_type, 2, ctypes.addressof(instructions), ctypes.addressof(text),
        0, 0, 0, 0, 0, b"ktax_test", 0, expected))


def main():
    kind = sys.argv[1]
    program_type, attach_type, value = KINDS[kind]
    if kind == "cgroup":
        target = os.open(sys.argv[2], os.O_RDONLY)
    elif kind == "tcx":
        target = socket.if_nametoindex(sys.argv[2])
    else:
        target = os.open("/proc/self/ns/net", os.O_RDONLY)
    program = load(program_type, attach_type, value)
    bpf(LINK_CREATE, struct.pack("<IIII", program, target, attach_type, 0) + bytes(48))
    print("ready", flush=True)
    signal.pause()


main()
