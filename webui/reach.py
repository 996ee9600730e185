"""By which addresses the studio is reached, and what protects it where others than this computer reach it.

Whoever reaches a studio without accounts is its owner: so there others must name a token, which the start prints.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.files import make_private, read_whole, write_bytes
from gpt_sovits.voices.ids import LOCAL_USER
from webui.guard import is_loopback

MIN_TOKEN, MAX_TOKEN = 20, 200  # characters
_EVERYWHERE = ("0.0.0.0", "::")
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.(?!-)[a-z0-9-]{1,63})*", re.ASCII)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reach:
    """Where to listen, and how. ``names``: further host names, of a proxy for example."""

    host: str = "127.0.0.1"
    port: int = 7860
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    token_file: Path | None = None

    @property
    def opened(self) -> bool:
        """Whether others than this computer are meant to reach the studio."""
        return not is_loopback(self.host) or bool(self.names)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name that may stand in a request besides addresses; ``InputError`` for one that is none."""
        for name in self.names:
            if not _NAME.fullmatch(name.lower()) or len(name) > 253:
                raise InputError(f"{name[:60]!r} is no name of a computer.", "Give one like studio.example.org.")
        return (*self.names, *(() if is_loopback(self.host) else _own_names()))

    @property
    def certificate_files(self) -> tuple[Path | None, Path | None]:
        """The certificate and its key for HTTPS, tried beforehand; neither without HTTPS. One PEM may hold both."""
        if self.certificate is None:
            if self.key is not None:
                raise InputError("A key without its certificate is of no use.", "Give --certificate FILE too.")
            return None, None
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"The certificate or its key cannot be used ({reason}).", "Give both as PEM.") from error
        return self.certificate, self.key

    def addresses(self, port: int, token: str = "") -> list[str]:
        """What people type into the browser: this computer's own address first, then what others use."""
        scheme = "https" if self.certificate else "http"
        hosts = [*self.names, *(_own_addresses() if self.host in _EVERYWHERE else [self.host])]
        if self.host in _EVERYWHERE or (self.names and is_loopback(self.host)):
            hosts.insert(0, "127.0.0.1")
        door = f"sign-in#{quote(token, safe='')}" if token else ""
        written = (f"[{host}]" if ":" in host else host for host in dict.fromkeys(hosts))
        return [f"{scheme}://{host}:{port}/{door}" for host in written]

    def token(self) -> str:
        """What others must name where nobody has an account: what the file says (made if missing), else a new one."""
        if self.token_file is None:
            return secrets.token_urlsafe(24) if self.opened else ""
        try:
            if not self.token_file.exists():
                make_private(self.token_file.absolute().parent)
                write_bytes(self.token_file, secrets.token_urlsafe(24).encode() + b"\n")
            said = read_whole(self.token_file, 4 * MAX_TOKEN + 2).decode("utf-8").strip()
        except (OSError, ValueError) as error:
            raise InputError(
                f"The file {self.token_file} with the access code cannot be read.", "Choose another one."
            ) from error
        if not MIN_TOKEN <= len(said) <= MAX_TOKEN or not said.isprintable():
            raise InputError(
                f"The access code in {self.token_file} has fewer than {MIN_TOKEN} or more than {MAX_TOKEN} characters.",
                "Delete the file, and the next start makes one.",
            )
        return said

    def warn(self, *, users: bool) -> None:
        """Say in the log what being reached by others means."""
        if not self.opened:
            return
        door = "signs in" if users else "names the token"
        log.warning("others can reach this studio; everybody who %s can use it", door)
        if self.certificate is None and not is_loopback(self.host):
            log.warning("what is sent is not encrypted, passwords included: give --certificate and --key, or a proxy")


def names_token(token: str) -> Callable[[str, str], str]:
    """What lets in whoever names ``token``, as the local user."""

    def check(name: str, given: str) -> str:
        if not hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode()):
            raise RefusedError("The access code is wrong.", "Copy it from where the studio was started.")
        return LOCAL_USER

    return check


def _no_passphrase() -> str:
    raise ValueError("the key is locked under a passphrase")


def _own_names() -> Iterator[str]:
    """What this computer is called in its own network."""
    name = socket.gethostname().lower()
    for each in (name, name.partition(".")[0]):
        if _NAME.fullmatch(each):
            yield each
            yield f"{each}.local"


def _own_addresses() -> list[str]:
    """This computer's addresses in its networks; empty where there is none."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:  # a datagram socket that is "connected" sends nothing; it only learns which of our addresses it would use
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.connect((elsewhere, 9))
                found.append(str(asking.getsockname()[0]))
        except OSError:
            continue
    return found
