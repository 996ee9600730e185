"""What a person was doing on the pages: texts not yet spoken, choices, settings of the moment. Nothing typed is lost.

<registry>/users/<user>/desk/<part>.json     one for each part of the pages, as the part wrote it last
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from gpt_sovits import files
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.services.core import Core
from gpt_sovits.voices.ids import check_id
from gpt_sovits.voices.manifest import is_deep

MOST_BYTES = 2 * 2**20  # of one part: the longest text that can be spoken, three times over
MOST_PARTS = 64


class Desk:
    """``user``'s. What is damaged reads as empty."""

    def __init__(self, core: Core, user: str) -> None:
        self._folder = core.settings.registry_dir / "users" / user / "desk"
        self._receipts = core.registry.receipts(user)

    def read(self, part: str) -> dict[str, Any]:
        """What ``part`` of the pages wrote last; empty where it never did."""
        try:
            value = files.read_json(self._folder / f"{check_id(part, 'part')}.json")
            return {} if is_deep(value) else value
        except (MissingError, InputError):
            return {}

    def write(self, part: str, value: Mapping[str, Any]) -> None:
        """Keep ``value`` in the place of what was there; after a crash it is whole, old or new.

        A page that is open since then may still name a destroyed voice: that is left out.
        """
        if is_deep(value):
            raise InputError("This is too long to be kept.", "Save the text as a file.")
        value = _without(value, {path.stem for path in self._receipts.glob("*.json")})
        whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")  # half a character cannot be stored
        size, value = len(json.dumps(value)), json.loads(whole)
        if size > MOST_BYTES:
            raise InputError(f"This is too long to be kept ({size:,} bytes).", "Save the text as a file.")
        path = self._folder / f"{check_id(part, 'part')}.json"
        if not path.exists() and sum(1 for _ in self._folder.glob("*.json")) >= MOST_PARTS:
            raise InputError("This is too long to be kept.", "Save the text as a file.")
        with files.disk_errors("what you typed could not be kept"):
            files.write_json(files.make_private(self._folder) / path.name, value)

    def forget(self, ids: Collection[str]) -> None:
        """Leave out voices that are destroyed."""
        for path in self._folder.glob("*.json"):
            self.write(path.stem, _without(self.read(path.stem), ids))


def _without(value: Any, ids: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(each, ids) for key, each in value.items() if key not in ids}
    if isinstance(value, list):
        return [_without(each, ids) for each in value if not (isinstance(each, str) and each in ids)]
    return "" if isinstance(value, str) and value in ids else value
