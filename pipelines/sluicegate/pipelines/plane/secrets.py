"""A Secret's values as environment variables of a server."""

import base64
import binascii
from collections.abc import Mapping

from sluicegate.serving.local.servers import SecretReader
from sluicegate.serving.local.store import Store


def secret_reader(store: Store) -> SecretReader:
    """Reads Secrets from the store."""

    def read(namespace: str, name: str) -> Mapping[str, str] | None:
        found = store.get("Secret", namespace, name)
        return None if found is None else {key: _text(value) for key, value in (found.get("data") or {}).items()}

    return read


def _text(value: object) -> str:
    try:
        return base64.b64decode(str(value or "")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
