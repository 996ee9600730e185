"""Keeps gradio from writing type stubs into its own folder at every import: half of the time that the import takes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_MODULE = "gradio.component_meta"


class _WithoutStubs(MetaPathFinder):
    """Finds the one module that writes them, and takes that function away once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        loader: Any = spec.loader if spec else None
        if loader is not None:
            load = loader.exec_module

            def without(module: Any) -> None:
                load(module)
                module.create_or_modify_pyi = lambda component_class, class_name, events: None

            loader.exec_module = without
        return spec


def prevent() -> None:
    """To be called before gradio is imported."""
    if _MODULE not in sys.modules:
        sys.meta_path.insert(0, _WithoutStubs())
