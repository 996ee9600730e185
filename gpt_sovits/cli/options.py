"""The commands ``speak`` and ``watch``, whose work needs codecs and networks: these are imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from gpt_sovits.cli.commands import Json, Language, Seed, Unlock
from gpt_sovits.services.session import Session

Format = Literal["wav", "mp3", "opus", "ogg", "flac", "aac", "m4a", "pcm", "raw"]
Cut = Literal["cut0", "cut1", "cut2", "cut3", "cut4", "cut5"]
Speed = Annotated[float, Option(help="0.5 to 2")]
_DRAWS = "how the network draws (default: as the model recommends)"


def speak(
    session: Session,
    words: Annotated[
        list[str] | None, Argument(metavar="[VOICE] [TEXT]", help="who, and what; without a text: what comes in")
    ] = None,
    voice: Annotated[str | None, Option(help="name or id of a voice")] = None,
    version: Annotated[str | None, Option(help="id of one of its versions")] = None,
    clip: Annotated[
        Path | None, Option("--clip", "--reference", help="speak like this clip of a few seconds instead")
    ] = None,
    more_clips: Annotated[list[Path] | None, Option(metavar="FILE...", help="of the same person")] = None,
    clip_text: Annotated[str, Option("--clip-text", "--transcript", help="what the clip says")] = "",
    text_file: Annotated[
        list[Path] | None, Option(metavar="FILE...", help="text, docx, epub, html, srt; - is stdin")
    ] = None,
    out: Annotated[Path | None, Option(help="the file (default: speech.wav, or as --format says); - is a pipe")] = None,
    lines: Annotated[
        Path | None, Option(metavar="FOLDER", help="a file for each line of the text, named after it")
    ] = None,
    format: Annotated[Format | None, Option(help="default: what the file's name ends in; wav for -")] = None,
    play: Annotated[bool, Option("--play", help="let it be heard; a file is then written only with --out")] = False,
    keep: Annotated[str | None, Option(metavar="[NAME]", help="keep it as a take, as the page does")] = None,
    language: Language = "auto",
    speed: Speed = 1.0,
    pause: Annotated[float, Option(help="seconds between sentences")] = 0.3,
    seed: Seed = None,
    base: Annotated[str, Option(help="base for --clip (default: the chosen model)")] = "",
    top_k: Annotated[int | None, Option(help=_DRAWS)] = None,
    top_p: Annotated[float | None, Option(help=_DRAWS)] = None,
    temperature: Annotated[float | None, Option(help=_DRAWS)] = None,
    repetition_penalty: Annotated[float | None, Option(help=_DRAWS)] = None,
    cut: Annotated[Cut | None, Option(help="cut the text as upstream's program does")] = None,
    after: Annotated[int, Option(min=0, metavar="N", help="go on after so many pieces")] = 0,
    subtitles: Annotated[Path | None, Option(help="write an .srt or .vtt file too")] = None,
    mark: Annotated[bool, Option("--mark", help="end the sound with a signal that says: a machine spoke")] = False,
    unlock_file: Unlock = None,
    json: Json = False,
) -> None:
    """say a text with a voice, or with the voice of a clip: into a file, a pipe, or aloud"""
    from gpt_sovits.cli.speaking import Speaker, Way, speak_line_by_line, speak_once

    draws = {"top_k": top_k, "top_p": top_p, "temperature": temperature, "repetition_penalty": repetition_penalty}
    drawn = {name: value for name, value in draws.items() if value is not None}
    speaker = Speaker(voice, version, clip, clip_text, tuple(more_clips or ()), base, unlock_file)
    way = Way(language, speed, pause, seed, after, drawn, cut or "", keep, play, subtitles, json, mark)
    if lines:
        speak_line_by_line(session, speaker, words or [], text_file or [], way, out, lines, format or "mp3")
    else:
        speak_once(session, speaker, words or [], text_file or [], way, out, format)


def watch(
    session: Session,
    source: Annotated[str, Argument(metavar="clipboard|FILE", help="what is watched")],
    voice: Annotated[str, Option(help="name or id of the voice")],
    language: Language = "auto",
    speed: Speed = 1.0,
    seed: Seed = None,
    out: Annotated[Path | None, Option(metavar="FOLDER", help="write numbered files instead of playing")] = None,
    format: Annotated[Literal["wav", "flac", "mp3", "opus", "m4a"], Option(help="of these files")] = "mp3",
    most: Annotated[int, Option(metavar="N", help="end after so many texts")] = 0,
    unlock_file: Unlock = None,
) -> None:
    """say aloud what is copied (clipboard), or what is written into a file, as it comes"""
    from gpt_sovits.cli.terminal import open_voice
    from gpt_sovits.cli.watch import Mouth, watch_texts

    card = session.voices.find(voice)
    open_voice(session, card, unlock_file)
    way = {"language": language, "speed": speed}
    watch_texts(source, Mouth(session, card, way, seed, out, format), most)
