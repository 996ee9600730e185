"""Loaded by every Python process with this folder in PYTHONPATH: refuses and records all but loopback connections."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from typing import Any

_LOG = os.environ["REFUSED_CONNECTIONS"]


def _is_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False  # a name: looking it up would already tell the world
    return address.is_loopback or address.is_unspecified


def _refuse(host: object) -> None:
    with open(_LOG, "a", encoding="utf-8") as log:
        log.write(f"{host} wanted by {' '.join(sys.argv)}\n")
    raise ConnectionRefusedError(f"offline test: {host} is not this machine")


def _check(address: Any) -> None:
    if isinstance(address, tuple) and not _is_here(address[0]):
        _refuse(address[0])


class OfflineSocket(socket.socket):
    def connect(self, address: Any) -> None:
        _check(address)
        return super().connect(address)

    def connect_ex(self, address: Any) -> int:
        _check(address)
        return super().connect_ex(address)

    def sendto(self, data: Any, *rest: Any) -> int:
        _check(rest[-1])
        return super().sendto(data, *rest)


_look_up = socket.getaddrinfo


def _getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
    if not _is_here(host):
        _refuse(host)
    return _look_up(host, *rest, **named)


socket.socket = OfflineSocket  # type: ignore[misc]
socket.getaddrinfo = _getaddrinfo
