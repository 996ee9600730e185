"""Destroying a voice, and showing that it is gone: a receipt of what was removed, and a scan that looks for it.

The receipt holds no piece of the voice. For each removed file it keeps its SHA-256, and keyed 8-byte digests of 64-byte
pieces at places that the content itself chooses (a hash of four bytes falls below a bound: one place in 1024). Wherever
in any file such a piece turns up again, at whatever offset, the scan chooses the same place and recognises it. A
left-over of n bytes is missed with a probability of about exp(-n / 1024).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError
from gpt_sovits.files import make_private, read_json, sha256_of, write_json
from gpt_sovits.voices.ids import check_id

PIECE = 64  # bytes
_BOUND = 2**32 // 1024
_DIGEST = 8
_VARIETY = 12  # different byte values in a piece; silence and padding have fewer
_BLOCK = 4 * 2**20
MOST_RECEIPT = 64 * 2**20  # bytes: an hour of speech has some 6 MB of digests
_MULTIPLIER = 2654435761  # 2^32 / golden ratio


@dataclass(frozen=True)
class Receipt:
    """What was destroyed. ``files``: SHA-256 -> bytes; ``ids``: of the voice, its versions and its jobs."""

    voice: str
    when: str
    ids: tuple[str, ...]
    files: Mapping[str, int]
    mixes: tuple[str, ...] = ()
    salt: str = field(default_factory=lambda: secrets.token_hex(16))
    pieces: frozenset[str] = frozenset()

    @property
    def bytes(self) -> int:
        return sum(self.files.values())


@dataclass(frozen=True)
class Scan:
    """``files`` and ``bytes`` that were looked through, and (path, what of the voice is in it).

    ``unread``: files that could not be read; ``locked``: names of the user's locked voices, and ``others``: how many
    voices of other users, which could not be looked into.
    """

    files: int
    bytes: int
    found: tuple[tuple[str, str], ...]
    unread: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    others: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing was found in what was looked through; ``limits`` says in what nobody looked."""
        return not self.found

    def limits(self) -> list[str]:
        """What the scan cannot tell, one sentence each."""
        said = []
        if self.unread:
            said.append(f"{len(self.unread)} files could not be read, such as {self.unread[0]}.")
        if self.locked:
            said.append(f"Locked voices were not looked into: {', '.join(self.locked)}.")
        if self.others:
            said.append(f"{self.others} voices of other users were not looked into.")
        return [
            *said,
            "Only the data folder was searched. A packed, converted or newly spoken copy cannot be recognised.",
            "What the disk itself keeps (spare cells of an SSD, snapshots, backups) is out of reach of any program.",
        ]


@dataclass(frozen=True)
class Content:
    """Something that is about to be removed: ``read`` gives its bytes, block by block."""

    name: str
    read: Callable[[], Iterator[bytes]]


def of_file(path: Path) -> Content:
    """The bytes of a file as they lie on the disk."""
    return Content(path.name, lambda: _chunks(path))


def receipt(
    voice: str,
    when: str,
    ids: Iterable[str],
    contents: Iterable[Content],
    mixes: Iterable[str] = (),
    *,
    blended: Iterable[Content] = (),
    kept: Iterable[Content] = (),
    before: Receipt | None = None,
) -> Receipt:
    """Take the fingerprints of what is about to be removed; manifests and headers hold common words only.

    ``blended``: contents of mixes, in which a piece may belong to a voice that stays; ``kept``: what such voices hold.
    ``before``: the receipt of an earlier try, which was cut short; what it names stays named.
    """
    before = before or Receipt(voice, when, (), {})
    digests, pieces = _fingerprints(contents, before.salt)
    more, mixed = _fingerprints(blended, before.salt)
    stays, staying = _fingerprints(kept, before.salt) if more else ({}, set())
    digests |= {digest: size for digest, size in more.items() if digest not in stays}
    pieces |= mixed - staying
    return Receipt(
        voice,
        when,
        tuple(dict.fromkeys((*before.ids, *ids))),
        {**before.files, **digests},
        tuple(dict.fromkeys((*before.mixes, *mixes))),
        before.salt,
        before.pieces | pieces,
    )


def _fingerprints(contents: Iterable[Content], salt: str) -> tuple[dict[str, int], set[str]]:
    """SHA-256 and bytes of each content, and the keyed digests of its pieces."""
    digests: dict[str, int] = {}
    pieces: set[str] = set()
    for content in contents:
        if content.name.endswith(".json"):
            continue
        digest, size = hashlib.sha256(), 0
        for chunk in content.read():
            digest.update(chunk)
            size += len(chunk)
        digests[digest.hexdigest()] = size
        for block in _overlapping(_numbers(content)):
            pieces.update(_pieces(block, salt))
    return digests, pieces


def scan(
    folders: Iterable[Path],
    wanted: Receipt,
    *,
    known: frozenset[str] = frozenset(),
    contents: Iterable[tuple[str, Content]] = (),
) -> Scan:
    """Look through every file in ``folders`` for what ``wanted`` says was destroyed.

    ``known``: names of files that may mention the ids (the journal, the receipts). ``contents``: what else to look
    through, each with the name it is found under: files that lie in the folders encrypted.
    """
    found: list[tuple[str, str]] = []
    unread: list[str] = []
    files = total = 0
    ids = [each.encode() for each in wanted.ids]
    for path in _every_file(folders):
        try:
            size = path.stat().st_size
            reasons = {"an id in its name" for each in wanted.ids if each in str(path) and path.name not in known}
            if size in wanted.files.values() and sha256_of(path) in wanted.files:
                reasons.add("a whole file")
            for block in _overlapping(_chunks(path)):
                if path.name not in known and any(each in block for each in ids):
                    reasons.add("an id")
                if not wanted.pieces.isdisjoint(_pieces(block, wanted.salt)):
                    reasons.add("a piece of a file")
        except OSError:
            if path.exists():  # else it was removed while we look
                unread.append(str(path))
            continue
        files, total = files + 1, total + size
        if reasons:
            found.append((str(path), ", ".join(sorted(reasons))))
    for name, content in contents:
        digest, reasons = hashlib.sha256(), set()
        for block in _overlapping(_hashed(content.read(), digest)):
            if not wanted.pieces.isdisjoint(_pieces(block, wanted.salt)):
                reasons.add("a piece of a file")
        if digest.hexdigest() in wanted.files:
            reasons.add("a whole file")
        if reasons:
            found.append((name, ", ".join(sorted(reasons))))
    return Scan(files, total, tuple(found), tuple(unread))


def remove_copies(folder: Path, digests: Mapping[str, int]) -> int:
    """Delete every file below ``folder`` whose SHA-256 and size are in ``digests``; returns how many there were."""
    removed = 0
    for path in list(_every_file([folder])):
        if path.stat().st_size in digests.values() and sha256_of(path) in digests:
            path.unlink()
            removed += 1
    return removed


def save(folder: Path, value: Receipt, aside: Path | None = None) -> Path:
    """Keep a receipt in the user's folder of receipts; ``aside`` as in ``files.write_bytes``."""
    path = place(make_private(folder), value.voice)
    write_json(path, {**asdict(value), "ids": list(value.ids), "pieces": sorted(value.pieces)}, aside)
    return path


def place(folder: Path, voice: str) -> Path:
    """Where the receipt of a voice lies in the user's folder of receipts."""
    return folder / f"{check_id(voice)}.json"


def find(folder: Path, voice: str) -> Receipt | None:
    """The receipt of a voice, if there is one."""
    return load(folder, voice) if place(folder, voice).is_file() else None


def load(folder: Path, voice: str) -> Receipt:
    """``MissingError`` when no such voice was destroyed here."""
    value: dict[str, Any] = read_json(place(folder, voice), MOST_RECEIPT)
    try:
        value["ids"], value["mixes"] = tuple(value["ids"]), tuple(value["mixes"])
        return Receipt(**{**value, "pieces": frozenset(value["pieces"])})
    except (KeyError, TypeError) as error:
        raise InputError("The receipt is damaged.", "Restore it from a backup.") from error


def _every_file(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for root, _, names in os.walk(folder):
            for name in names:
                path = Path(root) / name
                if path.is_file() and not path.is_symlink():
                    yield path


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_BLOCK):
            yield chunk


def _hashed(chunks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _overlapping(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks that overlap, so that every piece lies whole in one of them."""
    tail = b""
    for chunk in chunks:
        block = tail + chunk
        yield block
        tail = block[-(PIECE + 3) :]


def _numbers(content: Content) -> Iterator[bytes]:
    """A safetensors file without its header, as names of tensors are no secret; any other file whole."""
    chunks = content.read()
    if not content.name.endswith(".safetensors"):
        yield from chunks
        return
    skip, head = None, b""
    for chunk in chunks:
        head += chunk
        if skip is None and len(head) >= 8:
            skip = 8 + int.from_bytes(head[:8], "little")
        if skip is not None:
            dropped = min(skip, len(head))
            skip -= dropped
            if head := head[dropped:]:
                yield head
                head = b""


def _pieces(data: bytes, salt: str) -> Iterator[str]:
    """Keyed digests of the pieces that begin at the chosen places of ``data``."""
    import numpy as np

    if len(data) < PIECE:
        return
    values = np.frombuffer(data, np.uint8).astype(np.uint32)
    words = values[:-3] | values[1:-2] << 8 | values[2:-1] << 16 | values[3:] << 24
    chosen = np.flatnonzero(words * np.uint32(_MULTIPLIER) < _BOUND)
    key = bytes.fromhex(salt)
    for place in chosen[chosen <= len(data) - PIECE]:
        piece = data[place : place + PIECE]
        if len(set(piece)) >= _VARIETY:
            yield hashlib.blake2b(piece, key=key, digest_size=_DIGEST).hexdigest()
