"""From a URI and the environment to a storage with its credentials."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.remotes import remote_of

RCLONE = {
    "RCLONE_CONFIG_S3_TYPE": "s3",
    "RCLONE_CONFIG_S3_PROVIDER": "minio",
    "RCLONE_CONFIG_S3_ACCESS_KEY_ID": "key",
    "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": "hidden",
    "RCLONE_CONFIG_S3_ENDPOINT": "http://minio:9000",
}


@pytest.mark.parametrize(
    ("uri", "kind", "path"),
    [
        pytest.param("/models/a", "file", "/models/a", id="path"),
        pytest.param("file:///models/a%20b", "file", "/models/a b", id="file"),
        pytest.param("s3://bucket/a/b", "s3", "bucket/a/b", id="s3"),
        pytest.param("gs://bucket/a", "gcs", "bucket/a", id="gs"),
        pytest.param("https://host/a.zip", "http", "https://host/a.zip", id="https"),
        pytest.param("oci://host:5000/team/model:3", "oci", "host:5000/team/model:3", id="oci"),
        pytest.param("pvc://claim/a/b", "file", "/mnt/pvc/claim/a/b", id="pvc"),
        pytest.param("models:/flights/3", "mlflow", "models:/flights/3", id="models"),
        pytest.param("mlflow:models:/flights@champion", "mlflow", "models:/flights@champion", id="mlflow"),
        pytest.param("runs:/0a1b/model", "mlflow", "runs:/0a1b/model", id="runs"),
    ],
)
def test_each_scheme_has_its_storage(uri: str, kind: str, path: str) -> None:
    remote = remote_of(uri, {})

    assert (remote.kind, remote.path) == (kind, path)


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        pytest.param({}, {"client_kwargs": {}}, id="boto finds its own"),
        pytest.param(
            {"AWS_ENDPOINT_URL": "http://host:9000", "AWS_REGION": "eu-west-1"},
            {
                "endpoint_url": "http://host:9000",
                "client_kwargs": {"region_name": "eu-west-1"},
                "config_kwargs": {"s3": {"addressing_style": "path"}},
            },
            id="endpoint",
        ),
        pytest.param(
            {"S3_ENDPOINT": "host:9000", "S3_USE_HTTPS": "0", "S3_VERIFY_SSL": "0"},
            {
                "endpoint_url": "http://host:9000",
                "client_kwargs": {"region_name": "us-east-1", "verify": False},
                "config_kwargs": {"s3": {"addressing_style": "path"}},
            },
            id="kfserving",
        ),
        pytest.param(
            RCLONE,
            {
                "endpoint_url": "http://minio:9000",
                "client_kwargs": {"region_name": "us-east-1"},
                "config_kwargs": {"s3": {"addressing_style": "path"}},
                "key": "key",
                "secret": "hidden",
            },
            id="rclone",
        ),
        pytest.param({"RCLONE_CONFIG_S3_TYPE": "s3"}, {"client_kwargs": {}, "anon": True}, id="rclone without keys"),
    ],
)
def test_credentials_of_s3_come_as_users_have_them(environment: dict[str, str], options: dict[str, Any]) -> None:
    assert remote_of("s3://bucket/a", environment).options == options


@pytest.mark.parametrize(
    ("key", "value", "token"),
    [
        pytest.param("ANONYMOUS", "true", "anon", id="nobody"),
        pytest.param("SERVICE_ACCOUNT_FILE", "/key.json", "/key.json", id="file"),
        pytest.param(
            "SERVICE_ACCOUNT_CREDENTIALS", '{"type": "service_account"}', {"type": "service_account"}, id="text"
        ),
    ],
)
def test_credentials_of_google_come_as_users_have_them(key: str, value: str, token: object) -> None:
    environment = {"RCLONE_CONFIG_GS_TYPE": "google cloud storage", f"RCLONE_CONFIG_GS_{key}": value}

    assert remote_of("gs://bucket/a", environment).options == {"token": token}


def test_any_rclone_remote_may_be_a_scheme() -> None:
    environment = {name.replace("_S3_", "_MINIO_"): value for name, value in RCLONE.items()}

    remote = remote_of("minio://bucket/a", environment)

    assert (remote.kind, remote.path, remote.options["key"]) == ("s3", "bucket/a", "key")


def test_what_has_no_effect_is_named() -> None:
    environment = {**RCLONE, "RCLONE_CONFIG_S3_ACL": "private"}

    assert remote_of("s3://bucket/a", environment).ignored == ("RCLONE_CONFIG_S3_ACL",)


def test_a_remote_of_type_http_has_a_base_and_headers() -> None:
    environment = {
        "RCLONE_CONFIG_STORE_TYPE": "http",
        "RCLONE_CONFIG_STORE_URL": "https://host/files/",
        "RCLONE_CONFIG_STORE_HEADERS": "Authorization,Bearer x",
    }

    remote = remote_of("store://models/a.zip", environment)

    assert remote.path == "https://host/files/models/a.zip"
    assert remote.options == {"headers": {"Authorization": "Bearer x"}}


@pytest.mark.parametrize(
    ("uri", "environment", "words"),
    [
        pytest.param("ftp://host/a", {}, "RCLONE_CONFIG_FTP_TYPE", id="scheme"),
        pytest.param("az://a/b", {"RCLONE_CONFIG_AZ_TYPE": "azureblob"}, "'azureblob'", id="type"),
        pytest.param("s3:///a", {}, "s3://NAME/PATH", id="bucket"),
        pytest.param("file://host/a", {}, "'host'", id="host"),
        pytest.param("gs://a", {"RCLONE_CONFIG_GS_SERVICE_ACCOUNT_CREDENTIALS": "x"}, "key file's content", id="key"),
        pytest.param("x://a/b", {"RCLONE_CONFIG_X_TYPE": "http"}, "RCLONE_CONFIG_X_URL", id="base"),
    ],
)
def test_what_nothing_reads_is_refused_by_name(uri: str, environment: dict[str, str], words: str) -> None:
    with pytest.raises(BundleNotFetchedError, match=re.escape(words)):
        remote_of(uri, environment)


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_any_text_is_a_remote_or_refused(uri: str, environment: dict[str, str]) -> None:
    """Nothing else comes out, whatever somebody writes."""
    try:
        remote = remote_of(uri, environment)
    except BundleNotFetchedError:
        return
    assert remote.uri == uri
