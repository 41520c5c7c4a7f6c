"""Credentials of stores: whose they are, what is said where they are refused, and no URL with any.

No message shows them: neither what a URL held, nor what a server answers of a key.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

from soilft.errors import ConfigError, StorePermission

# What servers answer where credentials are missing, foreign, over, or do not suffice. The answer to
# a HEAD has no text, and of a token that is over only the 400.
DENIED = frozenset(
    {
        "400",
        "401",
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "Forbidden",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidToken",
        "NotSignedUp",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "Unauthorized",
        "UnauthorizedAccess",
        "UnrecognizedClientException",
    }
)
# How botocore names errors of finding credentials, refreshing them, or signing in.
_OF_CREDENTIALS = re.compile(r"Credential|Token|SSO|Profile|Authorization|Login")
_S3 = ("s3", "s3a")
# A scheme of one letter is a drive of Windows, and one slash too few is easily typed.
_SCHEME = r"[a-z][\w+.-]+:/{1,2}"
_URL = re.compile(rf"(?P<scheme>{_SCHEME})(?P<host>[^/?#\s]*)", re.IGNORECASE)
# A password may have slashes; then it begins where else the number of a port would stand.
_USER = re.compile(
    rf"(?P<start>{_SCHEME})([^/?#\s'\"]*|[^/?#\s'\"@:[]*:(?!\d*[/?#])[^\s'\"@]*)@", re.IGNORECASE
)
_QUERY = re.compile(r"(?P<start>https?:/{1,2}[^\s?#'\"]*[?#])[^\s'\"]*", re.IGNORECASE)
_SIGNED = re.compile(
    r"[?&;#]([\w.-]*(signature|credential|token|secret|passw|api[-_]?key|accesskeyid)[\w.-]*"
    r"|sig|key|auth|pwd|jwt)=",
    re.IGNORECASE,
)


def are_in(url: str) -> bool:
    """Whether a path or URL holds a password, a key or a signature.

    A user alone is none, but on servers of the web and in buckets, where it stands for a token.

    Examples
    --------
    >>> are_in("s3://key:secret@bucket/store"), are_in("https://example.org/a.nc?X-Amz-Signature=f")
    (True, True)
    >>> are_in("s3://bucket/a@b:c"), are_in("https://example.org:8443/*.nc"), are_in("C:/a@b")
    (False, False, False)
    """
    text = unquote(url)
    return bool(_SIGNED.search(text)) or any(
        _is_secret(found["scheme"].lower().rstrip(":/"), found["host"])
        for found in _URL.finditer(text)
    )


def _is_secret(scheme: str, host: str) -> bool:
    user, at, _ = host.rpartition("@")
    if at:
        return ":" in user or scheme in (*_S3, "http", "https")
    # A password with a slash ends what reads like a host.
    if scheme in _S3:
        return ":" in host and not host.startswith("arn:")
    _, colon, port = host.rpartition(":")
    return scheme in ("http", "https") and bool(colon) and not re.fullmatch(r"\d*|[\d:a-f]*]", port)


def refuse_in(url: str, thing: str = "path or URL") -> None:
    """Refuse a path or URL that holds credentials, without a word of it.

    Parameters
    ----------
    thing
        What the message is about: an option, or a key of a file.

    Raises
    ------
    ConfigError
        Where it holds any.
    """
    if are_in(url):
        raise ConfigError(
            thing,
            expected="a path or URL without credentials",
            found="a password, key or signature in it, not shown here",
            remedy="Credentials belong in the environment or a profile: AWS_PROFILE, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )


def masked(text: str) -> str:
    """The same text, its URLs without users, passwords and queries.

    Servers of granules send readers on to signed URLs, and libraries show these in their errors.

    >>> masked("403, url='https://a.org/b.nc?X-Amz-Signature=f'")
    "403, url='https://a.org/b.nc?...'"
    """
    return _QUERY.sub(r"\g<start>...", _USER.sub(r"\g<start>...@", text))


def whose() -> str:
    """Where botocore takes credentials from: the environment, or the profile of a name."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return "the environment"
    name = os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or "default"
    return f"the profile {name}"


def are_meant_by(error: BaseException) -> bool:
    """Whether an error of botocore is about finding or refreshing credentials."""
    return bool(_OF_CREDENTIALS.search(type(error).__name__))


def refused(url: str, found: str) -> StorePermission:
    """The error of a store that cannot be read or written with the credentials at hand.

    Parameters
    ----------
    found
        Code or name of what was answered, never its text: servers repeat what they were sent.
    """
    scheme, slashes, rest = url.partition("://")
    if not slashes or scheme == "file":
        return StorePermission(
            url,
            expected="permission to read and write",
            found=found,
            remedy="Ask for it, or choose another place.",
        )
    if scheme not in _S3:
        return StorePermission(
            url,
            expected="permission to read",
            found=found,
            remedy="Let the server know this machine, or get the files in another way.",
        )
    return StorePermission(
        url,
        expected=f"permission to read and write in the bucket {rest.partition('/')[0]}",
        found=f"{found} with the credentials of {whose()}",
        remedy="Renew them where their time is over (aws sso login, a new session token), or set "
        "others in the environment: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
        "AWS_ENDPOINT_URL where the server is not AWS.",
    )
