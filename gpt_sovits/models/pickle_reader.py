"""Reads the pickles inside PyTorch files without being able to run anything.

This is not Python's unpickler with a filter: it is an interpreter for the few opcodes that data needs. A name in
the pickle ("GLOBAL") becomes an inert ``Name``; no module is imported and no attribute is looked up. Calling a name
is possible only for the constructors below, each of which is a function of this file that builds plain data. Python
objects can occur in one form, upstream's ``HParams``, and become a plain dict of their attributes.

Two lists inside each other twice, forty times over, are a kilobyte of pickle and a terabyte of text. So nothing that a
file built is ever written out, compared or hashed as a whole: names, keys and parts of paths must be plain texts or
numbers, and steps and bytes are counted.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from gpt_sovits.errors import InputError

MAX_STEPS = 500_000  # an official training file with its optimiser takes a tenth
MAX_BYTES = 64 * 2**20  # that a file may have this program write together
_MOST_NAME = 200  # characters
_MOST_KEY = 2**60  # below it no two whole numbers have the same hash
PersistentLoad = Callable[[object], object]
Rebuild = Callable[[str, tuple[Any, ...]], object]

_PATH_NAMES = frozenset(
    f"{module}.{kind}"
    for module in ("pathlib", "pathlib._local")
    for kind in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
)
_REPLACED = {  # opcodes that push their argument as it is
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class UnsafeFileError(InputError):
    """The file asks for something that data never needs; nothing of it was carried out."""


@dataclass(frozen=True)
class Name:
    """A dotted name that a pickle mentions: never imported, never called."""

    text: str


class Attributes(dict[str, Any]):
    """The attributes of a pickled ``HParams`` object."""


class _Mark:
    """Position marker on the stack."""


_DAMAGED = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError, RuntimeError)


def is_hparams(name: str) -> bool:
    """Whether a dotted name is upstream's hyper-parameter class (its module moved between releases)."""
    module, _, kind = name.rpartition(".")
    return kind == "HParams" and module.rpartition(".")[2] == "utils"


def read_pickle(stream: BinaryIO, persistent_load: PersistentLoad, rebuild: Rebuild, *, what: str = "The file") -> Any:
    """Interpret one pickle; ``stream`` is left right after it.

    Args:
        stream: open binary file at the start of the pickle.
        persistent_load: turns a persistent id (torch: a storage) into an object.
        rebuild: called for ``torch._utils._rebuild_*`` with the name's last part and the arguments.
        what: name of the file for error messages.

    Raises:
        UnsafeFileError: the pickle wants to call or build something that is not plain data.
        InputError: the pickle is damaged, cut off or too long.
    """
    machine = _Machine(persistent_load, rebuild, what)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            machine.step(opcode.name, argument)
        return machine.result()
    except _DAMAGED as error:
        raise InputError(
            f"{what} is damaged: its table of contents cannot be read ({str(error)[:100]}).", "Get the file again."
        ) from error


class _Machine:
    """Stack, memo and a budget of steps."""

    def __init__(self, persistent_load: PersistentLoad, rebuild: Rebuild, what: str) -> None:
        self._persistent_load = persistent_load
        self._rebuild = rebuild
        self._what = what
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._left = MAX_STEPS
        self._bytes = MAX_BYTES

    def result(self) -> Any:
        (value,) = self._stack
        return value

    def step(self, name: str, argument: Any) -> None:
        self._spend(1)
        stack = self._stack
        if name in _REPLACED:
            stack.append(argument)
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self._memo[int(argument)])
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self._memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1]
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name == "MARK":
            stack.append(_Mark)
        elif name in _TUPLES:
            stack.append(tuple(self._pop(_TUPLES[name])))
        elif name == "TUPLE":
            stack.append(tuple(self._pop_to_mark()))
        elif name == "LIST":
            stack.append(self._pop_to_mark())
        elif name == "DICT":
            stack.append(_dict(_pairs(self._pop_to_mark())))
        elif name in ("SETITEM", "SETITEMS"):
            items = self._pop(2) if name == "SETITEM" else self._pop_to_mark()
            self._top(dict).update(_dict(_pairs(items)))
        elif name in ("APPEND", "APPENDS"):
            items = self._pop(1) if name == "APPEND" else self._pop_to_mark()
            self._top(list).extend(items)
        elif name == "GLOBAL":
            stack.append(_name(str(argument).replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            module, attribute = self._pop(2)
            if not isinstance(module, str) or not isinstance(attribute, str):
                raise ValueError("a name that is no text")
            stack.append(_name(f"{module}.{attribute}"))
        elif name == "REDUCE":
            target, arguments = self._pop(2)
            stack.append(self._call(target, arguments))
        elif name == "NEWOBJ":
            target, arguments = self._pop(2)
            stack.append(self._new(target, arguments))
        elif name == "BUILD":
            (state,) = self._pop(1)
            self._build(state)
        elif name == "BINPERSID":
            (identity,) = self._pop(1)
            stack.append(self._persistent_load(identity))
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise self._refuse(f"uses the pickle instruction {name}")

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ValueError(f"more than {MAX_STEPS} steps")

    def _refuse(self, what: str) -> UnsafeFileError:
        return UnsafeFileError(
            f"{self._what} {what}, which weights never need; nothing in it was run.",
            "Delete it unless you trust where it came from, and get the weights from their official source.",
        )

    def _pop(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise ValueError("stack underflow")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    def _pop_to_mark(self) -> list[Any]:
        start = len(self._stack) - 1
        while self._stack[start] is not _Mark:
            start -= 1
            if start < 0:
                raise ValueError("no mark on the stack")
        items = self._stack[start + 1 :]
        del self._stack[start:]
        return items

    def _top(self, kind: type) -> Any:
        top = self._stack[-1]
        if not isinstance(top, kind):
            raise ValueError(f"{type(top).__name__} where a {kind.__name__} belongs")
        return top

    def _call(self, target: object, arguments: object) -> object:
        if not isinstance(target, Name) or not isinstance(arguments, tuple):
            raise self._refuse("asks to call something that is not a function")
        name = target.text
        if name.startswith("torch._utils._rebuild_"):
            return self._rebuild(name.rpartition(".")[2], arguments)
        if name in ("torch.Size", "builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset"):
            items = arguments[0] if arguments else ()
            self._spend(len(items))
            return tuple(items) if name == "torch.Size" else list(items)
        if name == "collections.OrderedDict":
            pairs = arguments[0] if arguments else ()
            self._spend(len(pairs))
            return _dict(pairs.items() if isinstance(pairs, dict) else [_pair(each) for each in pairs])
        if name == "torch.device":
            return self._joined(":", arguments)
        if name in _PATH_NAMES:
            return self._joined("/", arguments)
        if name == "_codecs.encode" and len(arguments) == 2 and isinstance(arguments[0], str):
            self._count(len(arguments[0]))
            return arguments[0].encode("latin-1")  # how protocol 2 writes bytes
        raise self._refuse(f"asks to run {name!r}")

    def _joined(self, mark: str, parts: tuple[Any, ...]) -> str:
        """The parts of a path or of a device's name as one text."""
        if not all(isinstance(part, str) or (type(part) is int and abs(part) < _MOST_KEY) for part in parts):
            raise self._refuse("builds a path out of something else")
        self._count(sum(len(part) if isinstance(part, str) else 20 for part in parts))
        return mark.join(str(part) for part in parts)

    def _count(self, size: int) -> None:
        self._bytes -= size
        if self._bytes < 0:
            raise ValueError("it unfolds to far more than it holds")

    def _new(self, target: object, arguments: object) -> object:
        if isinstance(target, Name) and is_hparams(target.text) and arguments == ():
            return Attributes()
        raise self._refuse(
            f"asks to make an object of {target.text if isinstance(target, Name) else type(target).__name__}"
        )

    def _build(self, state: object) -> None:
        top = self._stack[-1]
        if isinstance(top, Attributes) and isinstance(state, dict):
            self._spend(len(state))
            top.update(state)
        elif not (isinstance(top, dict) and isinstance(state, dict)):  # else: notes on an ordered dict, not needed
            raise self._refuse("asks to change the inside of an object")


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    if len(items) % 2:
        raise ValueError("a key without a value")
    return list(zip(items[::2], items[1::2], strict=True))


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("a key without a value")
    return value[0], value[1]


def _dict(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """A dict whose keys are texts or whole numbers: whoever made a file cannot choose keys of equal hash."""
    made = {}
    for key, value in pairs:
        if not (isinstance(key, str | bool) or (type(key) is int and abs(key) < _MOST_KEY)):
            raise ValueError(f"a key that is a {type(key).__name__}")
        made[key] = value
    return made


def _name(text: str) -> Name:
    if len(text) > _MOST_NAME:
        raise ValueError("a name without end")
    return Name(text)
