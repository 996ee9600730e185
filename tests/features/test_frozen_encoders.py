"""HuBERT, Chinese BERT and the speaker encoder at small sizes; their numbers are checked by tests/parity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gpt_sovits.errors import InputError
from gpt_sovits.features.bert import Bert, BertConfig, ChineseBert, load_bert, read_vocabulary
from gpt_sovits.features.hubert import HubertConfig, HubertContent, load_hubert, with_prompt_tail
from gpt_sovits.features.speaker import SPEAKER_WIDTH, ERes2NetV2, fbank, load_speaker_encoder

HUBERT = HubertConfig(
    hidden=32, layers=2, heads=2, feed_forward=48, conv_channels=16, position_kernel=8, position_groups=4
)
BERT = BertConfig(vocabulary=12, hidden=16, layers=2, heads=2, feed_forward=32, positions=8)
VOCABULARY = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"你好世界，。a"])}


def state_of(model: Bert | HubertContent) -> dict[str, Tensor]:
    return model.network.state_dict()


def random_state(model: Bert | HubertContent) -> dict[str, Tensor]:
    """Tensors of a file of this size, under the names of the published one."""
    torch.manual_seed(0)
    return {name: 0.3 * torch.randn(tensor.shape) for name, tensor in state_of(model).items()}


@pytest.fixture(scope="module")
def chinese() -> ChineseBert:
    return ChineseBert(load_bert(random_state(Bert(BERT)), BERT), VOCABULARY)


@pytest.fixture(scope="module")
def hubert() -> HubertContent:
    return load_hubert(random_state(HubertContent(HUBERT)), HUBERT)


@pytest.mark.parametrize(("samples", "frames"), [(400, 1), (719, 1), (720, 2), (16000, 49)])
def test_hubert_gives_fifty_frames_a_second(hubert: HubertContent, samples: int, frames: int) -> None:
    assert hubert(torch.randn(1, samples)).shape == (1, 32, frames)


def test_hubert_rows_of_a_padded_batch_are_what_they_are_alone(hubert: HubertContent) -> None:
    waves = torch.randn(2, 4000)
    together = hubert(waves, torch.tensor([4000, 2500]))
    alone = hubert(waves[1:, :2500])
    torch.testing.assert_close(together[1, :, : alone.shape[2]], alone[0])
    assert not together[1, :, alone.shape[2] :].any()


def test_hubert_refuses_a_click_and_hears_the_tail_of_a_prompt() -> None:
    with pytest.raises(InputError):
        HubertContent(HUBERT)(torch.zeros(1, 399))
    assert with_prompt_tail(torch.ones(5)).tolist()[:6] == [1, 1, 1, 1, 1, 0]
    assert with_prompt_tail(torch.ones(1, 5)).shape == (1, 9605)


def test_a_weight_file_with_a_missing_tensor_is_named() -> None:
    with pytest.raises(InputError, match="feature_extractor"):
        load_hubert({}, HUBERT)
    with pytest.raises(InputError, match="word_embeddings"):
        load_bert({}, BERT)
    with pytest.raises(InputError, match="conv1.weight"):
        load_speaker_encoder({})


def test_each_phone_gets_the_vector_of_its_character(chinese: ChineseBert) -> None:
    features = chinese.features("你好。", [2, 2, 1])
    assert features.shape == (16, 5)
    hidden = chinese.network(torch.tensor([[2, *chinese.tokenize("你好。"), 3]]))[0]
    torch.testing.assert_close(features, hidden[[1, 1, 2, 2, 3]].T)


def test_weights_kept_in_half_precision_give_the_same_numbers() -> None:
    state = {key: value.half() for key, value in random_state(Bert(BERT)).items()}
    ids = torch.tensor([[2, 5, 6, 3]])
    half, whole = (load_bert(given, BERT) for given in (state, {key: value.float() for key, value in state.items()}))
    assert state_of(half)["encoder.layer.0.intermediate.dense.weight"].dtype == torch.float16
    torch.testing.assert_close(half(ids), whole(ids))


def test_texts_in_one_batch_do_not_disturb_each_other(chinese: ChineseBert) -> None:
    texts = [("你好", [2, 2]), ("世界，你。", [2, 2, 1, 2, 1]), ("", [])]
    for (text, word2ph), together in zip(texts, chinese.features_batch(texts), strict=True):
        torch.testing.assert_close(together, chinese.features(text, word2ph), atol=1e-5, rtol=1e-4)


def test_text_beyond_the_positions_is_read_in_pieces(chinese: ChineseBert) -> None:
    assert chinese.features("你好世界，你好世界。", [1] * 10).shape == (16, 10)


def test_unknown_and_upper_case_characters_have_an_id_and_counts_must_fit(chinese: ChineseBert) -> None:
    assert chinese.tokenize("A龘") == [VOCABULARY["a"], VOCABULARY["[UNK]"]]
    with pytest.raises(InputError):
        chinese.features("你好", [2])


def test_both_forms_of_the_vocabulary_file_are_read(tmp_path: Path) -> None:
    plain, packed = tmp_path / "vocab.txt", tmp_path / "tokenizer.json"
    plain.write_bytes("\n".join([*VOCABULARY, "\u2028"]).encode() + b"\n")
    packed.write_text(json.dumps({"model": {"vocab": VOCABULARY}}), encoding="utf-8")
    assert read_vocabulary(plain) == {**VOCABULARY, "\u2028": 11}
    assert read_vocabulary(packed) == VOCABULARY
    packed.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError):
        read_vocabulary(packed)


def test_filter_bank_ignores_offset_and_follows_loudness() -> None:
    wave = 0.1 * torch.randn(1, 1040)
    quiet: Tensor = fbank(wave)
    assert quiet.shape == (1, 5, 80)
    torch.testing.assert_close(fbank(wave + 0.3), quiet, atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(fbank(2 * wave), quiet + torch.tensor(4.0).log(), atol=1e-3, rtol=1e-3)


def test_the_speaker_vector_does_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    model = ERes2NetV2().eval()
    waves = 0.1 * torch.randn(2, 3200)
    together = model(waves)
    assert together.shape == (2, SPEAKER_WIDTH)
    torch.testing.assert_close(together[:1], model(waves[:1]), atol=1e-4, rtol=1e-3)
    with pytest.raises(InputError):
        model(waves[:, :100])
