"""Every protocol of the catalog has a text."""

from __future__ import annotations

import pytest

import registry
from registry import Entry
from zoo.reports.protocol_text import conditions, measurable

ENTRIES = tuple(registry.load())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_every_figure_of_the_catalog_has_its_conditions_in_words(entry: Entry) -> None:
    for figure in entry.accuracy:
        found = conditions(figure.protocol)
        assert all(condition.value for condition in found)
        assert "data" in [condition.name for condition in found]


def test_only_a_complete_protocol_is_executed() -> None:
    kinds = {protocol.kind for entry in ENTRIES if (protocol := measurable(entry)) is not None}

    assert kinds == {"keypoints", "detection"}
