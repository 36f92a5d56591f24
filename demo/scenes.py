"""The play: a first rollout, a commit that crashes, its mending, an edit by hand. Claims are looked up."""

from __future__ import annotations

from collections.abc import Iterable

from demo.screen import Screen
from demo.shop import Shop
from demo.stage import CLUSTERS, EDITOR, Stage
from demo.unexpected import Unexpected, expect
from demo.watching import Watching
from gitops.rollout import events as e

APPLICATIONS = ("api", "catalog", "database", "node-agent", "reports", "web")
WAVES = ("canary", "europe", "rest")
_FILE = "environments/production/web/deployment.yaml"
_IMAGE = "registry.example/shop/web"
_GOOD, _BAD, _FIXED = "1.4.2", "1.5.0-crash-loop", "1.5.1"
_PRODUCTION = tuple(name for name in CLUSTERS if name != "staging")
_AFTER_CANARY = tuple(name for name in _PRODUCTION if name != "canary")
# Far above what it takes; a scene that hangs must end some time.
_PATIENCE = 180.0


class Play:
    """The scenes, in their order. Raises Unexpected where one does not come out as told."""

    def __init__(self, stage: Stage, screen: Screen, watching: Watching) -> None:
        self._stage = stage
        self._shop: Shop = stage.shop
        self._screen = screen
        self._watching = watching

    async def first_rollout(self) -> None:
        """Put six applications on five clusters."""
        self._screen.scene(
            "1. The first rollout",
            "A repository with a shop of six applications gets its first commit. Staging is one cluster;",
            "production goes in three waves: the canary, one region, the rest.",
        )
        self._commit("Open the shop")
        await self._watching.until(self._all_good, "all applications on all targets", _PATIENCE)
        for name in APPLICATIONS:
            expect(f"waves that {name} went through", self._waves_passed(name, 1), list(WAVES))
        self._check_order()
        self._screen.checked("no target of a wave was started before the wave before it had passed")
        self._expect_image(_PRODUCTION, _GOOD)
        self._screen.checked("the API servers of all five clusters have the shop")

    async def crash(self) -> None:
        """Stop a bad commit at the canary, put the canary back, revert in Git."""
        self._screen.scene(
            "2. A commit that crashes",
            "The new version of web exits at once. It reaches the canary and nothing else: the canary goes",
            "back to the last good revision, then the revert commit is pushed to the branch.",
        )
        before, tree = self._shop.head, self._shop.tree("main")
        writes = {name: self._stage.writes(name) for name in _AFTER_CANARY}
        bad = self._update(_GOOD, _BAD)
        await self._watching.until(lambda: self._reverted(bad), "the revert", _PATIENCE)
        head = self._shop.head
        expect("parent of the revert commit", self._shop.git("rev-parse", f"{head}^"), bad)
        expect("tree of the branch after the revert", self._shop.tree("main"), tree)
        self._screen.checked(f"the branch's tree is that of {before[:7]} again")
        self._check_trailers(head, bad)
        self._screen.checked(
            "the revert commit's trailers say environment, application, wave and what it reverts"
        )
        for name, marks in writes.items():
            expect(f"objects of {name}", self._stage.writes(name), marks)
        self._screen.checked(
            f"nothing was written on {', '.join(_AFTER_CANARY)}: same versions of all objects"
        )
        self._expect_image(["canary"], _GOOD)
        self._screen.checked(f"the canary runs web {_GOOD} again")
        self._screen.command("git show --no-patch")
        self._screen.show(self._shop.git("show", "--no-patch", "--format=%s%n%n%b", head))

    async def fix(self) -> None:
        """Take a fixing commit through all waves."""
        self._screen.scene(
            "3. The commit that mends it",
            "The same inputs would be held (they failed once); other inputs go through.",
        )
        fixed = self._update(_GOOD, _FIXED)
        await self._watching.until(lambda: self._good(fixed), f"web {_FIXED} on every target", _PATIENCE)
        expect("head of the branch", self._shop.head, fixed)
        self._expect_image(_PRODUCTION, _FIXED)
        self._screen.checked(f"all clusters of production run web {_FIXED}")

    async def edit(self) -> None:
        """Find a change by hand, say whose it is, and undo it."""
        cluster, by_hand = "eu-west", "1.5.1-by-hand"
        self._screen.scene(
            "4. Somebody edits a cluster by hand",
            "The environment says `drift: Correct`: a field of ours that somebody else changes is put back.",
        )
        self._screen.command(f"kubectl --namespace shop edit deployment web   # {cluster}: web:{by_hand}")
        self._stage.edit_image(cluster, "web", f"{_IMAGE}:{by_hand}")
        await self._watching.until(lambda: self._corrected(cluster), "the correction", _PATIENCE)
        self._expect_image([cluster], _FIXED)
        self._screen.checked(f"{cluster} runs web {_FIXED} again, and the record names {EDITOR}")

    def _corrected(self, cluster: str) -> bool:
        return any(
            isinstance(event, e.DriftCorrected)
            and event.target.startswith(f"{cluster}/")
            and EDITOR in {author.manager for author in event.by}
            for event in self._of("web")
        )

    def _update(self, old: str, new: str) -> str:
        self._shop.replace(_FILE, f"{_IMAGE}:{old}\n", f"{_IMAGE}:{new}\n")
        self._screen.command(f"sed -i s/web:{old}/web:{new}/ {_FILE}")
        return self._commit(f"Update web to {new}")

    def _commit(self, subject: str) -> str:
        commit = self._shop.commit(subject)
        self._screen.command(f'git commit --all --message "{subject}"   # {commit[:7]}')
        return commit

    def _all_good(self) -> bool:
        self._stop_at_failure()
        found = [
            self._watching.application(environment, name)
            for environment in ("staging", "production")
            for name in APPLICATIONS
        ]
        return all(one.good is not None and one.rollout is None for one in found)

    def _good(self, commit: str) -> bool:
        self._stop_at_failure(commit)
        web = self._watching.application("production", "web")
        return web.rollout is None and web.good is not None and web.good.revision == commit

    def _reverted(self, commit: str) -> bool:
        web = self._watching.application("production", "web")
        if web.good is not None and web.good.revision == commit:
            raise Unexpected("the crashing version passed every wave")
        outcome = web.outcome
        if web.rollout is not None or outcome is None or outcome.revision != commit:
            return False
        return bool(outcome.revert) or self._no_revert(outcome.because)

    @staticmethod
    def _no_revert(because: str) -> bool:
        raise Unexpected(f"there is no revert commit: {because}")

    def _stop_at_failure(self, commit: str = "") -> None:
        """End a scene at once that cannot succeed any more."""
        revisions: dict[str, str] = {}
        for environment, event in self._watching.events:
            if isinstance(event, e.RolloutStarted):
                revisions[event.rollout] = event.revision
            failed = isinstance(event, e.RolloutFailed) and commit in ("", revisions.get(event.rollout))
            if failed or isinstance(event, e.RevisionRefused):
                raise Unexpected(f"{environment}: {event}")

    def _waves_passed(self, application: str, rollout: int) -> list[str]:
        ids = [
            event.rollout
            for environment, event in self._watching.events
            if isinstance(event, e.RolloutStarted)
            and (environment, event.application) == ("production", application)
        ]
        return [
            event.wave
            for environment, event in self._watching.events
            if isinstance(event, e.WavePassed)
            and environment == "production"
            and event.rollout == ids[rollout - 1]
        ]

    def _check_order(self) -> None:
        """Read from the recorded events that each target waited for its wave."""
        for name in APPLICATIONS:
            passed: list[str] = []
            waves: dict[str, str] = {}
            for event in self._of(name):
                if isinstance(event, e.RolloutStarted):
                    waves = {target: wave.name for wave in event.waves for target in wave.targets}
                elif isinstance(event, e.WavePassed):
                    passed.append(event.wave)
                elif isinstance(event, e.TargetStarted):
                    expect(
                        f"waves passed before {event.target} was started",
                        passed,
                        list(WAVES[: WAVES.index(waves[event.target])]),
                    )

    def _of(self, application: str) -> Iterable[e.Event]:
        for environment, event in self._watching.events:
            if environment == "production" and getattr(event, "application", "") == application:
                yield event

    def _expect_image(self, clusters: Iterable[str], version: str) -> None:
        for cluster in clusters:
            web = self._stage.deployment(cluster, "web")
            containers = web["spec"]["template"]["spec"]["containers"]
            expect(f"image of web on {cluster}", containers[0]["image"], f"{_IMAGE}:{version}")

    def _check_trailers(self, revision: str, bad: str) -> None:
        trailers = self._shop.trailers(revision)
        wanted = {"Environment": "production", "Application": "web", "Wave": "canary", "Reverts": bad}
        for name, value in wanted.items():
            expect(f"trailer Gitops-{name}", trailers.get(f"Gitops-{name}"), value)
