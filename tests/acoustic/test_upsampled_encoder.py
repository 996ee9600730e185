"""The embedded base's text encoder: what a frame is told of the phone that it says."""

import torch

from gpt_sovits.acoustic.config import TextEncoderConfig
from gpt_sovits.acoustic.upsampled_encoder import PLACES, UpsampledTextEncoder, places


def encoder() -> UpsampledTextEncoder:
    torch.manual_seed(0)
    return UpsampledTextEncoder(TextEncoderConfig(symbols=20, ssl_dim=8, latent=12, hidden=16, text_layers=2)).eval()


def test_places_count_from_both_ends_of_a_phone_and_of_a_silence() -> None:
    since, until = places(torch.tensor([[-1, -1, 0, 0, 0, 1, -1]]))
    assert since.tolist() == [[0, 1, 0, 1, 2, 0, 0]]
    assert until.tolist() == [[1, 0, 2, 1, 0, 0, 0]]


def test_places_of_a_long_phone_end_somewhere() -> None:
    since, until = places(torch.zeros(1, 50, dtype=torch.long))
    assert since[0, :3].tolist() == [0, 1, 2] and since.max() == PLACES - 1
    assert until[0, -3:].tolist() == [2, 1, 0] and until.max() == PLACES - 1


def test_a_longer_neighbour_in_the_batch_changes_nothing() -> None:
    torch.manual_seed(1)
    content, phones = torch.randn(2, 8, 12), torch.randint(20, (2, 6))
    spoken = torch.tensor([[0, 0, 1, 1, 2, 2, 3, 3] + 4 * [-1], [-1, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5]])
    style = torch.zeros(2, 4, 1)
    with torch.inference_mode():
        both = encoder()(content, torch.tensor([8, 12]), phones, torch.tensor([4, 6]), style, 1.0, spoken)
        alone = encoder()(
            content[:1, :, :8], torch.tensor([8]), phones[:1, :4], torch.tensor([4]), style[:1], 1.0, spoken[:1, :8]
        )
    torch.testing.assert_close(both.mean[:1, :, :8], alone.mean, rtol=1e-5, atol=1e-5)
    assert not both.mean[0, :, 8:].any()


def test_another_phone_is_heard_only_where_it_is_said_or_near() -> None:
    content, phones = torch.randn(1, 8, 40), torch.arange(20)[None]
    spoken = torch.arange(20).repeat_interleave(2)[None]
    style, mask = torch.zeros(1, 4, 1), torch.ones(1, 1, 40)
    net = encoder()
    other = phones.clone()
    other[0, 15] = 3
    with torch.inference_mode():
        before = net.encode(content, mask, phones, torch.ones(1, 1, 20), style, spoken)
        after = net.encode(content, mask, other, torch.ones(1, 1, 20), style, spoken)
    changed = (before - after).abs().amax(1)[0] > 1e-6
    assert changed[30:32].all() and not changed[:20].any()


def test_without_times_the_codes_alone_are_heard() -> None:
    content, mask, phones = torch.randn(1, 8, 6), torch.ones(1, 1, 6), torch.arange(4)[None]
    found = encoder()(content, torch.tensor([6]), phones, torch.tensor([4]), torch.zeros(1, 4, 1))
    assert found.mean.shape == (1, 12, 6) and bool(torch.isfinite(found.mean).all())
    assert mask.shape[-1] == found.mask.shape[-1]
