"""The options of commands whose work needs codecs and networks, which are imported only when they run."""

from __future__ import annotations

import argparse
from pathlib import Path

ABOUT_SPEAK = "say a text with a voice, or with the voice of a clip: into a file, a pipe, or aloud"
ABOUT_WATCH = "say aloud what is copied (clipboard), or what is written into a file, as it comes"
FORMATS = ("wav", "mp3", "opus", "ogg", "flac", "aac", "m4a", "pcm", "raw")


def whole_number(text: str) -> int:
    """A seed: what fits 63 bits."""
    number = int(text)
    if not 0 <= number < 2**63:
        raise argparse.ArgumentTypeError("a seed is a number of 0 or more, and below 2 to the power of 63")
    return number


def add_speak_options(speak: argparse.ArgumentParser) -> None:
    speak.add_argument(
        "words", nargs="*", metavar="[VOICE] [TEXT]", help="who, and what; without a text: what comes in"
    )
    speak.add_argument("--voice", help="name or id of a voice")
    speak.add_argument("--version", help="id of one of its versions")
    speak.add_argument("--clip", "--reference", type=Path, help="speak like this clip of a few seconds instead")
    speak.add_argument("--more-clips", type=Path, nargs="+", default=(), metavar="FILE", help="of the same person")
    speak.add_argument("--clip-text", "--transcript", default="", help="what the clip says")
    speak.add_argument(
        "--text-file", type=Path, nargs="+", metavar="FILE", help="text, docx, epub, html, srt; - is stdin"
    )
    speak.add_argument("--out", type=Path, help="the file (default: speech.wav, or as --format says); - is a pipe")
    speak.add_argument("--lines", type=Path, metavar="FOLDER", help="a file for each line of the text, named after it")
    speak.add_argument("--format", choices=FORMATS, help="default: what the file's name ends in; wav for -")
    speak.add_argument("--play", action="store_true", help="let it be heard; a file is then written only with --out")
    speak.add_argument("--keep", nargs="?", const=True, metavar="NAME", help="keep it as a take, as the page does")
    speak.add_argument("--speed", type=float, default=1.0, help="0.5 to 2 (default: 1)")
    speak.add_argument("--pause", type=float, default=0.3, help="seconds between sentences (default: 0.3)")
    speak.add_argument("--base", default="", help="base for --clip (default: the chosen model)")
    for name, kind in (("top-k", int), ("top-p", float), ("temperature", float), ("repetition-penalty", float)):
        speak.add_argument(f"--{name}", type=kind, help="how the network draws (default: as the model recommends)")
    speak.add_argument(
        "--cut", default="", choices=[f"cut{n}" for n in range(6)], help="cut the text as upstream's program does"
    )
    speak.add_argument("--after", type=whole_number, default=0, metavar="N", help="go on after so many pieces")
    speak.add_argument("--subtitles", type=Path, help="write an .srt or .vtt file too")


def add_watch_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", metavar="clipboard|FILE", help="what is watched")
    command.add_argument("--voice", required=True, help="name or id of the voice")
    command.add_argument("--speed", type=float, default=1.0, help="0.5 to 2 (default: 1)")
    command.add_argument("--out", type=Path, metavar="FOLDER", help="write numbered files instead of playing")
    command.add_argument("--format", default="mp3", choices=("wav", "flac", "mp3", "opus", "m4a"), help="default: mp3")
    command.add_argument("--most", type=int, default=0, metavar="N", help="end after so many texts")
