"""A voice file from anybody: what its base cannot speak, or this program cannot keep, is refused, not stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from gpt_sovits.errors import InputError, RefusedError, VoiceError
from gpt_sovits.families.base import load_base
from gpt_sovits.features.reference import Reference
from gpt_sovits.models.store import BaseFiles, find_base
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.settings import Settings
from gpt_sovits.storage.fitting import check_fit
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.versions import DELTA, REFERENCE
from gpt_sovits.storage.voicefile import MAGIC, Sealed, decrypt, encrypt, open_sealed, seal
from gpt_sovits.voices.consent import Consent, joined, require
from gpt_sovits.voices.manifest import MOST_DEPTH
from gpt_sovits.voices.mixing import blend, mix
from gpt_sovits.voices.terms import Terms
from tests.acoustic import sizes

from .conftest import make_voice

BIAS = "enc_p.proj.bias"  # [32] in the random base
MATRIX = "enc_p.mrte.c_pre.weight"  # [32, 32, 1]
NAN, INFINITE = float("nan"), float("inf")
BOUND = Consent("Ana", "reading to my children", "This is my voice and I agree.", recording_sha256="1" * 64)
ANOTHERS = replace(BOUND, own=False)
PARENT = {"voice": "v1a", "name": "Ana", "version": "r1a", "share": 0.25}


def reference(seed: int = 0) -> Reference:
    """What the random base ``tiny`` hears in a clip."""
    generator = torch.Generator().manual_seed(seed)
    style, colour = torch.randn(1, 32, 1, generator=generator), torch.randn(97, generator=generator)
    codes = torch.randint(0, 128, (20,), generator=generator)
    return Reference(style, codes, (1, 2, 3, 731), "text", "en", colour=colour)


Send = Callable[..., str]


@pytest.fixture
def send(registry: Registry, models_with_random_base: Path) -> Send:
    """Seal whatever is said into a voice file for the base ``tiny`` and take it in; its id."""
    settings = Settings(data_dir=models_with_random_base)
    identity = registry.identity("local")

    def deliver(
        tensors: dict[str, Any] | None = None, delta: dict[str, torch.Tensor] | None = None, **changes: Any
    ) -> str:
        known, said = reference().to_tensors()
        kept = {name: value for name, value in {**known, **(tensors or {})}.items() if value is not None}
        contents = {DELTA: save(delta or {}), REFERENCE: save(kept, said)}
        values: dict[str, Any] = dict(
            name="Ana", base="tiny", kind="trained", created="2026-01-01", consent=BOUND, terms=Terms(),
            made_by={"kind": "trained"}, seconds=61.0, label="", files=contents,
        )  # fmt: skip
        data = encrypt(seal(Sealed(**{**values, **changes}), identity.signing), recipient=identity.recipient)
        return registry.take_in("local", data, find_base=partial(find_base, settings=settings))

    return deliver


def half_way() -> dict[str, torch.Tensor]:
    """The tensors of a mix of two voices."""
    a, b = (make_voice(seed, reference=reference(seed)) for seed in (1, 2))
    return mix(a, b, 0.5).reference.to_tensors()[0]


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"colour": None},
        {"codes": torch.zeros(0, dtype=torch.long), "phones": torch.zeros(0, dtype=torch.long)},
        half_way(),
    ],
)
def test_what_fits_comes_in_as_it_was(registry, send, tensors):
    delta = {
        f"acoustic.{BIAS}": torch.full((32,), 0.25).half(),
        f"acoustic.{MATRIX}.lora_down": torch.ones(2, 32).half(),
        f"acoustic.{MATRIX}.lora_up": torch.ones(32, 2).half(),
    }
    loaded = registry.load("local", send(tensors, delta))
    kept = loaded.reference.to_tensors()[0]
    sent = {**reference().to_tensors()[0], **tensors}
    assert {name for name, value in sent.items() if value is not None} == set(kept)
    assert all(torch.equal(kept[name], sent[name]) for name in kept if name != "parts.tongue")
    assert all(torch.equal(loaded.delta[name], delta[name]) for name in delta)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"style": torch.randn(1, 7, 1)}, "style"),
        ({"style": torch.randn(32)}, "damaged"),
        ({"style": torch.randn(2, 32, 1)}, "damaged"),
        ({"style": torch.ones(1, 32, 1, dtype=torch.long)}, "damaged"),
        ({"style": torch.ones(1, 32, 1, dtype=torch.complex64)}, "damaged"),
        ({"style": torch.full((1, 32, 1), NAN)}, "damaged"),
        ({"style": torch.full((1, 32, 1), 1e300, dtype=torch.float64)}, "damaged"),
        ({"phones": torch.ones(2, 3, dtype=torch.long)}, "damaged"),
        ({"phones": torch.tensor([NAN])}, "damaged"),
        ({"phones": torch.tensor([3, 732])}, "phones"),
        ({"phones": torch.tensor([-1])}, "damaged"),
        ({"phones": torch.ones(2001, dtype=torch.long)}, "phones"),
        ({"codes": torch.ones(2, 3, dtype=torch.long)}, "damaged"),
        ({"codes": torch.ones(3)}, "damaged"),
        ({"codes": torch.tensor([128])}, "codes"),
        ({"codes": torch.ones(10**5, dtype=torch.long)}, "codes"),
        ({"colour": torch.randn(3)}, "colour"),
        ({"colour": torch.tensor(1.0)}, "damaged"),
        ({"colour": torch.full((97,), INFINITE)}, "damaged"),
        ({"bert": torch.zeros(1024, 4)}, "text features"),
        ({"bert": torch.zeros(1024, 3)}, "damaged"),
        ({"mel": torch.zeros(1, 100, 9)}, "mel"),
        ({"speaker": torch.zeros(1, 20480)}, "speaker"),
        ({**half_way(), "parts.colour": torch.randn(2, 3)}, "colour"),
        ({**half_way(), "parts.colour": torch.randn(97)}, "damaged"),
        ({**half_way(), "parts.style": torch.full((2, 32, 1), NAN)}, "damaged"),
        ({**half_way(), "parts.share": torch.tensor(1.0)}, "damaged"),
        ({**half_way(), "parts.share": torch.tensor([0.5, 0.5], dtype=torch.complex64)}, "damaged"),
        ({**half_way(), "parts.tongue": torch.tensor(0.5)}, "damaged"),
    ],
)
def test_a_reference_that_no_network_takes_is_refused(registry, send, tensors, said):
    with pytest.raises(InputError, match=said):
        send(tensors)
    assert registry.cards("local") == []


DELTAS: list[dict[str, torch.Tensor]] = [
    {f"acoustic.{BIAS}": torch.ones(32)},
    {f"acoustic.{BIAS}": torch.ones(1)},
    {f"acoustic.{BIAS}": torch.tensor(1.0)},
    {f"acoustic.{BIAS}.lora_down": torch.ones(1, 1), f"acoustic.{BIAS}.lora_up": torch.ones(32, 1)},
    {f"acoustic.{MATRIX}": torch.ones(32, 32)},
    {f"acoustic.{MATRIX}.lora_down": torch.ones(2, 32)},
    {f"acoustic.{MATRIX}.lora_up": torch.ones(32, 2)},
    {f"acoustic.{MATRIX}.lora_down": torch.ones(2, 32), f"acoustic.{MATRIX}.lora_up": torch.ones(32, 2)},
    {f"acoustic.{MATRIX}.lora_down": torch.ones(2, 32), f"acoustic.{MATRIX}.lora_up": torch.ones(32, 3)},
    {f"acoustic.{MATRIX}.lora_down": torch.ones(0, 32), f"acoustic.{MATRIX}.lora_up": torch.ones(32, 0)},
    {f"acoustic.{MATRIX}.lora_down": torch.ones(64), f"acoustic.{MATRIX}.lora_up": torch.ones(64)},
    {f"semantic.{BIAS}": torch.ones(32)},
    {"semantic.ar_predict_layer.weight": torch.ones(129, 32)},
    {"semantic.nothing": torch.ones(1)},
]


def test_the_weights_that_come_in_are_those_that_can_be_spoken_with(send, models_with_random_base):
    """An import looks at shapes only; adding the weights must come to the same end."""
    base = load_base("tiny", Settings(data_dir=models_with_random_base))
    ends = []
    for delta in DELTAS:
        found = []
        for deed in (partial(base.voiced, delta), partial(send, delta=delta)):
            try:
                found.append(bool(deed()))
            except InputError as error:
                assert "does not fit" in str(error)
                found.append(False)
        assert found[0] == found[1], list(delta)
        ends += found[:1]
    assert ends.count(True) == 4


@pytest.mark.parametrize("value", [NAN, INFINITE])
def test_weights_that_are_no_numbers_are_refused(send, value):
    with pytest.raises(InputError, match="not a voice's"):
        send(delta={f"acoustic.{BIAS}": torch.full((32,), value).half()})


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = {"a": value}
    return value


def mixed(*parents: Any, **more: Any) -> dict[str, Any]:
    return {"kind": "mix", "made_by": {"kind": "mix", "parents": list(parents), **more}}


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": 10**400},
        {"seconds": -1.0},
        {"seconds": True},
        {"seconds": "61"},
        {"created": "2026" * 100},
        {"label": "x" * 10_000},
        {"kind": "mix"},
        {"kind": "reference"},
        {"made_by": mixed(PARENT)["made_by"]},
        {"kind": "mix", "made_by": {"parents": 5}},
        {"kind": "mix", "made_by": {"parents": {"voice": "v1a"}}},
        {"made_by": {"parents": None}},
        {"made_by": {"base_release": 5}},
        {"made_by": {"kind": ["trained"]}},
        {"made_by": {"steps": "many"}},
        {"made_by": {"steps": 10**400}},
        {"made_by": {"note": "x" * 70_000}},
        {"made_by": nested(MOST_DEPTH)},
        {"made_by": nested(700)},
        mixed(5),
        mixed("v1a"),
        mixed([]),
        mixed({"name": "Ana", "version": "r1a", "share": 1}),
        mixed({**PARENT, "voice": 5}),
        mixed({**PARENT, "voice": "../../evil"}),
        mixed({**PARENT, "voice": "v" * 100}),
        mixed({**PARENT, "version": "../r"}),
        mixed({**PARENT, "name": "\x00"}),
        mixed({**PARENT, "name": "x" * 100}),
        mixed({**PARENT, "share": "half"}),
        mixed({**PARENT, "share": True}),
        mixed({**PARENT, "share": 1.5}),
        mixed({**PARENT, "share": -0.5}),
        mixed({**PARENT, "share": 10**400}),
    ],
    ids=lambda changes: repr(changes)[:60],
)
def test_a_header_that_would_fail_later_is_a_damaged_file(registry, send, changes):
    with pytest.raises(InputError, match="damaged"):
        send(**changes)
    assert registry.cards("local") == [] and registry.journal("local").entries() == []


def test_a_header_without_bottom_is_a_damaged_file():
    depth = 100_000
    head = b'{"made_by": ' + b"[" * depth + b"]" * depth + b"}"
    with pytest.raises(InputError, match="damaged"):
        open_sealed(MAGIC + len(head).to_bytes(8, "little") + head + bytes(64))


def resting_on(*sources: Consent) -> Consent:
    return Consent("both", "a mix", "They agreed.", sources=sources)


def test_consent_of_a_mix_of_mixes_is_kept_flat_and_comes_in(registry, send):
    others = replace(ANOTHERS, who="Ben", spoken_sha256="2" * 64)
    deep = joined([joined([BOUND, others]), joined([others, replace(BOUND, who="Eve")])])
    assert [source.who for source in deep.sources] == ["Ana", "Ben", "Eve"]
    voice_id = send(consent=deep, **mixed(PARENT, PARENT))
    assert registry.load("local", voice_id).consent == deep


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (resting_on(ANOTHERS), RefusedError),
        (resting_on(BOUND, replace(BOUND, who=" ")), RefusedError),
        (resting_on(resting_on(ANOTHERS)), InputError),
        (resting_on(resting_on(BOUND)), InputError),
        (resting_on(resting_on(resting_on(resting_on(BOUND)))), InputError),
    ],
)
def test_consent_that_somebody_in_the_mix_did_not_give_is_refused(registry, send, given, error):
    with pytest.raises(error):
        send(consent=given, **mixed(PARENT))
    with pytest.raises(RefusedError):
        require(given)
    assert registry.cards("local") == []


def with_signer(registry: Registry, create: Callable[..., str], change: Callable[[str], str]) -> bytes:
    """A voice file that is signed properly, by a key that is written differently."""
    identity = registry.identity("local")
    file = registry.export("local", create(), recipient=identity.recipient)
    inside = decrypt(file, identity=identity.secret)
    length = int.from_bytes(inside[8:16], "little")
    header = json.loads(inside[16 : 16 + length])
    header["signer"] = change(header["signer"])
    text = json.dumps(header, ensure_ascii=False).encode()
    head = MAGIC + len(text).to_bytes(8, "little") + text
    return encrypt(
        b"".join([head, identity.signing.sign(head), inside[16 + length + 64 :]]), recipient=identity.recipient
    )


@pytest.mark.parametrize(
    "change",
    [lambda key: key[:2] + " " * 70_000 + key[2:], lambda key: f"{key}\n", str.upper, lambda key: key + "00"],
    ids=["spaces", "line", "capitals", "longer"],
)
def test_a_signer_is_written_in_one_way_only(registry, create, change):
    with pytest.raises(InputError, match="damaged"):
        registry.take_in("local", with_signer(registry, create, change))
    create("next")
    assert [entry.what for entry in registry.journal("local").entries()] == ["trained", "exported", "trained"]


def test_a_receivers_key_is_logged_without_what_surrounds_it(registry, create):
    key = registry.identity("ben").recipient
    registry.export("local", create(), recipient=key + " " * 100_000 + "\n")
    assert registry.journal("local").entries()[-1].details["to"] == key


def test_an_imported_mix_remembers_whom_it_holds(registry, create):
    """Its person deletes the mix that they had, takes it in again from a file, and then wants their voice gone."""
    a, b = create("A", 1), create("B", 2)
    saved = registry.save("local", "M", mix(registry.load("local", a), registry.load("local", b), 0.3))
    data = registry.export("local", saved, recipient=registry.identity("local").recipient)
    registry.delete("local", saved)
    again = registry.take_in("local", data, name="M again")

    card = registry.card("local", again)
    assert (card.kind, card.parents, card.parent_names) == ("mix", (a, b), ("A", "B"))
    assert registry.card("local", again) in registry.cards("local"), "the index says the same"
    assert [each.id for each in registry.mixes_of("local", a)] == [again]
    assert [parent.share for parent in registry.manifest("local", again).parents] == [0.7, 0.3]
    with pytest.raises(RefusedError, match="M again"):
        registry.delete("local", a)
    registry.delete("local", again)
    registry.delete("local", a)


def test_a_mix_of_voices_that_are_not_here_can_be_used_like_any_other(registry, create, tmp_path):
    voices = [registry.load("local", create(name, seed)) for seed, name in enumerate("ABC")]
    saved = registry.save("local", "M", blend(voices, [1, 1, 1]))
    friend = Registry(tmp_path / "friend" / "registry")
    data = registry.export("local", saved, recipient=friend.identity("ben").recipient)
    received = friend.take_in("ben", data)

    assert friend.card("ben", received).parent_names == ("A", "B", "C")
    assert friend.verify("ben") == [] and friend.load("ben", received).reference.parts
    onwards = friend.take_in("ben", friend.export("ben", received, recipient=friend.identity("ben").recipient))
    both = friend.load("ben", received), friend.load("ben", onwards)
    deeper = friend.save("ben", "deeper", mix(*both, 0.5))
    assert friend.card("ben", deeper).parents == (received, onwards)
    friend.rename("ben", received, "theirs")
    friend.delete("ben", deeper)
    friend.delete("ben", received)
    assert [card.id for card in friend.cards("ben")] == [onwards]


def test_stored_versions_with_endless_numbers_or_depths_are_damaged_not_a_crash(registry, create):
    """A backup brings manifests of whoever made it."""
    voice_id = create()
    (path,) = (registry.root / "users/local/voices" / voice_id).glob("versions/*/version.json")
    good = json.loads(path.read_text())
    for changes in (
        {"seconds": 10**400},
        {"number": INFINITE},
        {"made_by": nested(MOST_DEPTH + 1)},
        {"made_by": nested(500)},
        {"consent": resting_on(resting_on(BOUND)).to_json()},
    ):
        path.write_text(json.dumps({**good, **changes}))
        (problem,) = registry.verify("local")
        assert "damaged" in problem
    assert registry.cards("local") == []


def test_tensors_of_impossible_sizes_are_a_damaged_file(registry, create):
    identity = registry.identity("local")
    file = registry.export("local", create(), recipient=identity.recipient)
    good = open_sealed(decrypt(file, identity=identity.secret))
    before = registry.cards("local")
    for form in (
        {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [0, 2**64 - 1], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 0]},
        {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]},
    ):
        text = json.dumps({"acoustic.a": form}).encode()
        delta = len(text).to_bytes(8, "little") + text + bytes(form["data_offsets"][1])  # type: ignore[index]
        bad = replace(good, files={**good.files, DELTA: delta})
        with pytest.raises(VoiceError):
            registry.take_in("local", encrypt(seal(bad, identity.signing), recipient=identity.recipient))
    assert registry.cards("local") == before


@pytest.mark.parametrize(
    ("version", "changes", "wrong"),
    [
        ("v3", {}, ""),
        ("v3", {"mel": None}, "prompt"),
        ("v3", {"codes": torch.zeros(0, dtype=torch.long)}, "prompt"),
        ("v3", {"mel": torch.zeros(1, 80, 50)}, "mel"),
        ("v3", {"speaker": torch.zeros(1, 20480)}, "speaker"),
        ("v2Pro", {"mel": None, "speaker": torch.zeros(1, 20480)}, ""),
        ("v2Pro", {"mel": None, "speaker": torch.zeros(1, 192)}, "speaker"),
        ("v2Pro", {"mel": None, "bert": torch.zeros(768, 3)}, "text features"),
        ("v2Pro", {"mel": None, "colour": torch.zeros(97)}, "colour"),
        ("v2Pro", {"mel": None, "codes": torch.tensor([1024])}, "codes"),
    ],
)
def test_what_the_official_models_take(tmp_path, version, changes, wrong):
    acoustic = {**sizes.VITS, **sizes.FLOW_MATCHING}[version]
    config = {"version": version, "acoustic": acoustic.to_dict(), "semantic": T2SConfig().to_dict()}
    base = BaseFiles(version, tmp_path, config, bundled=False)
    sound = Reference(torch.zeros(1, acoustic.gin, 1), torch.arange(9), (1, 2, 3), bert=torch.zeros(1024, 3))
    given = replace(sound, **{"mel": torch.zeros(1, 100, 50), **changes})
    if not wrong:
        check_fit(base, {}, given)
        return
    with pytest.raises(InputError, match=f"does not fit the model {version} .{wrong}"):
        check_fit(base, {}, given)
