"""What went wrong when the original plugin was run, and the tests that ours does not do so.

S1   a route fetched outputs from any host and wrote them anywhere
     nodes/test_faults.py::test_s1_no_route_of_ours_is_told_what_to_fetch_or_where_to_write
     nodes/test_pack.py::test_a_file_output_hands_out_what_lies_below_output_and_nothing_else
S2   auto setup took its plan from the client
     nodes/test_auto_setup_routes.py::test_s2_start_takes_neither_a_plan_nor_a_place_from_the_page
     tasks/test_auto_setup.py::test_rows_that_are_not_in_the_plan_cannot_be_started
     tasks/test_auto_setup.py::test_a_model_whose_path_leads_elsewhere_spoils_no_other
S3   a pack named `../victim` replaced a folder elsewhere; local changes were lost
     nodes/test_auto_setup_routes.py::test_s3_a_workflow_cannot_name_a_folder_elsewhere
     tasks/test_auto_setup.py::test_a_pack_whose_name_leads_elsewhere_is_never_planned
     tasks/test_auto_setup.py::test_a_pack_with_local_changes_is_never_touched
S4   opening the editor switched the password off
     nodes/browser/test_security.py::test_s4_opening_the_editor_and_its_settings_writes_nothing
     nodes/browser/test_deploy.py::test_opening_the_editor_and_its_settings_writes_nothing
     nodes/test_security.py::test_s4_empty_settings_do_not_switch_it_off
S5   the password and the API key came back in clear
     nodes/test_security.py::test_s5_the_password_is_in_no_answer_no_log_and_no_repr
     nodes/test_security.py::test_s5_a_password_in_clear_becomes_a_hash_for_the_owners_eyes
     nodes/test_connection.py::test_a_key_is_kept_for_its_owner_alone_and_comes_back_nowhere
     nodes/browser/test_deploy.py::test_a_key_that_is_typed_is_kept_for_the_host_and_is_nowhere_else
S6   a half-written security file switched auth off, another made every request a 500
     nodes/test_security.py::test_s6_a_file_that_is_not_clear_lets_nobody_in
     nodes/test_security.py::test_s6_so_does_a_file_that_cannot_be_read
S7   300 wrong passwords in 0.14 s; Latin-1 refused
     nodes/test_security.py::test_s7_three_hundred_wrong_passwords_are_not_three_hundred_guesses
     nodes/test_security.py::test_s7_a_password_beyond_ascii_is_right_in_either_charset
S8   a page of another site changed the settings
     nodes/test_requests.py::test_s8_no_form_and_no_simple_request_of_another_site_gets_through
     nodes/test_security.py::test_s8_a_page_of_another_site_changes_nothing
S9   the API key went to the host that a workflow named
     nodes/browser/test_deploy.py::test_a_host_in_an_imported_workflow_gets_no_key_unasked
     nodes/test_connection.py::test_a_host_of_a_workflow_gets_nothing_without_a_yes_to_just_this_host
S10  strangers' input files and the local test text went out
     tasks/test_deploy.py::test_input_files_are_taken_by_exact_name_and_only_where_the_endpoint_reads_them
     tasks/test_deploy.py::test_the_local_text_of_an_input_is_not_published_in_a_subgraph_either
P1   with the password on, every playground run failed
     nodes/browser/test_playground.py::test_behind_the_password_it_runs_like_without
P2   it called 127.0.0.1 whatever `--listen` said
     nodes/test_faults.py::test_p2_the_pack_asks_no_comfyui_over_the_network
P3   every input compulsory, no empty text, switches untouched, wired defaults
     playground/test_binding.py::test_an_optional_input_that_nobody_touched_keeps_its_default
     nodes/browser/test_playground.py::test_the_empty_text_can_be_given
     nodes/browser/test_playground.py::test_what_does_not_fit_is_told_at_its_field
     playground/test_capture.py::test_a_default_that_is_wired_is_offered
P4   NaN accepted, Infinity a 500, 7.9 became 7
     playground/test_binding.py::test_each_value_that_does_not_fit_is_told_by_itself
P5   broken JSON a 500, unknown keys ignored, raw dumps
     nodes/test_requests.py::test_what_is_no_json_object_is_refused_in_words
     playground/test_binding.py::test_each_value_that_does_not_fit_is_told_by_itself
     nodes/test_playground_routes.py::test_what_does_not_fit_is_told_and_nothing_is_noted
P6   ids merged or dropped in silence
     playground/test_capture.py::test_doubled_and_blank_ids_stand_in_the_way
     nodes/browser/test_playground.py::test_ids_that_are_blank_or_twice_there_are_told_and_nothing_runs
P7   an endpoint named `workflows` shadowed a route
     playground/test_capture.py::test_a_name_without_a_slug_of_its_own_is_refused
     nodes/browser/test_deploy.py::test_a_name_without_a_slug_is_said
P8   no limits, no cancel, no progress, the slug unchecked
     playground/test_captures.py::test_of_too_many_the_longest_unused_goes_with_its_runs
     playground/test_captures.py::test_a_capture_that_is_too_large_is_refused
     playground/test_captures.py::test_only_slugs_are_looked_for
     playground/test_captures.py::test_there_is_an_end_to_the_notes
     nodes/browser/test_playground.py::test_a_running_prompt_is_cancelled
     nodes/browser/test_playground.py::test_progress_is_told_node_by_node
P9   `<!--<script>` in a label broke the page
     nodes/browser/test_playground.py::test_markup_in_names_is_text
P10  the page asked hosts on the internet
     nodes/browser/test_playground.py::test_the_page_forbids_what_is_not_its_own
     nodes/test_playground_routes.py::test_the_viewer_is_offered_and_not_fetched_where_nothing_is_to_be_asked
E1   the playground's script was loaded into the editor
     nodes/browser/test_playground.py::test_the_editor_loads_nothing_of_the_page
E2   hashing 3 GB froze the event loop
     nodes/test_auto_setup_routes.py::test_e2_hashing_a_large_model_does_not_hold_up_comfyui
     nodes/test_deploy_routes.py::test_the_editor_is_not_held_up_while_a_large_file_is_read
E3   uploads without a limit, over other files, `..` a 500
     nodes/test_playground_routes.py::test_a_file_beyond_the_limit_of_comfyui_is_refused_and_leaves_nothing
     nodes/test_playground_routes.py::test_a_file_lies_below_the_input_folder_and_over_no_other
     nodes/test_playground_routes.py::test_a_name_leads_nowhere_else
E4   "Deployed ✓" without the input file
     publish/test_push.py::test_a_failed_upload_fails_the_publish
     tasks/test_deploy.py::test_an_input_file_that_is_missing_fails_and_names_the_node
E5   no ComfyUI commit with `--base-directory`
     tasks/test_deploy.py::test_comfyuis_commit_comes_from_its_code_wherever_the_base_folder_is
E6   inputs inside subgraphs kept their local wiring
     tasks/test_deploy.py::test_the_local_text_of_an_input_is_not_published_in_a_subgraph_either
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from loaded_pack import part

TESTS = Path(__file__).resolve().parents[1]
NODES = TESTS.parent / "nodes"
FAULTS = [
    f"{kind}{number}"
    for kind, last in (("S", 10), ("P", 10), ("E", 6))
    for number in range(1, last + 1)
]
ROWS = re.findall(r"^([SPE]\d+) .*\n((?:     .*\n)+)", __doc__ or "", re.MULTILINE)
TESTS_OF = {fault: tests.split() for fault, tests in ROWS}


def test_each_fault_has_its_tests() -> None:
    assert [fault for fault, _ in ROWS] == FAULTS


def names_of_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {one.name for one in tree.body if isinstance(one, kinds)}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_tests_of_a_fault_are_there(fault: str) -> None:
    for test in TESTS_OF[fault]:
        file, _, name = test.partition("::")
        assert name in names_of_tests(TESTS / file), test


# All that the pack answers. Whoever adds a route adds it here, and says what it can do with paths,
# addresses and code that a page sends.
ROUTES = """
GET /runflow/auto-setup
POST /runflow/auto-setup/plan           a graph; it only looks
POST /runflow/auto-setup/start          rows of a plan that is kept here, by their ids
GET /runflow/connection
POST /runflow/connection                an address, which gets only the key that is kept for it
GET /runflow/deploy
POST /runflow/deploy                    a graph, and a host, which is asked about
POST /runflow/deploy/shown
GET /runflow/jobs/{id}
POST /runflow/jobs/{id}/cancel
GET /runflow/packages
GET /runflow/playground/_captures
POST /runflow/playground/_captures      a graph, kept under its slug
GET /runflow/playground/_static/{file}  of a list
GET /runflow/playground/_viewer
POST /runflow/playground/_viewer        fetches one file, known by its hash
GET /runflow/playground/{slug}
POST /runflow/playground/{slug}/calls
GET /runflow/playground/{slug}/capture
POST /runflow/playground/{slug}/prompt
GET /runflow/playground/{slug}/runs
GET /runflow/playground/{slug}/runs/{run}
POST /runflow/playground/{slug}/runs/{run}
POST /runflow/port-scan                 of this machine, by services that are named in the source
GET /runflow/restart
POST /runflow/restart
POST /runflow/save                      a folder that the user typed; none that ComfyUI reads
GET /runflow/security
POST /runflow/security/off
POST /runflow/security/password
POST /runflow/upload-input-file         a file below the input folder, over no other
"""


def test_s1_no_route_of_ours_is_told_what_to_fetch_or_where_to_write(
    comfyui_modules: SimpleNamespace,
) -> None:
    table, app = web.RouteTableDef(), web.Application()
    comfyui_modules.server.routes, comfyui_modules.server.app = table, app
    part("nodes.routes").add_routes()
    found = [f"{one.method} {one.path}" for one in table if isinstance(one, web.RouteDef)]
    known = [line.partition("  ")[0] for line in ROUTES.split("\n") if line]
    assert sorted(found) == sorted(known)


# What asks others, and nobody else in the pack does.
ASKS = {"security/port_scan.py"}
CLIENTS = {"aiohttp.client", "http.client", "httpx", "requests", "socket", "urllib.request"}


def test_p2_the_pack_asks_no_comfyui_over_the_network() -> None:
    # Prompts are queued by the page, to whatever address and with whatever password it has itself.
    for path in sorted(NODES.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {ast.unparse(one) for one in ast.walk(tree) if isinstance(one, ast.Attribute)}
        imported = {
            alias.name
            for one in ast.walk(tree)
            if isinstance(one, ast.Import)
            for alias in one.names
        }
        imported |= {
            one.module or ""
            for one in ast.walk(tree)
            if isinstance(one, ast.ImportFrom) and not one.level
        }
        asks = bool(CLIENTS & imported) or "aiohttp.ClientSession" in named
        assert asks <= (path.relative_to(NODES).as_posix() in ASKS), path
