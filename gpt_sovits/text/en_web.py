"""English web addresses, mail, files, paths, options, code identifiers, hashtags and what a slash joins."""

from __future__ import annotations

import re

from gpt_sovits.text.en_capitals import said_as_word
from gpt_sovits.text.en_g2p import lookup
from gpt_sovits.text.en_numbers import digits, letters_aloud
from gpt_sovits.text.en_tables import DIGITS, Pattern, Rule

_MARKS = {
    ".": "dot", "/": "slash", "@": "at", "-": "dash", "_": "underscore", ":": "colon", "?": "question mark",
    "=": "equals", "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde", "\\": "backslash",
}  # fmt: skip
_DOMAINS = (
    "com|org|net|io|ai|edu|gov|dev|co|uk|de|fr|cn|jp|ru|eu|ca|au|nl|ch|app|cards|shop|site|blog|info|biz|tv|xyz|tech|"
    "online|store|club|cloud|page|wiki|games|media|studio|design|space|fm|gg|ly|mil|int|hk|tw|kr|es|se|no|br|museum"
)
_FILES = (
    "txt|pdf|docx?|xlsx?|pptx?|csv|tsv|json|jsonl|ya?ml|toml|ini|cfg|conf|xml|html?|css|js|jsx|ts|tsx|py|rb|rs|go|java|"
    "cpp|hpp|sh|bat|exe|dll|zip|tar|gz|png|jpe?g|gif|svg|webp|mp[34]|wav|flac|ogg|mov|avi|mkv|md|rst|log|sql|db|bak|"
    "env|lock|tgz|whl|deb|rpm|iso|apk|ipynb|tex|epub|NET|so|net"
)


def _extension(name: str) -> str:
    """``txt`` letter by letter, ``tex`` as the word that it is."""
    return (
        name
        if len(name) > 3 or lookup(name.lower()) and name.lower() not in ("py", "js", "ts")
        else letters_aloud(name)
    )


def _address(match: re.Match[str]) -> str:
    whole = match.group()
    body = whole.rstrip(".,;:!?)'\"")
    tail = whole[len(body) :]
    body = re.sub(r"^(?:https?|ftp)://", "", body).rstrip("/")
    words = [_MARKS.get(part, part) for part in re.findall(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]", body)]
    words = [_glued_digits(word) if word.isdigit() else word for word in words]
    return " ".join({"www": "w w w", "a": "A"}.get(word, word) for word in words) + tail.replace(")", " ")


def _glued_digits(text: str) -> str:
    return text if len(text) < 3 and text[0] != "0" else digits(text)


def _file(match: re.Match[str]) -> str:
    stem = re.sub(r"[_\-]+", " ", match[1]).replace(".", " dot ")
    return f"{stem} dot {_extension(match[2])}"


def _constant(match: re.Match[str]) -> str:
    """MAX_LEN: each part as a word where it is one."""
    parts = match.group().split("_")
    return " ".join(p.lower() if len(p) > 2 and lookup(p.lower()) or p in ("LEN", "DIR", "DIRS") else p for p in parts)


def _path(match: re.Match[str]) -> str:
    whole = match.group().rstrip(".,;:!?")
    words = []
    for part in re.findall(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]", whole):
        words.append({"_": "", "-": ""}.get(part, _MARKS.get(part, part)))
    spoken = " ".join(word for word in words if word)
    found = re.fullmatch(rf"(.*\bdot) ({_FILES})", spoken)
    if found:
        spoken = f"{found[1]} {_extension(found[2])}"
    return spoken + match.group()[len(whole) :]


_FOLDERS = frozenset(
    "src lib usr docs refs drivers arch pkg cmd po etc var bin contrib include kernel api origin feature hotfix".split()
)
_PAIRED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]?\.?$|\d")  # U.S./China, p.m./a.m., 1.5/2 are no files


def _file_path(match: re.Match[str]) -> str | None:
    """.git/HEAD, doc/wget.texi: a path where it begins with a full stop or ends with a file; his/her is none."""
    whole = match.group().rstrip(".,;:!?")
    parts = [part for part in whole.split("/") if part]
    hidden = whole[0] == "." and parts[-1][0] != "."
    named = re.search(r"[A-Za-z_]\.[a-z][a-z\d]{0,5}$", parts[-1]) and not any(map(_PAIRED.match, parts))
    return _path(match) if len(parts) > 1 and (hidden or named or "_" in whole) else None


def _capitals(match: re.Match[str]) -> str:
    """TCP/IP letter by letter; BY/ORDER, YES/NO are words."""
    if "AND" not in match.groups() and said_as_word(match[1]) and said_as_word(match[2]):
        return f"{match[1]} or {match[2]}"
    return f"{' '.join(match[1])} {' '.join(match[2])}"


def _choice(match: re.Match[str]) -> str:
    """red/green/blue: a list; src/tools/pgindent: a path."""
    parts = match.group().split("/")
    if not _FOLDERS.isdisjoint(parts):
        return " slash ".join(parts)
    return ", ".join(parts[:-1]) + f" or {parts[-1]}"


def _slashed(match: re.Match[str]) -> str:
    left, right = match[1], match[2]
    if left in _FOLDERS and left != "include":
        return f"{left} slash {right}"
    if "and" in (left.lower(), right.lower()) or left.isupper() and len(left) > 1 and right[0].isupper():
        return f"{left} {right}"  # GNU/Linux
    if len(left) == len(right) == 1 and (left + right).lower() != "yn":
        return f"{left} over {right}" if left.islower() and left + right != "na" else f"{left} {right}".upper()
    return f"{left} or {right}"


_COMMANDS = (
    "ls|tar|git|grep|rm|cp|mv|ps|find|curl|ssh|scp|df|du|docker|pip|sed|awk|sort|ln|rsync|unzip|zip|apt|make|gcc|diff|wc|"
    "netstat|ping|journalctl|dmesg|chown|chmod|mkdir|less|xargs|uname|free"
)
WEB_RULES: tuple[Rule, ...] = (
    (Pattern(r"(?:(?:https?|ftp)://|www\.)[!-~]+"), _address, "https://example.org/a?b=1"),
    (Pattern(r"(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]{1,64}(?:\.[\w\-]{1,64}){1,6}", needs="@"), _address, "me@site.org"),
    (Pattern(rf"(?<![\w.@/\-])(?:[A-Za-z\d][\w\-]{{0,62}}\.){{1,5}}(?:{_DOMAINS})\b(?![\w(]|\.\w)(?:/[!-~]*)?"),
     lambda m: _address(m) if m.group() == m.group().lower() or "/" in m.group() or re.search(r"\.(?:com|org|net|io)\b",
                                                                                              m.group()) else None,
     "foo.bar.co.uk"),
    (Pattern(r"(?<!\S)\*\.(?=[a-z\d])", needs="*"), "star dot ", "*.example.org"),
    (Pattern(r"(?<![\w)\]])\^(?=\d+\.\d)|(?<=@)\^(?=\d)", needs="^"), "caret ", "^1.0.0"),
    (Pattern(r"(?<![\w)\]])~(?=\d+\.\d+\.\d)", needs="~"), "tilde ", "~2.3.1"),
    (Pattern(r"(?<=\d) [+\-]{2,}(?![\w+\-])|(?<=\| \d) [+\-](?![\w+\-])", needs="+-"), ",", "a.py | 6 ++--"),
    (Pattern(r"\b(application|multipart|(?:audio|image|text|video)(?!/(?:audio|image|text|video)s?\b)|model|font)"
             r"/((?:json|xml|pdf|zip|octet|mixed|form|alternative|related|plain|html|css|csv"
             r"|markdown|calendar|javascript|png|jpe?g|gif|webp|svg|bmp|tiff|avif|mpeg|mp[34]|ogg|wav|flac|aac|webm|opus|pcm|"
             r"woff2?|ttf|otf|gltf|graphql|wasm|rtf|gzip|sql|yaml|toml)\b|(?=x-|vnd|ld))", needs="/"),
     lambda m: f"{m[1]} slash {_extension(m[2])}", "text/plain"),
    (Pattern(r"(?<![\w/.])([\w.\-]{1,60})/(?=[\w.\-]{1,60}#\d)", needs="#"), lambda m: f"{m[1]} slash ", "me/tool#42"),
    (Pattern(r"(?<=[a-z]{2})#(?=\d)", needs="#"), " number ", "tool#42"),
    (Pattern(r"(?<!\S)\+\+(?![\w+])", needs="+"), "plus plus", "the ++ operator"),
    (Pattern(r"\b([A-Za-z]):\\([^\s\"<>|]{1,400})", needs="\\"),
     lambda m: _path(m), "C:\\Users\\me"),
    (Pattern(r"(?<![\w/<.])~?/[A-Za-z][\w.\-]{0,200}(?:/[\w.\-]{1,200})+/?|(?<!\S)~/[\w.\-]{1,200}|"
                r"(?<!\S)/(?:etc|usr|var|tmp|home|bin|opt|dev|mnt|root|proc|sys)\b", needs="/~"), _path, "/etc/hosts"),
    (Pattern(rf"(?<![\w/])(?:\.{{1,2}}/)?[\w\-]{{1,100}}(?:/[\w\-]{{1,100}}){{1,12}}\.(?:{_FILES}|c|h|cc|pl|pm)\b",
             needs="/"),
     _path, "src/a.py"),
    (Pattern(r"(?<![\w/.@:~])\.{0,2}/?[\w\-][\w.\-]{0,100}(?:/[\w.\-]{1,100}){1,12}/?(?![\w/])", needs="/"),
     _file_path, ".git/HEAD"),
    (Pattern(rf"(?<![\w.@/])([\w\-]{{1,100}}(?:\.[A-Za-z][\w\-]{{1,60}}){{0,2}})\.({_FILES})\b(?![\w(]|\.\w)"),
     lambda m: _file(m) if not m[1].replace(",", "").isdigit() else None, "Node.js"),
    (Pattern(r"(?<![\w.])([A-Za-z_][\w\-]{2,60})\.(c|h|cc|pl|pm|hs|kt|lua|php|vue|rs|el|tcl)\b(?![\w(.])"),
     lambda m: f"{m[1]} dot {letters_aloud(m[2])}", "sched.c"),
    (Pattern(r"(?<=[a-z\d])/(?=\.[a-z])", needs="/"), " or ", ".doc/.txt"),
    (Pattern(r"(?<=[\s(\"'])\.([a-z]{2,8}|[a-z]\d)\b(?![.(])"),
     lambda m: f"dot {_extension(m[1])}", "a .txt file"),
    (Pattern(r"\b([GHX])\.(\d{2,3})\b", needs="GHX"), lambda m: f"{m[1]} dot {digits(m[2])}", "X.509"),
    (Pattern(r"\b0[xX]([\dA-Fa-f]{1,16})\b", needs="xX"), lambda m: f"zero x {letters_aloud(m[1]).upper()}", "0x2F"),
    (Pattern(r"\b(?!approx|alpha)([A-Za-z][a-z_]{4,30})\.(?=\d)", needs=DIGITS), lambda m: f"{m[1]} dot ", "proc.5"),
    (Pattern(r"(?<=\d)\.[xX]\b", needs="xX"), " dot x", "3.x"),
    (Pattern(r"(?<!\S)--(?=[a-z])", needs="-"), "dash dash ", "--dry-run"),
    (Pattern(r"(?<![\w/])([ur])/(?=[A-Za-z]\w{2,30}\b)", needs="/"), lambda m: f"{m[1]} slash ", "r/aww"),
    (Pattern(r"\b[A-Z][A-Z\d]*(?:_[A-Z\d]+)+\b", needs="_"), lambda m: _constant(m), "MAX_LEN"),
    (Pattern(rf"\b({_COMMANDS})((?: [\w.]{{2,20}}){{0,2}}) -([A-Za-z]{{2,4}})(?![\w'\-])", needs="-"),
     lambda m: f"{m[1]}{m[2]} dash {letters_aloud(m[3])}", "ls -la"),
    (Pattern(r"(?<![=+*/(<>] )(?<!\S)-(?=[A-Za-z]\b(?!['\-]))", needs="-"), "dash ", "-v"),
    (Pattern(r"\b([fghFGH])\(([a-z]|\d{1,3})\)(?= ?[=<>≤≥+\-])", needs="("), lambda m: f"{m[1]} of {m[2]}", "f(x) = 2"),
    (Pattern(r"(?<=\blocalhost):\d{2,5}\b(?:/[!-~]*)?", needs=":"),
     lambda m: " port" + _address(m).removeprefix("colon"), "localhost:8080/api"),
    (Pattern(r"(?<=[A-Za-z\d_\]])\(\)", needs="("), "", "getName()"),
    (Pattern(r"(?<=[A-Za-z\d_])[\[({]\s*(\d{1,4})\s*[\])}]", needs="([{"), lambda m: f" {m[1]} ", "array[0]"),
    (Pattern(r"(?<=[a-z]{2})\.(?=[a-z_]{2})"), " dot ", "self.value"),
    (Pattern(r"(?<=[a-z\d_])[\[({](?=[\w\"'])", needs="([{"), " ", "print(x)"),
    (Pattern(r"(?<=\w)::(?=\w)|(?<=\w)->(?=\w)", needs=":>"), " ", "std::vector"),
    (Pattern(r"\bC#(?!\w)", needs="#"), "C sharp", "C#"),
    (Pattern(r"\bC\+\+(?!\w)", needs="+"), "C plus plus", "C++"),
    (Pattern(r"\bc/o\b", needs="/"), "care of", "c/o"),
    (Pattern(r"\b([A-Z]{1,5})/([A-Z]{1,5})\b(?!/)",
             needs="/"), _capitals, "TCP/IP"),
    (Pattern(r"(?<=\bHTTP)/(?=\d)", needs="/"), " ", "HTTP/2"),
    (Pattern(r"(?<=[a-z])/(?=\d)", needs="/"), ", ", "page/2"),
)  # fmt: skip
SLASH_RULES: tuple[Rule, ...] = (
    (Pattern(r"(?<=[A-Za-z])/(?=\d)", needs="/"), " or ", "Windows XP/2003"),
    (
        Pattern(r"(?<![\w/.\-])[a-z][a-z\-]{1,30}(?:/[a-z][a-z\-]{1,30}){2,9}\b(?![/.\-])", needs="/"),
        _choice,
        "red/green/blue",
    ),
    (Pattern(r"\b([A-Za-z]+)/([A-Za-z]+)\b", needs="/"), _slashed, "his/her"),
)
