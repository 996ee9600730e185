"""Words that CMUdict lacks, from the American word list of the misaki package.

    python -m gpt_sovits.lab.english_words us_gold.json OUT

``us_gold.json`` lies in the wheel of misaki 0.9.4 (Apache-2.0). Its IPA is written as ARPAbet in CMUdict's habits;
words that the dictionary holds, acronyms and what is not all letters are left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from gpt_sovits.text.data import pronunciations

_SOUNDS = {
    "A": "EY", "I": "AY", "O": "OW", "W": "AW", "Y": "OY", "ʤ": "JH", "ʧ": "CH", "b": "B", "d": "D", "f": "F",
    "h": "HH", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N", "p": "P", "s": "S", "t": "T", "v": "V", "w": "W",
    "z": "Z", "ɡ": "G", "ŋ": "NG", "ɹ": "R", "ʃ": "SH", "ʒ": "ZH", "ð": "DH", "θ": "TH", "ɾ": "T", "T": "T", "ʔ": "T",
    "x": "K", "æ": "AE", "ɑ": "AA", "ɔ": "AO", "ɛ": "EH", "ɪ": "IH", "i": "IY", "ʊ": "UH", "u": "UW", "ʌ": "AH",
    "ə": "AH", "ᵊ": "AH", "ᵻ": "IH", "ɜ": "ER", "ɐ": "AH", "a": "AA", "o": "OW", "e": "EY",
}  # fmt: skip
_VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())


def arpabet(ipa: str) -> str | None:
    """The phones of one word, space-joined; None when a sign is unknown."""
    phones: list[str] = []
    stress, stopped = "0", False
    for char in ipa:
        if char in "ˈˌ":
            stress = "1" if char == "ˈ" else "2"
            continue
        if char in "ː‿\u0303":
            continue
        if char not in _SOUNDS:
            return None
        if char == "n" and stopped:
            phones.append("AH0")
        stopped = char == "ʔ"
        sound = _SOUNDS[char]
        if sound == "R" and phones and phones[-1] in ("AH0", "ER0", "ER1", "ER2"):
            phones[-1] = "ER0" if phones[-1] == "AH0" else phones[-1]
            continue
        phones.append(sound + stress if sound in _VOWELS else sound)
        stress = "0" if sound in _VOWELS else stress
    return " ".join(phones)


def words(listed: dict[str, str | dict[str, str | None]]) -> dict[str, str]:
    """Lower-case word -> phones, of all that is new; a word in small letters goes before its name."""
    known = pronunciations()
    found: dict[str, str] = {}
    for word, given in sorted(listed.items(), key=lambda item: item[0].islower()):
        ipa = given.get("DEFAULT") if isinstance(given, dict) else given
        low = word.lower()
        if not ipa or not (word.isascii() and word.isalpha()) or len(word) < 3 or word.isupper() or low in known:
            continue
        phones = arpabet(ipa)
        if phones and any(phone[-1].isdigit() for phone in phones.split()):
            found[low] = phones
    return found


def main(arguments: list[str] | None = None) -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("listed", type=Path, metavar="us_gold.json")
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    found = words(json.loads(options.listed.read_text(encoding="utf-8")))
    lines = "\n".join(f"{word}\t{phones}" for word, phones in sorted(found.items()))
    options.out.write_bytes(gzip.compress(lines.encode("ascii"), 9, mtime=0))


if __name__ == "__main__":
    main()
