"""The page on Kubernetes as its reader follows it: its own kustomization, and the commands of its sections."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from tests.cluster import image_rig
from tests.cluster.kubectl import Kubectl

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "kubernetes.md"
REGISTRY = "registry.example.com/sluicegate"
"""What the page writes for the reader's own registry."""
JSON = dict[str, Any]


class Reader:
    """Somebody in a folder with the page's ``kustomization.yaml`` and a checkout, who types what the page says."""

    def __init__(self, folder: Path, kubectl: Kubectl) -> None:
        self._folder, self._kubectl = folder, kubectl
        (folder / "sluicegate").symlink_to(ROOT)
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(self._kustomization()))

    def _kustomization(self) -> JSON:
        """The page's, with the images that are tested."""
        found: JSON = yaml.safe_load(blocks("Install", "yaml")[0].replace(REGISTRY, image_rig.PREFIX))
        for image in found["images"]:
            image["newTag"] = image_rig.TAG
        add = {
            "op": "add",
            "path": "/spec/template/spec/containers/0/env/-",
            "value": {"name": "SLUICEGATE_IMAGE_VERSION", "value": image_rig.TAG},
        }
        found["patches"].append({"target": found["patches"][0]["target"], "patch": yaml.safe_dump([add])})
        return found

    def types(self, command: str, seconds: float = 150) -> str:
        """Run it, and return what it prints; fail when it fails or does not end."""
        environment = os.environ | {"PATH": f"{Path(self._kubectl.program).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-euc", command], cwd=self._folder, env=environment, check=False, capture_output=True, text=True,
            timeout=seconds,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout


def blocks(section: str, language: str = "bash") -> list[str]:
    """The blocks of one section of the page."""
    text = re.search(rf"^## {section}$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert text is not None, f"the page has no section {section}"
    return re.findall(rf"^```{language}\n(.*?)^```$", text[1], re.MULTILINE | re.DOTALL)
