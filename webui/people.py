"""The Voices tab's routes: each voice as a card, and every deed that its rules allow, each answered where it was asked.

GET  <language>/own/people                       cards of the person's voices and of the invented ones
GET  <language>/own/people/<voice>               what is inside: versions, permission, journal, what may be done
GET  <language>/own/people/<voice>/look          its picture as numbers, from the spectrum of what it says
GET  <language>/own/people/<voice>/sample.wav    ?version
GET  <language>/own/people/<voice>/statement     the spoken permission
POST <language>/own/people/<voice>/<deed>        see ``DEEDS``; the answer says what was done, or why not
GET  <language>/own/people/<voice>/sent.gsvoice  the file that "send" made
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from gpt_sovits.audio import Audio, wav_bytes
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.services.session import Session
from gpt_sovits.services.voices import portrait
from gpt_sovits.storage import sounds
from gpt_sovits.storage.journal import Entry
from gpt_sovits.voices.manifest import VoiceCard
from gpt_sovits.voices.terms import Terms
from webui import i18n
from webui.i18n import Words
from webui.live import Asker, Language, Live, answered
from webui.parts import file_name
from webui.turns import Turns

_LINES = 200  # of the journal that are shown, the newest
_MEDIA = {"mp3": "audio/mpeg", "m4a": "audio/mp4", "opus": "audio/ogg", "bin": "application/octet-stream"}
_LOOKS = 256  # pictures that are remembered


class Fields(BaseModel):
    """What a deed may be given."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field("", max_length=200)
    version: str | None = Field(None, max_length=40)
    secret: str = Field("", max_length=1000)
    friend: str = Field("", max_length=200)
    mix: bool = True
    retrain: bool = True
    export: bool = True
    until: str = Field("", max_length=20)
    sure: bool = False
    mixes: bool = False


class PeopleRoutes:
    """The routes; ``live`` knows who asks, ``folder`` takes the files that are sent."""

    def __init__(self, live: Live, folder: Path, passphrases: Turns | None = None) -> None:
        self._live, self._folder = live, folder
        self._heavy = passphrases or Turns(1)  # each takes much memory
        self._looks: OrderedDict[tuple[str, str, str], list[float]] = OrderedDict()
        self._sent: dict[tuple[str, str], Path] = {}

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own/people")
        routes.add_api_route("", self.all, methods=["GET"])
        routes.add_api_route("/{voice}", self.one, methods=["GET"])
        routes.add_api_route("/{voice}/look", self.look, methods=["GET"])
        routes.add_api_route("/{voice}/sample.wav", self.sample, methods=["GET"])
        routes.add_api_route("/{voice}/statement", self.statement, methods=["GET"])
        routes.add_api_route("/{voice}/sent.gsvoice", self.sent, methods=["GET"])
        routes.add_api_route("/{voice}/{deed}", self.deed, methods=["POST"])
        return routes

    # ------------------------------------------------------------------------------------------------------- looking

    def all(self, language: Language, request: Request) -> dict[str, Any]:
        session, words = self._live.asker(request).session, i18n.load(language)

        def found() -> dict[str, Any]:
            own = [card_of(session, words, card) for card in session.voices.list()]
            some = [("invented", session.voices.invented()), ("away", session.voices.put_aside())]
            named = {kind: [{"id": card.id, "name": card.name} for card in cards] for kind, cards in some}
            return {"own": own, **named, "hidden": session.voices.some_hidden()}

        return answered(language, found)

    def one(self, language: Language, voice: str, request: Request) -> dict[str, Any]:
        session, words = self._live.asker(request).session, i18n.load(language)

        def inside() -> dict[str, Any]:
            card = _card(session, voice)
            names = {each.id: each.name for each in (*session.voices.invented(), *session.voices.list())}
            return {
                "voice": card_of(session, words, card),
                "versions": [asdict(version) for version in card.versions],
                "speaks": card.default_version,
                "terms": terms_of(words, card.terms),
                "consent": _consent(words, card),
                "mixes": [each.name for each in session.voices.mixes_of(voice)],
                "may": sorted(session.voices.deeds(voice)),
                "journal": journal_of(words, session.voices.journal(voice), names),
            }

        return answered(language, inside)

    async def look(self, language: Language, voice: str, request: Request, version: str = "") -> dict[str, Any]:
        """A voice that said nothing yet is asked to, in turn with all that is spoken."""
        asker = self._live.asker(request)
        key = (asker.session.user, voice, version)
        if key not in self._looks:
            token = CancelToken()
            make = partial(answered, language, lambda: {"look": portrait(self._said(asker, voice, version, language))})
            try:
                found = await self._live.turn(asker, make, token)
            finally:
                token.cancel()
            if "look" not in found:
                return found
            self._looks[key] = found["look"]
            while len(self._looks) > _LOOKS:
                self._looks.popitem(last=False)
        elif not await to_thread.run_sync(asker.session.voices.is_open, voice):
            del self._looks[key]
            return {}
        return {"look": self._looks[key]}

    async def sample(self, language: Language, voice: str, request: Request, version: str = "") -> Response:
        asker = self._live.asker(request)
        said = partial(self._said, asker, voice, version, language)
        return await self._file(language, lambda: ("sample.wav", said()), asker)

    async def statement(self, language: Language, voice: str, request: Request) -> Response:
        asker = self._live.asker(request)
        return await self._file(language, partial(asker.session.voices.statement, voice), asker)

    async def _file(self, language: str, read: Callable[[], tuple[str, bytes]], asker: Asker) -> Response:
        token = CancelToken()
        try:
            name, data = await self._live.turn(asker, read, token)
        except VoiceError as error:
            return JSONResponse({"problem": i18n.load(language).error(error)}, 404)
        kind = name.rpartition(".")[2]
        media = {
            "wav": "audio/wav",
            "mp3": "audio/mpeg",
            "flac": "audio/flac",
            "ogg": "audio/ogg",
            "webm": "audio/webm",
        }
        headers = {"Cache-Control": "private, no-store"}
        return Response(data, media_type=media.get(kind, "application/octet-stream"), headers=headers)

    def _said(self, asker: Asker, voice: str, version: str, language: str) -> bytes:
        """What was kept with a version when it was made, or the same kind of sentence said now."""
        session = asker.session
        try:
            return session.voices.sample(voice, version or None)
        except MissingError:
            loaded = session.voices.load(voice, version or None)
        return wav_bytes(spoken_sample(session, loaded, i18n.load(language)))

    # --------------------------------------------------------------------------------------------------------- deeds

    async def deed(self, language: Language, voice: str, deed: str, wish: Fields, request: Request) -> dict[str, Any]:
        asker, words = self._live.asker(request), i18n.load(language)
        do = DEEDS.get(deed)
        if do is None:
            return {"problem": words("app.unexpected")}
        work = partial(answered, language, partial(do, self, asker, words, voice, wish))
        if wish.secret or wish.friend:
            async with self._heavy.of(asker.owner):
                return await to_thread.run_sync(work)
        return await to_thread.run_sync(work)

    def _send(self, asker: Asker, words: Words, voice: str, wish: Fields) -> dict[str, Any]:
        session, card = asker.session, _card(asker.session, voice)
        terms = Terms(mix=wish.mix, retrain=wish.retrain, export=wish.export, until=wish.until.strip())
        friend = wish.friend.strip()
        if not friend and not wish.secret:
            raise InputError(words("own.need_way"))
        data = session.voices.export_file(
            voice, passphrase="" if friend else wish.secret, recipient=friend, terms=terms
        )
        path = sounds.new_place(self._folder, asker.owner) / f"{file_name(card.name)}.gsvoice"
        path.write_bytes(data)
        self._sent[asker.session.user, voice] = path
        return {"said": words("own.sent_mix" if card.parents else "own.sent"), "file": True}

    def sent(self, language: Language, voice: str, request: Request) -> Response:
        path = self._sent.get((self._live.asker(request).session.user, voice))
        if path is None or not path.is_file():
            return JSONResponse({"problem": i18n.load(language)("own.sent_gone")}, 404)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(path.name)}",
            "Cache-Control": "private, no-store",
        }
        return FileResponse(path, media_type="application/octet-stream", headers=headers)

    def _destroy(self, asker: Asker, words: Words, voice: str, wish: Fields) -> dict[str, Any]:
        session, card = asker.session, _card(asker.session, voice)
        if " ".join(wish.name.split()) != card.name:
            raise InputError(words("voices.confirm_wrong", name=card.name))
        if not wish.sure:
            raise InputError(words("own.need_sure"))
        scan = session.voices.destroy(voice, mixes=wish.mixes)
        key = "own.destroyed" if scan.clean else "own.destroyed_left"
        said = [words(key, name=card.name, files=scan.files, left=len(scan.found))]
        if scan.locked or scan.others or scan.unread:
            unseen = len(scan.locked) + scan.others + len(scan.unread)
            said.append(words("own.destroyed_unseen", names=", ".join(scan.locked) or "-", count=unseen))
        said.append(words("own.destroyed_limits"))
        receipt = session.voices.receipt(voice)
        kept = {
            "voice": receipt.voice,
            "name": card.name,
            "destroyed": receipt.when,
            "also": [*receipt.mixes],
            "bytes": receipt.bytes,
            "sha256_of_what_was_removed": dict(receipt.files),
            "looked_through_files": scan.files,
            "found_of_it": [path for path, _ in scan.found],
            "said": said,
        }
        return {"said": " ".join(said), "receipt": json.dumps(kept, ensure_ascii=False, indent=2), "gone": True}


Deed = Callable[[PeopleRoutes, Asker, Words, str, Fields], dict[str, Any]]


def _plain(work: Callable[[Session, VoiceCard, Fields], object], key: str, **more: Any) -> Deed:
    """A deed that is one call and one sentence."""

    def done(routes: PeopleRoutes, asker: Asker, words: Words, voice: str, wish: Fields) -> dict[str, Any]:
        session = asker.session
        card = _card(session, voice, invented=bool(more))
        work(session, card, wish)
        return {"said": words(key, name=wish.name.strip() or card.name), **more}

    return done


def _lock(routes: PeopleRoutes, asker: Asker, words: Words, voice: str, wish: Fields) -> dict[str, Any]:
    card = _card(asker.session, voice)
    mixes = asker.session.voices.lock(voice, wish.secret)
    also = words("own.locked_mixes", mixes=", ".join(mixes)) if mixes else ""
    return {"said": f"{words('own.locked', name=card.name)} {also}".strip()}


def _restore(routes: PeopleRoutes, asker: Asker, words: Words, voice: str, wish: Fields) -> dict[str, Any]:
    asker.session.voices.bring_back(voice)
    return {"said": ""}


DEEDS: dict[str, Deed] = {
    "rename": _plain(lambda s, c, w: s.voices.rename(c.id, w.name), "voices.renamed"),
    "pin": _plain(lambda s, c, w: s.voices.pin(c.id, w.version), "own.pinned"),
    "newest": _plain(lambda s, c, w: s.voices.pin(c.id, None), "own.unpinned"),
    "prune": _plain(lambda s, c, w: s.voices.delete_version(c.id, w.version or ""), "own.pruned"),
    "freeze": _plain(lambda s, c, w: s.voices.freeze(c.id, passphrase=w.secret), "own.frozen"),
    "unfreeze": _plain(lambda s, c, w: s.voices.unfreeze(c.id, secret=w.secret), "own.unfrozen"),
    "lock": _lock,
    "unlock": _plain(lambda s, c, w: s.voices.unlock(c.id, w.secret), "own.unlocked"),
    "close": _plain(lambda s, c, w: s.voices.relock(c.id), "own.closed"),
    "remove-lock": _plain(lambda s, c, w: s.voices.remove_lock(c.id, w.secret), "own.lock_removed"),
    "send": PeopleRoutes._send,
    "delete": _plain(lambda s, c, w: s.voices.put_away(c.id), "take.deleted", away=True),
    "restore": _restore,
    "destroy": PeopleRoutes._destroy,
}


def spoken_sample(session: Session, voice: Any, words: Words) -> Audio:
    """The sentence by which a voice is heard and drawn."""
    from gpt_sovits.audio import concatenate

    text = words("voices.sample")
    return concatenate([session.speech.say(line, voice) for line in session.speech.lines(text, voice)])


def _card(session: Session, voice: str, *, invented: bool = False) -> VoiceCard:
    cards = [*session.voices.list(), *(session.voices.invented() if invented else ())]
    found = next((card for card in cards if card.id == voice), None)
    if found is None:
        raise MissingError(f"There is no voice {voice}.", "Choose one from the list of voices.")
    return found


def card_of(session: Session, words: Words, card: VoiceCard) -> dict[str, Any]:
    """What a card shows."""
    given = (card.consent.sources or (card.consent,)) if card.consent else ()
    return {
        "id": card.id,
        "name": card.name,
        "kind": card.kind,
        "created": card.created,
        "seconds": card.seconds_of_speech,
        "bytes": session.voices.size(card.id),
        "who": " + ".join(dict.fromkeys(words.sentence(each.who) for each in given)),
        "parents": [*card.parent_names],
        "shares": [*card.parent_shares],
        "frozen": card.frozen,
        "locked": card.locked,
        "open": session.voices.is_open(card.id),
        "signer": card.signer[:16],
        "versions": len(card.versions),
    }


def _consent(words: Words, card: VoiceCard) -> list[dict[str, Any]]:
    """Each permission that the voice stands on; a mix has those of its voices. What a person wrote stays as it is."""
    if card.consent is None:
        return []
    found = [
        {
            "who": words.sentence(each.who),
            "purpose": words.sentence(each.purpose),
            "statement": words.sentence(each.statement),
            "when": each.when,
            "authority": each.authority,
            "spoken": bool(each.spoken_sha256) and card.kind != "mix",
        }
        for each in card.consent.sources or (card.consent,)
    ]
    return [*{tuple(value for key, value in each.items() if key != "when"): each for each in found}.values()]


def terms_of(words: Words, terms: Terms) -> list[str]:
    """What the person of a shared voice does not allow, and until when it may be used."""
    forbidden = (
        (terms.mix, words("voices.no_mix")),
        (terms.retrain, words("voices.no_retrain")),
        (terms.export, words("voices.no_export")),
    )
    parts = [text for allowed, text in forbidden if not allowed]
    return [*parts, words("voices.until", day=terms.until)] if terms.until else parts


def journal_of(words: Words, entries: Sequence[Entry], names: dict[str, str]) -> list[dict[str, str]]:
    """Newest first, in words; the same deed again and again on one day is one line with its sum."""
    lines: list[dict[str, Any]] = []
    for entry in entries[-2000:]:
        key = f"deed.{entry.what.replace(' ', '_')}"
        what = words(key) if words.has(key) else entry.what
        counted = next((name for name in ("characters", "sentences") if name in entry.details), "")
        amount = int(entry.details.get(counted, 0)) if counted else 0
        last = lines[-1] if lines else None
        if last and counted and last["what"] == what and last["at"][:10] == entry.at[:10]:
            last["amount"], last["at"] = last["amount"] + amount, entry.at
        else:
            lines.append({"at": entry.at, "what": what, "counted": counted, "amount": amount, "details": entry.details})
    colon = "：" if words.language == "zh" else ": "
    return [
        {"at": line["at"], "said": colon.join(filter(None, (line["what"], _detail(words, line, names))))}
        for line in reversed(lines[-_LINES:])
    ]


def _detail(words: Words, line: dict[str, Any], names: dict[str, str]) -> str:
    details = line["details"]
    if line["counted"]:
        return words(f"journal.{line['counted']}", count=f"{line['amount']:,}")
    if "seconds" in details:
        return words("journal.seconds", count=round(float(details["seconds"])))
    if "parents" in details:
        return " + ".join(names.get(str(each), str(each)) for each in details["parents"])
    if "signer" in details:
        return words("journal.signer", signer=str(details["signer"])[:16])
    return ""
