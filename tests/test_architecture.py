"""The house rule of house.md: a module imports only what lies below it, so every room can be read on its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the ground up. Names on one line are neighbours, which import each other only where ALLOWED lists it.
LAYERS = (
    ("errors", "settings", "events", "memory", "torchaudio_compat", "versions"),
    ("files",),
    ("audio", "labels"),
    ("encoding",),
    ("models", "text"),
    ("features",),
    ("loudness",),
    ("seams",),
    ("semantic", "acoustic"),
    ("families",),
    ("voices",),
    ("crypto",),
    ("storage",),
    ("dataset",),
    ("hearing",),
    ("synthesis", "subtitles"),
    ("narration",),
    ("training",),
    ("jobs",),
    ("services",),
    ("studio",),
    ("speechd",),
    ("lab",),
    ("webui",),
    ("app",),
    ("cli", "__main__"),
)
ALLOWED = {("settings", "errors"), ("events", "errors"), ("versions", "errors"), ("__main__", "cli")}
LONGEST = 450  # lines of a file


def sources() -> list[Path]:
    files = [*(ROOT / "gpt_sovits").rglob("*.py"), *(ROOT / "webui").rglob("*.py"), ROOT / "app.py"]
    return [file for file in files if "__pycache__" not in file.parts]


def room(module: str) -> str | None:
    """The layer's name for a dotted module of this project; None for others and for the package's own root."""
    parts = module.split(".")
    if parts[0] == "gpt_sovits":
        return parts[1] if len(parts) > 1 else None
    return parts[0] if parts[0] in ("webui", "app") else None


def home(file: Path) -> str | None:
    return room(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that the file imports anywhere, functions included, with their lines."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: imports are absolute"
            yield node.module or "", node.lineno
            if node.module in ("gpt_sovits", "webui"):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def level(name: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_only_go_down(file: Path) -> None:
    here = home(file)
    if here is None or here == "__init__":
        return  # the package's root only hands out public names
    assert any(here in names for names in LAYERS), f"{here} has no place in LAYERS"
    for module, line in imports(file):
        there = room(module)
        if there is None or there == here or not any(there in names for names in LAYERS):
            continue
        down = level(there) < level(here) or (here, there) in ALLOWED
        assert down, f"{file.relative_to(ROOT)}:{line}: {here} may not import {there}"


def test_text_needs_no_torch() -> None:
    for file in (ROOT / "gpt_sovits" / "text").rglob("*.py"):
        assert not {name.split(".")[0] for name, _ in imports(file)} & {"torch", "torchaudio", "transformers"}, file


def test_speaking_never_imports_what_only_training_needs() -> None:
    """Discriminators and losses stay out of the way of a person who only speaks."""
    for name in ("synthesis.py", "families/base.py", "families/enrol.py"):
        named = {module for module, _ in imports(ROOT / "gpt_sovits" / name)}
        assert not [module for module in named if "discriminator" in module or ".training" in module], name


def test_pages_only_call_the_studio() -> None:
    """The browser's half touches values (errors, audio, consent, subtitles), never networks or files of a voice."""
    forbidden = {"families", "synthesis", "training", "dataset", "acoustic", "semantic", "features", "models", "lab"}
    for file in (ROOT / "webui").rglob("*.py"):
        used = {room(module) for module, _ in imports(file)}
        assert not used & forbidden, f"{file.name} imports {sorted(used & forbidden)}"


def test_the_laboratory_serves_only_its_own_commands() -> None:
    """What makes and judges the embedded base is never in the way of a person who speaks, learns or looks."""
    for file in sources():
        if home(file) not in ("lab", "cli"):
            assert "lab" not in {room(module) for module, _ in imports(file)}, file


def test_no_file_is_too_long() -> None:
    long = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in sources()}
    assert not {name: lines for name, lines in long.items() if lines > LONGEST}


def test_what_a_version_or_a_family_is_stands_in_one_place() -> None:
    """No version's name outside the table (but for the defaults of two configs), no question for a network's class."""
    from gpt_sovits.versions import VERSIONS

    networks = {"SoVITS", "SoVITSCFM", "MiniContentEncoder", "HubertContent", "ERes2NetV2", "T2S", "BigVGAN", "HiFiGAN"}
    found = []
    for file in [*(ROOT / "gpt_sovits").rglob("*.py"), *(ROOT / "webui").rglob("*.py")]:
        where = file.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in VERSIONS:
                found.append((where, node.value))
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                asked = {each.id for each in ast.walk(node.args[1]) if isinstance(each, ast.Name)}
                found += [(where, name) for name in asked & networks]
    allowed = {"gpt_sovits/versions.py", "gpt_sovits/acoustic/config.py"}
    assert [each for each in found if each[0] not in allowed] == []


def test_the_plan_of_the_house_is_true() -> None:
    """Every room is in its table, in order, and every file that it names is there."""
    plan = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in plan.splitlines() if line.startswith("| `")]
    assert table == [[name for name in names if name != "__main__"] for names in LAYERS]
    files = {name for name in re.findall(r"`([\w./-]+)`", plan) if "/" in name}
    assert len(files) > 30 and not [name for name in files if not (ROOT / name).exists()]
