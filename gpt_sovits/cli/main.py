"""The command line: the same studio as in the browser.

An expected failure is one sentence on stderr and exit code 2. ``pretrain``, ``evaluate``, ``bench``, ``models`` and
``serve`` hand their arguments on to the module that does the work.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gpt_sovits.cli.jobs import ABOUT_JOBS, add_job_actions, jobs_command, with_bar
from gpt_sovits.cli.narrate import (
    ABOUT_BOOKS,
    ABOUT_NARRATE,
    add_book_actions,
    add_narrate_options,
    books_command,
    narrate_command,
)
from gpt_sovits.cli.options import ABOUT_SPEAK, ABOUT_WATCH, add_speak_options, add_watch_options, whole_number
from gpt_sovits.cli.review import (
    ABOUT_REVIEW,
    ABOUT_SCRIPTS,
    add_review_actions,
    review_command,
    scripts_command,
    the_draft,
)
from gpt_sovits.cli.service import ABOUT_SERVICE, add_service_options, service_command
from gpt_sovits.cli.speechd import ABOUT_SPEECHD, add_speechd_options, speechd_command
from gpt_sovits.cli.takes import ABOUT_TAKES, add_take_actions, takes_command
from gpt_sovits.cli.texts import read_text
from gpt_sovits.cli.tokens import ABOUT_TOKENS, add_token_actions, tokens_command
from gpt_sovits.cli.users import (
    ABOUT_BACKUP,
    ABOUT_RESTORE,
    ABOUT_USERS,
    add_backup_options,
    add_user_actions,
    backup_command,
    restore_command,
    users_command,
)
from gpt_sovits.cli.voices import ABOUT, add_actions, open_voice, secret_options, unlock_options, voices_command
from gpt_sovits.cli.words import ABOUT_LEXICON, ABOUT_READ, add_lexicon_actions, lexicon_command, read_command
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.files import in_a_sentence
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.services.session import Session
from gpt_sovits.settings import PROJECT_ROOT, Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.ids import LOCAL_USER

MakeStudio = Callable[[Settings], Studio]


def _speak(session: Session, given: argparse.Namespace) -> int:
    from gpt_sovits.cli.speaking import speak_command  # late: listing voices needs no codecs

    return speak_command(session, given)


def _watch(session: Session, given: argparse.Namespace) -> int:
    from gpt_sovits.cli.watch import watch_command

    return watch_command(session, given)


def _completion(session: Session, given: argparse.Namespace) -> int:
    """The script that completes commands, options and formats in a shell."""
    import shtab

    print(shtab.complete(parser(), given.shell))
    return 0


# --------------------------------------------------------------------------------------------------------------- mixing


def _mix(session: Session, given: argparse.Namespace) -> int:
    cards = [session.voices.find(name) for name in (given.a, given.b)]
    for card in cards:
        open_voice(session, given, card)
    a, b = (card.id for card in cards)
    if not given.save and not given.text:
        raise InputError("There is nothing to do with the mix.", 'Keep it with --save "Name" or hear it with --text.')
    if given.text:
        from gpt_sovits.encoding import require_format, write_pieces

        require_format(given.out)
        voice = session.voices.mix(a, b, given.ratio, manner=given.manner)
        pieces = session.speech.speak(given.text, voice, language=given.language, seed=given.seed)
        write_pieces(given.out, (piece.audio for piece in pieces), label=session.speech.label(voice))
        print(given.out)
    if given.save:
        print(session.voices.save(session.voices.mix(a, b, given.ratio, manner=given.manner), given.save))
    return 0


# ------------------------------------------------------------------------------------------------------------- training


def _train(session: Session, given: argparse.Namespace) -> int:
    consent = Consent(
        who=given.who or given.name, purpose=given.purpose, statement=given.consent, own=given.statement is None
    )
    language, script = given.language, given.script_text
    if given.script:
        passages = {passage.id: passage for passage in session.jobs.scripts()}
        if given.script in passages:
            script = passages[given.script].text
            language = passages[given.script].language
        else:
            script = read_text(Path(given.script))
    draft = the_draft(session).id if given.reviewed else ""
    if bool(given.recording) == bool(draft):
        raise InputError("There is no recording.", "Name sound files, or use --reviewed after `review new`.")
    recordings = [session.jobs.reviews.recording(draft)] if draft else given.recording
    request = TrainingRequest(
        given.name,
        recordings[0],
        consent,
        script=script,
        language=language,
        base=given.base,
        max_steps=given.max_steps,
        statement=given.statement,
        voice_id=session.voices.find(given.name).id if given.again else "",
        anyway=given.anyway,
        draft=draft,
        further=tuple(recordings[1:]),
    )
    if given.queue:
        print(session.jobs.create(request))
        return 0
    return with_bar(lambda **watching: session.jobs.run(request, **watching))


# ---------------------------------------------------------------------------------------------------------------- tools


def _help_training(settings: Settings, given: argparse.Namespace) -> int:
    """What the further processes of an ``accelerate launch`` do: train with the first one, or nothing."""
    if (given.run is _train and not given.queue) or getattr(given, "here", False):
        from gpt_sovits.jobs.distributed import follow

        follow(settings)
    return 0


def _pretrain(arguments: Sequence[str], make: MakeStudio) -> int:
    from gpt_sovits.lab.pretrain import main

    return main(arguments)


def _evaluate(arguments: Sequence[str], make: MakeStudio) -> int:
    from gpt_sovits.lab.evaluation.judge import main

    return main(arguments, make)


def _bench(arguments: Sequence[str], make: MakeStudio) -> int:
    from gpt_sovits.lab.evaluation.bench import main

    return main(arguments)


def _models(arguments: Sequence[str], make: MakeStudio) -> int:
    from gpt_sovits.cli.models import main

    return main(arguments)


def _serve(arguments: Sequence[str], make: MakeStudio) -> int:
    """Start the page: ``app.py`` lies beside the package, in the checkout."""
    if not (PROJECT_ROOT / "app.py").is_file():
        raise MissingError("The page is not installed beside this package.", "Run it from the project's folder.")
    sys.path.insert(0, str(PROJECT_ROOT))
    from app import main  # type: ignore[import-not-found,unused-ignore]

    return int(main(arguments))


def _storage(session: Session, given: argparse.Namespace) -> int:
    import json

    print(json.dumps(session.house.report(whole=not session.users.names()), ensure_ascii=False, indent=1))
    return 0


def _inspect(session: Session, given: argparse.Namespace) -> int:
    """What a sound file says of itself; 1 where it does not say that a machine spoke."""
    import json

    from gpt_sovits.encoding import inspect

    found = inspect(given.file)
    if given.json:
        print(json.dumps({"synthetic": found.synthetic, "label": found.standard, "made_by": found.own}, indent=1))
    elif found.synthetic:
        print("\n".join(filter(None, [found.comment, *(f"{key}: {text}" for key, text in found.own.items() if text)])))
    else:
        print("The file does not say that a machine spoke it.")
    return 0 if found.synthetic else 1


HANDED_ON: dict[str, tuple[str, Callable[[Sequence[str], MakeStudio], int]]] = {
    "models": ("list, download, import and remove bases", _models),
    "serve": ("open the studio in the browser", _serve),
    "pretrain": ("train the embedded base from a corpus", _pretrain),
    "evaluate": ("judge voices against recordings", _evaluate),
    "bench": ("measure this machine and every stage on it", _bench),
}


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", type=Path, default=argparse.SUPPRESS, help="the data folder (default: the system's)")
    common.add_argument("--user", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    speaking = argparse.ArgumentParser(add_help=False)
    speaking.add_argument("--language", default="auto", help="auto, zh, en, ... (default: auto)")
    speaking.add_argument("--seed", type=whole_number, default=None, help="the same seed gives the same sound")
    listing = argparse.ArgumentParser(add_help=False)
    listing.add_argument("--json", action="store_true", help="print JSON")

    top = argparse.ArgumentParser(prog="gpt_sovits", description="A voice studio on your own computer.")
    top.set_defaults(data=None, user=LOCAL_USER)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, run: Callable[[Session, argparse.Namespace], int], *parents: Any) -> Any:
        command = commands.add_parser(name, help=text, description=text, parents=[common, *parents])
        command.set_defaults(run=run)
        return command

    speak = add("speak", ABOUT_SPEAK, _speak, speaking, listing, unlock_options())
    add_speak_options(speak)
    add_watch_options(add("watch", ABOUT_WATCH, _watch, speaking, unlock_options()))
    add_take_actions(add("takes", ABOUT_TAKES, takes_command, listing), common, listing)

    train = add("train", "make a voice from a recording", _train)
    train.add_argument("name", help="what the voice is called")
    train.add_argument(
        "recording", type=Path, nargs="*", help="sound files, 10 seconds to 30 minutes of one person in all"
    )
    train.add_argument("--reviewed", action="store_true", help="learn from what `review` shows instead")
    train.add_argument("--script", help="text file of what was read, or the id of a passage (en-kitchen, zh-morning)")
    train.add_argument("--script-text", default="", metavar="TEXT", help="what was read, as text")
    train.add_argument("--anyway", action="store_true", help="believe the text even where other words are heard")
    train.add_argument("--language", default="auto", help="of the text (default: auto)")
    train.add_argument("--consent", default="", metavar="STATEMENT", help="the words by which the person agrees")
    train.add_argument("--statement", type=Path, help="another person's voice: the recording in which they agree")
    train.add_argument("--who", help="whose voice it is (default: the voice's name)")
    train.add_argument("--purpose", default="personal use on this computer", help="what the voice is for")
    train.add_argument("--base", default="", help="the base to start from (default: the chosen model)")
    train.add_argument("--max-steps", type=int, help="at most this many steps")
    train.add_argument("--again", action="store_true", help="a further version of the voice of that name")
    train.add_argument("--queue", action="store_true", help="leave it to the worker of the running studio")

    add_review_actions(add("review", ABOUT_REVIEW, review_command, listing), common, listing)
    add("scripts", ABOUT_SCRIPTS, scripts_command, listing).add_argument("script", nargs="?", help="id of one")

    mix = add("mix", "blend two voices", _mix, speaking, unlock_options())
    mix.add_argument("a")
    mix.add_argument("b")
    mix.add_argument("ratio", type=float, help="0 is the first voice, 1 the second")
    mix.add_argument("--manner", type=float, help="ratio of the way of speaking (default: as the timbre)")
    mix.add_argument("--save", metavar="NAME", help="keep the mix as a voice")
    mix.add_argument("--text", help="say this with the mix, into --out")
    mix.add_argument("--out", type=Path, default=Path("speech.wav"), help="wav, flac, mp3, opus, aac or m4a file")

    add_actions(add("voices", ABOUT, voices_command, listing), common, listing)
    add_user_actions(add("users", ABOUT_USERS, users_command, listing), common, listing)
    narrate = add("narrate", ABOUT_NARRATE, narrate_command, listing, unlock_options())
    narrate.add_argument("--seed", type=whole_number, default=None, help="the same seed gives the same sound")
    add_narrate_options(narrate)
    add_book_actions(add("books", ABOUT_BOOKS, books_command, listing), common, listing)
    add_service_options(add("service", ABOUT_SERVICE, service_command))
    add_speechd_options(add("speechd", ABOUT_SPEECHD, speechd_command))
    add_token_actions(add("tokens", ABOUT_TOKENS, tokens_command, listing), common, listing)
    add_backup_options(
        add("backup", ABOUT_BACKUP, backup_command, secret_options()),
        add("restore", ABOUT_RESTORE, restore_command, secret_options()),
    )
    add_lexicon_actions(add("lexicon", ABOUT_LEXICON, lexicon_command, listing), common, listing)
    add("storage", "what lies where on this computer, in bytes, as JSON", _storage)
    look = add(
        "inspect", "what a sound file says of itself: whether a machine spoke, and with which voice", _inspect, listing
    )
    look.add_argument("file", type=Path, help="sound file")
    read = add("read", ABOUT_READ, read_command, listing)
    read.add_argument("text", help="the text; - reads standard input")
    read.add_argument("--language", default="auto", help="auto, zh, en, ... (default: auto)")
    read.add_argument("--voice", help="the voice that will speak: a text of numbers only is read in its language")

    add_job_actions(add("jobs", ABOUT_JOBS, jobs_command, listing), common, listing)

    complete = add("completion", "print the script that completes commands in your shell", _completion)
    complete.add_argument("shell", choices=("bash", "zsh", "fish", "tcsh", "powershell"))
    for name, (text, _) in HANDED_ON.items():
        commands.add_parser(name, help=text, add_help=False)
    return top


def main(arguments: Sequence[str] | None = None, make_studio: MakeStudio = Studio) -> int:
    """Run one command. Returns 0, or 1 for problems found, 2 for an expected failure, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know fewer characters than a name has
    try:
        if words and words[0] in HANDED_ON:
            return HANDED_ON[words[0]][1](words[1:], make_studio)
        given = parser().parse_args(words)
        settings = Settings.load(given.data)
        if settings.rank:
            return _help_training(settings, given)
        return int(given.run(make_studio(settings).session(given.user), given))
    except VoiceError as error:
        print(error, file=sys.stderr)
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
