"""What people paste -> what a reader would say of it: Markdown, HTML, subtitles, quoted mail, hard-wrapped lines.

Every pass is linear in the text and leaves our own markup (``[word|reading]``) alone. An example stands in each row.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable

from gpt_sovits.text.data import known_english
from gpt_sovits.text.en_abbreviations import roman
from gpt_sovits.text.en_tables import Pattern
from gpt_sovits.text.tags import OPENERS, TAG
from gpt_sovits.text.tracked import Tracked

Edit = tuple[int, int, str]

_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\u202a-\u202e\u2066-\u2069\ufe0e\ufe0f]+")
_BLOCK_TAGS = "p|br|hr|div|li|ul|ol|tr|table|h[1-6]|blockquote|pre|section|article|header|footer|figcaption|dd|dt|dl"
_INLINE_TAGS = (
    "a|abbr|b|big|button|center|cite|code|del|em|figure|font|i|img|input|ins|kbd|label|mark|nav|q|rp|rt|ruby|s|samp|"
    "small|span|strike|strong|sub|sup|tbody|td|tfoot|th|thead|time|tt|u|var|body|html|head|meta|link|title|main|path|"
    "svg|dfn|wbr|bdi|bdo|data|cite|map|area|canvas|picture|noscript|video|audio|source|iframe|form|option|select|textarea|details|summary|aside|picture|colgroup|col|caption|v"
)
_ROMAN_OR_DIGITS = r"[ \t]*\d{1,6}[ \t]*"
_CUE = re.compile(r"[ \t]*(?:\d{1,3}:)?\d{1,2}:\d\d[.,]\d{1,3}[ \t]*--+>[ \t]*(?:\d{1,3}:)?\d{1,2}:\d\d[.,]\d{1,3}")
_RULE_LINE = re.compile(r"[ \t]*(?:[-*_=~#+][ \t]?){3,}[ \t]*")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}[-:| \t]*")
_RST_HOME = re.compile(r"[ \t]*(?:\.\. )?(?:_[^:\n]{1,80}:[ \t]+\S+|\|[^|\n]{1,80}\|[ \t]+image::.*|:target:.*)")
_LINK_HOME = re.compile(r"[ \t]*\[[^\]\n]{1,100}\]:[ \t]*(?:<|https?://|/|#)\S*.*")

# At the start of a line: what is no word there, and what comes instead. (pattern, new, example)
_LEADS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"[ \t]*(?:>[ \t]?)+(?![ \t]?[\d=])"), "", "> quoted mail"),
    (re.compile(r"[ \t]*#{1,6}[ \t]+"), "\n", "## Heading"),
    (re.compile(r"[ \t]*[-*+•·‣▪▫◦●○■□◆◇▶►➤✓✔✗✘–—][ \t]+\[[ xX]\][ \t]+"), "\n", "- [x] done"),
    (re.compile(r"[ \t]*[-*+•·‣▪▫◦●○■□◆◇★☆▶►➤✓✔✗✘][ \t]+|[ \t]*[–—]{1,2}[ \t]+(?=[^\W\d])"), "\n", "- item"),
    (re.compile(r"[ \t]*[•‣▪▫●○■□◆◇★☆▶►➤✓✔](?=\S)"), "\n", "•item"),
    (re.compile(r"[ \t]*\[\d{1,3}:\d\d(?:[.:]\d{1,3})?\]"), "\n", "[00:12.50]sung"),
    (re.compile(r"[ \t]*\[\^[^\]\n]{1,40}\]:[ \t]*"), "\n", "[^1]: note"),
    (re.compile(r"[ \t]*\|[ \t]*"), "\n", "| first cell"),
)  # fmt: skip
_COUNTED_ITEM = re.compile(r"[ \t]*\d{1,3}[.)、][ \t]*(?P<mark>[-*+•][ \t]+)(?=[^\W\d])")  # 1. - item
_NUMBERED = re.compile(r"\(?(?:\d{1,3}|[a-z])[.)]\s")
_COUNTED = re.compile(r"\b(?i:section|chapter|page|article|paragraph|clause|part|volume|figure|table)s?$")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S{1,1000}$")

# Anywhere: ``keep`` stays, the rest of the match goes. (pattern, example)
_WRAPS: tuple[tuple[Pattern, str], ...] = (
    (Pattern(r"!?\[(?P<keep>[^\[\]\n]{0,300})\]\((?:[^()\n]{0,1000}|[^()\n]{0,300}\([^()\n]{0,300}\)[^()\n]{0,300})\)"),
     "[text](address)"),
    (Pattern(r"!?\[(?P<keep>(?:[^\[\]\n]|\[[^\[\]\n]{0,100}\]){0,300})\]\((?:[^()\n]{0,1000}|[^()\n]{0,300}\([^()\n]{0,300}\)[^()\n]{0,300})\)"),
     "[![picture](a)](address)"),
    (Pattern(r"(?<!\w)!?\[(?!\^)(?P<keep>[^\[\]\n]{0,300}[^\W\d][^\[\]\n]{0,300})\] ?\[[^\[\]\n]{0,80}\]"),
     "[text][2]"),
    (Pattern(r":(?:[a-z]{1,12}:){1,2}(?P<keep>`[^`\n]{1,300}`)"), ":meth:`name`"),
    (Pattern(r"`(?P<keep>[^`<\n]{1,300}?)(?: <[^`<>\n]{1,1000}>)?`__?(?!\w)"), "`text <address>`_"),
    (Pattern(r"(?P<keep>)(?:\[\^[^\]\s]{1,40}\]|\^\[\d{1,3}\])"), "[^1]"),
    (Pattern(r"(?<=[.,;:!?”’\"')])(?P<keep>)(?:\[(?:\d{1,3}|note \d{1,3}|citation needed)\])+(?![(\[:])"),
     "end.[3]"),
    (Pattern(r"(?<=[a-z])(?P<keep>)(?:\[\d{1,3}\]){2,}(?= [a-z])"), "the claim[1][2] is"),
    (Pattern(r"(?<=[a-z]{4})(?P<keep>)\[[1-9]\d{0,2}\](?=[,;.] [A-Za-z]{2}|\.?$)"), "as shown[3], it"),
    (Pattern(r"(?<=[a-z]{4})(?P<keep>) \[\d{1,3}(?:, ?\d{1,3}){0,5}\](?=[,;.](?: |$))"), "shown before [7, 9]."),
    (Pattern(r"(?<=[一-龥])(?P<keep>)(?:\[\d{1,3}(?:[-,]\d{1,3})?\])+(?=[。，；：！？、”」』]|\s|$)"),
     "半人马座[1]。"),
    (Pattern(r"(?<=[一-龥])(?P<keep>)(?:\[[1-9]\d{0,2}\])+(?=[一-龥])"), "该说法[1]已过时"),
    (Pattern(r"(?<=[。，；：！？”’」』）])(?P<keep>)\[\d{1,3}(?:[-,]\d{1,3})?\]"), "完。[3]"),
    (Pattern(r"(?<!`)(`{1,3})(?P<keep>[^`\n]{1,500})\1(?!`)"), "`code`"),
    (Pattern(r"\*\*\*(?=\S)(?P<keep>[^*]{1,500})(?<=\S)\*\*\*"), "***both***"),
    (Pattern(r"(?<!\*)\*\*(?=[^\s*])(?P<keep>[^*]{1,500})(?<=\S)\*\*(?!\*)"), "**bold**"),
    (Pattern(r"(?<![\w*])\*(?=[^\s*])(?P<keep>[^*\n]{1,500})(?<=\S)\*(?![A-Za-z\d*])"), "*soft*"),
    (Pattern(r"(?<![A-Za-z\d*])\*(?=[^\s*\d])(?P<keep>[^*\n]{1,500})(?<=[^\s\d])\*(?![A-Za-z\d*])"), "很*轻*吧"),
    (Pattern(r"(?<![A-Za-z\d_])(_{1,2})(?=[^\s_])(?P<keep>[^_\n]{1,500})(?<=\S)\1(?![A-Za-z\d_])"), "_soft_"),
    (Pattern(r"~~(?=[^\s~])(?P<keep>[^~\n]{1,500})(?<=\S)~~"), "~~old~~"),
    (Pattern(r"(?<=[A-Za-z])~(?P<keep>[A-Za-z\d]{1,5})~"), "H~2~O"),
    (Pattern(r"(?<=[A-Za-z\d)])(?P<keep>\^[A-Za-z\d+-]{1,5})\^"), "x^2^"),
    (Pattern(r"\\(?:emph|underline|text[a-z]{2}|(?:sub){0,2}section\*?|chapter\*?|title|footnote)"
                r"\{(?P<keep>[^{}\n]{0,500})\}"), "\\textbf{bold}"),
    (Pattern(r"==(?=[^\s=])(?P<keep>[^=\n]{1,500})(?<=\S)=="), "==marked=="),
)  # fmt: skip
_ATTRIBUTE = r"(?:[\w:@.-]{1,60}[ \t]*=|disabled|checked|hidden|open|async|defer|controls|selected|required|readonly)"
_TAGS = re.compile(rf"</?(?i:(?P<block>{_BLOCK_TAGS})|{_INLINE_TAGS})(?:\s+{_ATTRIBUTE}[^<>]{{0,1000}})?\s*/?>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,30});")
_ESCAPED = re.compile(r"(?<![A-Za-z:\\])\\(?=[~>])")  # 0 \\~ 9
_PLACES = re.compile(r"%\d{1,2}\$[-+0-9.]{0,6}[a-zA-Z]")  # %1$s
_AUTOLINK = re.compile(
    r"<(?P<keep>(?:https?://|mailto:|www\.)[^<>\s]{1,1000}|[\w.+\-]{1,64}@[\w\-]{1,64}(?:\.[\w\-]{1,64}){1,6})>(?!`)"
)
_ENDS_SENTENCE = re.compile(r"[.!?。！？…:：;；][\"'”’」』）)\]*_]*\s*$")


def _outside(text: str, edits: list[Edit]) -> list[Edit]:
    """The edits that touch none of our own tags."""
    tags = [tag.span() for tag in TAG.finditer(text)] if any(opener in text for opener in OPENERS) else []
    if not tags:
        return edits
    starts = [start for start, _ in tags]
    kept = []
    for edit in edits:
        at = bisect_right(starts, max(edit[0], edit[1] - 1)) - 1
        if at < 0 or tags[at][1] <= edit[0]:
            kept.append(edit)
    return kept


def _without(text: str, opening: str, closing: str) -> list[Edit]:
    """Everything between two marks and the marks themselves (comments, scripts); an open one stays."""
    edits: list[Edit] = []
    at = text.find(opening)
    while at >= 0:
        end = text.find(closing, at + len(opening))
        if end < 0:
            break
        edits.append((at, end + len(closing), " "))
        at = text.find(opening, end + len(closing))
    return edits


def _kept(pattern: re.Pattern[str], text: str) -> list[Edit]:
    edits: list[Edit] = []
    for match in pattern.finditer(text):
        if "\n\n" in match["keep"]:
            continue
        edits.append((match.start(), match.start("keep"), ""))
        edits.append((match.end("keep"), match.end(), ""))
    return edits


def _lines(text: str) -> list[tuple[int, int]]:
    """(start, end) of every line, without its line end."""
    places = []
    at = 0
    for line in text.split("\n"):
        places.append((at, at + len(line)))
        at += len(line) + 1
    return places


def _unspoken_lines(text: str) -> list[Edit]:
    """Lines that nobody reads aloud: timings and numbers of subtitles, rules, fences, borders of tables, addresses."""
    edits: list[Edit] = []
    lines = _lines(text)
    for i, (start, end) in enumerate(lines):
        line = text[start:end]
        cue = bool(_CUE.match(line))
        after = text[slice(*lines[i + 1])] if i + 1 < len(lines) else ""
        number = "-->" in after and bool(_CUE.match(after)) and bool(re.fullmatch(_ROMAN_OR_DIGITS, line))
        fence = line.lstrip().startswith(("```", "~~~")) and "`" not in line.lstrip().lstrip("`")
        rule = bool(_RULE_LINE.fullmatch(line)) or "|" in line and bool(_TABLE_RULE.fullmatch(line))
        vtt = i == 0 and line.startswith("WEBVTT")
        if (
            cue
            or number
            or fence
            or rule
            or vtt
            or "]:" in line
            and _LINK_HOME.fullmatch(line)
            or ":" in line
            and _RST_HOME.fullmatch(line)
        ):
            edits.append((start, end, ""))
    return edits


_NUMERAL_LINE = re.compile(r"[ \t]*([IVXLC]{1,7})(\.?)[ \t]*(?=[A-Z]|$)")


def _numerals(text: str) -> list[Edit]:
    """Roman numerals alone on a line or at its head (``II``, ``III. Methods``) are numbers, if two tell so."""
    found = []
    for start, end in _lines(text):
        match = _NUMERAL_LINE.match(text[start:end])
        if match and roman(match[1]) and (match.end() == end - start or match[2]):
            found.append((start + match.start(1), start + match.end(1), str(roman(match[1])), match[1]))
    if not any(len(numeral) > 1 for *_, numeral in found) or len(found) < 2:
        return []
    return [(start, end, value) for start, end, value, _ in found]


def _leads(text: str) -> list[Edit]:
    edits: list[Edit] = []
    for start, end in _lines(text):
        at, before = start, -1
        heading = False
        while before < at:  # "| - cell", "* - item"
            before = at
            for pattern, new, _ in _LEADS:
                match = pattern.match(text, at, end)
                if match:
                    edits.append((at, match.end(), new if start else ""))
                    heading = heading or "#" in match.group()
                    at = match.end()
        counted = _COUNTED_ITEM.match(text, at, end)
        if counted:
            edits.append((*counted.span("mark"), ""))
        if heading and end < len(text):
            closed = len(text[at:end].rstrip().rstrip("#").rstrip())
            edits.append((at + closed, end, "\n"))
    return edits


def _cells(text: str) -> list[Edit]:
    """``a | b |``: a comma between the cells of a table's row."""
    edits: list[Edit] = []
    for start, end in _lines(text):
        row = text[start:end]
        if row.rstrip().endswith("|") or row.count(" | ") > 1:
            stop = len(row.rstrip(" \t|"))
            edits += [(start + m.start(), start + m.end(), ", ") for m in re.finditer(r" ?\|+ ?", row[:stop])]
            edits.append((start + stop, end, "\n" if end < len(text) else ""))
    return edits


def _tag_edits(text: str) -> list[Edit]:
    return [(m.start(), m.end(), "\n" if m["block"] else "") for m in _TAGS.finditer(text)]


def _entities(text: str) -> list[Edit]:
    found = []
    for match in _ENTITY.finditer(text):
        char = html.unescape(match.group())
        if char != match.group():
            found.append((match.start(), match.end(), " " if char in "\xa0\u2002\u2003\u2009" else char))
    return found


def _wrapped(before: str, after: str, longest: int) -> bool:
    """Whether the line end between two lines of a paragraph only keeps the lines short.

    Yes where the next line goes on in lower case, or where its first word would not have fitted any more.
    """
    before, after = before.rstrip(), after.lstrip()
    if not before or not after or len(before) < 12:
        return False
    first = after.split(None, 1)[0]
    ended = bool(_ENDS_SENTENCE.search(before))
    if _NUMBERED.match(after) and not _COUNTED.search(before):
        return False
    if after[0].isupper() and _ADDRESS.search(before):
        return False
    if after[0].islower() and not ended:
        return True
    if longest < 50 or not first[0].isascii():
        return False
    return len(before) + 1 + len(first) > longest and (before[-1].isascii() or before[-1] in "—–”’")


def _full_lines(lines: list[str]) -> bool:
    """Whether a paragraph of Chinese is cut into lines of one length."""
    sizes = [len(line.strip()) for line in lines[:-1]]
    return len(sizes) > 1 and min(sizes) >= 20 and max(sizes) - min(sizes) <= 2 and len(lines[-1]) <= max(sizes)


def _line_ends(text: str) -> list[Edit]:
    """Line ends that only keep lines short become spaces (nothing between Han characters or after a broken word)."""
    edits: list[Edit] = []
    lines = _lines(text)
    block: list[tuple[int, int]] = []
    for start, end in [*lines, (len(text), len(text))]:
        if text[start:end].strip():
            block.append((start, end))
            continue
        if len(block) > 1:
            edits += _block_ends(text, block)
        block = []
    if len(block) > 1:
        edits += _block_ends(text, block)
    return edits


def _block_ends(text: str, block: list[tuple[int, int]]) -> list[Edit]:
    edits: list[Edit] = []
    lines = [text[start:end] for start, end in block]
    longest = max(map(len, lines))
    full = _full_lines(lines)
    for (_, end), (begin, _), before, after in zip(block, block[1:], lines, lines[1:], strict=False):
        stripped = before.rstrip()
        if re.search(r"[a-z]-$", stripped) and after.lstrip()[:1].islower():
            joined = re.search(r"([A-Za-z]+)-$", stripped)[1] + re.match(r"[A-Za-z]*", after.lstrip())[0]  # type: ignore[index]
            cut = end - (len(before) - len(stripped))
            edits.append((cut - 1 if known_english(joined.lower()) else cut, begin, ""))
        elif full and "一" <= stripped[-1] <= "鿿" and "一" <= after.lstrip()[0] <= "鿿":
            edits.append((end, begin, ""))
        elif _wrapped(before, after, longest):
            edits.append((end, begin, " "))
    return edits


_NOTE = re.compile(r"(?<=[a-z])\[[1-9]\d{0,2}\](?=[ ,;:.?!])(?! ?=)")


def _notes(text: str) -> list[Edit]:
    """``The study[1] found``: a footnote's mark where another stands behind a sentence (``effect.[12]``)."""
    if not re.search(r"[a-z][.,;:?!][”\"’')]?\[\d{1,3}\](?:\s|$)", text):
        return []
    return [(*match.span(), "") for match in _NOTE.finditer(text)]


_PASSES: tuple[Callable[[str], list[Edit]], ...] = (
    lambda text: [(m.start(), m.end(), "") for m in _INVISIBLE.finditer(text)],
    lambda text: [(m.start(), m.end(), "\n") for m in re.finditer("\r\n?|[\u2028\u2029\x0b\x0c\x85]", text)],
    lambda text: _without(text, "<!--", "-->"),
    lambda text: _without(text, "<script", "</script>") if "<" in text else [],
    lambda text: _without(text, "<style", "</style>") if "<" in text else [],
    lambda text: _tag_edits(text) if "<" in text else [],
    lambda text: _kept(_AUTOLINK, text) if "<" in text else [],
    lambda text: _entities(text) if "&" in text else [],
    lambda text: [(*m.span(), "") for m in _ESCAPED.finditer(text)] if "\\" in text else [],
    lambda text: [(*m.span(), "") for m in _PLACES.finditer(text)] if "%" in text else [],
    _unspoken_lines,
    _notes,
    lambda text: _numerals(text) if "I" in text or "V" in text or "X" in text else [],
    _leads,
    lambda text: _cells(text) if "|" in text else [],
    lambda text: [(m.start(), m.end(), ", ") for m in re.finditer(r"(?<=\w)[|｜](?=\w)", text)],
)


def clean(text: Tracked) -> Tracked:
    """``text`` as a reader would say it, each character with its place in the original."""
    for find in _PASSES:
        text = _apply(text, find(text.text))
    if re.search(r"[\]*_`~^=}]", text.text):
        for pattern, _ in _WRAPS:
            text = _apply(text, _kept(pattern.compiled, text.text))
    return _apply(text, _line_ends(text.text)) if "\n" in text.text else text


def _apply(text: Tracked, edits: list[Edit]) -> Tracked:
    edits = _outside(text.text, edits) if edits else edits
    return text.replace_spans(edits) if edits else text
