"""The journal tells what happened, and whether somebody changed it."""

from __future__ import annotations

import threading

import pytest

from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.storage.journal import Journal

from .conftest import make_voice, stage


def test_every_deed_is_a_line_without_names(registry, create):
    voice_id = create("Ana Secret")
    registry.rename("local", voice_id, "Another Secret")
    registry.freeze("local", voice_id, "thaw me please")
    registry.unfreeze("local", voice_id, "thaw me please")
    registry.delete("local", voice_id)
    journal = registry.journal("local")
    assert [entry.what for entry in journal.entries(voice_id)] == [
        "trained",
        "renamed",
        "frozen",
        "unfrozen",
        "deleted",
    ]
    assert b"Secret" not in journal.path.read_bytes()
    assert registry.journal("ben").entries() == []


def test_changing_removing_or_swapping_lines_is_noticed(tmp_path):
    journal = Journal(tmp_path / "u" / "journal.jsonl")
    for count in range(5):
        journal.add("spoke", "v123", characters=count)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    assert [entry.details["characters"] for entry in journal.entries()] == [0, 1, 2, 3, 4]
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    changed = [*lines[:2], lines[2].replace(b'"characters": 2', b'"characters": 9'), *lines[3:]]
    for forged in (swapped, changed, lines[1:], [*lines[:2], *lines[3:]], [*lines, b"[]\n"], [b"x\n", *lines]):
        journal.path.write_bytes(b"".join(forged))
        with pytest.raises(InputError, match="changed at line"):
            journal.entries()


def test_a_line_cut_by_a_crash_is_replaced_by_the_next(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.add("spoke", "v1")
    whole = journal.path.read_bytes()
    journal.add("spoke", "v2")
    journal.path.write_bytes(journal.path.read_bytes()[:-10])
    assert [entry.voice for entry in journal.entries()] == ["v1"]
    journal.add("spoke", "v3")
    assert journal.path.read_bytes().startswith(whole)
    assert [(entry.number, entry.voice) for entry in journal.entries()] == [(1, "v1"), (2, "v3")]


@pytest.mark.parametrize("length", [1, 40_000, 65_536, 300_000])
@pytest.mark.parametrize("rest", [b"", b'{"number": 3, ' * 10_000])
def test_lines_of_any_length_go_on_in_one_chain(tmp_path, length, rest):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.add("spoke", "v1")
    journal.add("imported", "v2", signer="x" * length)
    with journal.path.open("ab") as file:
        file.write(rest)  # what a crash cut short
    journal.add("spoke", "v3")
    assert [(entry.number, entry.voice) for entry in journal.entries()] == [(1, "v1"), (2, "v2"), (3, "v3")]


def test_a_first_line_that_was_cut_short_is_dropped_however_long(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_bytes(b"x" * 200_000)
    journal.add("spoke", "v1")
    assert [(entry.number, entry.voice) for entry in journal.entries()] == [(1, "v1")]


@pytest.mark.parametrize("line", [b"[]", b"{}", b'{"number": 1e999, "hash": ""}', b"[" * 100_000 + b"]" * 100_000])
def test_an_end_that_is_no_line_of_ours_is_one_sentence(tmp_path, line):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_bytes(line + b"\n")
    with pytest.raises(InputError, match="damaged"):
        journal.add("spoke", "v1")
    with pytest.raises(InputError, match="changed at line 1"):
        journal.entries()


@pytest.mark.parametrize("line", [b"\0\0\0\0garbage", b"[]", b"{", b"\xff" * 70_000, b""])
def test_a_damaged_line_costs_itself_only(registry, create, line):
    voice_id = create()
    journal = registry.journal("local")
    registry.rename("local", voice_id, "Bea")
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    registry.rename("local", voice_id, "Cleo")  # done, and said so
    assert registry.card("local", voice_id).name == "Cleo"
    assert [entry.what for entry in journal.entries()] == ["trained", "renamed", "renamed"]
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(InputError, match="changed at line"):
        journal.entries()


def test_what_was_done_is_done_though_it_cannot_be_written_down(registry, create, caplog):
    voice_id = create()
    path = registry.journal("local").path
    path.unlink()
    path.mkdir()
    registry.rename("local", voice_id, "Bea")
    assert registry.card("local", voice_id).name == "Bea" and "could not be written down" in caplog.text
    with pytest.raises(OSError):
        registry.export("local", voice_id, recipient=registry.identity("local").recipient)


def test_many_writers_make_one_chain(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    threads = [threading.Thread(target=lambda: [journal.add("spoke", "v1") for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.entries()) == 20


def test_a_frozen_voice_cannot_change_in_any_way(registry, create, recording, tmp_path):
    voice_id = create()
    first = registry.versions("local", voice_id)[0].id
    registry.admit("local", "x", stage(tmp_path / "jobs", make_voice(2, id=voice_id), recording))
    registry.set_default("local", voice_id, first)
    registry.freeze("local", voice_id, "thaw me please")
    registry.freeze("local", voice_id, "thaw me please")
    folder = registry.root / "users/local/voices" / voice_id
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    staged = stage(tmp_path / "jobs", make_voice(3, id=voice_id), recording)
    for change in (
        lambda: registry.rename("local", voice_id, "other"),
        lambda: registry.set_default("local", voice_id, None),
        lambda: registry.delete_version("local", voice_id, first),
        lambda: registry.delete("local", voice_id),
        lambda: registry.admit("local", "x", staged),
        lambda: registry.check_changeable("local", voice_id),
    ):
        with pytest.raises(RefusedError, match="frozen"):
            change()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert registry.load("local", voice_id).version_id == first and registry.card("local", voice_id).frozen
    registry.unfreeze("local", voice_id, "thaw me please")
    registry.admit("local", "x", staged)
    assert registry.load("local", voice_id).version_id == first, "what was frozen stays pinned"
