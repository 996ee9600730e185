"""A page to listen by, without a network: what was recorded and what was made of it side by side, with spectrograms.

Numbers say how often a judge errs; what a voice is like only ears can say. ``evaluate --page FOLDER`` writes
``index.html`` with a table for each speaker, a row for each sentence and a column for each kind of speech; sounds and
pictures lie beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from gpt_sovits.audio import Audio
from gpt_sovits.dataset.picture import png, spectrogram
from gpt_sovits.encoding import write_audio
from gpt_sovits.lab.evaluation.report import KINDS, Report
from gpt_sovits.lab.evaluation.trial import Sentence

MOST = 10  # sentences of a speaker
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;color:#1d2b2b;background:#fbf9f5}"
    "table{border-collapse:collapse;margin:0 0 2rem}th,td{padding:.4rem .6rem;text-align:left;vertical-align:top}"
    "tbody tr{border-top:1px solid #ccc}img{display:block;width:15rem;height:5rem;image-rendering:auto}"
    "audio{width:15rem;height:2.2rem}pre{overflow-x:auto}"
)


@dataclass
class ListeningPage:
    """Sounds as they come, until ``write``."""

    folder: Path
    _cells: dict[str, dict[Sentence, dict[str, str]]] = field(default_factory=dict)

    def add(self, speaker: str, kind: str, sentence: Sentence, audio: Audio) -> None:
        """Keep one sound; of a speaker's sentences the first ``MOST`` are."""
        rows = self._cells.setdefault(speaker, {})
        if sentence not in rows and len(rows) >= MOST:
            return
        cells = rows.setdefault(sentence, {})
        name = f"{list(self._cells).index(speaker):02d}_{list(rows).index(sentence):02d}_{kind}"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_audio(self.folder / f"{name}.mp3", audio)
        (self.folder / f"{name}.png").write_bytes(png(spectrogram(audio)))
        cells[kind] = name

    def write(self, report: Report) -> Path:
        """``index.html``, with the figures below."""
        tables = "".join(self._table(speaker, rows) for speaker, rows in self._cells.items())
        page = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(report.base)}, heard</title>'
            f"<style>{_STYLE}</style></head><body><h1>{escape(report.base)}, heard</h1>"
            "<p>0 to 8 kHz from the bottom up, 70 dB from light to dark.</p>"
            f"{tables}<h2>Figures</h2><pre>{escape(report.to_table())}</pre></body></html>\n"
        )
        out = self.folder / "index.html"
        out.write_text(page, encoding="utf-8")
        return out

    def _table(self, speaker: str, rows: dict[Sentence, dict[str, str]]) -> str:
        kinds = [kind for kind in KINDS if any(kind in cells for cells in rows.values())]
        heads = "".join(f'<th scope="col">{kind}</th>' for kind in kinds)
        lines = "".join(
            f'<tr><th scope="row" lang="{escape(sentence.language)}">{escape(sentence.text)}</th>'
            + "".join(_cell(cells.get(kind), f"{kind}: {sentence.text}") for kind in kinds)
            + "</tr>"
            for sentence, cells in rows.items()
        )
        return (
            f'<h2>{escape(speaker)}</h2><table><thead><tr><th scope="col">sentence</th>{heads}</tr></thead>'
            f"<tbody>{lines}</tbody></table>"
        )


def _cell(name: str | None, label: str) -> str:
    if name is None:
        return "<td>–</td>"
    said = escape(label, quote=True)
    return (
        f'<td><img src="{name}.png" alt="Spectrogram, {said}">'
        f'<audio controls preload="none" src="{name}.mp3" aria-label="{said}"></audio></td>'
    )
