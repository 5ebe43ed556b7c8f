"""What of a value may stand in a message: no secret, only what prints, and not too much."""

from __future__ import annotations

import re
from logging import Filter, LogRecord, getLogger

from .secret_patterns import secret_kind, without_secrets

_USER = re.compile(r"(?<=://)[^\s/?#@]+@")
_TOKEN = re.compile(
    r"(?<=[?&])(token|access_token|api[_-]?key|password|secret|signature|sig|x-amz-signature)"
    r"=[^\s&#]+",
    re.IGNORECASE,
)


def secret_in(text: str) -> str | None:
    """What kind of secret the text holds, in a person's words; None: none that we know."""
    if _USER.search(text):  # in a place for a URL; `secret_patterns` looks at all kinds of text
        return "a URL with a user name or password"
    if _TOKEN.search(text):
        return "a URL with a token"
    return secret_kind(text)


def redacted(text: str) -> str:
    """The text with every secret in it replaced by `…`."""
    return _TOKEN.sub(r"\1=…", _USER.sub("…@", without_secrets(text)))


def shown(value: object) -> str:
    """A value as a message quotes it: without secrets, printable, at most about 60 characters."""
    text = redacted(str(value))
    text = text if len(text) <= 60 else text[:57] + "…"
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def without_secrets_in_log(name: str) -> None:
    """From now on for what that logger tells; httpx tells the whole URL of each request."""
    getLogger(name).addFilter(_no_secrets)


class _NoSecrets(Filter):
    def filter(self, record: LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        return True


_no_secrets = _NoSecrets()
