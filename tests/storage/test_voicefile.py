"""Voice files: they carry a voice whole to those who may open them, and nothing that was changed gets in."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpt_sovits.errors import InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.voicefile import Sealed, decrypt, encrypt, open_sealed, seal
from gpt_sovits.voices.mixing import mix
from gpt_sovits.voices.terms import Terms

from .conftest import consent, make_voice, stage


@pytest.fixture
def friend(tmp_path) -> Registry:
    return Registry(tmp_path / "friend" / "registry")


def everything(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


def test_a_friend_receives_the_whole_voice_but_not_the_recording(registry, create, friend, recording):
    voice_id = create("Ana")
    data = registry.export("local", voice_id, recipient=friend.identity("ben").recipient)
    assert recording.read_bytes()[:64] not in data

    received = friend.take_in("ben", data)

    ours, theirs = registry.load("local", voice_id), friend.load("ben", received)
    assert all(torch.equal(ours.delta[key], theirs.delta[key]) for key in ours.delta)
    assert torch.equal(ours.reference.codes, theirs.reference.codes) and ours.reference.text == theirs.reference.text
    assert theirs.owner == "ben" and theirs.consent == ours.consent and received != voice_id
    assert friend.card("ben", received).signer == registry.identity("local").signer
    assert friend.verify("ben") == [] and not any("recording" in name for name in everything(friend.root))
    assert [entry.what for entry in registry.journal("local").entries()] == ["trained", "exported"]
    assert [entry.what for entry in friend.journal("ben").entries()] == ["imported"]
    with pytest.raises(RefusedError, match="another person"):
        friend.take_in("carl", data)


def test_a_passphrase_opens_it_and_a_wrong_one_is_one_sentence(registry, create, friend):
    data = registry.export("local", create(), passphrase="correct horse battery")
    with pytest.raises(RefusedError, match="passphrase is wrong"):
        friend.take_in("local", data, passphrase="wrong horse battery")
    with pytest.raises(RefusedError, match="Type the passphrase"):
        friend.take_in("local", data)
    assert everything(friend.root / "users/local/voices") == []
    assert friend.take_in("local", data, passphrase="correct horse battery", name="Mother")
    assert friend.cards("local")[0].name == "Mother"


def test_terms_travel_and_hold(registry, create, friend, recording, tmp_path):
    key = friend.identity("local").recipient
    terms = Terms(mix=False, retrain=False, export=False, until="2999-01-01")
    received = friend.take_in("local", registry.export("local", create(), recipient=key, terms=terms))
    voice = friend.load("local", received)
    assert voice.terms == terms
    with pytest.raises(RefusedError, match="may not be mixed"):
        mix(voice, make_voice(1), 0.5)
    with pytest.raises(RefusedError, match="may not be passed on"):
        friend.export("local", received, recipient=key)
    with pytest.raises(RefusedError, match="may not be trained"):
        friend.admit("local", "x", stage(tmp_path / "jobs", make_voice(2, id=received), recording))

    ended = registry.export("local", registry.cards("local")[0].id, recipient=key, terms=Terms(until="2020-01-01"))
    with pytest.raises(RefusedError, match="shared until 2020-01-01"):
        friend.take_in("local", ended)
    with pytest.raises(InputError, match="not a date"):
        registry.export("local", registry.cards("local")[0].id, recipient=key, terms=Terms(until="soon"))


def test_a_mix_may_do_what_both_parts_may():
    bound = consent(recording_sha256="1" * 64)
    a = make_voice(1, consent=bound, terms=Terms(export=False, until="2999-05-05"))
    b = make_voice(2, consent=bound, terms=Terms(until="2998-01-01"))
    assert mix(a, b, 0.5).terms == Terms(export=False, until="2998-01-01")


def test_a_base_that_is_not_here_is_named_before_anything_is_written(registry, create, friend):
    data = registry.export("local", create(), recipient=friend.identity("local").recipient)

    def find_base(name: str) -> None:
        raise MissingError(f"There is no base named {name!r}.", "Get it first.")

    with pytest.raises(MissingError, match="mini"):
        friend.take_in("local", data, find_base=find_base)
    assert friend.cards("local") == []


@pytest.fixture
def sealed(registry, create) -> bytes:
    voice_id = create()
    identity = registry.identity("local")
    return decrypt(registry.export("local", voice_id, recipient=identity.recipient), identity=identity.secret)


def test_every_flipped_bit_is_refused(sealed):
    open_sealed(sealed)
    places = random.Random(0).sample(range(len(sealed) * 8), 1500)
    for place in places:
        changed = bytearray(sealed)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(InputError):
            open_sealed(bytes(changed))


def test_a_flipped_bit_in_the_encrypted_file_writes_nothing(registry, create, friend):
    data = registry.export("local", create(), recipient=friend.identity("local").recipient)
    before = everything(friend.root)
    for place in random.Random(1).sample(range(len(data)), 60):
        changed = bytearray(data)
        changed[place] ^= 4
        with pytest.raises(VoiceError):
            friend.take_in("local", bytes(changed))
    assert everything(friend.root) == before


def test_mutilated_files_end_in_a_sentence(sealed):
    rng = random.Random(2)
    for _ in range(1500):
        piece = rng.randrange(len(sealed))
        kind = rng.randrange(4)
        if kind == 0:
            changed = sealed[:piece]
        elif kind == 1:
            changed = sealed + rng.randbytes(rng.randrange(1, 50))
        elif kind == 2:
            changed = sealed[:piece] + sealed[piece + rng.randrange(1, 100) :]
        else:
            end = rng.randrange(piece, min(len(sealed), piece + 300) + 1)
            changed = sealed[:piece] + rng.randbytes(end - piece + 1) + sealed[end + 1 :]
        if changed != sealed:
            with pytest.raises(InputError):
                open_sealed(changed)


def test_names_that_are_paths_and_strange_headers_are_refused(sealed):
    key = Ed25519PrivateKey.generate()
    good = open_sealed(sealed)
    assert open_sealed(seal(good, key)).signer == key.public_key().public_bytes_raw().hex()
    for changes in (
        {"files": {"delta.safetensors": b"x"}},
        {"name": "\x00"},
        {"base": 3},
        {"seconds": "many"},
        {"kind": None},
        {"seconds": float("nan")},
    ):
        with pytest.raises(InputError):
            open_sealed(seal(replace(good, **changes), key))
    half = seal(good, key)
    length = int.from_bytes(half[8:16], "little")
    header = json.dumps({**json.loads(half[16 : 16 + length]), "label": "\ud800"}).encode()
    head = half[:8] + len(header).to_bytes(8, "little") + header
    with pytest.raises(InputError):
        open_sealed(b"".join([head, key.sign(head), half[16 + length + 64 :]]))
    evil = seal(good, key).replace(b'"delta.safetensors"', b'"../../evil.delta"')
    with pytest.raises(InputError):
        open_sealed(evil)


def test_weights_that_are_not_a_voices_are_refused(registry, sealed, friend):
    good: Sealed = open_sealed(sealed)
    for contents in (
        {**good.files, "delta.safetensors": b"not safetensors at all"},
        {**good.files, "reference.safetensors": good.files["delta.safetensors"]},
        {**good.files, "delta.safetensors": good.files["reference.safetensors"]},
    ):
        data = seal(replace(good, files=contents), Ed25519PrivateKey.generate())
        with pytest.raises(InputError):
            friend.take_in("local", encrypt(data, recipient=friend.identity("local").recipient))
    assert friend.cards("local") == []


def test_bad_keys_and_short_passphrases_are_refused(registry, create):
    voice_id = create()
    both = {"passphrase": "x" * 9, "recipient": "y"}
    for options in ({"recipient": "age1nonsense"}, {"passphrase": "short"}, {}, both):
        with pytest.raises(InputError):
            registry.export("local", voice_id, **options)
    with pytest.raises(InputError, match="not an encrypted voice file"):
        registry.take_in("local", b"RIFF....WAVE")


def test_the_plain_age_tool_opens_it(registry, create, tmp_path):
    if shutil.which("age") is None:
        pytest.skip("needs the age tool (Debian: apt-get install age)")
    secret = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(secret))
    (tmp_path / "a.gsvoice").write_bytes(registry.export("local", create(), recipient=str(secret.to_public())))
    command = ["age", "-d", "-i", str(tmp_path / "key.txt"), str(tmp_path / "a.gsvoice")]
    opened = subprocess.run(command, capture_output=True, check=True).stdout
    assert open_sealed(opened).base == "mini"
