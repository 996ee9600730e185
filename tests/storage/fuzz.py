"""Mutated voice files: none may crash the import, write outside the user's voices, or run anything.

    python -m tests.storage.fuzz --count 10000 [--seed 0]

A third of the files are damaged as they travel; a third are damaged inside and encrypted again; a third are built by
somebody with a key of their own, who signs whatever header and contents they like. While they are imported an audit
hook of the interpreter watches every file that is opened to write, moved or removed, and every way to run something.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpt_sovits.errors import VoiceError
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.voicefile import MAGIC, decrypt, encrypt
from tests.storage.conftest import make_voice, stage

USER = "local"
_RUNS = {"pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect"}
_MOVES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree"}
_NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 1e308, float("nan"), "", "\x00", "../../evil", "/etc/passwd", "C:\\evil", "a" * 5000,
    [], [[]], {}, {"a": {}}, "__import__('os').system('true')", "\ud800", "delta.safetensors", [None] * 50,
)  # fmt: skip


@dataclass
class Tally:
    """How many files were refused and accepted, and everything that must not happen."""

    refused: int = 0
    accepted: int = 0
    wrong: list[str] = field(default_factory=list)


class Watch:
    """What the interpreter reports while ``on``: deeds outside ``inside`` and anything run."""

    def __init__(self, inside: Path) -> None:
        self.on = False
        self.seen: list[str] = []
        self._inside = str(inside.resolve())
        sys.addaudithook(self._hear)  # stays for the life of the process, silent unless ``on``

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in _RUNS:
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open":
            path, mode, flags = (*arguments, None, None, None)[:3]
            writes = bool(flags and flags & (os.O_WRONLY | os.O_RDWR)) or bool(mode and set("wax+") & set(mode))
            if writes and not self._ours(path):
                self.seen.append(f"open {path!r} to write")
        elif event in _MOVES:
            for path in arguments[:2]:
                if isinstance(path, (str, bytes, os.PathLike)) and os.path.isabs(os.fsdecode(path)):
                    if not self._ours(path):
                        self.seen.append(f"{event} {path!r}")

    def _ours(self, path: Any) -> bool:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return True
        where = os.path.realpath(os.fsdecode(path))
        return where.startswith(self._inside) or where == os.devnull


@contextlib.contextmanager
def quick_disk() -> Iterator[None]:
    real = os.fsync
    os.fsync = lambda handle: None
    try:
        yield
    finally:
        os.fsync = real


def run(count: int, seed: int, folder: Path) -> Tally:
    """Import ``count`` mutated files into a registry below ``folder``."""
    rng, tally = random.Random(seed), Tally()
    inside = folder / "friend"
    sender, friend = Registry(folder / "sender"), Registry(inside / "registry")
    recording = folder / "r.wav"
    recording.write_bytes(rng.randbytes(2000))
    voice = make_voice(1)
    with quick_disk():
        sender.admit(USER, "Ana", stage(folder / "jobs", voice, recording))
        identity = friend.identity(USER)
        outside = sender.export(USER, voice.id, recipient=identity.recipient)
        within = decrypt(outside, identity=identity.secret)
        friend.delete(USER, friend.take_in(USER, outside))  # whatever is imported late is imported now
        watch = Watch(inside)
        for number in range(count):
            kind = number % 3
            if kind == 0:
                data = damaged(outside, rng)
            elif kind == 1:
                data = encrypt(damaged(within, rng), recipient=identity.recipient)
            else:
                data = encrypt(forged(within, rng), recipient=identity.recipient)
            before = _count(inside)
            watch.on = True
            try:
                accepted = friend.take_in(USER, data)
            except VoiceError:
                accepted = ""
            except Exception as error:  # noqa: BLE001  # any other end of an import is what we look for
                accepted = ""
                tally.wrong.append(f"file {number}: {type(error).__name__}: {error}")
            finally:
                watch.on = False
            if accepted:
                tally.accepted += 1
                if kind < 2:
                    tally.wrong.append(f"file {number} was damaged and accepted")
                if friend.verify(USER):
                    tally.wrong.append(f"file {number}: {friend.verify(USER)}")
                friend.delete(USER, accepted)
            else:
                tally.refused += 1
                if _count(inside) != before:
                    tally.wrong.append(f"file {number} was refused after something was written")
    tally.wrong += watch.seen
    return tally


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes with a flipped bit, a cut, a gap, an insertion, a copy or a stretch of noise; never as they were."""
    at = rng.randrange(len(data))
    kind = rng.randrange(6)
    if kind == 0:
        result = bytearray(data)
        result[at] ^= 1 << rng.randrange(8)
        made = bytes(result)
    elif kind == 1:
        made = data[:at]
    elif kind == 2:
        made = data[:at] + data[at + rng.randrange(1, 200) :]
    elif kind == 3:
        made = data[:at] + rng.randbytes(rng.randrange(1, 100)) + data[at:]
    elif kind == 4:
        other = rng.randrange(len(data))
        made = data[:at] + data[other : other + 64] + data[at + 64 :]
    else:
        made = data[:at] + rng.randbytes(min(64, len(data) - at)) + data[at + 64 :]
    return made if made != data else data + b"\x00"


def forged(within: bytes, rng: random.Random) -> bytes:
    """A voice file with a nasty header or nasty contents, signed properly by somebody."""
    length = int.from_bytes(within[8:16], "little")
    header = json.loads(within[16 : 16 + length])
    contents = [within[16 + length + 64 :]]
    key = Ed25519PrivateKey.generate()
    header["signer"] = key.public_key().public_bytes_raw().hex()
    for _ in range(rng.randrange(1, 4)):
        _spoil(header, rng)
    if rng.random() < 0.5:
        import hashlib

        body, place = contents[0], 0
        parts = []
        for _, size, _ in json.loads(within[16 : 16 + length])["files"]:
            part, place = body[place : place + size], place + size
            parts.append(damaged(part, rng) if rng.random() < 0.5 else part)
        names = rng.choice(
            (["delta.safetensors", "reference.safetensors", "sample.wav"], ["../x", "/tmp/x", "voice.json"])
        )
        header["files"] = [[n, len(p), hashlib.sha256(p).hexdigest()] for n, p in zip(names, parts, strict=False)]
        contents = parts
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    size = rng.choice((len(text),) * 8 + (0, 2**40, len(text) + 1))
    head = MAGIC + size.to_bytes(8, "little") + text
    return b"".join([head, key.sign(head), *contents])


def _spoil(value: Any, rng: random.Random) -> None:
    """Replace, add or remove something at a random depth of a JSON value."""
    while True:
        places = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not places:
            return
        place = rng.choice(places)
        if isinstance(value[place], (dict, list)) and rng.random() < 0.7:
            value = value[place]
            continue
        kind = rng.randrange(8)
        if kind == 0:
            del value[place]
        elif kind == 1 and isinstance(value, dict):
            value[rng.choice(("x", "__class__", "schema", "files"))] = copy.deepcopy(rng.choice(_NASTY))
        else:
            value[place] = copy.deepcopy(rng.choice(_NASTY))
        return


def _count(folder: Path) -> list[str]:
    """Every file but the journal and the locks, which an import may touch."""
    names = (os.path.join(root, name) for root, _, found in os.walk(folder) for name in found)
    return sorted(name for name in names if not name.endswith((".lock", "journal.jsonl", ".sqlite3")))


def main() -> int:
    parser = argparse.ArgumentParser(description="Import mutated voice files.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(given.count, given.seed, Path(folder))
    sys.stdout.write(f"{tally.refused} refused, {tally.accepted} accepted (signed by somebody, and sound)\n")
    sys.stdout.write("\n".join(tally.wrong[:50]) + "\n" if tally.wrong else "nothing crashed, wrote outside or ran\n")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
