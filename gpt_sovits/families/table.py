"""Which family a version belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from gpt_sovits.families.family import Family
from gpt_sovits.families.flow_matching import FlowMatching
from gpt_sovits.families.mini import Mini
from gpt_sovits.families.vits import Vits
from gpt_sovits.versions import known_version

FAMILIES: Mapping[str, Family] = {family.name: family for family in (Mini(), Vits(), FlowMatching())}


def family_of(version: str) -> Family:
    """The family of a version. Raises ``InputError`` for a version that is not known."""
    return FAMILIES[known_version(version).family]
