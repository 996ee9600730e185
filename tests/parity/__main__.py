"""Command line of the parity check; exit 1 when any key is off or any fixture has no runner."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from tests.parity import RUNNERS, TOLERANCE, load_fixture, run_fixture


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of .npz fixtures, or one file")
    parser.add_argument("--reference", type=Path, required=True, help="folder with weights.py and manifests/")
    parser.add_argument("--seed", type=int, default=0, help="seed of the synthetic weights")
    parser.add_argument("--only", nargs="*", default=[], help="names of fixtures to run")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    parser.add_argument("--quiet", action="store_true", help="one line per fixture")
    args = parser.parse_args()
    torch.set_grad_enabled(True)
    files = [args.folder] if args.folder.is_file() else sorted(args.folder.glob("*.npz"))
    files = [file for file in files if not args.only or file.stem in args.only]
    failed = 0
    for file in files:
        if file.stem not in RUNNERS:
            print(f"{file.stem}: no runner FAIL")
            failed += 1
            continue
        started = time.perf_counter()
        report = run_fixture(load_fixture(file, args.reference, args.seed), args.tolerance)
        for row in report.rows:
            if not args.quiet or not row.ok:
                print(f"  {report.name} {row.key}: {row.error:.2e} {row.note} {'ok' if row.ok else 'FAIL'}")
        finite = [row.error for row in report.rows]
        verdict = "ok" if report.ok else "FAIL"
        seconds = time.perf_counter() - started
        print(f"{report.name}: {len(report.rows)} keys, worst {max(finite, default=0):.2e}, {seconds:.1f} s {verdict}")
        failed += not report.ok
    print(f"{len(files)} fixtures, {failed} failed")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
