"""`python -m bench.soak --minutes 20 [--kill]`: prints JSON; exit code 1 if anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from bench.soak.soak import Settings, run


def main() -> int:
    """Soak and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--applications", type=int, default=5, help="of some 50 objects each")
    parser.add_argument("--kill", action="store_true", help="kill the controller now and then")
    parser.add_argument("--keep", type=Path, help="an empty folder in which log and repository stay")
    given = parser.parse_args()
    if given.keep:
        given.keep.mkdir(parents=True)
    settings = Settings(given.minutes * 60, given.seed, applications=given.applications, kill=given.kill)
    figures = asyncio.run(run(settings, given.keep))
    print(json.dumps(figures, indent=2))
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
