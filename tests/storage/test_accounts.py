"""Passwords: kept as hashes only, checked in the same time and words whoever asks, and guessing has to wait."""

from __future__ import annotations

import time

import argon2
import pytest

from gpt_sovits.errors import BusyError, InputError, MissingError, RefusedError
from gpt_sovits.storage import accounts
from gpt_sovits.storage.accounts import Accounts, Throttle

PASSWORD = "four words are good"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(accounts, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def test_a_password_is_kept_as_a_hash_and_opens(quick, tmp_path):
    book = Accounts(tmp_path)
    assert book.names() == [] and not book.has("ana")
    book.add("ana", PASSWORD)
    assert book.names() == ["ana"] and book.verify("ana", PASSWORD) == "ana"
    assert PASSWORD.encode() not in (tmp_path / "users/ana/account.json").read_bytes()
    with pytest.raises(InputError, match="already"):
        book.add("ana", PASSWORD)
    before = book.mark("ana")
    book.set_password("ana", "other words are good")
    assert book.mark("ana") != before and book.mark("ben") == ""
    with pytest.raises(RefusedError):
        book.verify("ana", PASSWORD)
    for name in ("../x", "Ana", "a", ""):
        with pytest.raises(InputError):
            book.add(name, PASSWORD)
    for bad in ("short", "x" * 2000):
        with pytest.raises(InputError):
            book.add("ben", bad)
    with pytest.raises(MissingError):
        book.set_password("ben", PASSWORD)


def test_an_unknown_name_takes_as_long_and_says_the_same_as_a_wrong_password(tmp_path):
    book = Accounts(tmp_path)
    book.add("ana", PASSWORD)

    def refused(name: str) -> tuple[float, str]:
        begun = time.process_time()
        with pytest.raises(RefusedError) as error:
            book.verify(name, "wrong words are bad")
        return time.process_time() - begun, str(error.value)

    known, unknown = ([refused(name) for _ in range(3)] for name in ("ana", "ben"))
    assert {text for _, text in known} == {text for _, text in unknown}
    fastest = [min(took for took, _ in each) for each in (known, unknown)]
    assert 0.4 < fastest[0] / fastest[1] < 2.5


def test_guessing_has_to_wait_longer_and_longer(quick, tmp_path):
    now = [0.0]
    book = Accounts(tmp_path, Throttle(lambda: now[0]))
    book.add("ana", PASSWORD)
    for _ in range(5):
        with pytest.raises(RefusedError):
            book.verify("ana", "guess number one")
    waits = []
    for _ in range(8):
        with pytest.raises(BusyError, match="too many") as error:
            book.verify("ana", PASSWORD)
        waits.append(int(error.value.action.split()[1]))
        now[0] += waits[-1]
        with pytest.raises(RefusedError):
            book.verify("ana", "guess number two")
    assert waits == sorted(waits) and waits[-1] >= 64 * waits[0]
    now[0] += 3600
    assert book.verify("ana", PASSWORD) == "ana"
    with pytest.raises(RefusedError):
        book.verify("ana", "guess number six")  # counted from the start again, so it does not wait


def test_unfreezing_needs_the_password_or_the_passphrase_of_freezing(quick, registry, create):
    mine, theirs = create("mine"), create("theirs", 2, user="ana")
    with pytest.raises(InputError, match="There is no passphrase"):
        registry.freeze("local", mine)
    registry.freeze("local", mine, "melt me slowly")
    registry.accounts.add("ana", PASSWORD)
    registry.freeze("ana", theirs)
    for user, voice_id, secret in (("local", mine, "melt me slowly"), ("ana", theirs, PASSWORD)):
        for wrong in ("", "wrong words are bad"):
            with pytest.raises(RefusedError, match="wrong"):
                registry.unfreeze(user, voice_id, wrong)
        assert registry.card(user, voice_id).frozen
        registry.unfreeze(user, voice_id, secret)
        assert not registry.card(user, voice_id).frozen
        assert [entry.what for entry in registry.journal(user).entries()][-2:] == ["frozen", "unfrozen"]
    assert b"melt" not in (registry.root / "users/local/voices" / mine / "voice.json").read_bytes()


def test_removing_a_user_removes_everything(quick, registry, create):
    voice_id = create("theirs", user="ana")
    registry.accounts.add("ana", PASSWORD)
    create("mine")
    registry.remove_user("ana")
    assert registry.users() == ["local"] and registry.accounts.names() == []
    assert not any(voice_id in str(path) for path in registry.root.rglob("*"))
    with pytest.raises(MissingError):
        registry.remove_user("ana")
