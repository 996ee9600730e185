"""What a screen reader sends -> what is said: names of signs, letters and keys, and text without its SSML."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

LEVELS = {"none": 0, "some": 1, "most": 2, "all": 3}
# sign, from which punctuation level on it is named, its name in English and in Chinese
_SIGNS = (
    ("@", 1, "at", "艾特"), ("#", 1, "hash", "井号"), ("$", 1, "dollar", "美元符"), ("%", 1, "percent", "百分号"),
    ("&", 1, "ampersand", "和号"), ("*", 1, "star", "星号"), ("+", 1, "plus", "加号"), ("=", 1, "equals", "等号"),
    ("/", 1, "slash", "斜杠"), ("\\", 1, "backslash", "反斜杠"), ("^", 1, "caret", "脱字符"),
    ("~", 1, "tilde", "波浪号"), ("|", 1, "bar", "竖线"), ("<", 1, "less", "小于"), (">", 1, "greater", "大于"),
    ("_", 1, "underscore", "下划线"),
    ("(", 2, "left paren", "左括号"), (")", 2, "right paren", "右括号"), ("[", 2, "left bracket", "左方括号"),
    ("]", 2, "right bracket", "右方括号"), ("{", 2, "left brace", "左花括号"), ("}", 2, "right brace", "右花括号"),
    ('"', 2, "quote", "引号"), ("`", 2, "backquote", "反引号"), ("-", 2, "dash", "横线"), (":", 2, "colon", "冒号"),
    (";", 2, "semicolon", "分号"), ("“", 2, "quote", "左引号"), ("”", 2, "quote", "右引号"),
    ("（", 2, "left paren", "左括号"), ("）", 2, "right paren", "右括号"),
    ("《", 2, "left bracket", "左书名号"), ("》", 2, "right bracket", "右书名号"),
    ("：", 2, "colon", "冒号"), ("；", 2, "semicolon", "分号"), (".", 3, "dot", "点"), (",", 3, "comma", "逗号"),
    ("!", 3, "exclamation mark", "叹号"), ("?", 3, "question mark", "问号"), ("'", 3, "apostrophe", "撇号"),
    ("。", 3, "full stop", "句号"), ("，", 3, "comma", "逗号"), ("！", 3, "exclamation mark", "叹号"),
    ("？", 3, "question mark", "问号"), ("、", 3, "comma", "顿号"),
)  # fmt: skip
_SIGN = {sign: (level, {"en": en, "zh": zh}) for sign, level, en, zh in _SIGNS}
_BREATHS = frozenset(".,!?;:。，！？；：、")  # these stay beside their name
_BLANKS = {
    " ": {"en": "space", "zh": "空格"},
    "\n": {"en": "new line", "zh": "换行"},
    "\t": {"en": "tab", "zh": "制表符"},
}
_KEYS = {
    "return": ("enter", "回车"), "kp-enter": ("enter", "回车"), "backspace": ("backspace", "退格"),
    "escape": ("escape", "退出"), "space": ("space", "空格"), "tab": ("tab", "制表"), "delete": ("delete", "删除"),
    "insert": ("insert", "插入"), "home": ("home", "行首"), "end": ("end", "行尾"), "up": ("up", "上"),
    "down": ("down", "下"), "left": ("left", "左"), "right": ("right", "右"), "prior": ("page up", "上页"),
    "next": ("page down", "下页"), "page-up": ("page up", "上页"), "page-down": ("page down", "下页"),
    "shift": ("shift", "上档"), "control": ("control", "控制"), "alt": ("alt", "换挡"), "super": ("super", "超级"),
    "meta": ("meta", "元"), "capslock": ("caps lock", "大写锁定"), "menu": ("menu", "菜单"), "print": ("print", "打印"),
}  # fmt: skip
_CAPITALS = {"en": "capital", "zh": "大写"}
COMMON = {
    "en": (
        "button", "menu", "link", "heading", "check box", "checked", "not checked", "selected", "window", "dialog",
        "list", "list item", "entry", "text", "blank", "edit", "table", "row", "column", "page", "icon", "frame",
        "OK", "cancel", "yes", "no", "close", "open", "save", "file", "view", "help", "on", "off", "loading",
    ),
    "zh": (
        "按钮", "菜单", "链接", "标题", "复选框", "已选中", "未选中", "窗口", "对话框", "列表", "文本", "空白", "编辑",
           "确定", "取消", "关闭", "打开", "保存", "文件", "帮助"),
}  # fmt: skip
_TAG = re.compile(r"<[^<>]{0,400}>")
_MARK = re.compile(  # its name is sent on, so it has one line
    r"<mark\s+name=(?:\"([^\"<>\x00-\x1f\x7f-\x9f]{1,200})\"|'([^'<>\x00-\x1f\x7f-\x9f]{1,200})')\s*/?>"
)
_FOREIGN = re.compile(r"(?:LATIN|GREEK|CYRILLIC|HEBREW|ARABIC|ARMENIAN|GEORGIAN) (?:SMALL |CAPITAL )?LETTER ")
_CAPITAL = re.compile(r"\b(?=[A-Z])")


@dataclass(frozen=True)
class Marked:
    """A text, and its marks: how many characters of it come before each, and the name."""

    text: str
    marks: tuple[tuple[int, str], ...] = ()


def plain(ssml: str) -> Marked:
    """The words of a message in SSML, or of plain text."""
    if not ssml.lstrip().startswith("<speak"):
        return Marked(ssml)
    text, marks, at = "", [], 0
    for found in _MARK.finditer(ssml):
        text += html.unescape(_TAG.sub("", ssml[at : found.start()]))
        marks.append((len(text), found[1] or found[2]))
        at = found.end()
    return Marked(text + html.unescape(_TAG.sub("", ssml[at:])), tuple(marks))


def tongue(language: str) -> str:
    """The language of names: "zh" or "en"."""
    return "zh" if language.lower().startswith(("zh", "cmn")) else "en"


def sign_name(char: str, language: str) -> str:
    """How a character is called that is neither letter nor digit."""
    if char in _SIGN:
        return _SIGN[char][1][language]
    if char in _BLANKS:
        return _BLANKS[char][language]
    return unicodedata.name(char, "").lower().replace("-", " ")


def char_said(char: str, language: str, *, capitals: bool = False) -> tuple[str, ...]:
    """One character by its name, in parts that are kept ready; ``capitals``: that it is a capital one is said too."""
    char = " " if char == "space" else char
    if len(char) != 1:
        return (char,)
    told = (_CAPITALS[language],) if capitals and char.isupper() else ()
    if char.isascii() and char.isalpha():
        return (*told, f"[{char.upper()}|spell]")
    if _FOREIGN.match(name := unicodedata.name(char, "")):  # read as a word, é would be e and α nothing
        letter, _, marks = _FOREIGN.sub("", name).lower().partition(" ")
        return (*told, f"[{letter.upper()}|spell] {marks}".strip() if len(letter) == 1 else f"{letter} {marks}".strip())
    return (char if char.isalnum() else sign_name(char, language),)


def key_said(key: str, language: str) -> tuple[str, ...]:
    """A key, with what is held down beside it, part by part: "control_alt_a"."""
    if key == "_":
        return (sign_name("_", language),)
    return tuple(_one_key(part, language) for part in re.split(r"_(?=.)", key) if part)


def _one_key(key: str, language: str) -> str:
    if len(key) == 1:
        return char_said(key, language)[0]
    named = _KEYS.get(key.lower().removesuffix("-l").removesuffix("-r"))
    if named:
        return named[1 if language == "zh" else 0]
    if re.fullmatch(r"[Ff]\d{1,2}", key):
        return f"[F|spell] {key[1:]}"
    return key.replace("-", " ")


def text_said(
    text: str, language: str, *, level: str = "none", spelling: bool = False, capitals: bool = False
) -> tuple[str, ...]:
    """A text with its signs named as the punctuation level asks; our own markup in it means nothing here.

    ``spelling``: character by character.
    """
    if spelling:
        chars = (char_said(char, language, capitals=capitals) for char in text if char.isprintable())
        return tuple(part for parts in chars for part in parts)
    text = re.sub(r"[\[\]]", lambda found: found[0] if LEVELS.get(level, 0) > 1 else " ", text)
    out = []
    for char in text:
        least, names = _SIGN.get(char, (9, {}))
        named = LEVELS.get(level, 0) >= least
        out.append(f" {names[language]}{char if char in _BREATHS else ''} " if named else char)
    said = "".join(out)
    if capitals:
        said = _CAPITAL.sub(f"{_CAPITALS[language]} ", said)
    if not any(map(str.isalnum, said)):
        return tuple(filter(None, (sign_name(char, language) for char in said if not char.isspace())))
    return (said,)


def ready(language: str) -> list[str]:
    """What is kept ready, the commonest first: letters, digits, keys, signs and the words of windows."""
    letters = [char_said(char, language)[0] for char in "eatoinshrdlcumwfgypbvkjxqz1234567890 "]
    keys = [named[1 if language == "zh" else 0] for named in _KEYS.values()]
    signs = [names[language] for _, names in _SIGN.values()]
    return list(dict.fromkeys([*letters, _CAPITALS[language], *keys, *signs, *COMMON[language]]))
