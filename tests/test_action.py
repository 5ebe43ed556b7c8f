"""The GitHub Action and the pre-commit hook: their steps run for real; only GitHub is played."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}
GUIDE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BASH = shutil.which("bash")
RUNFLOW = Path(sys.executable).with_name("runflow")

pytestmark = pytest.mark.skipif(
    BASH is None or os.name == "nt", reason="needs bash, and links to programs"
)

# Plays GitHub's API on the comments in $COMMENTS; who may not write gets what GitHub says.
GH = """#!{python}
import json, os, re, shutil, subprocess, sys
arguments = sys.argv[1:]
assert arguments.pop(0) == "api", sys.argv
options = {{}}
while arguments:
    word = arguments.pop(0)
    if word in ("--jq", "--method", "-F"):
        options[word] = arguments.pop(0)
    elif word not in ("--paginate", "--silent"):
        options["path"] = word
place = os.environ["COMMENTS"]
comments = json.load(open(place))
assert os.environ["GH_TOKEN"] == "t0ken"
if "--method" not in options:
    assert options["path"] == "repos/acme/tools/issues/7/comments"
    if shutil.which("jq"):
        done = subprocess.run(["jq", "-r", options["--jq"]], input=json.dumps(comments), text=True)
        sys.exit(done.returncode)
    anchor = os.environ["ANCHOR"]
    for one in comments:
        if one["user"]["type"] == "Bot" and (one["body"] or "").startswith(anchor):
            print(one["id"])
    sys.exit(0)
if os.path.exists(place + ".closed"):
    sys.exit("gh: Resource not accessible by integration (HTTP 403)")
name, _, file = options["-F"].partition("=@")
body = {{"user": {{"type": "Bot"}}, name: open(file).read()}}
if options["--method"] == "POST":
    assert options["path"] == "repos/acme/tools/issues/7/comments"
    comments.append({{"id": 100 + len(comments), **body}})
else:
    (number,) = re.fullmatch(r"repos/acme/tools/issues/comments/(\\d+)", options["path"]).groups()
    (one,) = [one for one in comments if one["id"] == int(number)]
    one.update(body)
json.dump(comments, open(place, "w"))
"""


@dataclass(frozen=True)
class Job:
    """A checkout on a runner, and what the runner offers to a step."""

    checkout: Path
    temp: Path

    def run(self, step: str, **values: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script as the runner would: with bash, and the values in its environment."""
        script = self.temp / "script.sh"
        script.write_text(STEPS[step]["run"], encoding="utf-8")
        named = dict.fromkeys(STEPS[step].get("env", {}), "")
        environ = {
            **os.environ,
            "PATH": f"{self.temp / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "COMMENTS": str(self.temp / "comments.json"),
            "RUNFLOW_CACHE_DIR": str(self.temp / "cache"),
            "XDG_CONFIG_HOME": str(self.temp / "config"),
            **named,
            **{"RUNFLOW": str(RUNFLOW), "DIRECTORY": ".", **values},
        }
        command = [str(BASH), "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        return subprocess.run(
            command, cwd=self.checkout, env=environ, capture_output=True, text=True
        )

    def explain(self, **values: str) -> subprocess.CompletedProcess[str]:
        told = {"BASE": "main", "NUMBER": "7", "GH_REPO": "acme/tools", "GH_TOKEN": "t0ken"}
        return self.run("Explain the lock's changes", **{**told, "COMMENT": "true", **values})

    @property
    def comments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.temp / "comments.json").read_text())
        return found

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments]
        done = subprocess.run(
            command, cwd=self.checkout, check=True, capture_output=True, text=True
        )
        return done.stdout

    def change(self, old: str, new: str) -> None:
        """Change runflow.yaml, and lock."""
        spec = self.checkout / "runflow.yaml"
        text = spec.read_text(encoding="utf-8")
        assert old in text
        spec.write_text(text.replace(old, new), encoding="utf-8")
        subprocess.run(
            [RUNFLOW, "lock", "--offline"], cwd=self.checkout, check=True, capture_output=True
        )


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A checkout of a pull request against `main` of a repository on this disk."""
    made = Job(tmp_path / "checkout", tmp_path / "temp")
    shutil.copytree(
        ROOT / "examples" / "postcard",
        made.checkout,
        ignore=shutil.ignore_patterns(".runflow", "demo-*", "output"),
    )
    (made.temp / "bin").mkdir(parents=True)
    gh = made.temp / "bin" / "gh"
    gh.write_text(GH.format(python=sys.executable), encoding="utf-8")
    gh.chmod(0o755)
    (made.temp / "comments.json").write_text("[]")
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "base")
    made.git("clone", "--quiet", "--bare", ".", str(tmp_path / "origin.git"))
    made.git("remote", "add", "origin", (tmp_path / "origin.git").as_uri())
    made.git("checkout", "--quiet", "-b", "change")
    return made


# -- the form


def test_every_step_is_bash_that_parses() -> None:
    for step in STEPS.values():
        assert step["shell"] == "bash"
        done = subprocess.run([str(BASH), "-n"], input=step["run"], text=True, capture_output=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_no_value_of_an_event_or_an_input_becomes_a_part_of_a_script() -> None:
    for step in STEPS.values():
        assert "${{" not in step["run"]


def test_every_input_is_used_and_documented() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    for name, told in ACTION["inputs"].items():
        assert told["description"]
        assert f"inputs.{name}" in text
        assert re.search(rf"^\| `{name}` \|", GUIDE, re.MULTILINE), name
    used = re.findall(r"inputs\.([a-z-]+)", text)
    assert set(used) == set(ACTION["inputs"])


def test_nothing_is_published_for_a_pull_request() -> None:
    condition = STEPS["Publish"]["if"]
    (events,) = re.findall(r"fromJSON\('(.*?)'\), github.event_name", condition)
    assert set(json.loads(events)) == {"push", "schedule", "workflow_dispatch"}
    assert "inputs.publish == 'true'" in condition
    assert "github.event.repository.default_branch" in condition


def test_the_key_goes_to_the_step_that_publishes_alone() -> None:
    holders = [name for name, step in STEPS.items() if "api-key" in json.dumps(step)]
    assert holders == ["Publish"]


# -- the steps


def test_install_makes_an_environment_of_its_own(job: Job) -> None:
    wheel = job.temp / "runflow_build-0.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        info = "runflow_build-0.0.0.dist-info"
        made.writestr("stand_in.py", "def main():\n    print('installed')\n")
        made.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: runflow-build\nVersion: 0.0.0\n"
        )
        made.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{info}/entry_points.txt", "[console_scripts]\nrunflow = stand_in:main\n")
        made.writestr(f"{info}/RECORD", "")
    done = job.run("Install", PACKAGE=str(wheel), PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stderr
    (told,) = (job.temp / "output").read_text().splitlines()
    program = told.removeprefix("runflow=")
    assert Path(program).is_relative_to(job.temp)
    assert subprocess.run([program], capture_output=True, text=True).stdout == "installed\n"


def test_check_annotates_and_fails_on_errors(job: Job) -> None:
    done = job.run("Check")
    assert done.returncode == 0, done.stdout + done.stderr
    (job.checkout / "runflow.lock").unlink()
    done = job.run("Check", SARIF="found.sarif")
    assert done.returncode == 1
    assert "::error file=runflow.lock,title=lock-missing::" in done.stdout
    (run,) = json.loads((job.checkout / "found.sarif").read_text())["runs"]
    assert "lock-missing" in {one["ruleId"] for one in run["results"]}


def test_a_lock_that_did_not_change_gets_no_comment(job: Job) -> None:
    done = job.explain()
    assert (done.returncode, done.stderr) == (0, "")
    assert job.comments == []
    assert "no changes" in (job.temp / "summary").read_text()


def test_one_comment_is_written_and_kept_up_to_date(job: Job) -> None:
    other = [
        {"id": 1, "user": {"type": "Bot"}, "body": "another bot's"},
        {"id": 2, "user": {"type": "User"}, "body": "<!-- runflow-diff -->\na person's"},
        {"id": 3, "user": {"type": "Bot"}, "body": None},
    ]
    (job.temp / "comments.json").write_text(json.dumps(other))
    job.change("name: ", "name: New ")
    for _ in range(2):
        done = job.explain()
        assert (done.returncode, done.stderr) == (0, "")
    *others, mine = job.comments
    assert others == other
    assert mine["body"].startswith("<!-- runflow-diff -->\n")
    assert mine["body"] in (job.temp / "summary").read_text()
    job.git("checkout", "--quiet", "main", "--", ".")
    assert job.explain().returncode == 0
    *others, mine = job.comments
    assert others == other
    assert "no changes" in mine["body"]


def test_no_comment_is_written_where_nobody_wants_one(job: Job) -> None:
    job.change("name: ", "name: New ")
    assert job.explain(COMMENT="false").returncode == 0
    assert job.comments == []
    assert "runflow-diff" in (job.temp / "summary").read_text()


def test_a_pull_request_from_a_fork_does_not_fail_for_lack_of_the_right_to_comment(
    job: Job,
) -> None:
    (job.temp / "comments.json.closed").touch()
    job.change("name: ", "name: New ")
    done = job.explain()
    assert done.returncode == 0
    assert "::warning title=runflow::" in done.stdout


def test_a_diff_that_cannot_be_made_fails(job: Job) -> None:
    (job.checkout / "runflow.lock").write_text("lock: [\n")
    done = job.explain()
    assert done.returncode == 1
    assert "runflow.lock" in done.stderr
    assert job.comments == []


def test_a_branch_with_a_hostile_name_is_just_a_name(job: Job) -> None:
    name = "main$(touch${IFS}pwned);`touch${IFS}pwned`"
    job.git("push", "--quiet", "origin", f"main:refs/heads/{name}")
    done = job.explain(BASE=name, DIRECTORY=".")
    assert done.returncode == 0, done.stderr
    assert not list(job.checkout.rglob("pwned"))


def test_publish_goes_to_the_api_that_is_named_with_the_key_that_is_given(job: Job) -> None:
    done = job.run("Publish", RUNFLOW_API_KEY="", API_URL="http://127.0.0.1:9")
    assert done.returncode != 0
    assert "api-key-missing" in done.stderr
    done = job.run("Publish", RUNFLOW_API_KEY="rf_live_" + "a1" * 16, API_URL="http://127.0.0.1:9")
    assert done.returncode != 0
    assert "api-unreachable" in done.stdout
    assert "127.0.0.1:9" in done.stdout
    assert "a1a1" not in done.stdout + done.stderr


# -- the hook


def hook() -> Mapping[str, Any]:
    (one,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert isinstance(one, dict)
    return one


def test_the_hook_runs_for_what_the_lock_answers_and_for_nothing_else() -> None:
    pattern = re.compile(hook()["files"])
    for path in ("runflow.yaml", "a/runflow.lock", "flows/x.json", "pylock.linux-cu128.toml"):
        assert pattern.search(path), path
    for path in ("README.md", "a/runflow.yaml.txt", "pyproject.toml", "notrunflow.yaml"):
        assert not pattern.search(path), path


def test_the_hook_asks_nobody_and_fails_when_the_lock_is_stale(job: Job) -> None:
    assert (hook()["language"], hook()["pass_filenames"]) == ("python", False)
    program, *arguments = shlex.split(hook()["entry"])
    assert program == "runflow"

    def run() -> int:
        command = [str(RUNFLOW), *arguments]
        environ = {**os.environ, "RUNFLOW_CACHE_DIR": str(job.temp / "cache")}
        return subprocess.run(
            command, cwd=job.checkout, env=environ, capture_output=True
        ).returncode

    before = (job.checkout / "runflow.lock").read_bytes()
    assert run() == 0
    spec = job.checkout / "runflow.yaml"
    spec.write_text(spec.read_text().replace("name: ", "name: New "), encoding="utf-8")
    assert run() == 3
    assert (job.checkout / "runflow.lock").read_bytes() == before
