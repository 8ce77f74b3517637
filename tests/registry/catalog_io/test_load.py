"""A catalog either loads completely, or every mistake in it is reported with file, line and field."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import registry
from registry.errors import CatalogError, NotFoundError, UsageError


def replace_once(file: Path, old: str, new: str) -> int:
    """Replace a text that occurs once in the file and return its line."""
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} must occur once in the sample"
    file.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def test_a_valid_file_loads(minimal: Path) -> None:
    entry = registry.load(minimal).get("sample")

    assert entry.input.height == 64
    assert registry.check(minimal).problems == ()


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("    family: picodet", "    famly: picodet", "entries.sample.famly", "Extra inputs"),
        ("height: 64", "height: -64", "entries.sample.input.height", "greater than 0, not -64"),
        ("height: 64", "height: tall", "entries.sample.input.height", "not 'tall'"),
        (
            "scope: network, source: {document: paper, cell: table 2}}",
            "scope: network}",
            "entries.sample.latency.0.source",
            "Field required",
        ),
        ("https://example.com", "http://example.com", "entries.sample.artifacts.0.urls.0", "must be https"),
        (
            "https://example.com",
            "https://me:secret@example.com",
            "entries.sample.artifacts.0.urls.0",
            "must not contain credentials",
        ),
        ("precision: fp16", "precision: half", "entries.sample.latency.0.precision", "not 'half'"),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_field(
    minimal: Path, old: str, new: str, field: str, words: str
) -> None:
    line = replace_once(minimal, old, new)

    problems = {problem.field: problem for problem in registry.check(minimal).problems}

    assert field in problems
    assert problems[field].file == minimal
    assert abs(problems[field].line - line) <= 1, "a missing field is reported at its parent"
    assert words in problems[field].message
    with pytest.raises(CatalogError, match=rf"{minimal.name}:\d+: entries\.sample\."):
        registry.load(minimal)


def test_credentials_in_a_url_are_not_repeated_in_the_message(minimal: Path) -> None:
    replace_once(minimal, "https://example.com", "https://me:secret@example.com")

    with pytest.raises(CatalogError) as caught:
        registry.load(minimal)

    assert "secret" not in str(caught.value)


def test_every_mistake_is_listed_at_once(minimal: Path) -> None:
    replace_once(minimal, "height: 64", "height: -64")
    replace_once(minimal, "license: MIT", "licence: MIT")

    fields = [problem.field for problem in registry.check(minimal).problems]

    assert sorted(fields) == [
        "entries.sample.input.height",
        "entries.sample.licence",
        "entries.sample.license",
    ]


PIPELINE = """\
  - kind: pipeline
    name: pair
    release: "1"
    title: Pair
    task: keypoint_detection
    family: tinypose
    detector: sample@1
    pose: tinypose_128x96@2021
    persons: 1
    latency:
      - {milliseconds: 9, device: Snapdragon 865, engine: Paddle Lite, engine_version: null, threads: 4,
         precision: fp16, scope: pipeline, source: {document: paper, cell: table 4}}
    license: MIT
"""


class TestPipelines:
    def test_a_pipeline_is_loaded_with_its_models(self, minimal: Path) -> None:
        minimal.write_text(minimal.read_text() + PIPELINE)

        loaded = registry.load(minimal)

        assert [entry.name for entry in loaded] == ["sample"]
        assert [pair.id for pair in loaded.pipelines] == ["pair@1"]
        assert loaded.find("pair") is loaded.pipelines[0]
        with pytest.raises(UsageError) as caught:
            loaded.get("pair")
        assert caught.value.code == "not-a-model"

    @pytest.mark.parametrize(
        ("old", "new", "field", "words"),
        [
            ("detector: sample@1", "detector: other@1", "detector", "no entry is named other@1"),
            ("detector: sample@1", "detector: tinypose_128x96@2021", "detector", "not object_detection"),
            ("detector: sample@1", "detector: sample", "detector", "should match pattern"),
            ("persons: 1", "persons: 0", "persons", "greater than or equal to 1, not 0"),
            ("milliseconds: 9", "milliseconds: fast", "latency.0.milliseconds", "not 'fast'"),
        ],
    )
    def test_a_mistake_in_it_is_reported_on_its_line(
        self, minimal: Path, old: str, new: str, field: str, words: str
    ) -> None:
        minimal.write_text(minimal.read_text() + PIPELINE)
        line = replace_once(minimal, old, new)

        (problem,) = registry.check(minimal).problems

        assert (problem.line, problem.field) == (line, f"entries.pair.{field}")
        assert words in problem.message

    def test_its_latency_needs_the_scope_pipeline(self, minimal: Path) -> None:
        minimal.write_text(minimal.read_text() + PIPELINE.replace("scope: pipeline", "scope: network"))

        (problem,) = registry.check(minimal).problems

        assert "needs the scope pipeline" in problem.message

    def test_an_entry_of_unknown_kind_is_reported(self, minimal: Path) -> None:
        minimal.write_text(minimal.read_text() + PIPELINE)
        replace_once(minimal, "kind: pipeline", "kind: ensemble")

        (problem,) = registry.check(minimal).problems

        assert problem.field == "entries.pair"
        assert problem.message == "an entry is of kind model or pipeline"


def test_a_mistake_in_an_output_is_reported_on_its_line(minimal: Path) -> None:
    line = replace_once(minimal, "head: nms", "head: tail")

    (problem,) = registry.check(minimal).problems

    assert (problem.line, problem.field) == (line, "entries.sample.output.head")


def test_superseded_by_must_name_a_current_artifact(minimal: Path) -> None:
    replace_once(
        minimal,
        "      - kind: weights\n",
        "      - kind: weights\n        status: superseded\n        superseded_by: weights-int8\n",
    )

    (problem,) = registry.check(minimal).problems

    assert "'weights-int8', which is none of the current artifacts" in problem.message


def test_a_name_may_be_defined_only_once(minimal: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    again.write_text(minimal.read_text())

    (problem,) = registry.check(tmp_path).problems

    assert problem.file == minimal
    assert "already defined at again.yaml:3" in problem.message


def test_a_duplicate_key_is_refused(minimal: Path) -> None:
    line = replace_once(minimal, "    license: MIT", "    license: MIT\n    license: BSD")

    with pytest.raises(CatalogError, match=rf":{line + 1}: the key 'license' is defined twice"):
        registry.load(minimal)


@pytest.mark.parametrize(
    "text",
    ["entries: [", "\x00", "- a\nb: c", "a: &a [*a]", "!!python/object/apply:os.system ['true']"],
    ids=["open bracket", "control character", "mixed", "alias to itself", "python object"],
)
def test_text_that_is_not_yaml_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)

    with pytest.raises(CatalogError, match=r"broken\.yaml"):
        registry.load(file)


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(lines))

    with pytest.raises(CatalogError, match="once aliases are expanded"):
        registry.load(file)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80), position=st.integers(0, 1200))
def test_no_text_makes_the_loader_crash(minimal: Path, text: str, position: int) -> None:
    original = minimal.read_text()
    fuzzed = minimal.with_name("fuzzed.yaml")
    fuzzed.write_text(original[:position] + text + original[position:], encoding="utf-8")

    with contextlib.suppress(CatalogError):
        registry.load(fuzzed)


def test_a_missing_file_and_an_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such file"):
        registry.load(tmp_path / "nowhere.yaml")
    with pytest.raises(CatalogError, match=r"no \.yaml file"):
        registry.load(tmp_path)


class TestShippedCatalog:
    def test_it_contains_the_four_seed_entries_complete(self) -> None:
        shipped = registry.load()

        names = {
            "tinypose_128x96",
            "tinypose_256x192",
            "picodet_s_192_pedestrian",
            "picodet_s_320_pedestrian",
        }
        assert names <= set(shipped.names)
        for name in names:
            entry = shipped.get(name)
            ids = {artifact.id for artifact in entry.artifacts}
            assert {"config", "weights", "inference", "lite-arm-fp32", "lite-arm-fp16"} <= ids
            assert entry.training
            assert entry.accuracy[0].protocol.source.cell
            on_phone = [latency for latency in entry.latency if latency.device == "Snapdragon 865"]
            assert [latency.precision for latency in on_phone] == ["fp32", "fp16"]
            assert all(latency.threads == 4 for latency in on_phone)

    def test_the_detectors_are_scored_on_persons_only(self) -> None:
        protocol = registry.load().get("picodet_s_192_pedestrian").accuracy[0].protocol

        assert protocol.kind == "detection"
        assert protocol.category_scope == "person"

    def test_a_name_without_a_release_refers_to_the_default_release(self) -> None:
        shipped = registry.load()

        assert shipped.get("tinypose_128x96") is shipped.get("tinypose_128x96@2021")

    def test_a_wrong_name_suggests_the_right_one(self) -> None:
        with pytest.raises(NotFoundError) as caught:
            registry.load().get("tinypose-128x69")

        assert caught.value.code == "unknown-entry"
        assert "tinypose_128x96" in str(caught.value.hint)
