"""The native form of weights: safetensors files beside one JSON file, written atomically, read by mapping.

Knows nothing about networks: a module is anything with ``state_dict`` and ``load_state_dict``.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from gpt_sovits.errors import InputError, MissingError, ResourceError

CONFIG_NAME = "config.json"
MAX_JSON_BYTES = 8 * 2**20
_SHOWN_NAMES = 6
_RESTORE = "Restore it from a copy or import the model again."


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then move it into place.

    Readers see the old file or the complete new one; a failed write leaves nothing behind.

    Raises:
        ResourceError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{secrets.token_hex(6)}.part"
        temporary.touch(exist_ok=False)
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
    except (OSError, SafetensorError) as error:
        raise ResourceError(
            f"{path.name} could not be written ({error}).", f"Check free space and permissions of {path.parent}."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def save_tensors(path: Path | str, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors (any shape and dtype) to one safetensors file; ``metadata`` is a flat text mapping."""
    flat = _independent(tensors)
    write_atomically(Path(path), lambda target: save_file(flat, str(target), metadata=dict(metadata or {})))


def load_tensors(path: Path | str, *, prefix: str = "") -> dict[str, Tensor]:
    """Read the tensors of a safetensors file whose names start with ``prefix``; memory is mapped, not copied.

    Raises:
        MissingError: there is no such file.
        InputError: the file is not a complete safetensors file.
    """
    path = _existing(path)
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}
    except (SafetensorError, OSError, ValueError) as error:
        raise _broken(path) from error


def load_metadata(path: Path | str) -> dict[str, str]:
    """Return the text mapping that ``save_tensors`` put into the file."""
    path = _existing(path)
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise _broken(path) from error


def tensor_shapes(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Names and shapes in a safetensors file, without reading the values."""
    path = _existing(path)
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise _broken(path) from error


def load_into(module: nn.Module, tensors: Mapping[str, Tensor], what: str, *, ignore: Iterable[str] = ()) -> None:
    """Copy ``tensors`` into ``module``; names and shapes must match exactly.

    Args:
        module: the network; its parameters keep their dtype and device.
        tensors: state dict, of any floating dtype.
        what: what is being loaded, for the error ("the v2 acoustic model").
        ignore: prefixes of names that may be missing in ``tensors`` or unexpected there.

    Raises:
        InputError: lists missing and unexpected names and different shapes; the module is unchanged.
    """
    wanted = module.state_dict()
    check_fit(
        {name: tuple(value.shape) for name, value in wanted.items()},
        {name: tuple(value.shape) for name, value in tensors.items()},
        what,
        ignore=ignore,
    )
    with torch.no_grad():
        for name, value in tensors.items():
            if name in wanted:
                wanted[name].copy_(value)


def check_fit(
    wanted: Mapping[str, tuple[int, ...]],
    given: Mapping[str, tuple[int, ...]],
    what: str,
    *,
    ignore: Iterable[str] = (),
) -> None:
    """Compare names and shapes of what a network has with those of a file.

    Args:
        wanted: the network's names and shapes.
        given: the file's.
        what: the network, for the error.
        ignore: prefixes of names that may be missing or unexpected.

    Raises:
        InputError: lists missing and unexpected names and different shapes.
    """
    skipped = tuple(ignore)
    missing = [name for name in wanted if name not in given and not name.startswith(skipped or "\0")]
    unexpected = [name for name in given if name not in wanted and not name.startswith(skipped or "\0")]
    reshaped = [
        f"{name} {list(given[name])} instead of {list(shape)}"
        for name, shape in wanted.items()
        if name in given and given[name] != shape
    ]
    problems = [
        f"{label}: {_listed(names)}"
        for label, names in (("missing", missing), ("unexpected", unexpected), ("other shape", reshaped))
        if names
    ]
    if problems:
        raise InputError(
            f"The weights do not fit {what}; {'; '.join(problems)}.",
            "Check that the file belongs to this version, or import it again.",
        )


def save_config(folder: Path | str, config: Mapping[str, Any], name: str = CONFIG_NAME) -> None:
    """Write ``config`` as JSON into ``folder``."""
    text = json.dumps(config, ensure_ascii=False, indent=2, sort_keys=False) + "\n"
    write_atomically(Path(folder) / name, lambda target: _write_text(target, text))


def load_config(folder: Path | str, name: str = CONFIG_NAME) -> dict[str, Any]:
    """Read the JSON object of ``folder``.

    Raises:
        MissingError: there is no such file.
        InputError: it is not a JSON object, or larger than 8 MiB.
    """
    path = _existing(Path(folder) / name)
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ValueError("too large")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not readable JSON ({error}).", _RESTORE) from error
    if not isinstance(config, dict):
        raise InputError(f"{path} does not hold a JSON object.", _RESTORE)
    return config


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _independent(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous CPU tensors, no two of which share memory (safetensors refuses shared storages)."""
    result: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in tensors.items():
        value = value.detach().to("cpu")
        storage = value.untyped_storage()
        whole = value.is_contiguous() and storage.nbytes() == value.numel() * value.element_size()
        if not whole or storage.data_ptr() in seen:
            value = value.contiguous().clone()
        seen.add(value.untyped_storage().data_ptr())
        result[name] = value
    return result


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    return shown if len(names) <= _SHOWN_NAMES else f"{shown} and {len(names) - _SHOWN_NAMES} more"


def _existing(path: Path | str) -> Path:
    path = Path(path)
    if not path.is_file():
        raise MissingError(f"There is no file {path}.", "Import or download the model, or check the data folder.")
    return path


def _broken(path: Path) -> InputError:
    return InputError(f"{path} is damaged or not a safetensors file.", _RESTORE)
