"""The one image that steps run in on a cluster: this release with all extras."""

from importlib.metadata import version

IMAGE = f"sluicegate/steps:{version('sluicegate')}-python3.11"
