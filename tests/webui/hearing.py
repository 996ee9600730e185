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


def slide(page: Any, selector: str, share: float) -> None:
    """Drag a slider's thumb from its middle to a share of its way and let go."""
    thumb = page.locator(f"{selector} input[type=range]")
    thumb.scroll_into_view_if_needed()
    box = thumb.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 1 + (box["width"] - 2) * share, y, steps=4)
    page.mouse.up()


HOOK = """window.sounded = [];
const begin = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...given) {
  window.sounded.push({ at: performance.now(), seconds: this.buffer.duration, loop: this.loop });
  return begin.apply(this, given);
};"""


def sounds(page: Any, count: int) -> list[dict[str, Any]]:
    """What the page has let sound through Web Audio so far (``HOOK``); waits until there are ``count``."""
    page.wait_for_function(f"window.sounded.length >= {count}")
    return list(page.evaluate("window.sounded"))
