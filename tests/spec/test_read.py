"""runflow.yaml as a person may write it, right and wrong."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_build.errors import SpecError
from runflow_build.findings import Finding
from runflow_build.spec.model import UPSTREAM_COMFYUI, GPUWish, InputWish, OutputWish, Spec
from runflow_build.spec.read import read_spec

START = "version: 1\ncomfyui: {ref: v0.8.0}\n"
ENDPOINTS = "endpoints:\n  poster:\n    workflow: workflows/poster.json\n"
PLAIN = START + ENDPOINTS
SHA256 = "a" * 64
KEY = "rf_live_" + "a1b2" * 8


def spec_of(text: str) -> Spec:
    return read_spec(text).spec


def refused(text: str) -> list[Finding]:
    with pytest.raises(SpecError) as caught:
        read_spec(text)
    for finding in caught.value.findings:
        assert finding.where.file == "runflow.yaml"
    return list(caught.value.findings)


def told(text: str) -> str:
    """The one finding's message."""
    (finding,) = refused(text)
    return finding.message


def endpoint(lines: str) -> str:
    """A spec whose endpoint `poster` begins its further keys on line 6."""
    return PLAIN + textwrap.indent(lines, "    ") + "\n"


def test_the_example_of_the_design_is_read() -> None:
    spec = spec_of(
        textwrap.dedent("""\
        # yaml-language-server: $schema=.runflow/runflow.v1.schema.json
        version: 1
        organization: acme
        project: acme-photo-tools

        comfyui: {ref: v0.8.0}
        python:
          version: "3.12"
          targets: [linux-cu128]
          requirements: []
        nodes:
          ComfyUI-KJNodes: {repository: https://github.com/kijai/ComfyUI-KJNodes, ref: main}
        models:
          loras/house-style.safetensors: {url: https://huggingface.co/a/b/resolve/main/c.safetensors}
          checkpoints/old.ckpt: {url: https://example.com/old.ckpt, pickle: allow}
        resources:
          input/long.mp4: {url: https://example.com/long.mp4}

        policy:
          pickle_models: deny
          dirty_repositories: deny
          unsourced_models: deny
          trusted_repositories: [acme/tools, kijai/*]
          trusted_hosts: [huggingface.co, civitai.com, github.com]
          install_scripts: [ComfyUI-KJNodes]

        endpoints:
          background-removal-v21:
            name: Background Removal v2.1
            workflow: workflows/background-removal.json
            description: Cuts the subject out of a photo.
            gpu: {min_vram_gb: 24}
            inputs:
              prompt: {node: "6", field: text, description: What to keep}
              strength: {node: 31, field: denoise, minimum: 0, maximum: 1}
            outputs:
              image: {node: "9"}
            keep: [12]
        """)
    )
    wish = spec.endpoints["background-removal-v21"]
    assert spec.comfyui.repository == UPSTREAM_COMFYUI
    assert spec.models["checkpoints/old.ckpt"].pickle == "allow"
    assert wish.gpu == GPUWish(min_vram_gb=24)
    assert wish.inputs["strength"] == InputWish(node="31", field="denoise", minimum=0, maximum=1)
    assert wish.outputs == {"image": OutputWish(node="9")}
    assert wish.keep == ["12"], "an id may be written as a number"


def test_the_smallest_spec_gets_the_defaults() -> None:
    spec = spec_of(PLAIN)
    assert (spec.python.version, spec.python.targets) == ("3.12", [])
    assert spec.policy.pickle_models == "deny"
    assert spec.policy.trusted_repositories == []
    assert spec.endpoints["poster"].name is None


def test_a_spec_may_have_no_endpoints() -> None:
    assert spec_of(START + "endpoints: {}\n").endpoints == {}


def test_whole_numbers_stay_whole() -> None:
    gpu = spec_of(endpoint("gpu: {min_vram_gb: 24}")).endpoints["poster"].gpu
    assert gpu is not None
    assert repr(gpu.min_vram_gb) == "24"


def test_the_places_of_all_keys_are_kept() -> None:
    assert read_spec(PLAIN).marks["endpoints", "poster", "workflow"] == (5, 5)


# -- keys


def test_an_unknown_key_gets_the_nearest_known_one() -> None:
    (finding,) = refused(PLAIN + "modles: {}\n")
    assert str(finding.where) == "runflow.yaml:6:1"
    assert finding.message == "unknown key `modles`; did you mean `models`?"
    assert finding.fix == "write `models`"


def test_an_unknown_key_is_told_deep_inside_too() -> None:
    (finding,) = refused(endpoint("inputs:\n  a: {nod: '6', field: text}"))
    assert str(finding.where) == "runflow.yaml:7:11"
    assert finding.message == "unknown key `nod` below `endpoints.poster.inputs.a`; " + (
        "did you mean `node`?"
    )


def test_a_key_that_is_like_none_gets_the_list_of_all() -> None:
    (finding,) = refused(START.replace("ref:", "xyz: 1, ref:") + ENDPOINTS)
    assert finding.message == "unknown key `xyz` below `comfyui`"
    assert finding.also == (("known", "ref, repository"),)


def test_missing_keys_are_told_with_their_place() -> None:
    assert [(one.code, one.message) for one in refused("version: 1\ncomfyui: {}\n")] == [
        ("spec-missing-key", "`endpoints` is missing at the top level"),
        ("spec-missing-key", "`ref` is missing below `comfyui`"),
    ]


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    findings = refused(
        "version: 1\nfoo: 1\ncomfyui: {ref: 3.10}\nendpoints:\n  Poster: {workflow: /etc/passwd}\n"
    )
    assert [(one.code, one.where.line) for one in findings] == [
        ("spec-unknown-key", 2),
        ("spec-wrong-type", 3),
        ("slug-invalid", 5),
        ("spec-wrong-value", 5),
    ]


def test_more_problems_than_a_person_reads_are_counted() -> None:
    findings = refused(PLAIN + "".join(f"unknown{n}: 1\n" for n in range(80)))
    assert len(findings) == 50
    assert ("more", "30 further problems are not shown") in findings[-1].also


# -- types


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("python: {version: 3.10}", "3.10 is read as the number 3.1", '"3.10"'),
        ("project: 0123456", "0123456 is read as the number 123456", '"0123456"'),
        ("project: 1e5", "1e5 is read as the number 100000.0", '"1e5"'),
        ("project: true", "true is read as a truth value", '"true"'),
        ("project: 42", "found the number 42", '"42"'),
    ],
)
def test_a_number_where_text_is_expected_says_how_it_was_read(
    text: str, message: str, fix: str
) -> None:
    (finding,) = refused(PLAIN + text)
    assert finding.code == "spec-wrong-type"
    assert finding.message.partition(" must be text; ")[2] == message
    assert finding.fix == f"write it in quotes: {fix}"


def test_a_commit_of_digits_alone_has_to_be_quoted() -> None:
    commit = "1234567812345678123456781234567812345678"
    text = PLAIN.replace("v0.8.0", commit)
    assert told(text) == f"`comfyui.ref` must be text; found the number {commit}"
    assert spec_of(text.replace(commit, f'"{commit}"')).comfyui.ref == commit


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("gpu: {min_vram_gb: 57:8}", "`gpu.min_vram_gb` must be a number; found `57:8`"),
        (
            "gpu: {min_vram_gb: ~}",
            "`gpu` names neither min_vram_gb nor model; it needs one of the two",
        ),
        ("keep: 9", "`keep` must be a list; found the number 9"),
        ("keep: [1.5]", "`keep[0]` must be text; found the number 1.5"),
        ("inputs: [a]", "`inputs` must be a mapping of `key: value`; found a list"),
        ("inputs: {a: {required: on}}", "`inputs.a.required` must be true or false; found `on`"),
        ("inputs:", "`inputs` must be a mapping of `key: value`; it has no value"),
    ],
)
def test_a_wrong_type_says_what_is_expected_and_what_was_found(lines: str, message: str) -> None:
    assert told(endpoint(lines)).replace("endpoints.poster.", "") == message


def test_a_text_where_a_list_is_expected_is_mended_with_brackets() -> None:
    (finding,) = refused(PLAIN + "python: {targets: linux-cu128}")
    assert finding.fix == "write it as a list: [linux-cu128]"


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "1e999"])
def test_numbers_are_finite(number: str) -> None:
    (finding,) = refused(endpoint(f"inputs:\n  a: {{default: {number}}}"))
    assert finding.code == "spec-wrong-value"
    assert finding.message.endswith(f"must be a finite number; {number} is none")


# -- the file as a whole


@pytest.mark.parametrize("text", ["", "# nothing\n", "~"])
def test_an_empty_file_points_to_init(text: str) -> None:
    (finding,) = refused(text)
    assert "runflow init" in (finding.fix or "")


@pytest.mark.parametrize("text", ["- a", "just text"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert told(text).startswith("the file must be a mapping")


def test_a_newer_format_says_what_to_install_and_nothing_else() -> None:
    (finding,) = refused("version: 2\nunknown: 1\n")
    assert (finding.code, str(finding.where)) == ("spec-newer", "runflow.yaml:1:1")
    assert finding.fix == (
        "install a newer release: python3 -m pip install --upgrade runflow-build"
    )


@pytest.mark.parametrize("version", ["0", "-1", "1.0", "true", '"1"', "~", "[1]"])
def test_the_format_is_the_whole_number_1(version: str) -> None:
    (finding,) = refused(PLAIN.replace("version: 1", f"version: {version}"))
    assert (finding.where.line, finding.fix) == (1, "write 1")


def test_what_yaml_refuses_is_placed_in_the_file() -> None:
    (finding,) = refused("a: 1\na: 2\n")
    assert str(finding.where) == "runflow.yaml:2:1"


# -- slugs


def test_a_key_that_is_not_its_own_slug_gets_it_suggested() -> None:
    (finding,) = refused(START + "endpoints: {Background Removal v2.1: {workflow: a.json}}")
    assert finding.code == "slug-invalid"
    assert finding.fix == "write `background-removal-v21`"


@pytest.mark.parametrize("slug", ['""', "inputs", "gpu-models", "con", "lpt1", "'***'"])
def test_empty_and_reserved_slugs_are_refused(slug: str) -> None:
    (finding,) = refused(START + f"endpoints: {{{slug}: {{workflow: a.json}}}}")
    assert (finding.code, finding.fix) == ("slug-invalid", "choose another name")


def test_two_endpoints_of_one_slug_name_each_other() -> None:
    (finding,) = refused(PLAIN + "  Poster: {workflow: b.json}\n")
    assert finding.where.line == 6
    assert finding.also == (("taken", "the endpoint `poster` on line 4 has that slug"),)


def test_two_equal_slugs_are_a_duplicate_key() -> None:
    (finding,) = refused(PLAIN + "  poster: {workflow: b.json}\n")
    assert finding.code == "yaml-duplicate-key"


# -- paths


@pytest.mark.parametrize("path", ["a.json", "workflows/été/画像 (1).json", "a/..b/c.json"])
def test_relative_posix_paths_are_taken(path: str) -> None:
    text = START + f'endpoints: {{poster: {{workflow: "{path}"}}}}'
    assert spec_of(text).endpoints["poster"].workflow == path


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("/etc/passwd", "write the path relative to the project's folder"),
        ("C:/flows/a.json", "write the path relative to the project's folder"),
        ("C:a.json", "write the path relative to the project's folder"),
        (r"\\host\share\a.json", "write the path relative to the project's folder"),
        ("../a.json", "keep the file below the folder, without `..`"),
        ("a/../../b.json", "keep the file below the folder, without `..`"),
        (r"a\..\b.json", "keep the file below the folder, without `..`"),
        (r"flows\a.json", "write flows/a.json"),
        ("./a.json", "write a.json"),
        ("flows//a.json", "write flows/a.json"),
        ("flows/", "write flows"),
        (".", "write the path of a file"),
        ("", "write the path of a file"),
    ],
)
def test_other_paths_are_refused_with_the_right_form(path: str, fix: str) -> None:
    (finding,) = refused(START + f"endpoints: {{poster: {{workflow: '{path}'}}}}")
    assert (finding.code, finding.fix) == ("spec-wrong-value", fix)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("models: {a.safetensors: {}}", "write it with its folder: loras/a.safetensors"),
        ("models: {models/loras/a.safetensors: {}}", "write loras/a.safetensors"),
        (r"models: {loras\a.safetensors: {}}", "write loras/a.safetensors"),
        ("models: {../a.safetensors: {}}", "keep the file below the folder, without `..`"),
        ("resources: {a.png: {url: https://h/a}}", "write input/a.png"),
        ("resources: {../a: {url: https://h/a}}", "keep the file below the folder, without `..`"),
        ("nodes: {a/b: {}}", "write the folder's name"),
        ("policy: {install_scripts: [..]}", "write the folder's name"),
    ],
)
def test_keys_that_are_paths_are_held_to_their_folders(text: str, fix: str) -> None:
    (finding,) = refused(PLAIN + text)
    assert (finding.where.line, finding.fix) == (6, fix)


# -- single values


@pytest.mark.parametrize(
    ("gpu", "message"),
    [
        ("{}", "names neither min_vram_gb nor model"),
        ("{min_vram_gb: 24, model: l40s}", "names both min_vram_gb and model"),
    ],
)
def test_a_gpu_is_the_cheapest_or_a_named_one(gpu: str, message: str) -> None:
    assert told(endpoint(f"gpu: {gpu}")).startswith(f"`endpoints.poster.gpu` {message}")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("{node: '6'}", "has `node` without `field`"),
        ("{field: text}", "has `field` without `node`"),
        ("{minimum: 2, maximum: 1}", "has a minimum above its maximum"),
        ("{step: 0}", "must be more than 0"),
        ("{choices: []}", "must not be empty"),
    ],
)
def test_an_input_makes_sense(wish: str, message: str) -> None:
    assert told(endpoint(f"inputs: {{a: {wish}}}")).endswith(message)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        (f"sha256: {'A' * 64}", f"write {SHA256}"),
        ("sha256: abc", "take it from `sha256sum FILE`"),
        ("size: -1", None),
        ("pickle: deny", "write allow"),
        ("url: ftp://host/a", "write the address as in a browser"),
        ("url: huggingface.co/a", "write the address as in a browser"),
        ("url: 'https://'", "copy the address again"),
        ("url: 'https://host/a b'", "copy the address again"),
    ],
)
def test_the_facts_of_a_model_are_checked(text: str, fix: str | None) -> None:
    (finding,) = refused(PLAIN + f"models: {{loras/a.safetensors: {{{text}}}}}")
    assert (finding.code, finding.fix) == ("spec-wrong-value", fix)


@pytest.mark.parametrize(
    ("ref", "good"),
    [
        ("v0.8.0", True),
        ("feature/new-nodes", True),
        ("3cd7b32f1b7e7e90395cefe7d9f9b1f89276d8ce", True),
        ("3CD7B32F1B7E7E90395CEFE7D9F9B1F89276D8CE", False),
        ("--upload-pack=x", False),
        ("a b", False),
        ("a..b", False),
        ("a:b", False),
        ("main.lock", False),
        ("", False),
    ],
)
def test_a_ref_is_what_git_takes_for_one(ref: str, good: bool) -> None:
    text = PLAIN.replace("v0.8.0", f'"{ref}"')
    if good:
        assert spec_of(text).comfyui.ref == ref
    else:
        assert refused(text)[0].code == "spec-wrong-value"


@pytest.mark.parametrize(
    "text",
    [
        "nodes: {Pack: {repository: 'git@github.com:a/b.git'}}",
        "nodes: {Pack: {repository: 'ssh://github.com/a/b'}}",
        "nodes: {Pack: {repository: 'file:///srv/b'}}",
        "organization: Acme Tools",
        "python: {version: '3'}",
        "python: {version: '3.12.1'}",
        "python: {version: '2.7'}",
        "python: {targets: [linux]}",
        "python: {targets: [beos-cpu]}",
        "python: {requirements: ['--index-url=https://host']}",
        "policy: {trusted_repositories: [github.com]}",
        "policy: {trusted_repositories: [github.com/acme]}",
        "policy: {trusted_repositories: ['*']}",
        "policy: {trusted_repositories: ['*/*']}",
        "policy: {trusted_hosts: ['https://huggingface.co']}",
        "policy: {trusted_hosts: [HuggingFace.co]}",
        "policy: {pickle_models: no}",
        "project: ' '",
    ],
)
def test_values_that_make_no_sense_are_refused_with_a_fix(text: str) -> None:
    (finding,) = refused(PLAIN + text)
    assert finding.code == "spec-wrong-value"
    assert finding.fix


def test_a_trusted_repository_given_as_a_url_gets_its_short_form() -> None:
    text = "policy: {trusted_repositories: ['https://github.com/acme/tools.git']}"
    assert refused(PLAIN + text)[0].fix == "write acme/tools"


# -- secrets


@pytest.mark.parametrize(
    "text",
    [
        f"project: {KEY}",
        f"project: the key is {KEY}!",
        f"nodes: {{{KEY}: {{}}}}",
        f"python: {{requirements: [{KEY}]}}",
        f"policy: {{pickle_models: {KEY}}}",
        f"{KEY}: 1",
        f"nodes: {{Pack: {{repository: 'https://{KEY}@github.com/a/b'}}}}",
        f"models: {{loras/a.pt: {{url: 'https://user:{KEY}@host/a'}}}}",
        f"models: {{loras/a.pt: {{url: 'https://host/a?token={KEY}&x=1'}}}}",
        f"project: a\nproject: {KEY}",
        f"x: {{{KEY}: 1, {KEY}: 2}}",
    ],
)
def test_a_secret_is_found_and_never_repeated(text: str) -> None:
    findings = refused(PLAIN + text)
    codes = {finding.code for finding in findings}
    assert "spec-secret" in codes or "yaml-duplicate-key" in codes
    assert KEY not in str(SpecError(*findings))
    assert KEY not in str([finding.to_json() for finding in findings])


@pytest.mark.parametrize("password", ["hunter2", "p%40ss", "x" * 200])
def test_the_password_of_a_url_is_not_repeated(password: str) -> None:
    text = PLAIN + f"models: {{loras/a.pt: {{url: 'ftp://user:{password}@host/a'}}}}"
    findings = refused(text)
    assert [one.code for one in findings] == ["spec-secret", "spec-wrong-value"]
    assert password not in str(SpecError(*findings))


def test_a_model_may_be_called_like_the_prefix_of_a_key() -> None:
    assert spec_of(PLAIN + "models: {detection/rf_detr_base.pth: {pickle: allow}}\n").models


# -- properties


@given(st.text(max_size=60))
def test_any_text_gives_a_spec_or_findings(text: str) -> None:
    try:
        read_spec(text)
    except SpecError as error:
        assert error.findings
        assert str(error)


VALUES = st.sampled_from(
    ["x", "3.10", "~", "[]", "{}", "[a]", "{a: b}", "true", ".nan", "'..'", "1", "-1", KEY]
)
KEYS = st.sampled_from(
    ["organization", "project", "comfyui", "python", "nodes", "models", "policy"]
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), VALUES)
def test_any_values_give_a_spec_or_findings(values: dict[str, str], workflow: str) -> None:
    text = f"version: 1\nendpoints: {{a: {{workflow: {workflow}}}}}\n"
    text += "".join(f"{key}: {value}\n" for key, value in values.items())
    try:
        read_spec(text)
    except SpecError as error:
        assert KEY not in str(error)
