"""A command is a function: typer reads its options from it, and what all commands have is added here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option
from typer.core import TyperCommand, TyperGroup, TyperOption

from gpt_sovits.services.session import Session
from gpt_sovits.settings import Settings
from gpt_sovits.voices.ids import LOCAL_USER

Json = Annotated[bool, Option("--json", help="print JSON")]
Yes = Annotated[bool, Option("--yes", help="do not ask")]
Language = Annotated[str, Option(help="auto, zh, en, ...")]
Seed = Annotated[int | None, Option(min=0, max=2**63 - 1, help="the same seed gives the same sound")]
Secret = Annotated[Path | None, Option(help="text file with the secret (else it is asked for)")]
Unlock = Annotated[Path | None, Option(help="text file with the passphrase of a locked voice")]
Costly = Annotated[bool, Option("--costly", help="the file may take up to 2 GB of memory to be opened")]
Voice = Annotated[str, Argument(help="name or id")]
_COMMON = {
    "data": (Annotated[Path | None, Option(help="the data folder (default: the system's)")], None),
    "user": (Annotated[str, Option(hidden=True)], LOCAL_USER),
}


class Command(TyperCommand):
    """An option whose metavar ends in ``...`` takes several values, one in ``[]`` a value or none; a text may begin
    with a dash and hold a space; options may be shortened."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options = {
            name: option
            for option in self.get_params(ctx)
            if isinstance(option, TyperOption)
            for name in (*option.opts, *option.secondary_opts)
        }
        if ctx.resilient_parsing:  # a shell asks what may come next
            return list(super().parse_args(ctx, args))
        rest, given, words = list(args), list[str](), list[str]()
        while rest:
            word = rest.pop(0)
            if word == "--":
                words += rest
                break
            asked, equals, value = word.partition("=")
            near = [name for name in options if asked[:2] == "--" and name.startswith(asked)]
            name = asked if asked in options or len(near) != 1 else near[0]
            if name not in options:
                (given if _looks_like_option(word) else words).append(word)
            elif equals or options[name].is_flag:
                given.append(name + equals + value)
            else:
                given += _values(name, options[name], rest, ctx)
        return list(super().parse_args(ctx, [*given, "--", *words]))


def _looks_like_option(word: str) -> bool:
    return word[:1] == "-" and word != "-" and " " not in word and not re.fullmatch(r"-\d*\.?\d+", word)


def _values(name: str, option: TyperOption, rest: list[str], ctx: Any) -> list[str]:
    """The option with what follows it in ``rest``, which is taken out of it."""
    metavar = option.metavar or ""
    most = len(rest) if metavar.endswith("...") else option.nargs
    values = list(takewhile(lambda word: not _looks_like_option(word), rest[:most]))
    del rest[: len(values)]
    if metavar.startswith("["):
        values = values or [""]
    if len(values) < option.nargs:
        raise typer.BadParameter("a value is missing", ctx=ctx, param=option)
    return [word for value in values for word in (name, value)] if option.multiple else [name, *values]


class Group(TyperGroup):
    """Commands under one name. Options may come before the command; without one, ``list`` or ``show`` is meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        at = 0
        while at < len(args) and args[at].startswith("-"):
            at += 2 if args[at] in ("--data", "--user") else 1
        usual = next(iter(self.commands))
        if at < len(args):
            args = [args[at], *args[:at], *args[at + 1 :]]
        elif usual in ("list", "show") and "--help" not in args and not ctx.resilient_parsing:
            args = [usual, *args]
        return list(super().parse_args(ctx, args))


class HandedOn(TyperCommand):
    """A program of its own, which reads its options itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.args = args
        return args


def group(about: str) -> typer.Typer:
    """Commands under one name. Help is plain text: a screen reader reads it too."""
    return typer.Typer(cls=Group, help=about, short_help=about, add_completion=False, rich_markup_mode=None)


def command(app: typer.Typer, name: str = "") -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Make a function a command of ``app``, named after it. Its first parameter is a ``Session`` or the ``Settings``,
    or it has neither; the others are the command's words and options. It returns the exit code, or None for 0."""

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        signature = inspect.signature(function, eval_str=True)
        own = [each for each in signature.parameters.values() if each.annotation not in (Session, Settings)]
        kind = inspect.Parameter.KEYWORD_ONLY
        common = [inspect.Parameter(each, kind, annotation=a, default=b) for each, (a, b) in _COMMON.items()]
        context = inspect.Parameter("ctx", kind, annotation=typer.Context)
        parameters = [context, *(each.replace(kind=kind) for each in own), *common]
        needs = {each.annotation for each in signature.parameters.values()} & {Session, Settings}

        def run(*, ctx: typer.Context, data: Path | None, user: str, **values: Any) -> int:
            settings = Settings.load(data)
            if settings.rank:
                return _help_training(settings, ctx.info_name or "", values)
            if Session in needs:
                return function(ctx.obj(settings).session(user), **values) or 0
            return (function(settings, **values) if needs else function(**values)) or 0

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        called = name or function.__name__.strip("_").replace("_", "-")
        about = inspect.getdoc(function)
        app.command(called, cls=Command, help=about, short_help=about)(run)
        return function

    return register


def _help_training(settings: Settings, name: str, values: dict[str, Any]) -> int:
    """What the further processes of an ``accelerate launch`` do: train with the first one, or nothing."""
    if values.get("here") or (name == "train" and not values["queue"]):
        from gpt_sovits.jobs.distributed import follow

        follow(settings)
    return 0
