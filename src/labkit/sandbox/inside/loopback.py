"""A loopback without a network: sockets of 127.0.0.1 that stay within one process.

Behind the second wall no socket can be bound or connected. The labs' archive is a server in the
notebook's own process, which asks it over 127.0.0.1; so that this goes on as it is, Python's
sockets are joined here: a server listens at one end of a pair, and who connects sends it, through
the other end, one end of a new pair. Processes that are forked later share it.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import socket
from typing import Any

LOCAL = ("127.0.0.1", "localhost", "", "0.0.0.0")
_ADDRESS = "127.0.0.1"
_KIND = socket.SOCK_SEQPACKET if hasattr(socket, "SOCK_SEQPACKET") else socket.SOCK_STREAM
#: options of these would be refused, and have no meaning here
_OF_NETWORKS = (socket.IPPROTO_TCP, socket.IPPROTO_IP, getattr(socket, "IPPROTO_IPV6", 41))
_pair = socket.socketpair
_look_up = socket.getaddrinfo


class Loopback:
    """The servers that listen, by their ports, and the ports that are free."""

    def __init__(self) -> None:
        self._doors: dict[int, socket.socket] = {}
        self._free = itertools.count(40_000)

    def port(self, wanted: int) -> int:
        """Return a port for a server, the wanted one unless that is 0."""
        if wanted in self._doors:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        return wanted or next(port for port in self._free if port not in self._doors)

    def listen(self, port: int, door: socket.socket) -> None:
        """Let others knock at a port."""
        self._doors[port] = door

    def close(self, port: int) -> None:
        """Let nobody knock any more."""
        if door := self._doors.pop(port, None):
            door.close()

    def knock(self, host: Any, port: int, end: socket.socket) -> None:
        """Hand one end of a pair to the server at a port."""
        door = self._doors.get(port)
        if host not in LOCAL:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        try:
            if door is None:
                raise ConnectionRefusedError
            socket.send_fds(door, [str(next(self._free)).encode()], [end.fileno()])
        except OSError:
            refused = os.strerror(errno.ECONNREFUSED)
            raise ConnectionRefusedError(errno.ECONNREFUSED, refused) from None


def install() -> None:
    """Let Python's sockets of the internet reach the servers of this process, and nobody else."""
    plain, loopback = socket.socket, Loopback()

    class Socket(plain):  # type: ignore[misc, valid-type]
        """A socket that is joined to others within the process."""

        _here: tuple[str, int] | None = None
        _there: tuple[str, int] | None = None
        _listens = False

        def __init__(
            self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
        ) -> None:
            within = fileno is None and family in (-1, socket.AF_INET, socket.AF_INET6)
            if not within or type not in (-1, socket.SOCK_STREAM):
                super().__init__(family, type, proto, fileno)
                return
            mine, other = _pair()
            other.close()
            super().__init__(socket.AF_INET, socket.SOCK_STREAM, 0, mine.detach())

        @property
        def _within(self) -> bool:
            return bool(self.family == socket.AF_INET)

        def _become(self, end: socket.socket) -> None:
            """Put another end of a pair in this one's place."""
            waits = self.gettimeout()
            os.dup2(end.fileno(), self.fileno(), inheritable=False)
            end.close()
            self.settimeout(waits)

        def bind(self, address: Any) -> None:
            if not self._within:
                super().bind(address)
                return
            if address[0] not in LOCAL:
                raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
            self._here = (_ADDRESS, loopback.port(address[1]))

        def listen(self, *waiting: int) -> None:
            if not self._within:
                super().listen(*waiting)
                return
            self._here = self._here or (_ADDRESS, loopback.port(0))
            mine, door = _pair(socket.AF_UNIX, _KIND)
            self._become(mine)
            loopback.listen(self._here[1], door)
            self._listens = True

        def accept(self) -> tuple[socket.socket, Any]:
            if not self._listens:
                return super().accept()  # type: ignore[no-any-return]
            said, ends, _, _ = socket.recv_fds(self, 16, 1)
            if not ends:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            os.set_inheritable(ends[0], False)
            came = Socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=ends[0])
            came._here, came._there = self._here, (_ADDRESS, int(said))
            return came, came._there

        def connect(self, address: Any) -> None:
            if not self._within:
                super().connect(address)
                return
            mine, other = _pair()
            with contextlib.closing(other):
                loopback.knock(address[0], address[1], other)
            self._become(mine)
            self._here = self._here or (_ADDRESS, 0)
            self._there = (_ADDRESS, address[1])

        def connect_ex(self, address: Any) -> int:
            try:
                self.connect(address)
            except OSError as error:
                return error.errno or errno.EINVAL
            return 0

        def getsockname(self) -> Any:
            return (self._here or ("0.0.0.0", 0)) if self._within else super().getsockname()

        def getpeername(self) -> Any:
            if self._within and self._there is None:
                raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
            return self._there if self._within else super().getpeername()

        def setsockopt(self, level: int, *option: Any) -> None:
            if not (self._within and level in _OF_NETWORKS):
                super().setsockopt(level, *option)

        def getsockopt(self, level: int, *option: Any) -> Any:
            if self._within and level in _OF_NETWORKS:
                return 0
            return super().getsockopt(level, *option)

        def _real_close(self, *how: Any) -> None:
            if self._listens and self._here:
                loopback.close(self._here[1])
            super()._real_close(*how)

        def detach(self) -> int:
            if self._listens:
                self._listens = False  # whoever holds the number listens on
            return int(super().detach())

    def look_up(host: Any, *rest: Any, **named: Any) -> Any:
        """Find this machine without asking the system, which may not even say its own name."""
        return _look_up(_ADDRESS if host in LOCAL[:2] else host, *rest, **named)

    library: Any = socket
    library.socket = library.SocketType = Socket
    library.getaddrinfo = look_up
