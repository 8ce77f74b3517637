"""Joints and labels of own models, read from files that people write by hand."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import UsageError, ZooError
from zoo.local_models.joints import category_joints, pair_sides, parse_sigmas, read_joints
from zoo.local_models.labels import parse_labels

YAML = """\
names: [tip, left_base, right_base]
skeleton: [[tip, left_base], [0, 2]]
flip_pairs: [[left_base, right_base]]
sigmas: [0.1, 0.2, 0.2]
"""


def written(folder: Path, text: str, name: str = "joints.yml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_pairs_are_names_or_indexes(tmp_path: Path) -> None:
    joints = read_joints(written(tmp_path, YAML))
    assert joints.names == ("tip", "left_base", "right_base")
    assert joints.skeleton == ((0, 1), (0, 2))
    assert joints.flip_pairs == ((1, 2),)
    assert joints.sigmas == (0.1, 0.2, 0.2)


def test_what_the_file_leaves_out_is_unknown(tmp_path: Path) -> None:
    joints = read_joints(written(tmp_path, "names: [a, b]"))
    assert (joints.skeleton, joints.flip_pairs, joints.sigmas) == ((), None, None)
    assert read_joints(written(tmp_path, "names: [a, b]\nflip_pairs: []")).flip_pairs == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no mapping"),
        ("[a, b]", "no mapping"),
        ("skeleton: []", "names"),
        ("names: []", "names"),
        ("names: [a, a]", "unique"),
        ("names: [a, b]\nlimbs: []", "unknown fields: limbs"),
        ("names: [a, b]\nskeleton: [[a, c]]", "skeleton names other joints: c"),
        ("names: [a, b]\nskeleton: [[a]]", "skeleton"),
        ("names: [a, b]\nskeleton: [[0, 2]]", "skeleton"),
        ("names: [a, b]\nskeleton: [a]", "skeleton"),
        ("names: [a, b, c]\nflip_pairs: [[a, b], [b, c]]", "once"),
        ("names: [a, b]\nsigmas: [0.1]", "2 values"),
        ("names: [a, b]\nsigmas: [0.1, -1]", "sigmas"),
        ("names: !!python/object:os.system [a]", "line 1"),
        ("names: [a", "line"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_joints(written(tmp_path, text))
    assert caught.value.code == "joints-malformed"
    assert found in (caught.value.found or "")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["names", "skeleton", "flip_pairs", "sigmas", "categories", "keypoints"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    suffix=st.sampled_from([".yml", ".json"]),
)
def test_any_file_gives_joints_or_an_error_with_a_code(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    with suppress(ZooError):
        assert read_joints(path).names


def test_joints_of_an_annotation_file(tmp_path: Path) -> None:
    category = {
        "id": 1,
        "name": "cow",
        "keypoints": ["nose", "left_horn", "right_horn"],
        "skeleton": [[1, 2]],
    }
    document = {"images": [], "annotations": [], "categories": [category, {"id": 2, "name": "grass"}]}
    joints = read_joints(written(tmp_path, json.dumps(document), "annotations.json"))
    assert joints.names == ("nose", "left_horn", "right_horn")
    assert (joints.skeleton, joints.flip_pairs) == (((0, 1),), ((1, 2),))

    with pytest.raises(UsageError, match="cannot read joints") as caught:
        read_joints(written(tmp_path, json.dumps(document | {"categories": []}), "none.json"))
    assert caught.value.found == "0 categories with a list of keypoints"


@pytest.mark.parametrize("skeleton", [[[0, 1]], [[1, 4]], [["nose", "left_horn"]], [[1]], None, "1-2"])
def test_a_skeleton_with_other_numbers_is_left_out(skeleton: object) -> None:
    found = category_joints({"keypoints": ["nose", "left_horn", "right_horn"], "skeleton": skeleton})
    assert found is not None
    assert found.skeleton == ()


@pytest.mark.parametrize("names", [None, [], "nose", [1, 2], ["nose", "nose"], ["a\nb"]])
def test_a_category_without_usable_names_has_no_joints(names: object) -> None:
    assert category_joints({"keypoints": names}) is None


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("nose", "left_eye", "right_eye"), ((1, 2),)),
        (("eye.L", "eye.R"), None),
        (("Left Eye", "RIGHT-EYE"), ((0, 1),)),
        (("l_hip", "r_hip", "pelvis"), ((0, 1),)),
        (("left_eye", "nose"), None),
        (("joint_0", "joint_1"), None),
        ((), None),
    ],
)
def test_sides_are_paired_by_name_only_if_all_have_a_partner(
    names: tuple[str, ...], pairs: tuple[tuple[int, int], ...] | None
) -> None:
    assert pair_sides(names) == pairs


def test_sigmas_are_numbers_or_a_file(tmp_path: Path) -> None:
    assert parse_sigmas("0.026, 0.025") == (0.026, 0.025)
    assert parse_sigmas("0.05") == (0.05,)
    assert parse_sigmas(str(written(tmp_path, "0.1\n0.2 0.3,\n", "sigmas.txt"))) == (0.1, 0.2, 0.3)
    for wrong in ("0,1", "nan", "inf", "-1", str(written(tmp_path, "a b", "words.txt"))):
        with pytest.raises(UsageError) as caught:
            parse_sigmas(wrong)
        assert caught.value.code == "sigmas-malformed"
    with pytest.raises(ZooError) as missing:
        parse_sigmas("none.txt")
    assert missing.value.code == "path-unreadable"


def test_labels_are_a_list_or_a_file(tmp_path: Path) -> None:
    assert parse_labels("helmet, vest,person") == ("helmet", "vest", "person")
    assert parse_labels("helmet") == ("helmet",)
    assert parse_labels(str(written(tmp_path, "traffic light\n\nstop sign\n", "l.txt"))) == (
        "traffic light",
        "stop sign",
    )
    categories = [{"id": 7, "name": "vest"}, {"id": 2, "name": "helmet"}]
    annotations = written(tmp_path, json.dumps({"categories": categories}), "a.json")
    assert parse_labels(str(annotations)) == ("helmet", "vest")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a,,b", "labels-malformed"),
        ("a,b,a", "labels-malformed"),
        ("", "labels-malformed"),
        ("a\x1b[31m,b", "labels-malformed"),
        ("labels.txt", "path-unreadable"),
        ("no/labels", "path-unreadable"),
    ],
)
def test_unusable_labels_are_refused(text: str, code: str) -> None:
    with pytest.raises(ZooError) as caught:
        parse_labels(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "document", [[], {}, {"categories": []}, {"categories": [{"id": 1}]}, {"categories": [{"name": "a"}]}]
)
def test_an_annotation_file_without_categories_has_no_labels(tmp_path: Path, document: object) -> None:
    with pytest.raises(UsageError) as caught:
        parse_labels(str(written(tmp_path, json.dumps(document), "a.json")))
    assert caught.value.code == "labels-malformed"
