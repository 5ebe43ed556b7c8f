"""What real hosts and real gits say when they refuse, as sentences."""

from __future__ import annotations

import pytest

from runflow_build.sources.git.program import Said
from runflow_build.sources.git.refusals import kind_of, unanswered

URL = "https://github.com/o/r"
SAID = [
    (
        "login",
        "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
    ),
    ("login", "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://x/'"),
    (
        "login",
        "git@github.com: Permission denied (publickey).\r\n"
        "fatal: Could not read from remote repository.",
    ),
    ("gone", "remote: Repository not found.\nfatal: repository 'https://x/o/r/' not found"),
    ("gone", "ERROR: Repository not found.\nfatal: Could not read from remote repository."),
    (
        "gone",
        "fatal: '/srv/o/r' does not appear to be a git repository\n"
        "fatal: Could not read from remote repository.",
    ),
    (
        "absent",
        "fatal: remote error: upload-pack: not our ref 1111111111111111111111111111111111111111",
    ),
    ("refused", "error: Server does not allow request for unadvertised object 1111"),
    ("refused", "fatal: dumb http transport does not support shallow capabilities"),
    (
        "network",
        "fatal: unable to access 'https://x/': Could not resolve host: github.com",
    ),
    ("network", "fatal: unable to access 'https://x/': The requested URL returned error: 503"),
    ("network", "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed\nfatal: early EOF"),
    ("network", "ssh: connect to host x port 22: Connection timed out\r\nfatal: Could"),
    (
        "tls",
        "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate",
    ),
    ("tls", "fatal: unable to access 'https://x/': server certificate verification failed."),
    ("protocol", "fatal: transport 'ext' not allowed"),
    ("disk", "fatal: write error: No space left on device\nfatal: index-pack failed"),
    ("busy", "fatal: Unable to create '/c/shallow.lock': File exists."),
    (
        "corrupt",
        "remote: aborting due to possible repository corruption on the remote side.\n"
        "fatal: early EOF",
    ),
    ("other", "fatal: bad object refs/heads/main"),
]


@pytest.mark.parametrize(
    ("kind", "text"), SAID, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(SAID)]
)
def test_what_a_refusal_is_and_that_it_names_the_public_address(kind: str, text: str) -> None:
    said = Said(128, b"", text)
    assert kind_of(said) == kind
    reason = unanswered(said, URL).reason
    assert "github.com" in reason or kind == "disk"
    assert "https://x" not in reason and "/srv" not in reason and "/c/" not in reason


def test_what_nobody_foresaw_is_quoted_without_addresses() -> None:
    text = "warning: x\nfatal: odd thing at https://u:hunter2@mirror.local/o/r (and /home/me/x)"
    assert unanswered(Said(1, b"", text), URL).reason == (
        "git failed on https://github.com/o/r: fatal: odd thing at … (and …"
    )
    assert unanswered(Said(3, b"", ""), URL).reason.endswith(": exit code 3")
