#!/usr/bin/env bash
# ktax-test: timeout=120
# `ktax ab --trace` of files that are no captures, or are made to do harm: one sentence that names the
# file, exit status 2, and soon. The same files go through the sanitizers in tests/fuzz.
. "$(dirname "$0")/../lib.sh"

require_root
require_command ktax python3
[ "$(nproc)" -ge 2 ] || skip_all "needs two CPUs"
cd "$tmp"

python3 - <<'PYTHON'
import struct

def write(name, data):
    with open(name, "wb") as file:
        file.write(data)

def pcap(link, packets=b"", snaplen=65535):
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link) + packets

def packet(data, length=None, claimed=None):
    claimed = len(data) if claimed is None else claimed
    return struct.pack("<IIII", 1, 0, claimed, length or claimed) + data

def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size

def pcapng(*links):
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    return section + b"".join(block(1, struct.pack("<HHI", link, 0, 0)) for link in links)

def enhanced(interface, data, claimed=None):
    size = len(data) if claimed is None else claimed
    return block(6, struct.pack("<IIIII", interface, 0, 1, size, size) + data)

write("empty", b"")
write("one-byte", b"\n")
write("header-cut", pcap(1)[:23])
write("no-packets.pcap", pcap(1))
write("packet-cut.pcap", pcap(1, packet(b"\0" * 60)[:40]))
write("packet-of-4-gigabytes.pcap", pcap(1, packet(b"\0" * 60, claimed=0xFFFFFFFF)))
write("packets-of-nothing.pcap", pcap(1, packet(b"") * 2000))
write("packets-of-one-byte.pcap", pcap(1, packet(b"\x45") * 2000))
write("user-link.pcap", pcap(147, packet(b"\x45" * 60)))
write("no-sections.pcapng", pcapng()[:8])
write("no-interfaces.pcapng", pcapng() + enhanced(0, b"\0" * 60))
write("no-packets.pcapng", pcapng(1))
write("radio.pcapng", pcapng(105) + enhanced(0, b"\x45" * 60))
write("two-links.pcapng", pcapng(1, 101) + enhanced(1, b"\x45" * 60))
write("no-such-interface.pcapng", pcapng(1) + enhanced(7, b"\0" * 60))
write("packet-of-4-gigabytes.pcapng", pcapng(1) + enhanced(0, b"\0" * 60, claimed=0xFFFFFFFF))
write("block-of-nothing.pcapng", pcapng(1) + struct.pack("<II", 6, 0))
write("noise", bytes(i * i * 31 % 251 for i in range(100000)))
PYTHON
mkdir directory
mkfifo pipe

# refused FILE [REGEX]: in a sentence.
refused() {
  run timeout -k 5 20 ktax ab --trace "$1"
  sed -i '/fill both CPUs/d' err
  if [ "$status" = 2 ] && [ "$(wc -l <err)" = 1 ] &&
    [[ $(<err) =~ ^"ktax: $1: cannot replay it: ".*${2:-.} ]]; then
    ok "${1##*/} is refused in a sentence"
  else
    not_ok "${1##*/} is refused in a sentence" "status $status: $(head -c 300 err)"
  fi
}

for file in empty one-byte noise *.pcap *.pcapng header-cut; do
  refused "$file"
done
refused directory
refused pipe
refused /dev/zero
for file in "$top"/tests/fuzz/trace/*; do
  refused "$file"
done
