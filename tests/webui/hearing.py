"""What a test hears in the page: the sound that a player offers, fetched as the browser would."""

from __future__ import annotations

import io
import wave
from typing import Any
from urllib.parse import urljoin

import numpy as np


def heard(page: Any, player: str) -> np.ndarray:
    """[L] float samples of what the player with this selector offers; a WAV, and not silent."""
    source = page.locator(f"{player} >> audio").get_attribute("src")
    assert source
    with wave.open(io.BytesIO(page.request.get(urljoin(page.url, source)).body())) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2") / 32768.0
    assert np.sqrt(np.mean(samples**2)) > 0.003
    return samples


HOOK = """window.sounded = [];
const begin = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...given) {
  window.sounded.push({ at: performance.now(), seconds: this.buffer.duration, sound: this.buffer.getChannelData(0) });
  return begin.apply(this, given);
};"""


def sounds(page: Any, count: int) -> list[dict[str, Any]]:
    """When and for how long the page has let something sound (``HOOK``); waits until there were ``count``."""
    page.wait_for_function(f"window.sounded.length >= {count}")
    return list(page.evaluate("window.sounded.map(({ at, seconds }) => ({ at, seconds }))"))


def played(page: Any, number: int) -> np.ndarray:
    """[L] float samples of what sounded as the ``number``-th; not silent."""
    page.wait_for_function(f"window.sounded.length > {number}")
    samples = np.array(page.evaluate(f"Array.from(window.sounded[{number}].sound)"))
    assert np.sqrt(np.mean(samples**2)) > 0.003
    return samples
