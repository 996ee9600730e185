"""Recordings without words are written down by a Whisper model of the person's own, and never by the network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from ctranslate2 import specs

from gpt_sovits.audio import Audio
from gpt_sovits.dataset.recognise import Recogniser, find_recogniser
from gpt_sovits.errors import InputError

LANGUAGES = ("en", "zh")


WIDTH, TIMES = 16, 1501  # of the network; time stamps among the tokens


def write_tiny_whisper(folder: Path) -> Path:
    """A Whisper of one random layer each way over the bytes, written in the form that real ones are converted to."""
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>",
               "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={c: n for n, c in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens(special)
    tokens = [*letters, *special, *(f"<|{0.02 * n:.2f}|>" for n in range(TIMES))]
    spec = specs.WhisperSpec(1, 2, 1, 2)
    rng = np.random.default_rng(0)
    shapes = {
        "conv1/weight": (WIDTH, 80, 3), "conv2/weight": (WIDTH, WIDTH, 3),
        "self_attention/linear_0/weight": (3 * WIDTH, WIDTH), "attention/linear_1/weight": (2 * WIDTH, WIDTH),
        "self_attention/linear_1/weight": (WIDTH, WIDTH),
        "ffn/linear_0/weight": (4 * WIDTH, WIDTH), "ffn/linear_1/weight": (WIDTH, 4 * WIDTH),
        "embeddings/weight": (len(tokens), WIDTH), "projection/weight": (len(tokens), WIDTH),
        "encoder/position_encodings/encodings": (1500, WIDTH), "decoder/position_encodings/encodings": (448, WIDTH),
        "gamma": (WIDTH,), "beta": (WIDTH,), "conv1/bias": (WIDTH,), "conv2/bias": (WIDTH,), "weight": (WIDTH, WIDTH),
    }  # fmt: skip

    def fill(part: object, name: str, value: object) -> None:
        fitting = [end for end in shapes if name.endswith(end)]
        if value is None or name.endswith("encodings"):
            shape = shapes[max(fitting, key=len)]
            setattr(part, name.rsplit("/", 1)[-1], rng.normal(0, 0.3, shape).astype(np.float32))

    spec._visit(fill)
    spec.register_vocabulary(tokens)
    first = len(letters) + 2
    spec.config.suppress_ids, spec.config.suppress_ids_begin, spec.config.alignment_heads = [], [], [[0, 0]]
    spec.config.lang_ids = list(range(first, first + len(LANGUAGES)))
    spec.validate()
    target = folder / "models" / "tiny-whisper"
    target.mkdir(parents=True)
    spec.save(str(target))
    made.save(str(target / "tokenizer.json"))
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_whisper(tmp_path_factory.mktemp("whisper"))


def test_a_model_in_the_folder_writes_down_what_it_hears(folder: Path) -> None:
    assert find_recogniser([folder.parent / "nothing", folder.parent]) == folder
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, 16_000 * 2).astype(np.float32), 16_000)
    written = Recogniser(folder, threads=1).write_down(sound, "en")
    assert isinstance(written.text, str) and written.language == "en"
    assert Recogniser(folder, threads=1).write_down(sound).language in ("en", "zh", "auto")


def test_without_a_model_nobody_writes(tmp_path: Path) -> None:
    (tmp_path / "v2").mkdir()
    assert find_recogniser([tmp_path, tmp_path / "absent"]) is None


def test_a_model_without_its_tokenizer_is_said(tmp_path: Path) -> None:
    model = tmp_path / "small"
    model.mkdir()
    (model / "model.bin").write_bytes(b"no model")
    (model / "config.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match=r"lacks tokenizer\.json"):
        Recogniser(model)  # rather than fetching one from the network
