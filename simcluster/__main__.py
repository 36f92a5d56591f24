"""The command line: `simcluster --clusters 1000 --nodes 3 --kubeconfig-dir DIR` serves until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from simcluster.clock import RealClock, SteppedClock
from simcluster.fleet import Fleet, Settings, read_tokens
from simcluster.kinds.registry import builtin

_PORTS = range(1 << 16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _allow_as_many_files_as_possible()
    try:
        settings = _settings(given)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    try:
        asyncio.run(_serve(settings, given.kubeconfig_dir, given.certificate))
    except OSError as error:
        parser.exit(1, f"simcluster: {error}\n")
    return 0


def _allow_as_many_files_as_possible() -> None:
    """Raise the soft limit: a login's usual 1,024 are used up by clients of some hundred clusters."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems have a lower limit that they do not tell
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(settings: Settings, folder: Path | None, certificate: Path | None) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, end.set)
    async with Fleet(settings) as fleet:
        _write_files(fleet, folder, certificate)
        gc.collect()
        gc.freeze()  # what is there now stays: no collection needs to look at it again
        print(_banner(fleet, folder), flush=True)  # noqa: T201 - the command line's own output
        await end.wait()


def _write_files(fleet: Fleet, folder: Path | None, certificate: Path | None) -> None:
    if certificate is not None:
        certificate.write_text(fleet.certificate)
    if folder is not None:
        fleet.write_kubeconfigs(folder)


def _banner(fleet: Fleet, folder: Path | None) -> str:
    settings = fleet.settings
    count = settings.clusters
    clusters = "1 Kubernetes cluster" if count == 1 else f"{count} Kubernetes clusters"
    names = list(fleet.clusters)
    place = fleet.url(names[0]) + (f" ... {fleet.url(names[-1])}" if count > 1 else "")
    version = builtin().version["gitVersion"]
    lines = [
        f"simcluster: this is a SIMULATION of {clusters} ({version}, {settings.nodes} nodes each).",
        f"  Nothing runs in it. {place}",
    ]
    if folder is not None:
        lines.append(f"  kubectl --kubeconfig {folder / f'{names[0]}.kubeconfig'} get nodes")
    lines.append("  Ctrl-C ends it; nothing is kept.")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="simcluster",
        description="Simulated Kubernetes clusters in one process. Nothing runs in them, nothing is kept.",
    )
    add = parser.add_argument
    add("--clusters", type=_positive, default=1, metavar="N", help="how many (1)")
    add("--nodes", type=_count, default=3, metavar="N", help="Nodes of each (3)")
    add("--prefix", default="cluster-", help="what their names begin with (cluster-)")
    add("--first", type=_count, default=1, metavar="N", help="the number of the first one (1)")
    add("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    add("--port", type=_port, default=0, help="the common port (any free one)")
    add("--own-ports", action="store_true", help="give each cluster a port of its own as well")
    add("--plain-http", action="store_true", help="no TLS; kubectl then sends no token")
    add(
        "--kubeconfig-dir",
        type=Path,
        metavar="DIR",
        help="write a kubeconfig for each there, and one for all",
    )
    add("--certificate", type=Path, metavar="FILE", help="write the certificate to trust there")
    add("--tokens", type=Path, metavar="FILE", help='more bearer tokens: lines of token,user,uid,"groups"')
    add("--seed", type=int, default=0, metavar="N", help="where invented names and uids begin (0)")
    add("--stepped-clock", action="store_true", help="time moves only by POST /_simcluster/step")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    return Settings(
        clusters=given.clusters,
        nodes=given.nodes,
        prefix=given.prefix,
        first=given.first,
        host=given.host,
        port=given.port,
        own_ports=given.own_ports,
        tls=not given.plain_http,
        seed=given.seed,
        tokens=read_tokens(given.tokens) if given.tokens else {},
        clock=SteppedClock if given.stepped_clock else RealClock,
    )


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _port(text: str) -> int:
    if (number := int(text)) not in _PORTS:
        raise argparse.ArgumentTypeError("no port")
    return number


if __name__ == "__main__":
    sys.exit(main())
