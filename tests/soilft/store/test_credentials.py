"""Credentials that are refused are told by whose they are; a URL with any is not shown."""

import pytest
from botocore import exceptions as botocore

from soilft.errors import ConfigError, StorePermission
from soilft.store import credentials, objects


@pytest.mark.parametrize(
    "error",
    [
        botocore.NoCredentialsError(),
        botocore.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        botocore.CredentialRetrievalError(provider="process", error_msg="canary"),
        botocore.UnauthorizedSSOTokenError(),
        botocore.SSOTokenLoadError(error_msg="canary"),
        botocore.TokenRetrievalError(provider="sso", error_msg="canary"),
        botocore.ProfileNotFound(profile="winter"),
        botocore.ClientError(
            {"Error": {"Code": "ExpiredTokenException", "Message": "canary"}}, "AssumeRole"
        ),
        PermissionError("canary"),
    ],
)
def test_missing_and_old_credentials_are_told_by_profile_and_bucket(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "winter")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    told = "bucket snow, found .* with the credentials of the profile winter"
    with pytest.raises(StorePermission, match=told) as refused, objects.explained("s3://snow/a"):
        raise error
    assert "canary" not in str(refused.value)


def test_a_folder_of_this_machine_is_refused_without_a_word_of_profiles() -> None:
    with pytest.raises(StorePermission) as refused, objects.explained("/store/a"):
        raise PermissionError(13, "Permission denied")
    assert "AWS" not in str(refused.value)
    assert "Permission denied" in str(refused.value)


@pytest.mark.parametrize(
    ("variables", "whose"),
    [
        ({}, "the profile default"),
        ({"AWS_PROFILE": "winter"}, "the profile winter"),
        ({"AWS_PROFILE": "winter", "AWS_ACCESS_KEY_ID": "canary"}, "the environment"),
    ],
)
def test_credentials_are_named_as_botocore_finds_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], whose: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert credentials.whose() == whose


SECRET = (
    "s3://user:canary@bucket/store",
    "s3://user:can/ary@bucket/store",
    "s3://canary@bucket/store",
    "s3://user:canary%40bucket/store",
    "S3://user:canary@bucket/store",
    "https://user:canary@example.org/*.nc",
    "https://canary@example.org/*.nc",
    "https://user:can/ary@example.org/*.nc",
    "ftp://user:canary@example.org/a",
    "simplecache::https://user:canary@example.org/a",
    "https://example.org/a.nc?X-Amz-Signature=canary",
    "https://example.org/a.nc?a=1&X-Amz-Credential=canary",
    "https://example.org/a.nc?%58-Amz-Signature=canary",
    "https://example.org/a.nc?sv=1&sig=canary",
    "https://example.org/a.nc?access_token=canary",
    "https://example.org/a.nc?AWSAccessKeyId=canary",
    "https://example.org/a.nc#access_token=canary",
    *(f"https://example.org/a.nc?{key}=canary" for key in ("key", "auth", "pwd", "jwt")),
    "s3:/user:canary@bucket/store",
    "https:/user:canary@example.org/*.nc",
)
PLAIN = (
    "s3://bucket/a@b:c/*.nc",
    "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/name/store",
    "https://example.org:8443/a@b/2015-??-*.nc",
    "https://[::1]:8443/a.nc",
    "https://example.org/a.nc?version=2",
    "abfs://container@account.dfs.core.windows.net/store",
    "sftp://user@example.org/store",
    "https://example.org:8443/a@b/2015.nc",
    "https://example.org/a.nc?monkey=1&author=2",
    "/data/a@b:c/?.nc",
    "file:/data/a@b:c/?.nc",
    "C:/a:b@c",
    "../store",
)


@pytest.mark.parametrize("url", SECRET)
def test_a_url_with_credentials_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="in the environment or a profile") as refused:
        objects.filesystem(url)
    assert "can" not in str(refused.value).replace("cannot", "")


@pytest.mark.parametrize("url", PLAIN)
def test_a_url_without_credentials_passes(url: str) -> None:
    assert not credentials.are_in(url)


def test_what_a_server_led_on_to_is_not_shown() -> None:
    url = "https://archive.org/a.nc"
    with pytest.raises(Exception, match=r"b\.nc\?\.\.\.") as refused, objects.explained(url):
        raise OSError(f"403, url='https://user:canary@b.org/b.nc?X-Amz-Signature=canary' of {url}")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("url", [url for url in SECRET if "%" not in url])
def test_credentials_in_the_text_of_an_error_are_not_shown(url: str) -> None:
    for told in (f"403, url='{url}'", f"{url}: no such host"):
        masked = credentials.masked(told)
        assert "canary" not in masked
        assert "ary@" not in masked


@pytest.mark.parametrize("url", [url for url in PLAIN if "?" not in url])
def test_the_text_of_an_error_names_urls_without_credentials(url: str) -> None:
    without_user = url.replace("user@", "...@").replace("container@", "...@")
    assert credentials.masked(f"{url}: no such host") == f"{without_user}: no such host"
