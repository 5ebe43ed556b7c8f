"""What is wrong, where, and how to fix it, as a value; and the register of all codes.

A finding's code is for ever: users filter on it in CI. The register below is compared, both ways,
with the codes used in the source and with docs/findings.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

Severity = Literal["error", "warning", "note"]
Key = tuple[str | int, ...]  # the way to a value in a document: ("endpoints", "poster", "gpu")


@dataclass(frozen=True)
class Where:
    """A place that a person can go to; every part is optional."""

    file: str | None = None  # as the user would name it: relative to the project, POSIX
    line: int | None = None  # 1-based
    column: int | None = None  # 1-based
    key: Key = ()  # a place in a YAML or JSON document, until a loader knows its line
    node: str | None = None  # node id in the workflow
    title: str | None = None  # that node's title on the canvas
    class_type: str | None = None
    field: str | None = None  # input of the node, or field of a request

    def __str__(self) -> str:
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ":".join(parts)

    def node_text(self) -> str:
        """`node 12 "Load LoRA" (LoraLoader), field lora_name`, or empty without a node."""
        if self.node is None:
            return ""
        text = f"node {self.node}"
        if self.title and self.title != self.class_type:
            text += f' "{self.title}"'
        if self.class_type:
            text += f" ({self.class_type})"
        return f"{text}, field {self.field}" if self.field else text


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or worth knowing. `code` stands in CODES."""

    code: str
    message: str  # one line, no full stop at the end
    where: Where = field(default_factory=Where)
    also: tuple[tuple[str, str], ...] = ()  # (label, text): further places and facts
    fix: str | None = None  # what to do, in the imperative
    level: Severity | None = None  # a policy's severity; None: the register's

    @property
    def severity(self) -> Severity:
        return self.level or CODES[self.code].severity

    def in_file(self, file: str) -> Finding:
        """The same finding, placed in `file` unless it already names one."""
        return self if self.where.file else replace(self, where=replace(self.where, file=file))

    def to_json(self) -> dict[str, Any]:
        """A JSON object; absent parts are left out."""
        where = {
            name: value
            for name in ("file", "line", "column", "node", "title", "class_type", "field")
            if (value := getattr(self.where, name)) is not None
        }
        if self.where.key:
            where["key"] = ".".join(str(part) for part in self.where.key)
        shape: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "where": where,
        }
        if self.also:
            shape["also"] = [{"label": label, "text": text} for label, text in self.also]
        if self.fix:
            shape["fix"] = self.fix
        return shape


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding is an error."""
    return any(finding.severity == "error" for finding in findings)


def counts(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many findings there are of each severity, the worst first."""
    severities = [finding.severity for finding in findings]
    return {severity: severities.count(severity) for severity in get_args(Severity)}


def counts_text(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`; empty without findings."""
    rows = [(count, name) for name, count in counts(findings).items() if count]
    return ", ".join(f"{count} {name}{'s' if count > 1 else ''}" for count, name in rows)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the nearest known one, or nothing."""
    from difflib import get_close_matches  # findings are always loaded, unknown words are rare

    # Nearness is quadratic in the length of a word, which may come from outside.
    near = get_close_matches(word[:100], list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def render(findings: Iterable[Finding]) -> str:
    """The findings as text for a person, in the given order, without a final newline."""
    return "\n".join(_text(finding) for finding in findings)


def _text(finding: Finding) -> str:
    place = str(finding.where)
    lines = [f"{place + ': ' if place else ''}{finding.severity} {finding.code}: {finding.message}"]
    rows = list(finding.also)
    if node := finding.where.node_text():
        rows.insert(0, ("at", node))
    if finding.fix:
        rows.append(("fix", finding.fix))
    for label, text in rows:
        first, *rest = text.splitlines() or [""]
        lines.append(f"  {label:<9} {first}")
        lines.extend(f"  {'':<9} {line}" for line in rest)
    return "\n".join(printable(line) for line in lines)


def printable(line: str) -> str:
    """The line with escapes for what a terminal obeys instead of showing it, or cannot encode.

    Names and texts from workflows may hold anything, half of a surrogate pair too.
    """
    return _CONTROL.sub(lambda odd: f"\\u{ord(odd[0]):04x}", line)


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Code:
    """A row of the register."""

    severity: Severity
    meaning: str  # one sentence for docs/findings.md


def register_text() -> str:
    """The text of docs/findings.md; `python -m runflow_build.findings` prints it."""
    rows = [f"| `{name}` | {code.severity} | {code.meaning} |" for name, code in CODES.items()]
    return "\n".join([_REGISTER_HEAD, *rows]) + "\n"


_REGISTER_HEAD = """\
# Findings

Everything that Runflow Build finds wrong, or worth knowing, has a code. A code never changes its
meaning and never goes away, so that you can filter on it (`runflow check --format json`). An error
fails the command, a warning does not. Some severities follow the `policy` of runflow.yaml.

This page is made from the source: `python -m runflow_build.findings > docs/findings.md`.

| code | severity | meaning |
| --- | --- | --- |"""


def _error(meaning: str) -> Code:
    return Code("error", meaning)


def _warning(meaning: str) -> Code:
    return Code("warning", meaning)


def _note(meaning: str) -> Code:
    return Code("note", meaning)


CODES: Mapping[str, Code] = {
    # -- the command line
    "options-conflict": _error("Two options of a command contradict each other."),
    "output-clash": _error("A result would replace another one, or a file that is no result."),
    "mirror-malformed": _error("A mirror in the environment is no pair of URLs."),
    "repository-missing": _error("A command is about a git repository, and there is none."),
    # -- documents: any YAML or JSON file of ours
    "file-missing": _error("A file that is needed does not exist."),
    "file-unreadable": _error("A path is a folder, or the system refuses to read it."),
    "file-too-large": _error("A file is over the size that its format allows."),
    "file-not-text": _error("A file is not UTF-8 text."),
    "file-not-written": _error("A file could not be written; the former one is still there."),
    "project-busy": _error("Another process has been writing in the project for too long."),
    "yaml-syntax": _error("The YAML cannot be parsed."),
    "yaml-conflict": _error("A file holds the marks of an unfinished merge."),
    "yaml-duplicate-key": _error("A mapping holds one key twice."),
    "yaml-key": _error("A key of a mapping is not text, such as a number without quotes."),
    "yaml-anchor": _error("Anchors, aliases, merge keys and tags are not part of our YAML."),
    "yaml-too-deep": _error("The YAML nests deeper than 100 levels."),
    # -- runflow.yaml
    "spec-unknown-key": _error("runflow.yaml has a key that the format does not know."),
    "spec-missing-key": _error("runflow.yaml lacks a key that the format needs."),
    "spec-wrong-type": _error("A value of runflow.yaml has the wrong type."),
    "spec-wrong-value": _error("A value of runflow.yaml has the right type and makes no sense."),
    "spec-newer": _error("runflow.yaml is of a format version that this release does not know."),
    "file-exists": _error("A file that would be written is there already, and is another one."),
    "folder-unsuitable": _error("A folder is not one that a project's files may be saved in."),
    "spec-exists": _error("There is a runflow.yaml already, and nobody asked to replace it."),
    "workflow-name": _error("A workflow's file has a name that not every system can have."),
    "workflow-outside": _error("A workflow lies outside the project's folder."),
    "spec-not-edited": _error("A command cannot add to runflow.yaml without rewriting it."),
    "spec-secret": _error("runflow.yaml holds a secret: a key, a token, a URL with a password."),
    "slug-invalid": _error("An endpoint's key is empty, reserved, or not its own slug."),
    # -- workflows
    "workflow-syntax": _error("A workflow is not JSON, or is cut off."),
    "workflow-unknown-format": _error("A JSON file is neither an editor graph nor a prompt."),
    "picture-no-workflow": _error("A picture carries no workflow, or not what is asked of it."),
    "picture-graph-broken": _warning("A picture's graph is broken; its prompt is taken instead."),
    "prompt-expected": _error("A file to compare a prompt with is an editor graph."),
    "prompt-differs": _error("A node is not the same in two prompts that should be."),
    "workflow-too-deep": _error("A workflow's JSON nests too deeply to be one."),
    "workflow-too-large": _error("A workflow's subgraphs stand for too many nodes."),
    "node-duplicate-id": _error("Two nodes of one workflow have the same id."),
    "node-malformed": _error("A node lacks what every node has."),
    "node-unsupported": _error("A node sends what only a browser has, such as a camera's picture."),
    "node-class-unknown": _warning("No definition of a node class; it converts by its own slots."),
    "node-values-unnamed": _error(
        "No definition of a node class, and its values are saved without names."
    ),
    "subgraph-cycle": _error("A subgraph contains itself."),
    "subgraph-missing": _error("A subgraph is used whose inside the file does not hold."),
    "group-nested": _error("A group node stands inside a subgraph or another group."),
    "choice-remote": _warning("The editor asks the running ComfyUI for a value's choices."),
    "link-dangling": _error("A link comes from a node or slot that does not exist."),
    "link-lost": _warning("The editor drops a link that the file holds."),
    "link-cycle": _error("Nodes feed each other in a circle."),
    "link-type-conflict": _error("Inputs that must be of one type are linked to different ones."),
    "links-form": _warning("Links are not written as the graph's version says."),
    "wire-loop": _error("What bypassed nodes or reroutes pass on leads back to itself."),
    "editor-refuses": _warning("ComfyUI's editor cannot send the graph; its meaning is plain."),
    "values-object": _warning("Values are saved by name, and the editor sends none of them."),
    "values-shifted": _warning("A value is missing among the saved ones; those behind it shift."),
    "primitive-limited": _warning("A shared primitive's value was changed to fit all limits."),
    "primitive-lost": _warning("A primitive has a value that the editor does not send."),
    "text-comment": _warning("The editor sends a text without what it takes for comments."),
    "text-escape": _warning("The editor adds a word to a text that ends with a backslash."),
    "text-choice": _warning(
        "A text offers choices: Runflow's server draws at each run, others take it as it is."
    ),
    "prefix-date": _warning(
        "A file name holds %date:…%: Runflow's server fills it in, others take it as it is."
    ),
    "path-escapes": _error("A file name of a workflow leads out of the folder that it belongs to."),
    "resource-not-input": _error("A workflow reads a file from ComfyUI's output or temp folder."),
    "model-unplaced": _warning(
        "A node names a model file, and nothing says in which folder it lies."
    ),
    "folder-unlocked": _warning(
        "A node reads a whole folder, of which runflow.yaml names no file; the lock holds files."
    ),
    "definitions-malformed": _error("A file of node definitions is not what its format says."),
    "definitions-newer": _error("A file of node definitions is of a format not known yet."),
    "definitions-version": _warning("The ComfyUI that was asked is not the one that is locked."),
    "class-not-recorded": _warning("The ComfyUI that was asked does not know a class in use."),
    # -- a ComfyUI that is asked
    "comfyui-url": _error("The address of a ComfyUI is not a URL that can be asked."),
    "comfyui-unreachable": _error("A ComfyUI does not answer, or not in time."),
    "comfyui-answer": _error("What answers is no ComfyUI, or says nothing that can be used."),
    "comfyui-not-started": _error("A ComfyUI could not be started from its folder."),
    # -- contracts
    "contract-id-blank": _error("A Runflow node has no id, so no caller could name it."),
    "contract-id-duplicate": _error("Two inputs, or two outputs, go by one name or one field."),
    "contract-limit": _error("A limit on a Runflow Input node is not a number."),
    "contract-input-unknown": _error("runflow.yaml refines an input that the workflow lacks."),
    "contract-output-unknown": _error("runflow.yaml refines an output that the workflow lacks."),
    "node-missing": _error("runflow.yaml names a node that the workflow does not have."),
    "node-ambiguous": _error("runflow.yaml names a node by a title that several nodes have."),
    "field-missing": _error("runflow.yaml exposes a field that the node does not have."),
    "field-linked": _error("runflow.yaml exposes a field that takes its value from a node."),
    "field-unsupported": _error("runflow.yaml exposes a field of a type that no request can give."),
    "not-an-output": _error("runflow.yaml exposes a node as output that saves nothing."),
    # -- the values of a request
    "input-unknown": _error("A request gives a value for an input that the endpoint lacks."),
    "input-missing": _error("A request leaves out a required input."),
    "input-wrong-type": _error("A request's value is not of the input's type."),
    "input-out-of-range": _error("A request's value is outside the input's limits or choices."),
    "input-node-missing": _error("A contract names a node that the prompt does not have."),
    # -- runflow.lock
    "lock-missing": _error("There is no runflow.lock yet."),
    "lock-companion": _error("A file beside the lock is not the one that the lock names."),
    "lock-conflict": _error("Merge-conflict markers stand in runflow.lock."),
    "lock-merged": _note(
        "A merge conflict in runflow.lock was resolved; it says what came whence."
    ),
    "lock-newer": _error("runflow.lock is of a format that this release does not know."),
    "lock-malformed": _error("runflow.lock is not what the tool writes: edited, or damaged."),
    "lock-value": _error("A value has no form in runflow.lock."),
    "pylock-malformed": _error("A pylock file cannot be read, or lacks what installing needs."),
    "lock-stale": _error("runflow.lock answers another wish than the one that stands now."),
    "exposed-node-changed": _error("An exposed node is of another class than when it was locked."),
    "diff-base": _error("What a lock is to be compared with cannot be had."),
    # -- resolving
    "not-resolved": _error("A wish has no pin; it is absent from runflow.lock."),
    "package-option": _warning("A requirements file has an option that no lock can follow."),
    "packages-conflict": _error("No versions of Python packages answer all who ask for them."),
    "packages-unanswered": _error(
        "No index could be asked for Python packages; no lock is written."
    ),
    "ref-short-hash": _error("A commit is abbreviated; such a name can come to mean another one."),
    "commit-missing": _error("A commit is asked for that its repository does not give out."),
    "commit-unchecked": _warning("Nobody could be asked whether a repository has a commit."),
    "pack-chosen": _warning("Several node packs may bring a class; the finding says why this one."),
    "pack-version-open": _note(
        "Nothing says, or not with one voice, which state of a node pack is meant."
    ),
    "pack-version-differs": _warning("A node pack's commit calls itself another version."),
    "content-differs": _error("A file is not the one that its declared hash or size says."),
    "model-ambiguous": _error("Workflows mean different model files by one path."),
    "model-listed": _note(
        "A model that only ComfyUI-Manager's list knows; the finding says where."
    ),
    "source-gone": _warning("A URL does not give a file any more whose content is known."),
    "source-unchecked": _warning("Nobody could be asked what a URL gives, or where a file is."),
    "upgrade-unknown": _error("`--upgrade` names something that is not in the lock."),
    "install-missing": _error("A folder is not a ComfyUI installation."),
    "extra-paths-invalid": _error(
        "ComfyUI's extra_model_paths.yaml has something else where a folder should stand."
    ),
    "install-differs": _warning("The installation is not what runflow.yaml asks for."),
    "git-failed": _error("git refuses to answer in a folder."),
    "git-missing": _error("The git program is not installed, or not on the PATH."),
    # -- validation: the graph
    "required-input-missing": _error("A node lacks an input that it cannot run without."),
    "link-type-mismatch": _error("A link brings another type than the input takes."),
    "node-incomplete": _warning(
        "An input that grows or changes lacks something; ComfyUI runs the node all the same."
    ),
    "value-wrong-type": _error("A node's number is no number, or a list stands where a link may."),
    "value-out-of-range": _error("A node's number is beyond the limits of its class."),
    "value-not-in-list": _error("A node's choice is none that its class offers."),
    "prompt-no-output": _error("No node of the workflow gives anything out."),
    "output-dropped": _note("An output node is not run, because no declared output needs it."),
    # -- validation: the contract
    "contract-no-output": _error("An endpoint declares no output."),
    "contract-name": _error("The name of an input or output is one that no caller can type."),
    "contract-limits": _error("The limits or choices of an input contradict themselves."),
    "contract-default": _error("The default of an input is none that a caller could give."),
    "input-unused": _warning("An input feeds nothing that an output needs."),
    "input-no-default": _warning("An input may be left out, and then something needed is missing."),
    # -- validation: the lock's coverage
    "comfyui-unlocked": _warning("The lock does not pin ComfyUI."),
    "model-unlocked": _error("An endpoint uses a model that is not in the lock."),
    "resource-unlocked": _error("An endpoint uses an input file that is not in the lock."),
    "pack-unlocked": _error("An endpoint uses a node class whose pack is not in the lock."),
    # -- validation: policy and secrets
    "model-pickle": _error("A model file is of a kind that can run code when it is loaded."),
    "model-no-source": _error("A model is locked by hash, but nothing says where to get it."),
    "repository-dirty": _error("A repository was locked from a tree with local changes."),
    "host-not-trusted": _error("A file comes from a host that the policy does not trust."),
    "secret-in-workflow": _error("A workflow holds a secret: a key, a token, a password."),
    # -- bundles
    "bundle-malformed": _error("A built bundle is not what this release writes."),
    # -- restoring and verifying a folder
    "restore-name": _error("A name in the lock cannot be that of a file on every system."),
    "restore-in-the-way": _error("What stands where restore has to put something is not ours."),
    "checkout-changed": _error("A clone has local changes, so it is not moved to its commit."),
    "checkout-failed": _error("The files of a commit could not be fetched, or not be written."),
    "submodule-unsafe": _error(
        "A submodule lies or comes from where it could do harm, or where nobody can reach it."
    ),
    "restore-no-packages": _error("The lock has no pylock for the machine that is restored."),
    "python-missing": _error("The Python that the lock wants is not installed."),
    "packages-not-installed": _error("Python packages could not be installed as they are locked."),
    "restore-no-room": _error("The disk has not the room for what is to be restored."),
    "restore-not-written": _error("A file could not be put in its place; the system refuses."),
    "download-failed": _error("A file's host does not answer, or not until the file is whole."),
    "download-not-the-file": _error("What a host gives is not the file that the lock holds."),
    "download-insecure": _error("A file would come over a connection that anybody can change."),
    "restore-not-fetched": _error("A source of what is to be restored gives no answer."),
    "restore-busy": _error("Another process restores into the same folder."),
    "restore-not-done": _error("A restore was not begun, because nobody said yes."),
    "code-not-trusted": _error("Code of a repository would run that nobody said to trust."),
    "trust-malformed": _error("`--trust` names something that is not one repository."),
    "install-script-failed": _error("The install.py of a node pack failed."),
    "install-script-not-run": _warning("A node pack has an install.py that may not run."),
    "drift-missing": _error("Something that the lock holds is not in the folder."),
    "drift-commit": _error("ComfyUI or a node pack is at another commit than the lock says."),
    "drift-files": _error("Files of ComfyUI or of a node pack are not those of its commit."),
    "drift-submodule": _error("A submodule is not at the commit that its repository says."),
    "drift-pack": _error("ComfyUI would load a node pack that is not in the lock."),
    "drift-package": _error("A Python package is not as the lock says."),
    "drift-model": _error("A model file is not the one that the lock holds."),
    "drift-resource": _error("An input file of the folder is not the one that the lock holds."),
    "smoke-pack-failed": _error("ComfyUI cannot import a node pack of the lock."),
    "smoke-class-missing": _error("ComfyUI does not have a node class that is in use."),
    # -- the way to the API
    "api-url-invalid": _error("The API's address is no URL that a key may be sent to."),
    "api-key-missing": _error("No API key is known for the API's host."),
    "api-key-malformed": _error("The API key holds characters that no key has."),
    "config-invalid": _error("The user's config file is not what its format says."),
    "config-not-private": _error("Others may read the config file that holds the API key."),
    "api-unreachable": _error("No connection to the API, or it broke before the answer came."),
    "api-timeout": _error("The API did not answer in time."),
    "api-tls": _error("The API's certificate cannot be trusted."),
    "api-redirected": _error("The API sends to another address, where the key does not go."),
    "api-not-json": _error("The API's answer is a web page, or something else that is not JSON."),
    "api-too-large": _error("An answer is larger than any that the API should give."),
    "api-unexpected": _error("The API gave an answer that its documentation does not know."),
    "api-unauthorized": _error("The API does not accept the key."),
    "api-no-credit": _error("The organization is out of credit."),
    "api-forbidden": _error("The key is good but may not do this; a scope or a role is lacking."),
    "api-not-enrolled": _error("ComfyUI Deploy is not enabled for the key's organization."),
    "api-not-found": _error("The API does not have it, or only for another organization."),
    "api-conflict": _error("The API's state contradicts the request: a duplicate or a race."),
    "api-invalid": _error("The API refuses a value of what was sent."),
    "api-rate-limited": _error("The API gets too many requests."),
    "api-server-error": _error("The API has a problem of its own."),
    "organization-mismatch": _error("The key belongs to another organization than runflow.yaml."),
    # -- publishing
    "endpoint-unknown": _error("No endpoint of that slug, in runflow.yaml or at the API."),
    "gpu-none-fits": _error("No GPU of the API has the memory that an endpoint asks for."),
    "endpoint-not-ours": _error("The endpoint at the API was published by another project."),
    "endpoint-drifted": _warning("Someone changed the endpoint at the API since we published it."),
    "delete-not-confirmed": _error("An endpoint was not deleted, because nobody said yes."),
    "endpoint-orphaned": _warning("An endpoint at the API has left runflow.yaml."),
    "remote-no-record": _warning("The API does not say what an endpoint was published from."),
    "resource-missing": _error("An input file of the lock is not there."),
    "resource-changed": _error("An input file is not the one that the lock holds."),
    "resource-too-large": _error("An input file is too large to be uploaded."),
    # -- calling
    "input-malformed": _error("An input on the command line is not KEY=VALUE, or comes twice."),
    "input-file-missing": _error("A file that was given for an input cannot be read."),
    "run-failed": _error("A run at the API failed."),
    "run-canceled": _error("A run was cancelled before it was done."),
    "run-timeout": _error("A run at the API is not done yet, and we stopped waiting."),
    "output-not-saved": _error("An output of a run could not be downloaded or written."),
    # -- engines
    "engine-class-missing": _error("A prompt has a node class that the engine does not have."),
    "engine-extra-missing": _error("A package that the embedded engine needs is not installed."),
    "engine-time-limit": _error("A prompt ran longer than the engine allows."),
    "prompt-invalid": _error("A prompt was refused before any of its nodes ran."),
    "node-failed": _error("A node could not do its work with what it was given."),
    # -- our own server
    "server-not-installed": _error("The packages that the server needs are not installed."),
    "server-address": _error("The server cannot listen on that host and port."),
    "server-no-key": _error("The server would be open to a network while nobody has a key."),
    "server-data-in-use": _error("Another server is running on the data folder."),
    "server-data-newer": _error("The data folder was written by a newer release."),
    "server-data-unusable": _error("The data folder cannot be read or written."),
    "key-unknown": _error("No valid API key of that id, label or prefix."),
    "key-scope-unknown": _error("A key cannot have that scope."),
}


if __name__ == "__main__":
    print(register_text(), end="")
