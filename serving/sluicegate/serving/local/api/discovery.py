"""What is served, as kubectl and the clients ask for it: versions, groups, resources. Pure."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api.targets import Targets
from sluicegate.serving.local.kinds import Kind

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def version() -> JSON:
    """``/version``: the release of Kubernetes whose dialect this is."""
    return {
        "major": "1",
        "minor": "36",
        "gitVersion": "v1.36.0+sluicegate",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "embedded",
    }


def core_versions() -> JSON:
    """``/api``."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def group_list(targets: Targets) -> JSON:
    """``/apis``."""
    groups = [group(targets, name) for name in targets.groups() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(targets: Targets, name: str) -> JSON:
    """``/apis/<group>``."""
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in targets.groups()[name]]
    kind = {"kind": "APIGroup", "apiVersion": "v1", "name": name}
    return kind | {"versions": versions, "preferredVersion": versions[0]}


def resource_list(targets: Targets, group: str, version: str) -> JSON:
    """``/api/v1`` and ``/apis/<group>/<version>``."""
    resources = [entry for kind in targets.of_version(group, version) for entry in _resources(kind)]
    group_version = f"{group}/{version}" if group else version
    kind = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version}
    return kind | {"resources": resources}


def _resources(kind: Kind) -> list[JSON]:
    common = {"namespaced": kind.namespaced, "kind": kind.kind}
    main = {"name": kind.plural, "singularName": kind.singular, "verbs": _VERBS}
    if kind.short_names:
        main["shortNames"] = list(kind.short_names)
    subresources = [
        {"name": f"{kind.plural}/{name}", "singularName": "", "verbs": ["get", "patch", "update"]} | common
        for name in sorted(kind.subresources)
    ]
    return [main | common, *subresources]
