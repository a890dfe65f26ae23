"""Kill the daemon again and again while news comes in, break what it depends on, and count what arrives.

usage: python bench/chaos.py --entries 500 --kills 50 --channels 3 --seed 1
       python bench/chaos.py --entries 100 --kills 10 --faults refuse,500,429,hang,feeds,limit,disk,clock
       python bench/chaos.py --entries 500 --kills 0       a burst: how fast it is decided and delivered
       python bench/chaos.py --gently                      SIGTERM instead of SIGKILL
       python bench/chaos.py --aim                         kills come at the moment when a message arrives

Prints what was found as one JSON object, and on standard error what of it breaks a promise; the exit status is 1 then.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from tests.e2e import chaos, counted, faults


def main() -> int:
    """Run, print, and judge."""
    plan, kept = _asked()
    with tempfile.TemporaryDirectory() as folder:
        figures = chaos.run(kept or Path(folder), plan)
    print(json.dumps(dataclasses.asdict(figures), indent=2))
    broken = counted.broken(figures, gently=plan.gently)
    for promise in broken:
        print(f"BROKEN: {promise}", file=sys.stderr)
    return 1 if broken else 0


def _asked() -> tuple[chaos.Plan, Path | None]:
    parser = argparse.ArgumentParser(description="Kill the daemon again and again, and count what arrives.")
    parser.add_argument("--entries", type=int, default=500, help="stories to publish")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--channels", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--feeds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gently", action="store_true", help="SIGTERM instead of SIGKILL")
    parser.add_argument("--aim", action="store_true", help="kill it when a message arrives")
    parser.add_argument("--faults", default="", help=f"one for each life, in turn: {','.join(faults.KINDS)}")
    parser.add_argument("--patience", type=float, default=600, help="seconds for what is left in the end")
    parser.add_argument("--folder", type=Path, help="an empty one for database and log, which are kept then")
    asked = vars(parser.parse_args())
    asked["faults"] = tuple(name for name in asked["faults"].split(",") if name)
    unknown = set(asked["faults"]) - set(faults.KINDS)
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(faults.KINDS)}")
    kept = asked.pop("folder")
    return chaos.Plan(**asked), kept


if __name__ == "__main__":
    sys.exit(main())
