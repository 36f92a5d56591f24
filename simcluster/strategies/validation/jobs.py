"""Jobs."""

from __future__ import annotations

from typing import Any

from simcluster import selectors
from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, pods, values
from simcluster.strategies.validation.causes import required, unsupported, wrong
from simcluster.strategies.validation.internals import internal
from simcluster.values import JsonObject

_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MODES = ("NonIndexed", "Indexed")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_LABELS = (
    ("controller-uid", "uid"),
    ("job-name", "name"),
    ("batch.kubernetes.io/controller-uid", "uid"),
    ("batch.kubernetes.io/job-name", "name"),
)
_STAYS = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def job(obj: JsonObject) -> list[Cause]:
    """Check a new Job."""
    return _generated_selector(obj) + _selected_spec(obj["spec"]) + _indexed_name(obj)


def _generated_selector(obj: JsonObject) -> list[Cause]:
    spec, metadata = obj["spec"], obj["metadata"]
    if spec.get("manualSelector") or "selector" not in spec:
        return []
    labels, at = spec["template"]["metadata"].get("labels", {}), "spec.template.metadata.labels"
    causes: list[Cause] = []
    for label, field in _LABELS:
        expected = metadata.get(field, "")
        if labels.get(label) != expected:
            causes.append(wrong(at, labels, f"must be '{expected}'"))
    expected = {label: metadata.get(field, "") for label, field in _LABELS}
    if not selectors.matches(spec["selector"], expected):
        causes.append(wrong("spec.selector", spec["selector"], "`selector` not auto-generated"))
    return causes


def _selected_spec(spec: JsonObject) -> list[Cause]:
    causes = job_spec(spec, "spec")
    selector = spec.get("selector")
    if selector is None:
        causes.append(required("spec.selector"))
    found = meta.label_selector(selector, "spec.selector")
    labels = spec["template"]["metadata"].get("labels")
    if not found and not selectors.matches(selector, labels or {}):
        text = "`selector` does not match template `labels`"
        found.append(wrong("spec.template.metadata.labels", labels, text))
    return causes + found


def job_spec(spec: JsonObject, at: str) -> list[Cause]:
    """Check a JobSpec but for its selector, which templates do not have."""
    causes: list[Cause] = []
    for field in _NUMBERS:
        if spec.get(field, 0) < 0:
            causes += values.non_negative(spec[field], f"{at}.{field}")
    causes += _completion(spec, at)
    if "podFailurePolicy" in spec:
        causes += _failure_policy(spec, f"{at}.podFailurePolicy")
    replacement = spec.get("podReplacementPolicy")
    allowed = _REPLACEMENTS[:1] if "podFailurePolicy" in spec else _REPLACEMENTS
    causes += values.optional_choice(replacement, allowed, f"{at}.podReplacementPolicy")
    causes += pods.template(spec["template"], f"{at}.template")
    return causes + _restart_policy(spec, f"{at}.template.spec.restartPolicy")


def _completion(spec: JsonObject, at: str) -> list[Cause]:
    mode = spec.get("completionMode")
    causes = values.optional_choice(mode, _MODES, f"{at}.completionMode")
    if mode == "Indexed" and "completions" not in spec:
        causes.append(required(f"{at}.completions", "when completion mode is Indexed"))
    if mode in {None, "NonIndexed"}:
        causes += [
            wrong(f"{at}.{field}", spec[field], "requires indexed completion mode")
            for field in ("backoffLimitPerIndex", "maxFailedIndexes")
            if field in spec
        ]
    return causes


def _restart_policy(spec: JsonObject, at: str) -> list[Cause]:
    policy = spec["template"]["spec"]["restartPolicy"]
    if policy == "Always":
        return [required(at, 'valid values: "OnFailure", "Never"')]
    if policy not in {"OnFailure", "Never"}:
        return [unsupported(at, policy, ("OnFailure", "Never"))]
    if "podFailurePolicy" in spec and policy != "Never":
        return [wrong(at, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    return []


def _failure_policy(spec: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    for number, rule in enumerate(spec["podFailurePolicy"].get("rules") or ()):
        here, action = f"{at}.rules[{number}]", rule.get("action", "")
        if action == "FailIndex" and "backoffLimitPerIndex" not in spec:
            causes.append(wrong(f"{here}.action", action, "requires the backoffLimitPerIndex to be set"))
        causes += values.choice(action, _ACTIONS, f"{here}.action")
        codes = rule.get("onExitCodes")
        if codes is not None:
            operator = codes.get("operator", "")
            causes += values.choice(operator, ("In", "NotIn"), f"{here}.onExitCodes.operator")
            if not codes.get("values"):
                causes.append(wrong(f"{here}.onExitCodes.values", None, "at least one value is required"))
        if codes is None and not rule.get("onPodConditions"):
            text = "Invalid value: specifying one of OnExitCodes and OnPodConditions is required"
            causes.append(Cause(here, "FieldValueInvalid", text))
    return causes


def _indexed_name(obj: JsonObject) -> list[Cause]:
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    if spec.get("completionMode") != "Indexed" or spec.get("completions", 0) <= 0:
        return []
    longest = f"{name}-{spec['completions'] - 1}"
    if not formats.dns_label(longest):
        return []
    return [wrong("metadata.name", name, f"will not able to create pod with invalid DNS label: {longest}")]


def job_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Job: its Pods stay as they are while it runs."""
    spec, before = new["spec"], old["spec"]
    causes = _selected_spec(spec)
    causes += _completions_change(spec, before)
    causes += meta.immutable(spec.get("selector"), before.get("selector"), "spec.selector")
    causes += _template_change(spec, before, started="startTime" in old["status"])
    for field in _STAYS:
        causes += meta.immutable(spec.get(field), before.get(field), f"spec.{field}")
    return causes + _indexed_name(new)


def _completions_change(spec: JsonObject, before: JsonObject) -> list[Cause]:
    after, was = spec.get("completions"), before.get("completions")
    if after == was:
        return []
    if spec.get("completionMode") != "Indexed":
        return [wrong("spec.completions", after, "field is immutable")]
    if after != spec.get("parallelism"):
        text = (
            f"can only be modified in tandem with parallelism, so that 'completions == parallelism' ({after})"
        )
        return [wrong("spec.completions", after, text)]
    return []


_SCHEDULING = ("nodeSelector", "tolerations", "schedulingGates")


def _template_change(spec: JsonObject, before: JsonObject, *, started: bool) -> list[Cause]:
    after, was = spec["template"], before["template"]
    if before.get("suspend") and not started:
        was = _with_new_scheduling(after, was)
        if _without_resources(after["spec"]) == _without_resources(was["spec"]):
            return []
        return [wrong("spec.template.spec", internal("PodSpec", after["spec"]), "field is immutable")]
    if after == was:
        return []
    return [wrong("spec.template", _shown_template(after), "field is immutable")]


def _with_new_scheduling(after: JsonObject, was: JsonObject) -> JsonObject:
    inside = {key: value for key, value in was["spec"].items() if key not in _SCHEDULING}
    inside |= {key: after["spec"][key] for key in _SCHEDULING if key in after["spec"]}
    affinity = {**was["spec"].get("affinity", {})}
    affinity.pop("nodeAffinity", None)
    if "nodeAffinity" in after["spec"].get("affinity", {}):
        affinity["nodeAffinity"] = after["spec"]["affinity"]["nodeAffinity"]
    inside.pop("affinity", None)
    if affinity or after["spec"].get("affinity") == {}:
        inside["affinity"] = affinity
    return {"metadata": after["metadata"], "spec": inside}


def _without_resources(spec: JsonObject) -> JsonObject:
    return {
        **spec,
        **{
            field: [{**container, "resources": {}} for container in spec[field]]
            for field in ("containers", "initContainers")
            if spec.get(field)
        },
    }


def _shown_template(template: JsonObject) -> JsonObject:
    # The metadata of the internal type is embedded: its fields come first, with the API's names.
    shown = internal("PodTemplateSpec", template)
    metadata = template["metadata"]
    order = ("name", "generateName", "namespace", "labels", "annotations", "ownerReferences", "finalizers")
    inline = {key: _sorted(metadata[key]) for key in order if key in metadata}
    return {**inline, "Spec": shown["Spec"]}


def _sorted(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    return dict(sorted(value.items())) if isinstance(value, dict) else value


def job_status(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Job's status: how it ends follows rules (KEP-4368)."""
    status, before = new["status"], old["status"]
    causes: list[Cause] = []
    for field in ("active", "succeeded", "failed", "ready", "terminating"):
        if status.get(field, 0) < 0:
            causes += values.non_negative(status[field], f"status.{field}")
    now, was = _true(status), _true(before)
    for text in _terminal_faults(status, now, was):
        causes.append(Cause("status.conditions", "FieldValueInvalid", f"Invalid value: {text}"))
    finished = bool(now & {"Complete", "Failed"})
    if finished and status.get("active", 0) > 0:
        causes.append(wrong("status.active", status["active"], "active>0 is invalid for finished job"))
    if finished and "startTime" not in status:
        causes.append(required("status.startTime", "startTime is required for finished job"))
    if "Complete" in now and "completionTime" not in status:
        causes.append(required("status.completionTime", "completionTime is required for Complete jobs"))
    elif "Complete" not in now and "completionTime" in status:
        text = "cannot set completionTime when there is no Complete=True condition"
        causes.append(wrong("status.completionTime", status["completionTime"], text))
    return causes


def _true(status: JsonObject) -> set[str]:
    return {each["type"] for each in status.get("conditions", ()) if each.get("status") == "True"}


def _terminal_faults(status: JsonObject, now: set[str], was: set[str]) -> list[str]:
    del status
    faults = []
    if {"Complete", "Failed"} <= now:
        faults.append("cannot set Complete=True and Failed=true conditions")
    if "Failed" in now - was and "FailureTarget" not in now:
        faults.append("cannot set Failed=True condition without the FailureTarget=true condition")
    if "Complete" in now - was and "SuccessCriteriaMet" not in now:
        faults.append("cannot set Complete=True condition without the SuccessCriteriaMet=true condition")
    faults += [
        f"cannot disable the terminal {kind}=True condition"
        for kind in ("Failed", "Complete", "FailureTarget")
        if kind in was - now
    ]
    return faults
