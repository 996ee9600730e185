"""What a test hears in the page."""

from __future__ import annotations

from typing import Any

import numpy as np

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
