"""The kubeconfig of a plane: one cluster, one context; plain HTTP on loopback, so nothing secret is in it."""

import yaml

from sluicegate.pipelines.plane.home import Home, Ports

NAME = "sluicegate"


def kubeconfig(ports: Ports) -> str:
    """The file's text."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {"server": ports.addresses()["api"]}}],
        "users": [{"name": NAME, "user": {}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": "default"}}],
        "current-context": NAME,
    }
    return yaml.safe_dump(document, sort_keys=False)


def write_kubeconfig(home: Home, ports: Ports) -> None:
    """Write it where ``sluicegate kubeconfig`` says it is, in one stroke: steps of a rollout read it at any moment."""
    draft = home.kubeconfig.with_suffix(".tmp")
    draft.write_text(kubeconfig(ports))
    draft.replace(home.kubeconfig)
