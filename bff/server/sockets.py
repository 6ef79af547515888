"""The sockets of `bff serve`: opened once, by plain means, and handed to Granian."""

import os
import resource
import socket
import sys

from bff.errors import Refusal

# Connections that may wait while every worker is busy or none is there (a restart after a crash); the kernel cuts it to
# net.core.somaxconn.
BACKLOG = 4096

# Milliseconds that a connection may be without a byte taken of what was sent to it: a client that has stopped reading, or is
# gone without a word, then loses it (RFC 5482). Otherwise the kernel keeps the answer, up to 4 MB, for a quarter of an hour,
# or for as long as the client says that it has no room. 30 s is a tunnel on a train; accepted connections inherit it.
UNTAKEN_MS = 30_000

# Descriptors a worker needs beside its client connections: backends' pools, Redis, logs, files.
SPARE_DESCRIPTORS = 1024

# Enough for every `connections` anyone sensible asks for; a system's own ceiling may be a million, and some
# libraries walk over all possible descriptors.
MOST_DESCRIPTORS = 65536


def open_listener(host: str, port: int) -> socket.socket:
    """A listening TCP socket, or a Refusal that names the address.

    Without SO_REUSEPORT: with it each worker has its own queue, and what waits in the queue of a worker that stops is
    reset. It also keeps a second `bff serve` from taking half of the first one's connections unnoticed.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, proto)
    except OSError as error:
        raise Refusal([f"cannot listen on {host}:{port}: {error.strerror}"]) from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for TIME_WAIT
        if sys.platform == "linux":
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a long answer's parts would wait for ACKs, 40 ms each
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        fault = f"cannot listen on {host}:{port}: {error.strerror}; choose another port or stop its owner"
        raise Refusal([fault]) from error
    return opened


def open_private(path: str) -> socket.socket:
    """A listening unix socket that only this user can open, or a Refusal that names the path."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        opened.bind(path)
    except OSError as error:
        opened.close()
        raise Refusal([f"cannot open {path}: {error}; let TMPDIR name a writable folder with a short path"]) from error
    os.chmod(path, 0o600)  # before listen(): until then nobody gets in
    opened.listen(BACKLOG)
    return opened


def address_of(opened: socket.socket) -> str:
    """`host:port` as bound, which tells the port when 0 was asked for."""
    host, port = opened.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def raise_descriptor_limit() -> None:
    """Let this process and its children open as many descriptors as the system allows it to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def room_for(connections: int) -> int:
    """How many of `connections` the descriptor limit has room for.

    Granian accepts in a busy loop when the process is out of descriptors, so it must never get there.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    return max(1, min(connections, soft - min(SPARE_DESCRIPTORS, soft // 2)))
