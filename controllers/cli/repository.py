"""The repository that a command is about: a mirror of it in the person's cache, brought up to date."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pygit2
from platformdirs import user_cache_path

from controllers.adapters.git import Mirror, OnForcePush, Remote
from controllers.adapters.git.failures import explained
from controllers.adapters.git.objects import copy_closure
from controllers.cache import DiskCache
from controllers.cli.output import note
from controllers.source.charts import Charts
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from gitops.errors import InvalidInput, Location, Problem, TerminalError
from gitops.model.reading import nearest

_HEADS = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person said about where the repository is."""

    repo: str | None = None
    branch: str | None = None
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository as its remote has it now. `local` is the person's own, whose commits can be named too.

    `charts` are those of the registries that the operator's configuration lists, and `outputs` what its
    controller rendered before, where it was given.
    """

    mirror: Mirror
    head: str
    local: Path | None = None
    charts: Charts = field(default_factory=Charts)
    outputs: DiskCache | None = None

    def revisions(self) -> Revisions:
        """Read and render the repository's revisions."""
        return Revisions(self.mirror, Renders(charts=self.charts, cache=self.outputs))

    def commit(self, name: str) -> str:
        """Find the commit that a person names, in their own repository first.

        Raises TerminalError where there is none.
        """
        if self.local is not None:
            own = pygit2.Repository(str(self.local))
            found = _named(own, name)
            if found is not None:
                with explained(f"copying {name} from {self.local}"):
                    copy_closure(own, pygit2.Repository(str(self.mirror.path)), found)
                return found
        known = self.mirror.resolve(name)
        if known is None:
            remote = str(self.mirror.remote)
            where = f"{self.local} and in " if self.local and str(self.local) != remote else ""
            raise TerminalError(
                f'there is no commit "{name}" in {where}{remote} '
                f"(branch {self.mirror.remote.branch}): name a commit that is pushed there"
            )
        return known


@contextmanager
def opened(choice: Choice) -> Iterator[Opened]:
    """Open the mirror and fetch. Raises GitopsError for what cannot be found or reached."""
    remote, audit, local = _remotes(choice)
    # We only look: whatever the branch is now is what people mean, whoever rewrote it.
    remote = replace(remote, on_force_push=OnForcePush.FOLLOW)
    key = hashlib.sha256(f"{remote.url}\0{remote.branch}\0{audit.url if audit else ''}".encode())
    path = user_cache_path("gitops-waves") / "mirrors" / f"{key.hexdigest()[:24]}.git"
    with _alone(path):
        mirror = Mirror.open(path, remote, audit)
        fetched = mirror.fetch()
        diverged = (*fetched.diverged, *(mirror.fetch_audit() if audit else ()))
    for environment in sorted(set(diverged)):
        note(
            f"warning: the records of {environment} were rewritten since they were last read here; "
            f"what was read then is shown (it is kept in {path})"
        )
    try:
        yield Opened(mirror, fetched.head, local, charts_of(choice.config), outputs_of(choice.config))
    finally:
        mirror.close()


def charts_of(config: Path | None) -> Charts:
    """Give the charts of registries that a configuration lists. Raises InvalidInput."""
    if config is None:
        return Charts()
    # Builds every adapter: only who names a configuration waits for it.
    from controllers import main  # noqa: PLC0415
    from controllers.cli.configuration import load  # noqa: PLC0415

    return main.charts_of(load(config))


def outputs_of(config: Path | None) -> DiskCache | None:
    """Give the cache on disk that a configuration names (`renderCache`). Raises InvalidInput."""
    if config is None:
        return None
    from controllers import main  # noqa: PLC0415 - as above
    from controllers.cli.configuration import load  # noqa: PLC0415

    return main.cache_of(load(config))


def followed(choice: Choice) -> tuple[str, str]:
    """Give the address and the branch that a controller follows for this choice. Raises GitopsError."""
    remote, _, _ = _remotes(choice)
    return remote.url, remote.branch


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other commands away while the mirror is made and fetched."""
    with explained(f"opening the mirror in {path}"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remotes(choice: Choice) -> tuple[Remote, Remote | None, Path | None]:
    if choice.config is not None:
        return _configured(choice.config, choice)
    if choice.repo is None:
        return _around(choice)
    remote = Remote(url=choice.repo, branch=choice.branch or "main")
    if remote.local_path is None:
        return remote, None, None
    own = _repository(remote.local_path)
    folder = _folder(own)
    return Remote(url=str(folder), branch=choice.branch or current_branch(own)), None, folder


def _configured(config: Path, choice: Choice) -> tuple[Remote, Remote | None, Path | None]:
    # Builds every adapter: only who names a configuration waits for it.
    from controllers.cli.configuration import load  # noqa: PLC0415
    from controllers.main import remote_of  # noqa: PLC0415

    repositories = {one.name: one for one in load(config).repositories}
    if choice.repo is None and len(repositories) > 1:
        raise InvalidInput(
            Problem(
                Location(str(config)), f"say which repository: --repo {' or '.join(sorted(repositories))}"
            )
        )
    name = choice.repo or next(iter(repositories))
    if name not in repositories:
        message = f'no repository is named "{name}"{nearest(name, repositories)}'
        raise InvalidInput(Problem(Location(str(config)), message))
    chosen = repositories[name]
    remote = remote_of(chosen)
    if choice.branch is not None:
        remote = replace(remote, branch=choice.branch)
    audit = remote_of(chosen, chosen.audit_url) if chosen.audit_url else None
    return remote, audit, remote.local_path


def _around(choice: Choice) -> tuple[Remote, Remote | None, Path | None]:
    """The current folder's repository, or rather what its branch is pushed to: a controller follows that."""
    own = _repository(Path())
    folder = _folder(own)
    branch = choice.branch or current_branch(own)
    tracked = f"branch.{branch}.remote"
    name = str(own.config[tracked]) if tracked in own.config else "origin"
    if name not in list(own.remotes.names()):
        return Remote(url=str(folder), branch=branch), None, folder
    merge = f"branch.{branch}.merge"
    theirs = str(own.config[merge]).removeprefix(_HEADS) if merge in own.config else branch
    url = own.remotes[name].url or ""
    remote = Remote(url=url, branch=choice.branch or theirs)
    if remote.local_path is not None and "://" not in url:
        remote = replace(remote, url=str((folder / url).resolve()))
    return remote, None, folder


def _repository(path: Path) -> pygit2.Repository:
    found = pygit2.discover_repository(str(path)) if path.exists() else None
    if found is None:
        raise TerminalError(
            f"there is no Git repository in {path.absolute()}: go to one, or name it with --repo PATH_OR_URL"
        )
    return pygit2.Repository(found)


def _folder(own: pygit2.Repository) -> Path:
    return Path(own.workdir or own.path).absolute()


def current_branch(own: pygit2.Repository) -> str:
    """Name the branch that HEAD is on. Raises TerminalError where it is on none."""
    target = own.lookup_reference("HEAD").target
    if not str(target).startswith(_HEADS):
        raise TerminalError(f"{_folder(own)} is on no branch: say which one is followed with --branch")
    return str(target).removeprefix(_HEADS)


def _named(own: pygit2.Repository, name: str) -> str | None:
    try:
        return str(own.revparse_single(name).peel(pygit2.Commit).id)
    except (KeyError, ValueError, pygit2.GitError):
        return None
