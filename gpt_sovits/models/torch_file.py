"""Opens files written by ``torch.save``, in the zip form and the older plain one, as plain data.

The file is mapped, not read: tensors are views of a private copy-on-write mapping, so a checkpoint of 800 MB costs
address space, not memory. Everything that the file states about itself (sizes, offsets, shapes, names) is checked
against the file before it is used. ``torch.save`` never compresses, so a compressed entry is refused: no bomb can
unfold. Some upstream files replace the first two bytes of the zip by a version tag; the tag is returned.
"""

from __future__ import annotations

import io
import math
import mmap
import os
import stat
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from torch import Tensor

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.models.pickle_reader import Name, UnsafeFileError, read_pickle

HEADER_TAGS = (b"00", b"01", b"02", b"03", b"04", b"05", b"06")
MAX_ENTRIES = 20_000
MAX_DIRECTORY_BYTES = 16 * 2**20
MAX_PICKLE_BYTES = 16 * 2**20
_MOST_KEY = 200  # characters of a tensor's key
MAX_DIMENSIONS = 8
MAX_EXPANSION = 4  # tensors may share storages (tied weights), but not blow up the file's size
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001

_STORAGE_DTYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


@dataclass(frozen=True)
class TorchFile:
    """``content``: dicts, lists, numbers, texts and tensors; ``tag``: "00" to "06", or "" when nothing was replaced."""

    content: Any
    tag: str


class _Map(mmap.mmap):
    """A mapping that ``zipfile`` accepts as a file (``seekable`` came with Python 3.13)."""

    def seekable(self) -> bool:
        return True


@dataclass
class _Storage:
    """A run of ``count`` numbers of one type; ``start`` is its byte position in the file (legacy: known late)."""

    dtype: torch.dtype
    count: int
    start: int


def open_regular(path: Path | str) -> int:
    """Open a file for reading; links, folders, pipes and devices are refused. Returns a file descriptor."""
    path = Path(path)
    try:
        if path.is_symlink():
            raise UnsafeFileError(f"{path} is a link, not a file.", "Give the file that it points to.")
        if not path.exists():
            raise MissingError(f"There is no file {path}.", "Check the name.")
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}).", "Check its permissions.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} is not a file.", "Give a weight file, or a folder of them.")
    return descriptor


def read_torch_file(path: Path | str) -> TorchFile:
    """Read a .pth, .ckpt, .pt or .bin file made by ``torch.save``.

    Raises:
        UnsafeFileError: it contains anything but data, or lies about its sizes.
        InputError: it is damaged, cut off or of another kind. MissingError: it does not exist.
    """
    path = Path(path)
    descriptor = open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        if size < 32:
            raise _damaged(path.name, "it is nearly empty")
        data = _Map(descriptor, 0, access=mmap.ACCESS_COPY)
    finally:
        os.close(descriptor)
    head, tag = bytes(data[:4]), ""
    if head[:2] in HEADER_TAGS and head[2:] == b"\x03\x04":
        tag = head[:2].decode("ascii")
        data[:2] = b"PK"
        head = bytes(data[:4])
    if head == b"PK\x03\x04":
        return TorchFile(_ZipReader(path.name, data).read(), tag)
    if head[:1] == b"\x80":
        return TorchFile(_LegacyReader(path.name, data).read(), tag)
    raise InputError(
        f"{path.name} is not a PyTorch weight file.", "Give a .pth, .ckpt, .pt, .bin or .safetensors file."
    )


class _Reader:
    """What both containers share: storages by persistent id and tensors on top of them."""

    def __init__(self, name: str, data: _Map) -> None:
        self.name = name
        self.data = data
        self._budget = MAX_EXPANSION * len(data) + 2**20
        self._views: dict[tuple[int, int, torch.dtype], Tensor] = {}

    def storage_id(self, identity: object) -> tuple[torch.dtype, str, int, object]:
        """Check a persistent id ``("storage", type, key, location, count[, view])``."""
        if not (isinstance(identity, tuple) and len(identity) in (5, 6) and identity[0] == "storage"):
            raise _damaged(self.name, "an unknown kind of reference")
        kind, key, count = identity[1], identity[2], identity[4]
        prefix, _, short = kind.text.rpartition(".") if isinstance(kind, Name) else ("", "", "")
        if prefix not in ("torch", "torch.storage") or short not in _STORAGE_DTYPES:
            raise _damaged(self.name, "numbers of an unsupported type")
        if (
            not isinstance(key, str)
            or len(key) > _MOST_KEY
            or type(count) is not int
            or not 0 <= count <= len(self.data)
        ):
            raise _damaged(self.name, "a storage of impossible size")
        return _STORAGE_DTYPES[short], key, count, identity[5] if len(identity) == 6 else None

    def rebuild(self, function: str, arguments: tuple[Any, ...]) -> object:
        """The constructors that a state dict uses; the rest is refused."""
        if function == "_rebuild_parameter" and arguments and isinstance(arguments[0], Tensor):
            return arguments[0]
        if function not in ("_rebuild_tensor", "_rebuild_tensor_v2") or len(arguments) < 4:
            raise UnsafeFileError(f"{self.name} holds a special tensor ({function}).", "Use plain weights.")
        storage, offset, shape, stride = arguments[:4]
        if not isinstance(storage, _Storage):
            raise _damaged(self.name, "a tensor without numbers")
        return self._tensor(storage, offset, shape, stride)

    def _tensor(self, storage: _Storage, offset: object, shape: object, stride: object) -> Tensor:
        if not (_few(shape) and _few(stride)):
            raise _absurd(self.name, shape)
        numbers = (offset, *_tuple(shape), *_tuple(stride))
        sound = all(type(number) is int and 0 <= number < 2**40 for number in numbers)
        if not sound or len(_tuple(shape)) != len(_tuple(stride)) or len(_tuple(shape)) > MAX_DIMENSIONS:
            raise _absurd(self.name, shape)
        begin, sizes, steps = int(numbers[0]), _tuple(shape), _tuple(stride)  # type: ignore[call-overload]
        count = math.prod(sizes)
        last = begin + sum((size - 1) * step for size, step in zip(sizes, steps, strict=True))
        if count > storage.count or (count and last >= storage.count):
            raise _absurd(self.name, shape)
        self._budget -= count * storage.dtype.itemsize
        if self._budget < 0:
            raise UnsafeFileError(f"{self.name} unfolds to much more than its size.", "Use an official file.")
        if count == 0:
            return torch.empty(sizes, dtype=storage.dtype)
        place = (storage.start, storage.count, storage.dtype)
        if place not in self._views:
            self._views[place] = self._view(storage)
        return self._views[place].as_strided(sizes, steps, begin)

    def _view(self, storage: _Storage) -> Tensor:
        """The numbers of a storage as a flat tensor on the mapping (a copy where the file is not aligned)."""
        width = storage.dtype.itemsize
        end = storage.start + storage.count * width
        if end > len(self.data):
            raise _damaged(self.name, "it ends too early")
        if storage.start % width:
            return torch.frombuffer(bytearray(self.data[storage.start : end]), dtype=storage.dtype)
        return torch.frombuffer(self.data, dtype=storage.dtype, count=storage.count, offset=storage.start)


class _ZipReader(_Reader):
    """The form since PyTorch 1.6: ``<root>/data.pkl`` and one stored entry per storage."""

    def read(self) -> Any:
        self._check_directory()
        try:
            with zipfile.ZipFile(cast(BinaryIO, self.data)) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, struct.error, NotImplementedError) as error:
            raise _damaged(self.name, "it is cut off or not a complete archive") from error
        self._spans = self._check_entries(entries)
        roots = [
            name[: -len("data.pkl")] for name in self._spans if name.endswith("/data.pkl") and name.count("/") == 1
        ]
        if len(roots) != 1:
            raise InputError(f"{self.name} is a zip archive but not of PyTorch weights.", "Give a weight file.")
        self._root = roots[0]
        if f"{self._root}constants.pkl" in self._spans:
            raise UnsafeFileError(f"{self.name} is a TorchScript program, not weights.", "Give a weight file.")
        start, size = self._spans.get(f"{self._root}byteorder", (0, 0))
        if bytes(self.data[start : start + size]) not in (b"", b"little"):
            raise InputError(f"{self.name} was written on a big-endian machine.", "Save it again on a common one.")
        start, size = self._spans[f"{self._root}data.pkl"]
        if size > MAX_PICKLE_BYTES:
            raise _damaged(self.name, "its table of contents is too large")
        self._storages: dict[str, _Storage] = {}
        stream = io.BytesIO(self.data[start : start + size])
        return read_pickle(stream, self._load_storage, self.rebuild, what=self.name)

    def _check_directory(self) -> None:
        """Bound the size of the zip directory before ``zipfile`` reads it into memory."""
        at = self.data.rfind(b"PK\x05\x06", max(0, len(self.data) - 65557))
        if at < 0 or at + 22 > len(self.data):
            raise _damaged(self.name, "it is cut off (the archive has no end)")
        count, length = struct.unpack_from("<HI", self.data, at + 10)
        if at >= 20 and self.data[at - 20 : at - 16] == b"PK\x06\x07":
            (record,) = struct.unpack_from("<Q", self.data, at - 12)
            if record + 56 > at or self.data[record : record + 4] != b"PK\x06\x06":
                raise _damaged(self.name, "its directory is broken")
            count, length = struct.unpack_from("<QQ", self.data, record + 32)
        if count > MAX_ENTRIES or length > MAX_DIRECTORY_BYTES:
            raise UnsafeFileError(f"{self.name} claims {count} entries, far too many.", "Use an official file.")

    def _check_entries(self, entries: list[zipfile.ZipInfo]) -> dict[str, tuple[int, int]]:
        """Return name -> (first byte, size) after checking every entry against the file."""
        if len(entries) > MAX_ENTRIES:
            raise UnsafeFileError(f"{self.name} has {len(entries)} entries, far too many.", "Use an official file.")
        spans: dict[str, tuple[int, int]] = {}
        free_from = 0
        for entry in sorted(entries, key=lambda item: item.header_offset):
            name = entry.filename
            if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
                raise UnsafeFileError(f"{self.name} contains the path {name[:80]!r}.", "Use an official file.")
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise UnsafeFileError(f"{self.name} contains a link, {name[:80]!r}.", "Use an official file.")
            if name in spans:
                raise UnsafeFileError(f"{self.name} contains {name[:80]!r} twice.", "Use an official file.")
            if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
                raise UnsafeFileError(
                    f"{self.name} is compressed ({name[:80]!r} claims to unfold to {entry.file_size} bytes); "
                    "weight files never are.",
                    "Use the original file.",
                )
            if entry.flag_bits & 0x1:
                raise InputError(f"{self.name} is an encrypted archive.", "Decrypt it first.")
            header = entry.header_offset
            if header < free_from or header + 30 > len(self.data) or self.data[header : header + 4] != b"PK\x03\x04":
                raise _damaged(self.name, f"the entry {name[:80]!r} is not where the directory says")
            name_length, extra_length = struct.unpack_from("<HH", self.data, header + 26)
            start = header + 30 + name_length + extra_length
            free_from = start + entry.file_size
            if free_from > len(self.data):
                raise _damaged(self.name, f"the entry {name[:80]!r} is longer than the file")
            spans[name] = (start, entry.file_size)
        return spans

    def _load_storage(self, identity: object) -> _Storage:
        dtype, key, count, view = self.storage_id(identity)
        if view is not None:
            raise _damaged(self.name, "an unknown kind of reference")
        if key not in self._storages:
            span = self._spans.get(f"{self._root}data/{key}")
            if span is None or span[1] < count * dtype.itemsize:
                raise _damaged(self.name, f"the numbers of tensor {key!r} are missing")
            self._storages[key] = _Storage(dtype, count, span[0])
        storage = self._storages[key]
        if (storage.dtype, storage.count) != (dtype, count):
            raise _damaged(self.name, "two tensors disagree about the same numbers")
        return storage


class _LegacyReader(_Reader):
    """The form before PyTorch 1.6: five pickles, then the storages one after the other."""

    def read(self) -> Any:
        self._first_pass: dict[str, tuple[torch.dtype, int]] = {}
        if self._plain() != _LEGACY_MAGIC or self._plain() != _LEGACY_PROTOCOL:
            raise InputError(f"{self.name} is a pickle but not PyTorch weights.", "Give a weight file.")
        information = self._plain()
        if not isinstance(information, dict) or information.get("little_endian") is not True:
            raise InputError(f"{self.name} was written on a big-endian machine.", "Save it again on a common one.")
        begin = self.data.tell()
        self._pickle(self._note_storage, lambda function, arguments: None)
        keys = self._plain()
        texts = isinstance(keys, list) and len(keys) <= MAX_ENTRIES and all(isinstance(key, str) for key in keys)
        if not texts or set(keys) != set(self._first_pass):
            raise _damaged(self.name, "its list of tensors is broken")
        self._starts: dict[str, int] = {}
        position = self.data.tell()
        for key in keys:
            dtype, count = self._first_pass[key]
            if position + 8 > len(self.data) or struct.unpack_from("<q", self.data, position)[0] != count:
                raise _damaged(self.name, "it is cut off")
            self._starts[key] = position + 8
            position += 8 + count * dtype.itemsize
        self.data.seek(begin)
        return self._pickle(self._load_storage, self.rebuild)

    def _plain(self) -> Any:
        return self._pickle(self._no_reference, lambda function, arguments: None)

    def _pickle(self, persistent_load: Any, rebuild: Any) -> Any:
        begin = self.data.tell()
        stream = io.BytesIO(self.data[begin : begin + MAX_PICKLE_BYTES])
        try:
            return read_pickle(stream, persistent_load, rebuild, what=self.name)
        finally:
            self.data.seek(begin + stream.tell())

    def _no_reference(self, identity: object) -> None:
        raise _damaged(self.name, "a reference where there should be none")

    def _note_storage(self, identity: object) -> None:
        dtype, key, count, _ = self.storage_id(identity)
        self._first_pass[key] = (dtype, count)

    def _load_storage(self, identity: object) -> _Storage:
        dtype, key, count, view = self.storage_id(identity)
        start = self._starts[key]
        if view is not None:
            if not (isinstance(view, tuple) and len(view) == 3 and all(type(n) is int and n >= 0 for n in view[1:])):
                raise _damaged(self.name, "a part of a tensor is broken")
            if view[1] + view[2] > count:
                raise _damaged(self.name, "a part of a tensor is outside of it")
            return _Storage(dtype, view[2], start + view[1] * dtype.itemsize)
        return _Storage(dtype, count, start)


def _tuple(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (None,)


def _few(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) <= MAX_DIMENSIONS


def _damaged(name: str, why: str) -> InputError:
    return InputError(f"{name} is damaged: {why}.", "Get the file again.")


def _absurd(name: str, shape: object) -> UnsafeFileError:
    return UnsafeFileError(
        f"{name} describes a tensor{_shown(shape)} that its numbers cannot fill.", "Use an official file."
    )


def _shown(shape: object) -> str:
    """The shape for a sentence, where it is one."""
    plain = _few(shape) and all(type(size) is int and abs(size) < 2**64 for size in _tuple(shape))
    return f" of shape {_tuple(shape)}" if plain else ""
