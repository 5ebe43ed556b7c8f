"""What single values of runflow.yaml must look like, as types; each says how to mend the value."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ..document import refusal
from .slug import problem, slug_of

_REPOSITORY_NAME = r"[A-Za-z0-9][A-Za-z0-9-]*/(?:\*|[A-Za-z0-9._-]+)"
_HOST = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]+)?"
_TARGET = r"(linux|macos|windows)-(cpu|cu[0-9]{3}|mps|rocm[0-9]+(\.[0-9]+)?|xpu)"
_PYTHON = r"3\.[0-9]{1,2}"


def _slug(text: str) -> str:
    if why := problem(text):
        proper = slug_of(text)
        fix = (
            f"write `{proper}`" if proper != text and not problem(proper) else "choose another name"
        )
        raise refusal(f"cannot be a slug: {why}", fix, "slug-invalid")
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise refusal("must not be empty", "give it a value, or remove the line")
    return text


def _relative_path(path: str) -> str:
    """A POSIX path that stays below the folder that it is relative to."""
    slashed = path.replace("\\", "/")
    parts = slashed.split("/")
    if re.match(r"[A-Za-z]:", path) or path.startswith(("/", "\\")):
        raise refusal("is an absolute path", "write the path relative to the project's folder")
    if ".." in parts:
        raise refusal("leaves the folder with `..`", "keep the file below the folder, without `..`")
    tidy = "/".join(part for part in parts if part not in ("", "."))
    if not tidy:
        raise refusal("must not be empty", "write the path of a file")
    if "\\" in path:
        raise refusal("has backslashes, which only Windows understands", f"write {tidy}")
    if tidy != path:
        raise refusal("has parts that mean nothing", f"write {tidy}")
    if not path.isprintable():
        raise refusal("holds a character that cannot be shown", "rename the file")
    return path


def _model_path(path: str) -> str:
    _relative_path(path)
    if path.startswith("models/"):
        raise refusal("begins with `models/`, which is understood", f"write {path[7:]}")
    if "/" not in path:
        raise refusal("names no folder of models/", f"write it with its folder: loras/{path}")
    return path


def _resource_path(path: str) -> str:
    _relative_path(path)
    if not path.startswith("input/"):
        raise refusal("is not below input/, where ComfyUI reads files", f"write input/{path}")
    return path


def _pack_name(name: str) -> str:
    if "/" in name or "\\" in name or name in ("", ".", "..") or not name.isprintable():
        raise refusal("is not the name of a folder in custom_nodes/", "write the folder's name")
    return name


def _sha256(text: str) -> str:
    if re.fullmatch("[0-9a-f]{64}", text):
        return text
    if re.fullmatch("[0-9a-fA-F]{64}", text):
        raise refusal(
            "has upper-case letters; a sha256 is written in lower case", f"write {text.lower()}"
        )
    raise refusal("is no sha256: 64 hexadecimal digits", "take it from `sha256sum FILE`")


def _git_ref(text: str) -> str:
    """A branch, tag or commit, by git's rules for names (git-check-ref-format)."""
    fix = "write a tag, a branch or a full commit"
    if re.fullmatch("[0-9a-fA-F]{40}", text) and text != text.lower():
        raise refusal(
            "has upper-case letters; a commit is written in lower case", f"write {text.lower()}"
        )
    odd = re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.", text)
    ends = text.endswith(("/", ".", ".lock")) or text.startswith(("-", "/", "."))
    if not text or text == "@" or odd or ends:
        raise refusal("is no name that git gives to a branch, tag or commit", fix)
    return text


def _web_url(text: str) -> str:
    if re.match(r"[\w.-]+@[\w.-]+:", text):
        raise refusal(
            "is an ssh address; code and data are fetched over https", "write https://host/path"
        )
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise refusal("must begin with https:// or http://", "write the address as in a browser")
    if re.match(r"[/?#:]|$", rest) or re.search(r"[\s\x00-\x1f]", rest) or not rest.isprintable():
        raise refusal("is not a complete URL", "copy the address again")
    return text


def _trusted_repository(text: str) -> str:
    if re.fullmatch(_REPOSITORY_NAME, text):
        return text
    if found := re.fullmatch(rf"https?://[^/]+/({_REPOSITORY_NAME})/?", text):
        raise refusal("is a URL", f"write {found[1].removesuffix('.git')}")
    raise refusal(
        "must be owner/name, or owner/* for all of an owner",
        "name each owner that you trust; a whole host holds everybody's code",
    )


def _trusted_host(text: str) -> str:
    if re.fullmatch(_HOST, text):
        return text
    raise refusal("must be the name of a host, in lower case", "write it like huggingface.co")


def _target(text: str) -> str:
    if re.fullmatch(_TARGET, text):
        return text
    fix = "write a platform and torch's backend: linux-cu128, linux-cpu, windows-cu128, macos-mps"
    raise refusal("is no target", fix)


def _python_version(text: str) -> str:
    if re.fullmatch(_PYTHON, text):
        return text
    raise refusal("is no version like 3.12", 'write two numbers in quotes: "3.12"')


def _requirement(text: str) -> str:
    if not text.strip() or text.lstrip().startswith("-"):
        raise refusal(
            "is no requirement like pillow>=10", "name a package; options do not belong here"
        )
    return text


def _organization(text: str) -> str:
    if re.fullmatch(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?", text):
        return text
    raise refusal(
        "is not an organization's name in a URL", "write it as in the endpoint's address: acme"
    )


def _node_id(value: Any) -> Any:
    """`node: 6` means the id "6": every id is text, and an integer loses nothing on the way."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _format_number(value: Any) -> Any:
    """Only the integer itself: to pydantic, `true` and `1.0` are the literal 1 as well."""
    if type(value) is not int:
        raise refusal("must be the number 1", "write 1")
    return value


def _pattern(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


_PATH = r"(?!/|[A-Za-z]:)(?!.*(^|/)\.{1,2}(/|$))[^\\]*[^\\/]"

Positive = Annotated[float, Field(gt=0)] | Annotated[int, Field(gt=0)]
Slug = Annotated[str, AfterValidator(_slug), _pattern("[a-z0-9]([a-z0-9_-]*[a-z0-9])?")]
Text = Annotated[str, AfterValidator(_text), Field(min_length=1)]
FormatNumber = BeforeValidator(_format_number)
RelativePath = Annotated[str, AfterValidator(_relative_path), _pattern(_PATH)]
ModelPath = Annotated[str, AfterValidator(_model_path), _pattern(rf"(?!models/)(?=.*/){_PATH}")]
ResourcePath = Annotated[str, AfterValidator(_resource_path), _pattern(rf"input/{_PATH}")]
PackName = Annotated[str, AfterValidator(_pack_name), _pattern(r"(?!\.{1,2}$)[^/\\]+")]
Sha256 = Annotated[str, AfterValidator(_sha256), _pattern("[0-9a-f]{64}")]
GitRef = Annotated[str, AfterValidator(_git_ref), Field(min_length=1)]
WebUrl = Annotated[str, AfterValidator(_web_url), _pattern("https?://[^/].*")]
TrustedRepository = Annotated[str, AfterValidator(_trusted_repository), _pattern(_REPOSITORY_NAME)]
TrustedHost = Annotated[str, AfterValidator(_trusted_host), _pattern(_HOST)]
Target = Annotated[str, AfterValidator(_target), _pattern(_TARGET)]
PythonVersion = Annotated[str, AfterValidator(_python_version), _pattern(_PYTHON)]
Requirement = Annotated[str, AfterValidator(_requirement), _pattern(r"\s*[^-\s].*")]
Organization = Annotated[
    str, AfterValidator(_organization), _pattern("[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
]
NodeRef = Annotated[
    str,
    BeforeValidator(_node_id),
    AfterValidator(_text),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}),
]
