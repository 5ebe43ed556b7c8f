from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runflow_build.workflow.model import Prompt
from runflow_build.workflow.reach import cycles, link_of, reached

ids = st.sampled_from("abcdefgh")
webs = st.dictionaries(ids, st.lists(ids, max_size=3), max_size=8)


def prompt_of(web: dict[str, list[str]]) -> Prompt:
    """Each node with the nodes that feed it."""
    return {
        node: {
            "class_type": "A",
            "inputs": {f"in{index}": [source, 0] for index, source in enumerate(sources)},
        }
        for node, sources in web.items()
    }


@pytest.mark.parametrize("value", [["1", 0], ["1", 2.0]])
def test_text_and_number_make_a_link(value: list[object]) -> None:
    link = link_of(value)
    assert link is not None and link[0] == "1" and isinstance(link[1], int)


@pytest.mark.parametrize(
    "value",
    [["1", "0"], [1, 0], ["1"], ["1", 0, 0], "1", None, ["1", True], {"__value__": ["1", 0]}],
)
def test_anything_else_is_a_value(value: object) -> None:
    assert link_of(value) is None


@settings(max_examples=60)
@given(webs, st.sets(ids, max_size=3))
def test_reached_is_the_smallest_set_that_is_closed(
    web: dict[str, list[str]], targets: set[str]
) -> None:
    found = reached(prompt_of(web), targets)
    grown = set(targets) & set(web)
    while more := {source for node in grown for source in web[node] if source in web} - grown:
        grown |= more
    assert found == grown


@settings(max_examples=60)
@given(webs, st.randoms(use_true_random=False))
def test_a_circle_is_found_exactly_where_nodes_reach_themselves(
    web: dict[str, list[str]], random: object
) -> None:
    prompt = prompt_of(web)
    found = cycles(prompt)
    in_circles = {
        node
        for node, sources in web.items()
        if node in reached(prompt, [source for source in sources if source in web])
    }
    assert bool(found) == bool(in_circles)
    for circle in found:
        assert set(circle) <= in_circles
        assert circle[0] == min(circle)
        for source, node in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert source in web[node]
    assert cycles(dict(reversed(prompt.items()))) == found


def test_long_chains_and_rings_need_no_recursion() -> None:
    size = 20_000
    chain = {str(n): [str(n - 1)] if n else [] for n in range(size)}
    assert len(reached(prompt_of(chain), [str(size - 1)])) == size
    assert cycles(prompt_of(chain)) == []
    [ring] = cycles(prompt_of({**chain, "0": [str(size - 1)]}))
    assert len(ring) == size
