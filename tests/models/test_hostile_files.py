"""Files that try to run something or to exhaust the machine are refused, and nothing of them is carried out."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.models.pickle_reader import UnsafeFileError
from gpt_sovits.models.torch_file import read_torch_file
from gpt_sovits.models.upstream import read_upstream

_SPRUNG: list[str] = []


def canary(what: str = "called") -> str:
    """A function that a hostile pickle calls; the tests prove that it never is."""
    _SPRUNG.append(what)
    return what


class CanaryClass:
    def __init__(self, *arguments: object) -> None:
        canary("class")

    def __setstate__(self, state: object) -> None:
        canary("setstate")


class Evil:
    """Pickles as a call of ``function(*arguments)``."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


@pytest.fixture(autouse=True)
def _nothing_ran() -> Any:
    _SPRUNG.clear()
    yield
    assert _SPRUNG == [], "the file was executed"


def torch_zip(path: Path, data: bytes, *, extra: dict[str, bytes] | None = None, compress: bool = False) -> Path:
    """A torch archive around the pickle ``data``."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", b"3\n")
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return path


def bare(module: str, name: str, *opcodes: bytes) -> bytes:
    """A hand-written pickle: ``module.name`` on the stack, then ``opcodes``."""
    return b"\x80\x02c" + module.encode() + b"\n" + name.encode() + b"\n" + b"".join(opcodes) + b"."


EVIL_OBJECTS = {
    "a function": lambda: Evil(canary),
    "os.system": lambda: Evil(os.system, "echo sprung"),
    "exec": lambda: Evil(exec, "raise SystemExit"),
    "inside an allowed constructor": lambda: Evil(OrderedDict, [("weight", Evil(canary))]),
    "as an argument of a call": lambda: Evil(getattr, Evil(canary), "x"),
    "as a key": lambda: {(1, 2): [{"deep": [Evil(canary)]}]},
    "in the config": lambda: {"weight": {"a": torch.ones(2)}, "config": Evil(canary), "info": "x"},
    "nested unpickling": lambda: Evil(torch.storage._load_from_bytes, pickle.dumps(Evil(canary))),
    "torch.load": lambda: Evil(torch.load, "other.pth"),
    "an object of a class": lambda: CanaryClass.__new__(CanaryClass),
}


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("case", EVIL_OBJECTS)
def test_pickles_that_call_something_are_refused(tmp_path: Path, case: str, protocol: int) -> None:
    path = tmp_path / "evil.pth"
    torch.save(EVIL_OBJECTS[case](), path, pickle_protocol=protocol)
    with pytest.raises(InputError) as caught:
        read_upstream(path)
    assert "evil.pth" in str(caught.value)
    if protocol == 2 and case not in ("in the config", "as a key"):
        assert isinstance(caught.value, UnsafeFileError)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_the_old_file_form_is_as_safe(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"weight": Evil(canary)}, path, pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    with pytest.raises(InputError):
        read_upstream(path)
    path.write_bytes(pickle.dumps(Evil(canary), protocol=2))
    with pytest.raises(InputError):
        read_upstream(path)


MODULE = __name__
RAW_PICKLES = {
    "call": bare(MODULE, "canary", b")R"),
    "object with state": bare(MODULE, "CanaryClass", b")\x81", b"}b"),
    "old instance": b"(i" + MODULE.encode() + b"\nCanaryClass\n.",
    "old object": b"(c" + MODULE.encode() + b"\nCanaryClass\no.",
    "keyword object": bare(MODULE, "CanaryClass", b")}\x92"),
    "extension registry": b"\x80\x02\x82\x01.",
    "dotted walk": bare("torch._utils", "_rebuild_tensor_v2.__globals__", b")R"),
    "special rebuild": bare("torch._utils", "_rebuild_wrapper_subclass", b")R"),
    "HParams by call": bare("utils", "HParams", b")R"),
    "another HParams": bare("evil", "HParams", b")\x81}b"),
    "text persistent id": b"\x80\x02Pstorage\n.",
    "out of band buffer": b"\x80\x05\x97.",
}


@pytest.mark.parametrize("case", RAW_PICKLES)
def test_every_way_to_reach_code_in_a_pickle_is_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(UnsafeFileError, match="nothing in it was run|special tensor"):
        read_torch_file(torch_zip(tmp_path / "raw.pth", RAW_PICKLES[case]))


def test_nested_reduce_is_refused_at_any_depth(tmp_path: Path) -> None:
    depth = 50_000
    data = (
        b"\x80\x02"
        + b"ccollections\nOrderedDict\n(" * depth
        + bare(MODULE, "canary", b")R")[2:-1]
        + b"tR" * depth
        + b"."
    )
    with pytest.raises(UnsafeFileError):
        read_torch_file(torch_zip(tmp_path / "deep.pth", data))


def test_deep_and_doubling_containers_do_not_exhaust_anything(tmp_path: Path) -> None:
    lists = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    assert read_torch_file(torch_zip(tmp_path / "deep.pth", lists)).content
    laughs: Any = [1]
    for _ in range(40):
        laughs = [laughs, laughs]
    torch.save({"weight": {"enc_p.x": torch.ones(1)}, "config": {"a": laughs}}, tmp_path / "laughs.pth")
    with pytest.raises(InputError, match="far too large"):
        read_upstream(tmp_path / "laughs.pth")


def doubled(depth: int = 40) -> bytes:
    """Opcodes that leave a tuple on the stack whose text would have two to the power of ``depth`` parts."""
    return b"K\x01\x85" + b"".join(b"q%ch%c\x86" % (at, at) for at in range(depth))


def _view(*arguments: bytes) -> bytes:
    """Opcodes for a tensor of 4 numbers with these offset, shape and stride."""
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"".join(arguments) + b"tR"


_LONG = b"X" + struct.pack("<I", 2**20) + b"x" * 2**20
_PLAIN = (b"K\x00", b"K\x04\x85", b"K\x01\x85")
BOMBS = {  # each a kilobyte or some more: what it would become if it were written out, hashed or compared is terabytes
    "device": b"ctorch\ndevice\n" + doubled() + b"\x85R",
    "path": b"cpathlib\nPosixPath\n" + doubled() + b"\x85R",
    "path of texts": b"cpathlib\nPath\n(" + _LONG + b"q\x00" + b"h\x00" * 20_000 + b"tR",
    "new object of it": doubled() + b")\x81",
    "new object with it": b"cutils\nHParams\n" + doubled() + b"\x85\x81",
    "name of it": doubled() + doubled() + b"\x93",
    "name of texts": _LONG + b"X\x01\x00\x00\x00x\x93",
    "called": doubled() + b")R",
    "key": b"}" + doubled() + b"K\x01s",
    "tuple key": b"}" + doubled(30) + b"\x85K\x01s",
    "shape": _view(b"K\x00", doubled() + b"\x85", b"K\x01\x85"),
    "long shape": b"(" + b"(" + b"K\x01" * 200_000 + b"tq\xc8" + _view(b"K\x00", b"h\xc8", b"h\xc8") * 50 + b"t",
    "offset": _view(doubled(), b"K\x04\x85", b"K\x01\x85"),
    "storage": b"(X\x07\x00\x00\x00storage" + doubled() + b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ",
    "storage key": b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + doubled() + b"X\x03\x00\x00\x00cpuK\x04tQ",
    "reference": doubled() + b"Q",
    "encode": b"(" + _LONG + b"q\x00" + b"c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tR" * 2000 + b"t",
    "equal hashes": b"}(" + b"".join(
        b"\x8a\x0a" + (number * (2**61 - 1)).to_bytes(10, "little") + b"N" for number in range(60_000)
    ) + b"u",
    "pairs": b"ccollections\nOrderedDict\n](" + doubled() * 50 + b"e\x85R",
    "empty tensor": _view(b"K\x00", b"(" + b"\x8a\x05\xff\xff\xff\xff\x7f" * 6 + b"K\x00t", b"(" + b"K\x01" * 7 + b"t"),
    "states": b"cutils\nHParams\n)\x81" + doubled() + b"b",
    "number": b"\x8b" + struct.pack("<i", 2**20) + b"\x7f" * 2**20 + b"q\x00" + b"ctorch\ndevice\nh\x00\x85R",
}  # fmt: skip


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "old"])
def test_bombs_end_in_a_sentence_within_a_budget(tmp_path: Path, modern: bool) -> None:
    """All in one process that may have 200 MB more than it began with and two seconds of computing each."""
    for name, opcodes in BOMBS.items():
        data = b"\x80\x02" + opcodes + b"."
        if modern:
            torch_zip(tmp_path / f"{name}.pth", data, extra={"archive/data/0": struct.pack("<4f", 1, 2, 3, 4)})
        else:
            head = [pickle.dumps(each, protocol=2) for each in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
            (tmp_path / f"{name}.pth").write_bytes(b"".join(head) + data + pickle.dumps(["0"], protocol=2) + bytes(64))
    done = subprocess.run([sys.executable, "-c", _READ, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    said = dict(line.split("\t", 1) for line in done.stdout.splitlines())
    assert set(said) == {f"{name}.pth" for name in BOMBS}, set(BOMBS) - {name[:-4] for name in said}
    slow = {name: answer for name, answer in said.items() if not answer.startswith("InputError: ")}
    assert not slow


_READ = """
import resource, sys, time
from pathlib import Path
from gpt_sovits.errors import InputError
from gpt_sovits.models.torch_file import read_torch_file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    began = time.process_time()
    try:
        read_torch_file(path)
        said = "read"
    except InputError as error:
        said = f"InputError: {error}" if len(str(error)) < 400 else "long"
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if time.process_time() - began > 2 or more > 200 * 1024:
        said = f"{time.process_time() - began:.1f} s, {more / 1024:.0f} MB"
    print(path.name, said, sep="\t", flush=True)
"""


def test_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    pickled = pickle.dumps({}, protocol=2)
    bomb = torch_zip(tmp_path / "bomb.pth", pickled, extra={"archive/data/0": bytes(200 * 2**20)}, compress=True)
    assert bomb.stat().st_size < 2**20
    with pytest.raises(UnsafeFileError, match="compressed"):
        read_torch_file(bomb)


def test_overlapping_entries_and_crowds_of_entries_are_refused(tmp_path: Path) -> None:
    crowd = {f"archive/data/{number}": b"" for number in range(20_001)}
    with pytest.raises(UnsafeFileError, match="far too many"):
        read_torch_file(torch_zip(tmp_path / "crowd.pth", b"\x80\x02}.", extra=crowd))
    path = torch_zip(
        tmp_path / "overlap.pth", b"\x80\x02}.", extra={"archive/data/0": b"x" * 64, "archive/data/1": b"y" * 64}
    )
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    first = data.index(b"PK\x03\x04", data.index(b"archive/version") - 30 + 1)
    struct.pack_into("<I", data, directory + 42, first)  # the last entry claims the place of an earlier one
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_torch_file(path)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("modern", [True, False])
def test_truncated_files_are_damaged_files(tmp_path: Path, keep: float, modern: bool) -> None:
    path = tmp_path / "cut.pth"
    torch.save({"weight": {"a": torch.ones(500)}}, path, _use_new_zipfile_serialization=modern)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(InputError, match="damaged"):
        read_torch_file(path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "archive/../../x", "/etc/passwd", "archive\\..\\x", "C:/x"])
def test_path_names_in_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    path = torch_zip(tmp_path / "paths.pth", b"\x80\x02}.", extra={name: b"x"})
    with pytest.raises(UnsafeFileError, match="path"):
        read_torch_file(path)
    assert [item.name for item in tmp_path.iterdir()] == ["paths.pth"]


def test_links_are_refused_inside_and_outside(tmp_path: Path) -> None:
    path = tmp_path / "good.pth"
    torch.save({"a": torch.ones(2)}, path)
    (tmp_path / "link.pth").symlink_to(path)
    with pytest.raises(UnsafeFileError, match="link"):
        read_torch_file(tmp_path / "link.pth")
    (tmp_path / "dangling.pth").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnsafeFileError, match="link"):
        read_torch_file(tmp_path / "dangling.pth")
    entry = zipfile.ZipInfo("archive/data/0")
    entry.external_attr = 0o120777 << 16
    inner = torch_zip(tmp_path / "inner.pth", b"\x80\x02}.")
    with zipfile.ZipFile(inner, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UnsafeFileError, match="link"):
        read_torch_file(inner)
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(InputError):
        read_torch_file(tmp_path / "pipe.pth")
    with pytest.raises(MissingError):
        read_torch_file(tmp_path / "none.pth")
    with pytest.raises(InputError):
        read_torch_file(tmp_path)


def _tensor_pickle(shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, count: int = 4) -> bytes:
    """The pickle of one float tensor with any shape over a storage that claims ``count`` numbers."""
    buffer = io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, item: object) -> object:
            return ("storage", torch.FloatStorage, "0", "cpu", count) if item == "here" else None

    call = Evil(torch._utils._rebuild_tensor_v2, "here", offset, shape, stride, False, OrderedDict())
    Pickler(buffer, protocol=2).dump({"a": call})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("shape", "stride", "offset", "count"),
    [
        ((2**20, 2**19), (0, 0), 0, 4),  # one number that claims to be 2 TB
        ((1, 10**9), (1, 1), 0, 4),
        ((5,), (1,), 0, 4),
        ((2, 2), (2, 1), 1, 4),
        ((4,), (-1,), 0, 4),
        ((-4,), (1,), 0, 4),
        ((2,) * 30, (0,) * 30, 0, 4),
        ((4,), (1, 1), 0, 4),
        ((4,), (1,), 0, 10**15),
        ((4,), (1,), -1, 4),
        ((4,), (1,), 0, 400),
        ((2**64,), (1,), 0, 4),
    ],
)
def test_absurd_shapes_are_refused(
    tmp_path: Path, shape: tuple[int, ...], stride: tuple[int, ...], offset: int, count: int
) -> None:
    extra = {"archive/data/0": struct.pack("<4f", 1, 2, 3, 4)}
    path = torch_zip(tmp_path / "shape.pth", _tensor_pickle(shape, stride, offset, count), extra=extra)
    with pytest.raises(InputError, match=r"shape\.pth"):
        read_torch_file(path)


def test_many_views_of_one_storage_cannot_multiply_the_file(tmp_path: Path) -> None:
    shared = torch.ones(100_000)
    torch.save({f"t{number}": shared.view(-1) for number in range(200)}, tmp_path / "views.pth")
    with pytest.raises(UnsafeFileError, match="unfolds"):
        read_torch_file(tmp_path / "views.pth")
    torch.save({f"enc_p.{number}": shared for number in range(200)}, tmp_path / "names.pth")
    with pytest.raises(UnsafeFileError, match="many times"):
        read_upstream(tmp_path / "names.pth")


def test_sane_shape_reads_right(tmp_path: Path) -> None:
    extra = {"archive/data/0": struct.pack("<4f", 1, 2, 3, 4)}
    path = torch_zip(tmp_path / "good.pth", _tensor_pickle((2, 2), (1, 2)), extra=extra)
    assert read_torch_file(path).content["a"].tolist() == [[1.0, 3.0], [2.0, 4.0]]


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"PK\x03\x04" + bytes(100), b"hello world, this is a text file....", b"\x80\x02"]
)
def test_other_files_are_refused_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.pth"):
        read_torch_file(tmp_path / "x.pth")


def test_flipped_bytes_never_escape_as_other_errors(tmp_path: Path) -> None:
    source = tmp_path / "source.pth"
    torch.save({"weight": {"a": torch.ones(3), "b": torch.zeros(2, 2)}, "config": {"x": 1}, "info": "i"}, source)
    original = source.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        data = bytearray(original)
        for at in torch.randint(0, len(data), (3,), generator=generator).tolist():
            data[at] = int(torch.randint(0, 256, (1,), generator=generator))
        (tmp_path / "flip.pth").write_bytes(data)
        try:
            read_torch_file(tmp_path / "flip.pth")
        except (InputError, MissingError):
            continue
