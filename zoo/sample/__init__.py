"""The model `zoo demo` runs on: small, real, and made here.

What it is
    A LiteHRNet like that of PP-TinyPose, narrower and shallower, for one person in a crop of 128x96 pixels.
    It finds COCO's 17 joints. The catalog beside this file describes it as upstream's models are described
    in theirs, and `data/` holds its weights and its inference model packed as a release would be.

How it was made
    `figures` draws images of jointed figures and knows their joints exactly; `train` learned from those of
    the seeds below 900 000, on one processor core, from random weights; `make` exported the weights with
    `converters.inference`, packed them, and measured the accuracy stated in the catalog on images of the
    seeds from 1 000 000 on. No image and no weights of others were used. To do it again:

        python -m tools.sample_model.train --out trained
        python -m tools.sample_model.make --weights trained/weights.safetensors

What it is not good for
    Photos. It has only ever seen drawings, and its accuracy is that on drawings of the same kind: it says
    whether a conversion or a runner keeps what the network computes, and nothing about people. Figures
    smaller than about 60 pixels, upside-down ones and ones of which less than two thirds are in the image
    were not among those it learned from.

Importing this package costs nothing. Its modules import NumPy at the top, because all of them compute with
arrays: import them inside the function that needs them.

    skeleton   a posture becomes joints in space
    wardrobe   joints become strokes: limbs, clothes, a face
    canvas     strokes become pixels
    scenery    backgrounds, clutter, noise
    figures    images and their annotations
    train      images become weights
    make       weights become the shipped files
"""

from pathlib import Path

NAME = "sample_pose_128x96"
"""Name of the entry."""

CATALOG = Path(__file__).parent / "catalog.yaml"
"""The entry. Its addresses are on a host that cannot exist: whoever uses them names a mirror."""

DATA = Path(__file__).parent / "data"
"""The files behind the addresses, by the last part of each."""

IMAGES = 500
"""Held-out images the published accuracy was measured on: those of the first seeds."""
