"""Run a command with no network but loopback: `unshare -rn python offline.py command ...`."""

import fcntl
import os
import socket
import struct
import sys

SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP_RUNNING))
if [name for _, name in socket.if_nameindex()] != ["lo"]:
    sys.exit("offline.py: this network namespace has more than loopback; run it under unshare -rn")
os.execvp(sys.argv[1], sys.argv[1:])
