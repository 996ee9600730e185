"""English words in capitals: as words (STOP, THE END, NASA), letter by letter (FBI, CPUs), or in parts (YouTube)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpt_sovits.text.en_g2p import lookup
from gpt_sovits.text.tracked import Tracked

# Acronyms that are said as words; ``en_own.txt`` says how where the dictionary does not.
_AS_WORDS = frozenset(
    (
        "NASA NATO UNESCO UNICEF OPEC ASEAN AIDS SARS FIFA NAFTA ROM RAM SIM PIN GIF LEGO IKEA SWAT FEMA NASCAR "
        "OSHA JPEG HIPAA MIDI LASER RADAR SONAR SCUBA COVID DARPA NOAA MENSA ERISA PETA SALT BASIC COBOL FORTRAN "
        "UNIX LINUX LAN WAN VLAN ASCII DOS BIOS CAPTCHA YAML TOML BERT LLAMA MOOC SCUD ZIP GUI NIMBY YOLO SIDS MASH "
        "CERN INTERPOL EPCOT BAFTA FINRA GATT MERS NORAD POTUS SCOTUS FLOTUS TASER UNCTAD VISA WASP WYSIWYG ABBA "
        "SOHO TESLA HEPA CAD DRAM SRAM EPROM SATA RAID FAFSA HAZMAT IMAX LIDAR TIFF CUDA RISC NAND JSON WIFI NVIDIA"
    ).split()
)  # fmt: skip
# Spelled though they are words as well, or though the dictionary has another reading.
_SPELLED = frozenset(
    (
        "US UK EU UN IT AI TV PC CD DVD ID IP OK PR HR IQ ER OR-- UFO USA FBI CIA NSA CEO CFO CTO COO MIT UCLA ESPN "
        "NAACP AARP NCAA NBA NFL NHL MLB FAQ FYI ASAP RSVP DIY VIP SUV ATM GPS GPA ISBN DVLA NHS BBC CNN PIN-- SAT "
        "ACT-- GRE PHD MBA BA MA BS MS MD PM AM ET PT CT EST PST CST MST GMT UTC BST CET BC AD CE BCE DC LA NYC HIV "
        "DNA RNA PDF HTML CSS USB CPU GPU API SDK URL HTTP HTTPS SSH SSL SQL OS AR VR MR-- EV AC DOA AKA TBA TBD "
        "RIP HUD LED LCD PSI RPM BPM IRS EPA FDA CDC WHO WTO IMF GDP CPI KPI ROI B2B APR IRA-- NGO MP MEP PS BBQ "
        "ETA ERA-- ESP EMT ICU UV IV CIO ISO BMW UPS-- LOL OMG TLDR IM-- DM PDA EDM DJ MC RV PE GM NPC RPG FPS MMO "
        "CGI PNG SVG CSV XML"
    ).split()
) - {"OR--", "PIN--", "ACT--", "MR--", "IRA--", "ERA--", "UPS--", "IM--"}  # fmt: skip
# Short words that are emphasised as they are.
_SHORT = frozenset(
    (
        "NO GO SO OF TO IF ON BE BY DO HE ME MY WE UP OH AT AS IS IN OR AN AH HA HI HEY YES NOT AND THE YOU ALL ANY "
        "ARE WAS HAS HAD HIS HER HIM SHE WHY HOW NOW NEW OLD OUT OFF ONE TWO SIX TEN DAY MAN MEN BOY BIG BAD FUN "
        "RUN SIT SAY SEE SAW GET GOT PUT LET CUT HIT WIN WON TOO TRY USE WAY YET BUT FOR CAN DID END EAT FAR FEW "
        "FLY GOD GUN HOT ICE ILL ITS JOB JOY KEY KID LAW LAY LEG LIE LOT LOW MAD MAY MOM DAD MUD NOR NUT ODD OIL "
        "OUR OWE OWN PAY PEN PET PIE POT RAW RED RID ROW SAD SEA SET SIN SIR SKY SON SUN TAX TEA TIE TIP TOP TOY "
        "VAN WAR WET WHO WOW ZIP ASK ADD AGO AIR APE ARM ART BAG BAR BAT BED BEE BET BOX BUS BUY CAR CAT COW CRY "
        "CUP DIE DIG DOG DRY DUE EAR EGG EYE FAN FAT FIT FIX FOG FOX GAS GUY HAT HEN HOP HUG JAM JAR JAW JET LAB "
        "LAP LID LIP LOG MAP MIX NET NOD PAN PIG PIT RAT RIB ROB ROD RUB SAT-- SHY SIP SUM TAG TAP THY TIN TOE TON "
        "TUB TUG VET VOW WAX WEB WIG YAY YEP YUM ZOO AYE AWE AXE BOW BAY BIN BIT BUD BUG BUN BYE COP DAM DEN DIM "
        "DIP DOT DUG EGO ELF FED FEE FIG FIN FLU FUR GAP GEM GIN GUM GUT HAM HAY HID HIP HUT INK INN IVY KIN KIT "
        "LIT MOB MUG NAP NUN OAK OAR OAT OPT ORB OUR OWL PAD PAL PAT PAW PEA PIN POD POP PRO PUB RAG RAY RIM RIP-- "
        "ROT RUG RYE SAP SEW SKI SOB SOY SPA SPY SUE TAN TAR TEN THE"
    ).split()
) - {"SAT--", "RIP--"}  # fmt: skip
# Letter by letter in the reference frontend, which the checkpoints were trained with.
_EITHER = frozenset(("RAM", "LAN", "WAN", "BIOS", "GUI"))
# Names whose capitals inside say nothing.
_NAMES = {
    "FFmpeg": "F F mpeg", "SymPy": "sim pie", "CPython": "C python",
    "LaTeX": "laytek", "TeX": "tek", "BibTeX": "bibtek", "WWII": "World War two", "WWI": "World War one",
    "PhD": "P H D", "PhDs": "P H D's", "WiFi": "wifi",
    "GitHub": "github", "GitLab": "git lab", "JavaScript": "java script", "TypeScript": "type script",
    "PostgreSQL": "post gres Q L", "MySQL": "my S Q L", "NoSQL": "no S Q L", "SQLite": "S Q lite", "ChatGPT": "chatgpt",
    "DeepMind": "deep mind", "OpenAI": "open A I", "YouTuber": "you tuber", "DiCaprio": "di caprio",
    "GitHub's": "github's", "iPad": "i pad", "iMac": "i mac", "macOS": "mac O S", "iOS": "i O S", "NumPy": "numpy",
    "SciPy": "scipy", "PyPI": "pie P I", "PyPy": "pie pie", "VSCode": "V S code", "LLMs": "L L M's",
    "DevOps": "dev ops",
    "TikTok": "tiktok", "PayPal": "pay pal", "LinkedIn": "linked in", "WhatsApp": "whats app", 
      "SaaS": "sass", "IoT": "I O T", "eBooks": "e books", "PowerPoint": "power point",
    "QR": "Q R", "BTW": "B T W", "IPv": "I P V",
}  # fmt: skip
_ONE_NAME = re.compile(r"(?:Mc|O'|De|Di|Du|La|Le|Van|Von|Fitz)[A-Z][a-z]+")
_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*'?")
_CAPS = re.compile(r"([A-Z]{2,})(s'|'s|s|'S|'|'d|'ed)?")
_ENDED = re.compile(r"([A-Z]{3,})(ism|ish|ist|ists|er|ers|ed|es|ing|like|ize|ized|ese)")
_CAPITAL = re.compile(r"(?<=[^\s])(?=[A-Z])")


_EMPHASIZED = re.compile("[A-Z]{3,}[a-z]{2,}")  # RESTful
_SMALL = re.compile("(?<=[A-Z]{2})[a-z]{3,}")


def _before_small(word: str) -> Iterator[int]:
    """Where letters end and a word in small letters begins: VM|ware, but XML|Http."""
    for match in _SMALL.finditer(word):
        if lookup(match.group()) and not lookup(word[match.start() - 1 : match.end()].lower()):
            yield match.start()


def _speakable(word: str) -> bool:
    """Whether a word that no dictionary holds looks like one: vowels in it, no long row of consonants."""
    return bool(re.search("[AEIOU]", word)) and not re.search("[^AEIOUY]{4}|^[^AEIOUY]{3}|[^AEIOUY]{4}$", word)


def said_as_word(word: str) -> bool:
    """Whether a word in capitals among others in small letters is said as a word."""
    if word in _AS_WORDS:
        return True
    if word in _SPELLED or len(word) < 4:
        return word in _SHORT
    if lookup(word.lower()) is not None or word[-1] == "S" and len(word) > 4 and said_as_word(word[:-1]):
        return True
    return len(word) > 5 and _speakable(word)


def _shouts(words: list[str]) -> bool:
    """Whether a row of words in capitals is shouted: more words than acronyms, one of them surely a word."""
    told = [word for word in words if len(word) > 1]
    spoken = sum(said_as_word(word) or word in _SHORT for word in told)
    sure = sum(word in _SHORT or len(word) > 3 and word not in _AS_WORDS and said_as_word(word) for word in told)
    return len(words) > 1 and sure > 0 and spoken * 3 >= len(told) * 2


def _runs(text: str, words: list[re.Match[str]]) -> list[int]:
    """For each word the number of its row of words in capitals; -1 outside. Marks but full stops go along."""
    rows = []
    row = -1
    for i, match in enumerate(words):
        caps = match.group().replace("'", "").isupper()
        if not caps:
            rows.append(-1)
            continue
        joined = i > 0 and rows[-1] >= 0 and not re.search(r"[.?!]", text[words[i - 1].end() : match.start()])
        row = row if joined else row + 1
        rows.append(row)
    return rows


def _spelled(letters: str, ending: str) -> str:
    spaced = " ".join(letters)
    if ending in ("s", "s'", "'s", "'S"):
        return spaced + "'s"
    return spaced + (ending if ending in ("'d", "'ed") else "")


def _read(letters: str, ending: str, shouted: bool, trained: bool) -> str:
    """One word in capitals, as it is to be said."""
    end = {"'S": "'s", "s'": "s'", "'": "'"}.get(ending, ending)
    if letters in _EITHER and trained:
        return _spelled(letters, ending)
    if letters in _AS_WORDS and not (shouted and lookup(letters.lower())):
        return letters.lower() + end
    hard = letters in _SPELLED and letters not in (
        "US",
        "IT",
        "WHO",
        "ER",
        "AM",
        "ID",
        "LED",
        "MS",
        "MA",
        "RIP",
        "LOL",
        "LA",
    )
    if shouted and not hard and (lookup(letters.lower()) is not None and len(letters) > 1):
        return letters.lower() + end
    if not ending and said_as_word(letters) or ending and len(letters) > 3 and said_as_word(letters):
        return letters.lower() + end
    if letters.endswith("S") and not ending and shouted and lookup(letters[:-1].lower()):
        return letters.lower()
    return _spelled(letters, ending)


def speak_capitals(text: Tracked, as_trained: bool = False) -> Tracked:
    """Every word in capitals as a word or letter by letter; other inner capitals begin a new word."""
    words = list(_WORD.finditer(text.text))
    rows = _runs(text.text, words)
    grouped: dict[int, list[str]] = {}
    for match, row in zip(words, rows, strict=True):
        if row >= 0:
            grouped.setdefault(row, []).append(match.group().split("'")[0])
    shouted = {row for row, found in grouped.items() if _shouts(found)}
    edits: list[tuple[int, int, str]] = []
    for match, row in zip(words, rows, strict=True):
        word = match.group()
        caps = _CAPS.fullmatch(word)
        if word in _NAMES:
            new = _NAMES[word]
        elif caps:
            new = _read(caps[1], caps[2] or "", row in shouted, as_trained)
        elif (ended := _ENDED.fullmatch(word)) is not None:
            new = _read(ended[1], "", False, as_trained)
            new += ended[2] if " " not in new else f" {ended[2]}"
        elif row in shouted and word == "A":
            new = "a"
        elif re.fullmatch(r"[A-Z]+'(?:T|M|RE|LL|VE|D|EM)", word):
            new = word.lower()
        elif word[1:] == word[1:].lower() or _ONE_NAME.fullmatch(word) and lookup(word.lower()) is not None:
            continue
        else:
            if _EMPHASIZED.fullmatch(word) and lookup(word.lower()):
                edits.append((match.start(), match.end(), word.lower()))
                continue
            cuts = {m.start() for m in _CAPITAL.finditer(word)} | set(_before_small(word))
            edits += [(match.start() + at, match.start() + at, " ") for at in sorted(cuts)]
            continue
        if match.start() and text.text[match.start() - 1].isalnum():
            new = " " + new
        if new != word:
            edits.append((match.start(), match.end(), new))
    return text.replace_spans(edits) if edits else text
