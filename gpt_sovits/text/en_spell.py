"""Letter-to-sound rules for words that no dictionary holds."""

from __future__ import annotations

import re

_RULES: tuple[tuple[str, str], ...] = (
    ("tion", "SH AH0 N"), ("sion", "ZH AH0 N"), ("ough", "AO1"), ("igh", "AY1"), ("tch", "CH"), ("sch", "SH"),
    ("ck", "K"), ("ch", "CH"), ("sh", "SH"), ("th", "TH"), ("ph", "F"), ("wh", "W"), ("qu", "K W"), ("ng", "NG"),
    ("gh", "G"), ("kn", "N"), ("wr", "R"), ("dge", "JH"), ("ee", "IY1"), ("ea", "IY1"), ("oo", "UW1"),
    ("ou", "AW1"), ("ow", "OW1"), ("oi", "OY1"), ("oy", "OY1"), ("ai", "EY1"), ("ay", "EY1"), ("au", "AO1"),
    ("aw", "AO1"), ("ew", "UW1"), ("ey", "IY0"), ("ie", "IY1"), ("oa", "OW1"), ("er", "ER0"), ("ir", "ER1"),
    ("ur", "ER1"), ("ar", "AA1 R"), ("or", "AO1 R"), ("a", "AE1"), ("b", "B"), ("c", "K"), ("d", "D"), ("e", "EH1"),
    ("f", "F"), ("g", "G"), ("h", "HH"), ("i", "IH1"), ("j", "JH"), ("k", "K"), ("l", "L"), ("m", "M"), ("n", "N"),
    ("o", "AA1"), ("p", "P"), ("q", "K"), ("r", "R"), ("s", "S"), ("t", "T"), ("u", "AH1"), ("v", "V"), ("w", "W"),
    ("x", "K S"), ("y", "IY0"), ("z", "Z"),
)  # fmt: skip
_SOUND = dict(_RULES)
_SCAN = re.compile("|".join(letters for letters, _ in _RULES))


def guess(word: str) -> list[str]:
    """ARPAbet for an unknown word of letters a-z."""
    spelled = re.sub(r"(.)\1", r"\1", re.sub(r"(?<=[^aeiou])e$", "", word.lower())) or word.lower()
    phones = [phone for match in _SCAN.finditer(spelled) for phone in _SOUND[match.group()].split()]
    stressed = False
    out = []
    for phone in phones:
        if phone[-1] == "1" and stressed:
            phone = phone[:-1] + "0"
        stressed = stressed or phone[-1] == "1"
        out.append(phone)
    return out
