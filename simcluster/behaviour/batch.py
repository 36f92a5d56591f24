"""Jobs and CronJobs at work."""

from __future__ import annotations

from simcluster.behaviour import cronjob, job
from simcluster.behaviour.actions import Record
from simcluster.behaviour.client import NOT_FOUND, Client, Component
from simcluster.behaviour.meta import controller_of, status_of
from simcluster.behaviour.queue import Key
from simcluster.errors import ApiError
from simcluster.strategies.names import suffix
from simcluster.values import JsonObject

JOBS = "batch/jobs"
CRON_JOBS = "batch/cronjobs"
_JOB = Component("job-controller")
_CRON_JOB = Component("cronjob-controller")


def sync_job(client: Client, key: Key) -> None:
    """Take a Job's next step; release the pods of one that is gone."""
    found = client.get(JOBS, key.namespace, key.name)
    if found is None:
        _release(client, _left_behind(client, key))
        return
    pods = client.controlled(found, "pods")
    step = job.decide(found, pods, lambda: suffix(client.random), client.now)
    client.perform(step.actions, _JOB)
    if step.status != status_of(found):
        client.update_status(found, step.status, _JOB)
    _release(client, step.released)
    client.queue.again(key, step.again.at)


def _left_behind(client: Client, key: Key) -> list[JsonObject]:
    found = []
    for pod in client.items("pods", key.namespace):
        controller = controller_of(pod) or {}
        if (controller.get("kind"), controller.get("name")) == ("Job", key.name):
            found.append(pod)
    return [pod for pod in found if job.TRACKING in (pod["metadata"].get("finalizers") or ())]


def _release(client: Client, pods: list[JsonObject]) -> None:
    for pod in pods:
        metadata = pod["metadata"]
        current = client.get("pods", metadata["namespace"], metadata["name"])
        if current is None or current["metadata"]["uid"] != metadata["uid"]:
            continue
        kept = [each for each in current["metadata"].get("finalizers") or () if each != job.TRACKING]
        try:
            client.update({**current, "metadata": {**current["metadata"], "finalizers": kept}}, _JOB)
        except ApiError as error:
            if error.code != NOT_FOUND:
                raise


def sync_cron_job(client: Client, key: Key) -> None:
    """Take a CronJob's next step."""
    found = client.get(CRON_JOBS, key.namespace, key.name)
    if found is None:
        return
    step = cronjob.decide(found, client.controlled(found, JOBS), client.now)
    client.perform(step.actions, _CRON_JOB)
    status = step.status
    if step.job is not None:
        status = {**status, "active": [*(status.get("active") or ()), _start(client, found, step.job)]}
    if status != status_of(found):
        client.update_status(found, status, _CRON_JOB)
    client.queue.again(key, step.again)


def _start(client: Client, found: JsonObject, wanted: JsonObject) -> JsonObject:
    """Make the Job, or find it made already; return how the status names it."""
    metadata = wanted["metadata"]
    made = client.get(JOBS, metadata["namespace"], metadata["name"])
    if made is None:
        made = client.create(wanted, _CRON_JOB)
        told = Record(found, "Normal", "SuccessfulCreate", f"Created job {metadata['name']}")
        client.record(told, _CRON_JOB)
    return cronjob.reference(made)
