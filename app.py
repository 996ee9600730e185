"""Starts the studio: ``python app.py`` opens it for the browser of this computer, and for nobody else.

``--host 0.0.0.0`` opens it to others, who sign in (``users add``) or name the token that is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.settings import Settings
from webui.opening import Opening
from webui.reach import Reach
from webui.server import clean, create_app, create_headless, listen, prepare

log = logging.getLogger(__name__)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A voice studio on your own computer.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: only this computer)")
    parser.add_argument("--port", type=int, default=7860, help="port; the next free one is taken when it is in use")
    parser.add_argument("--data", type=Path, default=None, help="folder that keeps the voices")
    parser.add_argument("--users", action="store_true", help="everybody signs in (accounts: gpt_sovits users add)")
    parser.add_argument(
        "--name", action="append", default=[], help="a further host name that others reach it by, as behind a proxy"
    )
    parser.add_argument("--certificate", type=Path, default=None, help="PEM file: serve HTTPS")
    parser.add_argument("--key", type=Path, default=None, help="PEM file with the certificate's key")
    parser.add_argument(
        "--token-file",
        type=Path,
        default=None,
        help="where nobody has an account, others must name this token (made there if missing; default: a new one)",
    )
    parser.add_argument("--no-worker", action="store_true", help="leave the training to a worker started elsewhere")
    parser.add_argument(
        "--api-v2",
        type=int,
        nargs="?",
        const=9880,
        default=None,
        metavar="PORT",
        help="speak for programs of api_v2 too",
    )
    parser.add_argument(
        "--api-v2-page",
        action="append",
        default=[],
        metavar="URL",
        help="a local page that may ask there, as SillyTavern's",
    )
    parser.add_argument("--headless", action="store_true", help="no page: only the routes for programs")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    return parser.parse_args(given)


class Worker:
    """The process that learns voices. It is started again when it dies, and ends with the app, however that ends.

    At once, that is; only one that died within ``soon`` seconds is given longer each time before the next.
    """

    def __init__(self, command: Sequence[str], *, pause: float = 1.0, soon: float = 10.0) -> None:
        self._command = list(command)
        self._pause, self._soon = pause, soon
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.process = self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> subprocess.Popen[bytes]:
        place = Path(__file__).resolve().parent
        return subprocess.Popen(self._command, cwd=place, stdin=subprocess.PIPE)  # which ends when the app does

    def _keep(self) -> None:
        pause = self._pause
        while not self._over.is_set():
            began = time.monotonic()
            code = self.process.wait()
            if self._over.is_set():
                return
            pause = self._pause if time.monotonic() - began > self._soon else min(pause, 60.0)
            log.warning("the worker ended (%d); another one is started in %.0f s", code, pause)
            if self._over.wait(pause):
                return
            pause *= 2.0
            with self._lock:
                if self._over.is_set():
                    return
                self.process = self._start()

    def end(self) -> None:
        with self._lock:
            self._over.set()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def worker(data_dir: Path) -> Iterator[Worker]:
    """The worker of a data folder; it continues unfinished jobs at the next start."""
    running = Worker([sys.executable, "-m", "gpt_sovits.jobs.worker", "--data", str(data_dir), "--while-input"])
    try:
        yield running
    finally:
        running.end()


def serve(
    settings: Settings,
    reach: Reach,
    *,
    open_page: bool = False,
    users: bool = False,
    train: bool = True,
    api_v2: int | None = None,
    pages: Sequence[str] = (),
    headless: bool = False,
) -> None:
    """Run until interrupted. Where there are accounts, people sign in, whether ``users`` says so or not.

    ``api_v2``: the port of the door for upstream's programs, ``pages`` the local pages that may ask there.
    """
    import uvicorn

    from gpt_sovits.studio import Studio
    from webui.wire import Wire

    studio = Studio(settings)
    several = bool(studio.users.names())
    if users and not several:
        raise InputError("There is no account yet.", "Add one: python -m gpt_sovits users add NAME")
    names, (certificate, key) = reach.all_names, reach.certificate_files
    token = "" if several else reach.token()
    bound = listen(reach.host, reach.port)
    folder = prepare(settings.cache_dir)
    signal.signal(signal.SIGTERM, _end)
    try:
        with contextlib.ExitStack() as beside:
            if api_v2 is not None:
                from webui.api.upstream import serving

                port = beside.enter_context(serving(studio, api_v2, origins=pages))
                print(f"Programs of api_v2 are answered at http://127.0.0.1:{port}/", flush=True)  # noqa: T201
            if train:
                beside.enter_context(worker(settings.data_dir))
            build = create_headless if headless else create_app
            make = partial(build, studio, folder, host=reach.host, names=names, users=several, token=token)
            app = Opening(make, afterwards=studio.speech.warm_up)
            config = uvicorn.Config(
                app,
                http=Wire,
                log_level="warning",
                timeout_graceful_shutdown=2,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
            server = uvicorn.Server(config)
            app.failed = partial(setattr, server, "should_exit", True)
            reach.warn(users=several)
            first, *others = reach.addresses(bound.getsockname()[1], token)
            print(f"The studio is open at {first}  (stop it with Ctrl+C)", flush=True)  # noqa: T201
            for other in others:
                print(f"Others reach it at {other}", flush=True)  # noqa: T201
            if open_page:
                threading.Timer(0.1, webbrowser.open, [first]).start()
            server.run(sockets=[bound])
            if app.error is not None:
                raise app.error
    finally:
        bound.close()
        clean(folder)


def _end(number: int, frame: object) -> NoReturn:
    """Leave through the ``finally`` blocks when the system asks the app to end."""
    raise SystemExit(0)


def main(given: Sequence[str] | None = None) -> int:
    options = arguments(given)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        serve(
            Settings.load(options.data),
            Reach(
                options.host,
                options.port,
                names=tuple(options.name),
                certificate=options.certificate,
                key=options.key,
                token_file=options.token_file,
            ),
            open_page=options.open,
            users=options.users,
            train=not options.no_worker,
            api_v2=options.api_v2,
            pages=options.api_v2_page,
            headless=options.headless,
        )
    except VoiceError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
