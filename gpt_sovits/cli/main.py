"""The command line: the same studio as in the browser.

An expected failure is one sentence on stderr and exit code 2. ``pretrain``, ``evaluate``, ``bench`` and ``serve`` hand
their arguments on to the module that does the work.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Option
from typer.completion import completion_init, get_completion_script

from gpt_sovits.cli import jobs, models, narrate, review, service, speechd, takes, tokens, users, voices, words
from gpt_sovits.cli.commands import HandedOn, Json, Language, Seed, Unlock, command, group
from gpt_sovits.cli.options import speak, watch
from gpt_sovits.cli.terminal import in_their_language, open_voice, show_json
from gpt_sovits.cli.texts import read_text
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.files import in_a_sentence
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.services.session import Session
from gpt_sovits.settings import PROJECT_ROOT, Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent

MakeStudio = Callable[[Settings], Studio]
NAME = "gpt_sovits"
_COMPLETES = "_GPT_SOVITS_COMPLETE"
app = group("A voice studio on your own computer.")


# --------------------------------------------------------------------------------------------------------------- mixing


def mix(
    session: Session,
    a: str,
    b: str,
    ratio: Annotated[float, Argument(help="0 is the first voice, 1 the second")],
    manner: Annotated[float | None, Option(help="ratio of the way of speaking (default: as the timbre)")] = None,
    save: Annotated[str | None, Option(metavar="NAME", help="keep the mix as a voice")] = None,
    text: Annotated[str | None, Option(help="say this with the mix, into --out")] = None,
    out: Annotated[Path, Option(help="wav, flac, mp3, opus, aac or m4a file")] = Path("speech.wav"),
    language: Language = "auto",
    seed: Seed = None,
    unlock_file: Unlock = None,
) -> None:
    """blend two voices"""
    cards = [session.voices.find(name) for name in (a, b)]
    for card in cards:
        open_voice(session, card, unlock_file)
    first, second = (card.id for card in cards)
    if not save and not text:
        raise InputError("There is nothing to do with the mix.", 'Keep it with --save "Name" or hear it with --text.')
    if text:
        from gpt_sovits.encoding import require_format, write_pieces

        require_format(out)
        voice = session.voices.mix(first, second, ratio, manner=manner)
        pieces = session.speech.speak(text, voice, language=language, seed=seed)
        write_pieces(out, (piece.audio for piece in pieces), label=session.speech.label(voice))
        print(out)
    if save:
        print(session.voices.save(session.voices.mix(first, second, ratio, manner=manner), save))


# ------------------------------------------------------------------------------------------------------------- training


def train(
    session: Session,
    name: Annotated[str, Argument(help="what the voice is called")],
    recording: Annotated[
        list[Path] | None, Argument(help="sound files, 10 seconds to 30 minutes of one person in all")
    ] = None,
    reviewed: Annotated[bool, Option("--reviewed", help="learn from what `review` shows instead")] = False,
    script: Annotated[
        str | None, Option(help="text file of what was read, or the id of a passage (en-kitchen, zh-morning)")
    ] = None,
    script_text: Annotated[str, Option(metavar="TEXT", help="what was read, as text")] = "",
    anyway: Annotated[bool, Option("--anyway", help="believe the text even where other words are heard")] = False,
    language: Annotated[str, Option(help="of the text")] = "auto",
    consent: Annotated[str, Option(metavar="STATEMENT", help="the words by which the person agrees")] = "",
    statement: Annotated[Path | None, Option(help="another person's voice: the recording in which they agree")] = None,
    authority: Annotated[
        str,
        Option(help="you decide for them (parent, heir, in writing): who you are, why; --statement is then yours"),
    ] = "",
    who: Annotated[str | None, Option(help="whose voice it is (default: the voice's name)")] = None,
    purpose: Annotated[str, Option(help="what the voice is for")] = "personal use on this computer",
    base: Annotated[str, Option(help="the base to start from (default: the chosen model)")] = "",
    max_steps: Annotated[int | None, Option(help="at most this many steps")] = None,
    again: Annotated[bool, Option("--again", help="a further version of the voice of that name")] = False,
    queue: Annotated[bool, Option("--queue", help="leave it to the worker of the running studio")] = False,
) -> None:
    """make a voice from a recording"""
    own = statement is None and not authority
    agreed = Consent(who=who or name, purpose=purpose, statement=consent, own=own, authority=authority)
    if script:
        language, script_text = _script(session, script, language)
    draft = review.the_draft(session).id if reviewed else ""
    if bool(recording) == bool(draft):
        raise InputError("There is no recording.", "Name sound files, or use --reviewed after `review new`.")
    recordings = recording or [session.jobs.reviews.recording(draft)]
    request = TrainingRequest(
        name,
        recordings[0],
        agreed,
        script=script_text,
        language=language,
        base=base,
        max_steps=max_steps,
        statement=statement,
        voice_id=session.voices.find(name).id if again else "",
        anyway=anyway,
        draft=draft,
        further=tuple(recordings[1:]),
    )
    if queue:
        print(session.jobs.create(request))
    else:
        jobs.with_bar(lambda **watching: session.jobs.run(request, **watching))


def _script(session: Session, script: str, language: str) -> tuple[str, str]:
    """The language and the text of a passage, or of a file."""
    for passage in session.jobs.scripts():
        if passage.id == script:
            return passage.language, passage.text
    return language, read_text(Path(script))


# ---------------------------------------------------------------------------------------------------------------- tools


def storage(session: Session) -> None:
    """what lies where on this computer, in bytes, as JSON"""
    show_json(session.house.report(whole=not session.users.names()))


def inspect(file: Annotated[Path, Argument(help="sound file")], json: Json = False) -> int:
    """what a sound file says of itself: whether a machine spoke, and with which voice"""
    from gpt_sovits import encoding
    from gpt_sovits.crypto.credentials import credentials

    found, signed = encoding.inspect(file), credentials(file)
    synthetic = found.synthetic or bool(signed.get("spoken"))
    if json:
        told = {"synthetic": synthetic, "label": found.standard, "made_by": found.own, "credentials": signed or None}
        show_json(told)
        return 0 if synthetic else 1
    for line in filter(None, [found.comment, *(f"{key}: {text}" for key, text in found.own.items() if text)]):
        print(line)
    if not synthetic:
        print("The file does not say that a machine spoke it.")
    if signed:
        known = "" if signed["state"] == "Trusted" else ", whom nobody vouches for"
        print(
            f"content credentials: {signed['state']}" + (f", by {signed['signer']}{known}" if signed["signer"] else "")
        )
    return 0 if synthetic else 1


def sign(settings: Settings, file: Annotated[Path, Argument(help="wav, mp3, m4a, m4b or flac spoken here")]) -> None:
    """write signed content credentials (C2PA) into a sound file that was spoken here"""
    from gpt_sovits.crypto.credentials import sign_file

    sign_file(file, settings.data_dir)


def completion(shell: Literal["bash", "zsh", "fish", "powershell", "pwsh"]) -> None:
    """print the script that completes commands in your shell"""
    print(get_completion_script(prog_name="gpt-sovits", complete_var=_COMPLETES, shell=shell))


def _serve(arguments: Sequence[str], make: MakeStudio) -> int:
    """open the studio in the browser"""
    if not (PROJECT_ROOT / "app.py").is_file():
        raise MissingError("The page is not installed beside this package.", "Run it from the project's folder.")
    sys.path.insert(0, str(PROJECT_ROOT))
    from app import main  # type: ignore[import-not-found,unused-ignore]

    return int(main(arguments))


def _pretrain(arguments: Sequence[str], make: MakeStudio) -> int:
    """train the embedded base from a corpus"""
    from gpt_sovits.lab.pretrain import main

    return main(arguments)


def _evaluate(arguments: Sequence[str], make: MakeStudio) -> int:
    """judge voices against recordings"""
    from gpt_sovits.lab.evaluation.judge import main

    return main(arguments, make)


def _bench(arguments: Sequence[str], make: MakeStudio) -> int:
    """measure this machine and every stage on it"""
    from gpt_sovits.lab.evaluation.bench import main

    return main(arguments)


HANDED_ON: dict[str, Callable[[Sequence[str], MakeStudio], int]] = {
    "serve": _serve,
    "pretrain": _pretrain,
    "evaluate": _evaluate,
    "bench": _bench,
}


def _hand_on(name: str, run: Callable[[Sequence[str], MakeStudio], int]) -> None:
    @app.command(name, cls=HandedOn, short_help=run.__doc__, add_help_option=False)
    def handed(ctx: typer.Context) -> int:
        return run(ctx.args, ctx.obj)


_ALONE: tuple[Callable[..., int | None], ...] = (
    *(speak, watch, train, mix, narrate.narrate, words.read, review.scripts),
    *(users.backup, users.restore, storage, inspect, sign, completion),
)
for _function in _ALONE:
    command(app)(_function)
for _room in (voices, takes, review, jobs, tokens, users, speechd, service, models):
    app.add_typer(_room.app, name=_room.__name__.rpartition(".")[2])
app.add_typer(narrate.app, name="books")
app.add_typer(words.app, name="lexicon")
for _name, _run in HANDED_ON.items():
    _hand_on(_name, _run)


def program() -> Any:
    """All commands, as typer makes them of their functions."""
    return typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None, make_studio: MakeStudio = Studio) -> int:
    """Run one command. Returns 0, or 1 for problems found, 2 for an expected failure, 130 for Ctrl-C."""
    sys.stdin, sys.stdout = sys.stdin or open(os.devnull), sys.stdout or open(os.devnull, "w")  # closed by the caller
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know fewer characters than a name has
    if os.environ.get(_COMPLETES):
        completion_init()
        try:
            app(prog_name=NAME, complete_var=_COMPLETES)
        except (KeyError, ValueError):  # it was no shell that asked
            print("The shell does not say what should be completed.", file=sys.stderr)
            return 2
    try:
        commands = program()
        words = list(sys.argv[1:] if arguments is None else arguments)
        with commands.make_context(NAME, words, obj=make_studio) as context:
            return int(commands.invoke(context) or 0)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.TyperException as error:
        said = error.format_message().replace("Value error, ", "").rstrip(".") + "."
        print(in_their_language(VoiceError(said, "`--help` after the command explains it.")), file=sys.stderr)
        return 2
    except VoiceError as error:
        print(in_their_language(error), file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(in_a_sentence(error), file=sys.stderr)
        return 2
    except MemoryError:
        print("There is not enough memory. Close other programs, then try again.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
