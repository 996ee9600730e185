"""One stage of the pipeline, timed in a process of its own so that its peak memory is its own too.

    python -m gpt_sovits.lab.evaluation.stages acoustic --base mini --threads 2 --clip clip.wav

prints one JSON object: {"figures": [...], "peak_mb": ...}. ``bench`` starts these and adds the limits.
A stage is a function of a ``Bench`` that returns figures; anything it needs from other stages it makes beforehand.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from gpt_sovits.errors import VoiceError
from gpt_sovits.versions import EMBEDDED

SENTENCE = "A small boat crossed the quiet lake, and nobody on the shore could say where it came from."
CHINESE = "清晨的湖面上没有一点风，小船慢慢地划向对岸。"
FIRST, FIRST_CHINESE = "Good morning.", "你好，世界。"
TOKENS = 100  # semantic tokens that are decoded: 4 s of speech
TOKENS_PER_SECOND = 25
ROUNDS = 3
BYTES = {"full": 4, "half": 2, "int8": 1}  # of one weight


@dataclass(frozen=True)
class Figure:
    """One measurement. ``seconds`` per unit of work; ``flop`` and ``bytes`` are what that unit costs at the least."""

    name: str
    seconds: float
    unit: str  # "s", "ms", "RTF" (seconds per second of speech), "tokens/s" or "words/min"
    flop: float = 0.0
    bytes: float = 0.0


@dataclass(frozen=True)
class Bench:
    """What the stages measure on."""

    base_name: str
    data: Path
    clip: Path
    transcript: str
    language: str
    precision: str = "auto"
    threads: int = 1

    @cached_property
    def base(self):  # type: ignore[no-untyped-def]  # Base, imported late so that a stage pays for its own imports
        from gpt_sovits.families.base import load_base
        from gpt_sovits.settings import Settings

        return load_base(self.base_name, Settings(data_dir=self.data, precision=self.precision))

    @cached_property
    def voice(self):  # type: ignore[no-untyped-def]  # Voice
        from gpt_sovits.audio import read_audio
        from gpt_sovits.families.enrol import enrol
        from gpt_sovits.voices.voice import Voice

        reference = enrol(self.base, read_audio(self.clip), self.transcript, self.language)
        return Voice("bench", "bench", "local", self.base_name, None, reference)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of the fastest round after one that warms up."""
    work()
    return min(timed(work) for _ in range(rounds))


def flop_of(work: Callable[[], object]) -> float:
    """Floating-point operations of the matrix products and convolutions in ``work``."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


# ------------------------------------------------------------------------------------------------------------ stages


def imports(bench: Bench) -> list[Figure]:
    """Python and torch alone: what every other stage's memory starts from."""
    import importlib

    return [Figure("import torch", timed(lambda: importlib.import_module("torch")), "s")]


def load(bench: Bench) -> list[Figure]:
    """All networks of the base from disk, ready to compute."""
    import torch  # noqa: F401  # not counted

    def everything() -> None:
        for part in ("content", "acoustic", "semantic", "bert", "speaker", "vocoder"):
            getattr(bench.base, part)

    return [Figure("load the base", timed(everything), "s")]


def text(bench: Bench) -> list[Figure]:
    """Text to phones on one core: import and a first sentence, then whole passages after another one warmed it up."""

    def first() -> None:
        from gpt_sovits.text import phonemize

        phonemize(CHINESE, "zh")

    started = timed(first)
    from gpt_sovits.dataset.scripts import scripts
    from gpt_sovits.text import phonemize, split_text

    def speed(language: str) -> float:
        """Seconds per Chinese character or English word of the passages, less the one that warms up."""
        texts = [script.text for script in scripts() if script.language == language]
        warm, rest = (texts[0], texts[1:]) if len(texts) > 1 else (SENTENCE + CHINESE, texts)
        phonemize(warm, language)
        size = sum(sum("一" <= c <= "鿿" for c in text) if language == "zh" else len(text.split()) for text in rest)
        return timed(lambda: [phonemize(p.text, language) for text in rest for p in split_text(text, language)]) / size

    return [
        Figure("import and first sentence", started, "s"),
        Figure("Chinese text", speed("zh"), "characters/min"),
        Figure("first English sentence", timed(lambda: phonemize(SENTENCE, "en")), "ms"),
        Figure("English text", speed("en"), "words/min"),
        Figure("next English sentence", best(lambda: phonemize(SENTENCE, "en")), "ms"),
        Figure("next Chinese sentence", best(lambda: phonemize(CHINESE, "zh")), "ms"),
    ]


def content(bench: Bench) -> list[Figure]:
    """16 kHz speech to content features."""
    import torch

    from gpt_sovits.audio import read_audio, resample

    audio = resample(read_audio(bench.clip), 16000)
    wave = torch.from_numpy(audio.samples)[None]
    network = bench.base.content

    def encode() -> None:
        with torch.inference_mode():
            network(wave)

    return [Figure("content encoder", best(encode) / audio.seconds, "RTF", flop=flop_of(encode) / audio.seconds)]


def reference(bench: Bench) -> list[Figure]:
    """A clip to a voice's frozen features, networks loaded."""
    from gpt_sovits.audio import read_audio
    from gpt_sovits.families.enrol import enrol

    audio = read_audio(bench.clip)
    return [Figure("reference", best(lambda: enrol(bench.base, audio, bench.transcript, bench.language)), "ms")]


def semantic(bench: Bench) -> list[Figure]:
    """Phones to semantic tokens, one by one; every token reads all weights once, so memory bounds it."""
    import torch

    from gpt_sovits.semantic.decode import generate
    from gpt_sovits.text import phonemize

    prompt = bench.voice.reference
    model = bench.base.semantic
    prompted = bench.base.prompted
    said = phonemize(SENTENCE, "en", bench.base.symbols_version).ids
    ids = torch.tensor((*prompt.phones, *said) if prompted else said)

    def decode(count: int) -> None:
        generate(
            model,
            ids,
            None,
            prompt.codes if prompted else None,
            max_tokens=count,
            min_tokens=count,
            follower=bench.base.family.follower(bench.base, ids),
            generator=torch.Generator().manual_seed(0),
        )

    first = best(lambda: decode(1))
    each = (best(lambda: decode(TOKENS)) - first) / (TOKENS - 1)
    sizes = model.config
    layer = 4 * sizes.hidden**2 + 2 * sizes.hidden * sizes.feed_forward
    matrices = sizes.layers * layer + sizes.hidden * sizes.vocabulary
    held = bench.base.precision
    return [
        Figure(f"prefill, first token ({held})", first, "ms"),
        Figure("semantic tokens", each, "tokens/s", flop=2 * matrices, bytes=matrices * BYTES[held]),
    ]


def acoustic(bench: Bench) -> list[Figure]:
    """Semantic tokens to waveform."""
    import torch

    from gpt_sovits.text import phonemize

    base, prompt = bench.base, bench.voice.reference
    ids = torch.tensor(phonemize(SENTENCE, "en", base.symbols_version).ids)[None]
    codes = torch.arange(TOKENS)[None, None]
    if base.vocoder is not None:
        return []  # its acoustic model needs the whole of synthesis around it: see the last stage

    def decode() -> None:
        base.acoustic.decode(codes, ids, prompt.style, generator=torch.Generator().manual_seed(0))

    lasts = TOKENS / TOKENS_PER_SECOND
    return [Figure("acoustic model", best(decode) / lasts, "RTF", flop=flop_of(decode) / lasts)]


def speak(bench: Bench) -> list[Figure]:
    """Text to sound as a person meets it: voice at hand, networks loaded, two sentences."""
    from gpt_sovits.synthesis import Synthesizer

    base, voice = bench.base, bench.voice
    synthesizer = Synthesizer(lambda name: base)

    def run() -> tuple[float, float, float]:
        start, first, lasts = time.perf_counter(), 0.0, 0.0
        for speech in synthesizer.speak(voice, f"{SENTENCE} {SENTENCE}", language="en", seed=0):
            first = first or time.perf_counter() - start
            lasts += speech.audio.seconds
        return first, time.perf_counter() - start, lasts

    run()
    first, whole, lasts = min((run() for _ in range(ROUNDS)), key=lambda figures: figures[1])
    return [
        Figure("first sound", first, "ms"),
        Figure("end to end", whole / lasts, "RTF"),
    ]


def cold(bench: Bench) -> list[Figure]:
    """From nothing to the first sentence of a clip's voice, each part once and in one process.

    Its peak memory is that of cloning and speaking with all networks in memory, the Chinese text network included.
    """
    import importlib

    figures = [Figure("cold: import torch", timed(lambda: importlib.import_module("torch")), "s")]
    importlib.import_module("torch").set_num_threads(bench.threads)

    def note(name: str, work: Callable[[], object]) -> None:
        figures.append(Figure(f"cold: {name}", timed(work), "s"))

    note("import the program", lambda: importlib.import_module("gpt_sovits.synthesis"))
    from gpt_sovits.synthesis import Manner, Synthesizer
    from gpt_sovits.text import phonemize

    has = bench.base.files.has
    sentence, language = (FIRST_CHINESE, "zh") if has("bert") else (FIRST, "en")
    for part in ("content", "speaker", "bert", "acoustic", "semantic", "vocoder"):
        if has(part):
            note(f"load {part}", lambda part=part: getattr(bench.base, part))  # type: ignore[misc]
    note("hear the clip", lambda: bench.voice)
    note("text", lambda: phonemize(sentence, language, bench.base.symbols_version))
    synthesizer = Synthesizer(lambda name: bench.base)
    note("speak", lambda: list(synthesizer.speak(bench.voice, sentence, language=language, manner=Manner(attempts=1))))
    return [*figures, Figure("cold: all of it", sum(figure.seconds for figure in figures), "s")]


STAGES: dict[str, Callable[[Bench], list[Figure]]] = {
    stage.__name__: stage for stage in (imports, load, text, content, reference, semantic, acoustic, speak, cold)
}


def peak_mb() -> float | None:
    """The most memory this process ever held, in MB; None where the system does not tell.

    Linux counts from the start of the program; getrusage would count the process that it was forked from as well.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
    except (OSError, StopIteration):
        pass
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main(argv: Sequence[str]) -> int:
    about = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m gpt_sovits.lab.evaluation.stages", description=about)
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("--base", default=EMBEDDED)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--transcript", default="")
    parser.add_argument("--language", default="auto")
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args(argv)
    if given.stage not in ("imports", "text", "cold"):
        import torch

        torch.set_num_threads(given.threads)
    bench = Bench(given.base, given.data, given.clip, given.transcript, given.language, given.precision, given.threads)
    try:
        figures = STAGES[given.stage](bench)
    except VoiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    value = {"figures": [asdict(figure) for figure in figures], "peak_mb": peak_mb()}
    sys.stdout.write(json.dumps(value) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
