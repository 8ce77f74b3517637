"""The matches of each image: serialization and merging of shards."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import IntegrityError, UsageError
from tests.helpers.synthetic_coco import make_synthetic
from zoo.datasets.coco import CocoSet
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.scoring import Scorer

pytest.importorskip("hotcoco")
MADE = make_synthetic(24, 3)
DATA = MADE.coco_set()


def match(start: int, stop: int, data: CocoSet = DATA, limit: int = 100) -> ImageMatches:
    images = data.images[start:stop]
    scorer = Scorer(data, "bbox", categories=data.categories, max_detections=limit)
    ids = {image.id for image in images}
    scorer.add(images, [each for each in MADE.records if each["image_id"] in ids])  # type: ignore[misc]
    return scorer.finish()


WHOLE = match(0, 24)
BYTES = WHOLE.to_bytes()


def test_bytes_hold_everything() -> None:
    restored = ImageMatches.from_bytes(WHOLE.to_bytes())

    assert restored == WHOLE
    assert restored.to_bytes() == WHOLE.to_bytes()
    assert pickle.loads(pickle.dumps(WHOLE)) == WHOLE


def test_text_ids_are_kept() -> None:
    named = replace(WHOLE, images=("a", *WHOLE.images[1:]))

    assert ImageMatches.from_bytes(named.to_bytes()).images[:2] == ("a", WHOLE.images[1])


@pytest.mark.parametrize("ends", [(0, 24), (0, 5, 24), (0, 1, 2, 17, 24)])
def test_shards_in_any_order_merge_to_the_whole(ends: tuple[int, ...]) -> None:
    shards = [match(start, stop) for start, stop in itertools.pairwise(ends)]

    assert ImageMatches.merge(shards) == WHOLE
    assert ImageMatches.merge(shards[::-1]) == WHOLE


@pytest.mark.parametrize(
    ("other", "found"),
    [(match(0, 3), "an image in two shards"), (replace(match(4, 9), categories=(1, 2, 4)), "other settings")],
)
def test_what_is_no_shard_is_refused(other: ImageMatches, found: str) -> None:
    with pytest.raises(UsageError) as caught:
        ImageMatches.merge([match(0, 4), other])

    assert (caught.value.code, caught.value.found) == ("shards-mismatch", found)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_are_an_error(data: st.DataObject) -> None:
    whole = bytearray(BYTES)
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    changed = bytes(whole[: data.draw(st.sampled_from([len(whole), place]))])

    with pytest.raises(IntegrityError) as caught:
        ImageMatches.from_bytes(changed)

    assert caught.value.code == "matches-unreadable"


@pytest.mark.parametrize(
    "wrong",
    [
        replace(WHOLE, detection_image=WHOLE.detection_image + 24),
        replace(WHOLE, instance_category=WHOLE.instance_category - 3),
        replace(WHOLE, score=WHOLE.score[1:]),
        replace(WHOLE, found=WHOLE.found[:, 1:]),
        replace(WHOLE, score=np.array(["a"] * len(WHOLE.score))),
    ],
)
def test_columns_that_contradict_each_other_are_an_error(wrong: ImageMatches) -> None:
    with pytest.raises(IntegrityError):
        ImageMatches.from_bytes(wrong.to_bytes())
