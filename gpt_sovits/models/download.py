"""Fetches the official files of one version: resumable, checked, and only when a person asked for it.

The only module that reaches out to the network. ``huggingface_hub`` resolves names, revisions and redirects; the bytes
go to ``cache/downloads`` as ``<name>.part`` and get their name once size and SHA-256 are right. No token is sent.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpt_sovits.errors import InputError, RefusedError, ResourceError, VoiceError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.models.catalog import DEFAULT_ENDPOINT, REVISION, OfficialFile, bundle, licences
from gpt_sovits.settings import Settings

RESERVE_BYTES = 256 * 2**20  # stays free on the disk
_NATIVE_SHARE = 1.0  # the native copy that an import makes is as large as the original
_CHUNK = 2**18  # what a broken connection loses at most
_ATTEMPTS = 4
PAUSE_SECONDS = 1.0  # between attempts
_TIMEOUT = 30.0  # seconds without an answer
_HASH_LENGTH = 64


@dataclass(frozen=True)
class Remote:
    """A file as the download site describes it. ``sha256`` is "" for small text files, which have none there."""

    file: OfficialFile
    url: str
    size: int
    sha256: str


class DownloadError(VoiceError):
    """The network or the download site failed; what has arrived is kept."""


def download_bundle(
    version: str,
    settings: Settings,
    *,
    accept_licences: bool,
    endpoint: str = DEFAULT_ENDPOINT,
    without: Collection[str] = (),
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
) -> list[Path]:
    """Fetch every file of ``bundle(version)`` that is not here yet.

    Args:
        version: v1, v2, v2Pro, v2ProPlus, v3 or v4.
        accept_licences: the person has seen ``catalog.licences(version)`` and agreed.
        endpoint: the download site, or a mirror of it.
        without: paths in the repository that are not needed, because another version brought them.
        on_event: "download" events with bytes done and total.
        cancel: stops between chunks; a later call resumes.

    Returns:
        The checked files below ``settings.cache_dir``, in upstream's folder structure.

    Raises:
        RefusedError: the licences were not accepted. ResourceError: the disk is too small, before anything is fetched.
        DownloadError: offline, or the connection broke. InputError: a file is not the published one; it is removed.
    """
    files = [file for file in bundle(version) if file.path not in without]
    if not accept_licences:
        terms = "; ".join(map(str, licences(version)))
        raise RefusedError(f"The licences of {version} have not been accepted ({terms}).", "Accept them to download.")
    folder = download_folder(settings)
    remotes = [remote_file(file, endpoint) for file in files if not (folder / file.place).is_file()]
    check_space(remotes, folder)
    total, done = sum(remote.size for remote in remotes), 0
    for remote in remotes:
        fetch(remote, folder, on_event=on_event, cancel=cancel, before=done, total=total)
        done += remote.size
    return [folder / file.place for file in files]


def download_folder(settings: Settings) -> Path:
    return settings.cache_dir / "downloads"


def remote_file(file: OfficialFile, endpoint: str = DEFAULT_ENDPOINT) -> Remote:
    """Ask the site for address, size and digest of one file; the digest on record must agree.

    Raises:
        DownloadError: the site cannot be reached or does not have it. InputError: it offers another file.
    """
    import huggingface_hub as hub  # late: nothing else needs it, and it reads the network settings of the machine
    from huggingface_hub.errors import HfHubHTTPError

    url = hub.hf_hub_url(file.repository, file.path, revision=REVISION, endpoint=endpoint)
    try:
        found = hub.get_hf_file_metadata(url, token=False, timeout=_TIMEOUT, endpoint=endpoint)
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        raise DownloadError(f"{endpoint} does not offer {file.path} ({status}).", _by_hand(file)) from error
    except _network_errors() as error:
        raise _offline(endpoint, file) from error
    digest = found.etag if found.etag and len(found.etag) == _HASH_LENGTH else ""
    if file.sha256 and ((found.size not in (None, file.size)) or digest not in ("", file.sha256)):
        raise InputError(
            f"{endpoint} offers a {file.path} that is not the published one.", "Use the official site, or try later."
        )
    return Remote(file, found.location or url, file.size or found.size or 0, file.sha256 or digest)


def check_space(remotes: Sequence[Remote], folder: Path) -> None:
    """Raise ResourceError when the disk cannot hold what is still to be fetched and its native copy."""
    waiting = 0
    for remote in remotes:
        part = _part(folder / remote.file.place)
        waiting += max(0, remote.size - (part.stat().st_size if part.is_file() else 0))
    needed = int(waiting + _NATIVE_SHARE * sum(remote.size for remote in remotes)) + RESERVE_BYTES
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if remotes and free < needed:
        raise ResourceError(
            f"The disk has {free / 2**30:.1f} GB free, but {needed / 2**30:.1f} GB are needed.",
            "Free some space, or put the data folder on another disk.",
        )


def fetch(
    remote: Remote,
    folder: Path,
    *,
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
    before: int = 0,
    total: int = 0,
) -> Path:
    """Fetch one file into ``folder``, continuing a part that an earlier call left, and check it.

    ``before`` and ``total`` place its bytes in a larger download, for progress.
    """
    target = folder / remote.file.place
    part = _part(target)
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(_ATTEMPTS):
        try:
            _stream(remote, part, on_event, cancel, before, total or remote.size)
        except _network_errors() as error:
            if attempt + 1 == _ATTEMPTS:
                raise _offline(remote.url, remote.file, kept=part.is_file()) from error
        except OSError as error:
            raise ResourceError(f"{target.name} could not be written ({error}).", "Free some disk space.") from error
        if part.is_file() and part.stat().st_size >= remote.size:
            break
        if attempt + 1 == _ATTEMPTS:
            raise _offline(remote.url, remote.file, kept=True)
        time.sleep(PAUSE_SECONDS)
    check_file(part, remote)
    part.replace(target)
    return target


def check_file(path: Path, remote: Remote) -> None:
    """Compare size and SHA-256; a wrong file is removed.

    Raises:
        InputError: it is not the published file.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    wrong_size = remote.size and path.stat().st_size != remote.size
    if wrong_size or (remote.sha256 and digest.hexdigest() != remote.sha256):
        path.unlink()
        raise InputError(
            f"{remote.file.path} arrived damaged or was changed on the way, and was removed.",
            "Download again; if it happens again, do not use this site.",
        )


def _stream(
    remote: Remote, part: Path, on_event: EventSink, cancel: CancelToken | None, before: int, total: int
) -> None:
    """Append the missing bytes to ``part``; starts over when the site does not resume."""
    from huggingface_hub.utils import get_session

    have = part.stat().st_size if part.is_file() else 0
    if remote.size and have >= remote.size:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with get_session().stream("GET", remote.url, headers=headers, timeout=_TIMEOUT, follow_redirects=True) as response:
        if response.status_code not in (200, 206):
            raise DownloadError(
                f"The download site answered {response.status_code} for {remote.file.path}.", "Try again later."
            )
        resumed = have > 0 and response.status_code == 206
        have = have if resumed else 0
        with open(part, "ab" if resumed else "wb") as file:
            for chunk in response.iter_bytes(_CHUNK):
                if cancel is not None:
                    cancel.check()
                have += len(chunk)
                if remote.size and have > remote.size:
                    break
                file.write(chunk)
                on_event(Event("download", remote.file.path, before + have, total))


def _network_errors() -> tuple[type[Exception], ...]:
    """Every way in which the client of huggingface_hub reports a broken or absent network."""
    import httpx2  # the client of huggingface_hub 2
    from huggingface_hub.errors import OfflineModeIsEnabled

    return (httpx2.TransportError, OfflineModeIsEnabled)


def _offline(address: str, file: OfficialFile, *, kept: bool = False) -> DownloadError:
    rest = " What has arrived is kept; the next try continues there." if kept else ""
    return DownloadError(f"The download site {address.split('?')[0]} cannot be reached.{rest}", _by_hand(file))


def _by_hand(file: OfficialFile) -> str:
    elsewhere = f"Go online and try again, or fetch the files elsewhere from {DEFAULT_ENDPOINT}/{file.repository}"
    if file.folder:
        return f"{elsewhere} and copy them into the folder {file.folder} of the models."
    return f"{elsewhere} (such as {file.path}), copy them here and run: gpt-sovits models import FOLDER"


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")
