"""Promoters racing on a real MLflow (SQLite): 200 rounds of two to eight (``make races``).

Every round begins without a champion; all candidates of it are promoted at the same moment, each in a process
of its own. The best that passes the gate must be champion, alias and ledger must agree, and every attempt
must have its row. Ends with 1 if any round does not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "fakes"), str(Path(__file__).resolve().parents[2])]

_TOLD_EVERY = 20


def main() -> int:
    """Race, and say how it went."""
    from racing_promoter import Races, run_rounds

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--most", type=int, default=8, help="promoters; rounds of two to so many take turns")
    parser.add_argument("--seed", type=int, default=20261128)
    given = parser.parse_args()
    sizes = [2 + number % (given.most - 1) for number in range(given.rounds)]

    def told(races: Races) -> None:
        if races.rounds % _TOLD_EVERY == 0:
            print(f"{races.rounds} rounds, {len(races.findings)} findings", flush=True)

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="iris-races-") as folder:
        races = run_rounds(Path(folder), sizes, given.seed, told)
    cpu = time.process_time() + races.cpu_s
    for finding in races.findings:
        print(f"WRONG: {finding}")
    print(
        f"{races.rounds} rounds of 2 to {given.most} promoters, {sum(sizes)} promotions, seed {given.seed}: "
        f"{len(races.findings)} findings, {time.monotonic() - began:.0f} s, {cpu:.0f} CPU s"
    )
    return 1 if races.findings else 0


if __name__ == "__main__":
    sys.exit(main())
