"""Text -> phones. Everything about languages ends here: the networks see phone ids only.

    symbols(version)                          phone table
    phonemize(text, language, version)        one piece -> phones, ids, spans
    split_text(text, language)                a long text -> pieces with offsets
    read_text(text, language)                 both: a whole text as it is spoken
    explain(text, language, lexicon=...)      how each word will be read, and why
    Lexicon.from_csv(text)                    a person's own readings; markup in the text: see ``markup``
    pinyin_phones("ma3"), require_speakable(text), mandarin_share(ids)

Imports no torch, never reaches the network, reads no environment.
"""

from __future__ import annotations

from gpt_sovits.text.frontend import explain, phonemize, read_text, require_speakable
from gpt_sovits.text.lexicon import Entry, Lexicon
from gpt_sovits.text.split import split_text
from gpt_sovits.text.symbols import SymbolTable, symbols
from gpt_sovits.text.tongue import mandarin_share
from gpt_sovits.text.types import Phones, Piece, PolyphoneModel, Reading, Span
from gpt_sovits.text.zh_g2p import pinyin_phones

__all__ = [
    "Entry",
    "Lexicon",
    "Phones",
    "Piece",
    "PolyphoneModel",
    "Reading",
    "Span",
    "SymbolTable",
    "explain",
    "mandarin_share",
    "phonemize",
    "pinyin_phones",
    "read_text",
    "require_speakable",
    "split_text",
    "symbols",
]
