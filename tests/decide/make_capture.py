#!/usr/bin/env python3
# make_capture.py FILE KEY=VALUE...: a capture (pcap, Ethernet, IPv4) of packets at known times.
#
#   protocol=tcp|udp port=6379   every packet goes to that port, and an answer comes from it
#   seconds=20 gap_us=500        packets of a second, evenly spaced ...
#   on_ms=1000 of_ms=1000        ... in the first on_ms of every of_ms only, and so many more there
#   shuffled=N                   packets that come N places late in the file
import struct, sys

given = dict(argument.split("=", 1) for argument in sys.argv[2:])
number = lambda key, default: int(given.get(key, default))
port, tcp = number("port", 6379), given.get("protocol", "tcp") == "tcp"
on, of = number("on_ms", 1000) * 1000, number("of_ms", 1000) * 1000
gap, end = number("gap_us", 500), number("seconds", 20) * 1_000_000


def frame(source, destination):
    ports = struct.pack("!HH", source, destination)
    above = ports + (struct.pack("!IIBBHHH", 1, 1, 5 << 4, 0x18, 512, 0, 0) if tcp else struct.pack("!HH", 16, 0)) + b"12345678"
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(above), 1, 0, 64, 6 if tcp else 17, 0, b"\x0a\0\0\2", b"\x0a\0\0\1")
    return b"\2" * 6 + b"\4" * 6 + b"\x08\0" + header + above


packets = []
at = 0
while at < end:
    period, within = divmod(at, of)
    packets.append((period * of + within * on // of, frame(40000, port)))
    packets.append((period * of + within * on // of + 20, frame(port, 40000)))
    at += gap
late = number("shuffled", 0)
if late:
    packets.insert(late, packets.pop(0))
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for at, data in packets:
        file.write(struct.pack("<IIII", 1_700_000_000 + at // 1_000_000, at % 1_000_000, len(data), len(data)) + data)
