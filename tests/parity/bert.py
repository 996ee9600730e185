"""Chinese RoBERTa: embeddings, first layer, the third last hidden state."""

from __future__ import annotations

import torch
from torch import Tensor

from gpt_sovits.features.bert import load_bert
from tests.parity import Fixture


@torch.no_grad()
def run_bert(fixture: Fixture) -> dict[str, Tensor]:
    model = load_bert(fixture.weights("chinese_roberta_wwm_ext_large"))
    ids = fixture.tensor("in_input_ids")
    hidden = model.network(ids, output_hidden_states=True).hidden_states
    return {"embeddings": hidden[0], "hidden1": hidden[1], "hidden_minus3": model(ids)}
