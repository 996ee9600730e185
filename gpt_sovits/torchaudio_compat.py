"""The one door to torchaudio.

torchaudio 2.11 loads a compiled extension that links CUDA and fails on a CPU-only torch, while its Python
half (resampling, mel filters, Kaldi features, forced alignment aside) needs nothing compiled. A stub of
``torchaudio._extension`` registered first keeps the import pure Python. All other modules import from here.
"""

from __future__ import annotations

import sys
import types


def _stub_extension() -> types.ModuleType:
    stub = types.ModuleType("torchaudio._extension")

    def unavailable(function):  # type: ignore[no-untyped-def]
        return function

    for name, value in {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_RIR_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "fail_if_no_align": unavailable,
        "fail_if_no_rir": unavailable,
    }.items():
        setattr(stub, name, value)
    return stub


if "torchaudio" not in sys.modules:
    sys.modules.setdefault("torchaudio._extension", _stub_extension())

import torchaudio  # noqa: E402
import torchaudio.compliance.kaldi as kaldi  # noqa: E402
import torchaudio.functional as functional  # noqa: E402
import torchaudio.transforms as transforms  # noqa: E402

__all__ = ["functional", "kaldi", "torchaudio", "transforms"]
