"""Reads one environment's folder from what was read of it before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from controllers.adapters.git.tree import WALK_LIMIT, Entry, Kind, TreeView
from controllers.source.listed import Files, FolderRead, too_many
from gitops.errors import InvalidInput, Problem
from gitops.mappings import changed
from gitops.model import catalog as catalogs
from gitops.model import folders
from gitops.model.application import ApplicationSource, Place
from gitops.model.catalog import EnvironmentSource, Surroundings
from gitops.model.folders import Folder
from gitops.model.judgement import Judged, judge


@dataclass(frozen=True, slots=True)
class _Application(FolderRead):
    """`source` is None of a folder without manifests."""

    source: ApplicationSource | None = None


@dataclass(frozen=True, slots=True)
class _Folders:
    """The folders of an environment, by name. `odd` ones are faulty, or have to be read every time."""

    names: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, ApplicationSource] = field(default_factory=dict)
    odd: Mapping[str, _Application] = field(default_factory=dict)
    total: int = 0

    def changed(self, changes: Mapping[str, _Application | None]) -> _Folders:
        """Give them with others; None for those that are gone."""
        names = {name: one.names if one else None for name, one in changes.items()}
        sources = {name: one.source if one else None for name, one in changes.items()}
        odd = {
            name: one if one and (one.problems or not one.lasting) else None for name, one in changes.items()
        }
        more = sum(one.names + 1 for one in changes.values() if one)
        less = sum(self.names[name] + 1 for name in changes if name in self.names)
        return _Folders(
            changed(self.names, names),
            changed(self.sources, sources),
            changed(self.odd, odd),
            self.total + more - less,
        )


@dataclass(frozen=True, slots=True)
class _Settings:
    """What an environment's own file says, and what that follows from besides the surroundings."""

    folder: Folder
    contents: Mapping[str, bytes]
    found: EnvironmentSource


@dataclass(frozen=True, slots=True)
class EnvironmentRead(FolderRead):
    """`source` is None of a folder without manifests."""

    source: EnvironmentSource | None = None
    around: Surroundings | None = None
    own: Mapping[str, Entry] = field(default_factory=dict)
    folders: _Folders = field(default_factory=_Folders)
    settings: _Settings | None = None
    judged: Judged | None = None


class EnvironmentReader:
    """Reads one environment from what is known of it."""

    def __init__(self, tree: TreeView, around: Surroundings, known: EnvironmentRead | None) -> None:
        self._tree = tree
        self._around = around
        self._known = known

    def read(self, entry: Entry) -> EnvironmentRead:
        """Read it; the same object where nothing differs. Raises InvalidInput for what cannot be listed."""
        known = self._known
        if known and known.lasting and known.tree == entry.oid and known.around is self._around:
            return known
        links, folders_ = self._updated(entry)
        own = Files(self._tree, links.values())
        names = len(links) + folders_.total
        if names > WALK_LIMIT:
            raise InvalidInput(too_many())
        lasting = not own.linked and all(one.lasting for one in folders_.odd.values())
        settings, judged = self._judged(entry, own, folders_.sources)
        source = catalogs.settled(settings.found, judged) if settings and judged else None
        problems = own.problems + [one for each in folders_.odd.values() for one in each.problems]
        return EnvironmentRead(
            entry.oid,
            names,
            tuple(problems),
            lasting,
            source,
            self._around,
            links,
            folders_,
            settings,
            judged,
        )

    def _updated(self, entry: Entry) -> tuple[Mapping[str, Entry], _Folders]:
        """Give the files directly in the environment, and the folders; what is the same is kept."""
        known = self._known
        found = self._tree.changes(known.tree, entry) if known else None
        if known is None or found is None:
            known = EnvironmentRead("")
            found = {one.name: one for one in self._tree.entries(entry.path)}
        for name, one in known.folders.odd.items():
            if not one.lasting:
                found.setdefault(name, Entry(name, f"{entry.path}/{name}", Kind.TREE, one.tree))
        own: dict[str, Entry | None] = {}
        folders_: dict[str, _Application | None] = {}
        bad: list[Problem] = []
        for name, now in found.items():
            own[name] = folders_[name] = None
            if now is not None and now.kind is not Kind.TREE:
                own[name] = now
            elif now is not None:
                try:
                    folders_[name] = self._application(entry.name, now)
                except InvalidInput as error:
                    bad += error.problems
        if bad:
            raise InvalidInput(*bad)
        return changed(known.own, own), known.folders.changed(folders_)

    def _application(self, environment: str, entry: Entry) -> _Application:
        leaves = tuple(self._tree.walk_entry(entry))
        files = Files(self._tree, leaves)
        manifests = files.manifests()
        source = None
        if manifests:
            place = Place(environment, entry.name, entry.path)
            contents = files.contents(catalogs.configuration_paths(file.path for file in manifests))
            source = catalogs.application(place, manifests, contents)
        return _Application(entry.oid, len(leaves), tuple(files.problems), not files.linked, source)

    def _judged(
        self, entry: Entry, own: Files, present: Mapping[str, ApplicationSource]
    ) -> tuple[_Settings | None, Judged | None]:
        manifests = own.manifests()
        if not manifests and not present:
            return None, None
        contents = own.contents(catalogs.configuration_paths(file.path for file in manifests))
        # One file stands for all others: the layout asks only whether there are any.
        deeper = [_one_file(one) for one in islice(present.values(), 1)]
        folder = _folder(entry.name, [*(file.path for file in manifests), *deeper])
        applications = present
        if any(path == folder.path for path, _ in folders.applications(folder).values()):
            applications = self._whole(entry, contents)
        settings = self._settings(folder, contents)
        judged = judge(settings.found.spec, applications, self._known.judged if self._known else None)
        return settings, judged

    def _settings(self, folder: Folder, contents: Mapping[str, bytes]) -> _Settings:
        """Read the environment's own file, unless it says what it said before."""
        known = self._known.settings if self._known and self._known.around is self._around else None
        if known is not None and (known.folder, known.contents) == (folder, contents):
            return known
        found = catalogs.environment_settings(folder, self._around.repository, contents)
        return _Settings(folder, contents, found)

    def _whole(self, entry: Entry, contents: Mapping[str, bytes]) -> dict[str, ApplicationSource]:
        """Read an environment that is one application."""
        manifests = {file.path: file for file in Files(self._tree, self._tree.walk_entry(entry)).manifests()}
        folder = _folder(entry.name, manifests)
        return {
            name: catalogs.application(
                Place(entry.name, name, path), [manifests[one] for one in sorted(paths)], contents
            )
            for name, (path, paths) in folders.applications(folder).items()
        }


def _folder(name: str, paths: Iterable[str]) -> Folder:
    own = Folder(name, ())
    return replace(own, paths=tuple(sorted(path for path in paths if path != own.environment_file)))


def _one_file(application: ApplicationSource) -> str:
    return (
        application.files[0].path if application.files else f"{application.path}/{folders.APPLICATION_FILE}"
    )
