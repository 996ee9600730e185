"""Recordings without words are written down by a Whisper model of the person's own, and never by the network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio
from gpt_sovits.dataset import recognise
from gpt_sovits.dataset.recognise import Recogniser, find_recogniser
from gpt_sovits.errors import InputError, ResourceError

LANGUAGES = ("en", "zh")


def write_tiny_whisper(folder: Path) -> Path:
    """A Whisper of two tiny random layers over the bytes, converted as a real one is."""
    transformers = pytest.importorskip("transformers", reason="makes the tiny model; only developers have it")
    converters = pytest.importorskip("ctranslate2.converters", reason="needs: pip install faster-whisper")
    tokenizers = pytest.importorskip("tokenizers")
    import torch

    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>",
               "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
    tokens = {letter: index for index, letter in enumerate(letters)}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=tokens, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens(special)
    size = len(letters) + len(special)
    source = folder / "source"
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|endoftext|>")
    fast.save_pretrained(source)
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=size + 1501, num_mel_bins=80, d_model=16, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        bos_token_id=len(letters), eos_token_id=len(letters), pad_token_id=len(letters),
        decoder_start_token_id=len(letters) + 1, suppress_tokens=[], begin_suppress_tokens=[],
    )  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config)
    model.generation_config.suppress_tokens, model.generation_config.begin_suppress_tokens = [], []
    model.generation_config.lang_to_id = {f"<|{c}|>": len(letters) + 2 + n for n, c in enumerate(LANGUAGES)}
    model.save_pretrained(source)
    target = folder / "models" / "tiny-whisper"
    converters.TransformersConverter(str(source)).convert(str(target))
    made.save(str(target / "tokenizer.json"))
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_whisper(tmp_path_factory.mktemp("whisper"))


def test_a_model_in_the_folder_writes_down_what_it_hears(folder: Path) -> None:
    pytest.importorskip("faster_whisper", reason="needs: pip install faster-whisper")
    assert find_recogniser([folder.parent / "nothing", folder.parent]) == folder
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, 16_000 * 2).astype(np.float32), 16_000)
    written = Recogniser(folder, threads=1).write_down(sound, "en")
    assert isinstance(written.text, str) and written.language == "en"
    assert Recogniser(folder, threads=1).write_down(sound).language in ("en", "zh", "auto")


def test_without_a_model_nobody_writes(tmp_path: Path) -> None:
    (tmp_path / "v2").mkdir()
    assert find_recogniser([tmp_path, tmp_path / "absent"]) is None


def test_a_model_without_its_package_or_tokenizer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "small"
    model.mkdir()
    (model / "model.bin").write_bytes(b"no model")
    (model / "config.json").write_text(json.dumps({}))
    monkeypatch.setattr(recognise, "PACKAGE", "no_such_package")
    with pytest.raises(ResourceError, match="package that runs it is not installed"):
        Recogniser(model)
    monkeypatch.setattr(recognise, "PACKAGE", "json")
    with pytest.raises(InputError, match=r"lacks tokenizer\.json"):
        Recogniser(model)  # rather than fetching one from the network
