"""A person's own G2PW: its folder is found, its inputs are what the published network takes, its answer is spoken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.errors import MissingError
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.text import explain, phonemize
from gpt_sovits.text.g2pw import InstalledG2PW

onnx = pytest.importorskip("onnx", reason="needs onnx (requirements-dev.txt)")

ROWS = (("行", "ㄒㄧㄥ2"), ("行", "ㄏㄤ2"), ("長", "ㄔㄤ2"), ("長", "ㄓㄤ3"), ("一", "ㄧ1"), ("一", "ㄧ4"))
PINYIN = {"ㄒㄧㄥ": "xing", "ㄏㄤ": "hang", "ㄔㄤ": "chang", "ㄓㄤ": "zhang", "ㄧ": "yi"}
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"銀行長走不了我們"]


def network(path: Path) -> None:
    """Scores = (token at the query + its kind + its attention + position + character + 1) x weights x mask: the token
    before the query decides, so a wrong place, window, vocabulary or mask changes the answer."""
    from onnx import TensorProto, helper, numpy_helper

    readings = sorted({reading for _, reading in ROWS})
    prefer = np.full((len(TOKENS), len(readings)), 1.0, np.float32)
    prefer[TOKENS.index("銀"), readings.index("ㄏㄤ2")] = 5.0
    prefer[TOKENS.index("走"), readings.index("ㄒㄧㄥ2")] = 5.0
    prefer[TOKENS.index("行"), readings.index("ㄓㄤ3")] = 5.0
    prefer[:, readings.index("ㄧ4")] = 9.0  # allowed for 一 alone
    wide = {name: [None, None] for name in ("input_ids", "token_type_ids", "attention_mask")}
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in wide.items()]
    inputs.append(helper.make_tensor_value_info("phoneme_mask", TensorProto.FLOAT, [None, len(readings)]))
    inputs += [helper.make_tensor_value_info(name, TensorProto.INT64, [None]) for name in ("char_ids", "position_ids")]
    nodes = [
        helper.make_node("Sub", ["position_ids", "one"], ["before"]),
        helper.make_node("Unsqueeze", ["before", "axis"], ["place"]),
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["seen"]),
        helper.make_node("Add", ["seen", "token_type_ids"], ["tokens"]),
        helper.make_node("GatherElements", ["tokens", "place"], ["token"], axis=1),
        helper.make_node("Squeeze", ["token", "axis"], ["flat"]),
        helper.make_node("Gather", ["prefer", "flat"], ["scores"]),
        helper.make_node("Mul", ["scores", "phoneme_mask"], ["probs"]),
    ]
    weights = [
        numpy_helper.from_array(np.array(1, np.int64), "one"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
        numpy_helper.from_array(prefer, "prefer"),
    ]
    out = helper.make_tensor_value_info("probs", TensorProto.FLOAT, [None, len(readings)])
    graph = helper.make_graph(nodes, "g2pw", inputs, [out], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "models" / "G2PWModel"
    place.mkdir(parents=True)
    network(place / "g2pW.onnx")
    (place / "POLYPHONIC_CHARS.txt").write_text("\n".join("\t".join(row) for row in ROWS) + "\n", encoding="utf-8")
    (place / "bopomofo_to_pinyin_wo_tune_dict.json").write_text(json.dumps(PINYIN), encoding="utf-8")
    (place / "config.py").write_text("import os\nuse_mask = True\nuse_char_phoneme = False\nos.abort()\n")
    (place / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    return place


def readings(text: str, place: Path) -> dict[str, tuple[str, str]]:
    model = InstalledG2PW((place.parent,)).get()
    assert model is not None
    return {r.text: (r.reading, r.why) for r in explain(text, "zh", polyphones=model)}


def test_its_answer_is_spoken_for_simplified_text_too(folder: Path) -> None:
    assert readings("银行长", folder) == {"银行": ("yin2 hang2", "model"), "长": ("zhang3", "model")}
    assert readings("走行", folder)["走行"] == ("zou3 xing2", "model")


def test_what_a_person_forces_is_stronger_and_the_first_version_never_asks_it(folder: Path) -> None:
    assert readings("银[行|xing2]", folder)["行"] == ("xing2", "markup")
    model = InstalledG2PW((folder.parent,)).get()
    assert phonemize("走行走行走行", "zh", "v1", polyphones=model or True) == phonemize("走行走行走行", "zh", "v1")
    assert "一" not in {text for text, (_, why) in readings("一行", folder).items() if why == "model"}


def test_a_long_clause_is_asked_in_parts(folder: Path) -> None:
    model = InstalledG2PW((folder.parent,)).get()
    assert model is not None
    assert model.choose("银行走行" * 60) == {i: "hang2" if i % 4 == 1 else "xing2" for i in range(1, 240, 2)}


def test_the_studio_uses_it_from_the_models_folder(folder: Path, tmp_path: Path) -> None:
    studio = Studio(Settings(data_dir=tmp_path, bundled_models=tmp_path / "none"))
    assert "model" in {reading.why for reading in studio.speech.explain("银行长")}


def test_an_incomplete_folder_is_named(folder: Path) -> None:
    (folder / "vocab.txt").unlink()
    with pytest.raises(MissingError, match="vocabulary"):
        InstalledG2PW((folder.parent,)).get()
    assert InstalledG2PW((folder / "nothing",)).get() is None
