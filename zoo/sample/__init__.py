"""The sample model of `zoo demo`: a small trained model that ships with the package.

Model
    A LiteHRNet like that of PP-TinyPose, but narrower and shallower, for one person in a crop of 128x96
    pixels. It finds COCO's 17 joints. `catalog.yaml` describes it in the same way as upstream's models are
    described, and `data/` contains its weights and its inference model, packed like a release.

Training
    `figures` draws images of jointed figures with exactly known joints. `tools.sample_model.train` trained on
    the seeds below 900 000, on one processor core, from random weights. `tools.sample_model.make` exported
    the weights with `converters.inference`, packed them, and measured the accuracy stated in the catalog on
    the images with seeds from 1 000 000. No images or weights of third parties were used. To repeat it:

        python -m tools.sample_model.train --out trained
        python -m tools.sample_model.make --weights trained/weights.safetensors

Limits
    The model was trained on drawings only and does not work on photographs. Its accuracy is that on drawings
    of the same kind: it shows whether a conversion or a runner preserves the outputs of a network, and says
    nothing about people. The training images contain no figures smaller than about 60 pixels, no upside-down
    figures, and none of which less than two thirds are inside the image.

Importing this package is cheap. Its modules import NumPy at the top: import them inside the function that
needs them.

    skeleton        a pose becomes joints in space
    figure_strokes  joints become strokes: limbs, clothes, a face
    canvas          strokes become pixels
    background      backgrounds, clutter, noise
    figures         images and their annotations
    local_server    serves the files of the model on the loopback interface
"""

from pathlib import Path

NAME = "sample_pose_128x96"
"""Name of the entry."""

CATALOG = Path(__file__).parent / "catalog.yaml"
"""The catalog with the entry. Its URLs use a host that cannot exist, so they need a mirror."""

DATA = Path(__file__).parent / "data"
"""Folder of the files, named by the last part of their URLs."""

IMAGES = 500
"""Number of held-out images of the published accuracy: those with the first seeds."""
