"""The rules for what runs no Pods: kstatus', except where a rule's text says otherwise."""

from __future__ import annotations

from gitops.health.live import condition_is, conditions, text
from gitops.health.status import Health, current, failed, in_progress, terminating
from gitops.health.workloads import unobserved
from gitops.objects import JsonObject


def namespace(obj: JsonObject) -> Health:
    """Current while Active. kstatus has no rule; objects cannot be made in any other phase."""
    phase = text(obj, "status", "phase")
    if phase == "Terminating":
        return terminating("the Namespace is being deleted")
    return (
        current("the Namespace is Active")
        if phase == "Active"
        else in_progress("the Namespace has no phase yet")
    )


def persistent_volume_claim(obj: JsonObject) -> Health:
    """Current when Bound. Unlike kstatus, a Lost claim is Failed: its volume is gone for good.

    A class with `volumeBindingMode: WaitForFirstConsumer` binds only once a Pod uses the claim, so nobody
    may wait for a claim before applying its workload.
    """
    phase = text(obj, "status", "phase")
    if phase == "Bound":
        return current("the claim is Bound")
    if phase == "Lost":
        return failed("the claim is Lost: its volume does not exist any more")
    return in_progress(f"the claim is not Bound: its phase is {phase or 'not set'}")


def service(obj: JsonObject) -> Health:
    """Current, except for a LoadBalancer without a cluster IP, as kstatus has it.

    The outer address is not waited for: a cluster without a provider never gives one.
    """
    if text(obj, "spec", "type") == "LoadBalancer" and not text(obj, "spec", "clusterIP"):
        return in_progress("the Service of type LoadBalancer has no cluster IP yet")
    return current("the Service is ready")


def custom_resource_definition(obj: JsonObject) -> Health:
    """Current when Established: from then on the API server serves the kind."""
    found = conditions(obj)
    names, established = found.get("NamesAccepted"), found.get("Established")
    if names is not None and names.status == "False":
        return failed(f"the names are not accepted: {names.words}")
    if established is not None and established.status == "True":
        return current("the CustomResourceDefinition is Established")
    if established is not None and established.status == "False" and established.reason != "Installing":
        return failed(f"the kind cannot be established: {established.words}")
    return in_progress("the CustomResourceDefinition is not Established yet")


def api_service(obj: JsonObject) -> Health:
    """Current when Available. kstatus has no rule; discovery of the group fails until then."""
    available = conditions(obj).get("Available")
    if available is not None and available.status == "True":
        return current("the APIService is Available")
    return in_progress(
        f"the APIService is not Available: {available.words if available else 'no condition yet'}"
    )


def horizontal_pod_autoscaler(obj: JsonObject) -> Health:
    """Current, and says so when scaling stands still; InProgress only while its target cannot be found.

    kstatus has no rule. Missing metrics do not hold a rollout: a cluster without metrics never has any, and
    the workload runs with the replicas it has.
    """
    able = condition_is(obj, "AbleToScale", "False")
    if able is not None and able.reason == "FailedGetScale":
        return in_progress(f"the autoscaler cannot find what it scales: {able.words}")
    if asleep := condition_is(obj, "ScalingActive", "False"):
        return current(f"the autoscaler does not scale now: {asleep.words}")
    return current("the autoscaler is in place")


def pod_disruption_budget(obj: JsonObject) -> Health:
    """Current when the disruption controller has computed what is allowed.

    Unlike kstatus, which could not see it yet, a failed computation (`SyncFailed`) is InProgress.
    """
    trouble = condition_is(obj, "DisruptionAllowed", "False")
    if trouble is not None and trouble.reason == "SyncFailed":
        return in_progress(f"the allowed disruptions cannot be computed: {trouble.words}")
    return unobserved(obj) or current("the allowed disruptions are computed")
