"""Make the shipped files of the sample entry from trained weights, and update its catalog.

    python -m tools.sample_model.make --weights trained/weights.safetensors

Exports the weights like upstream's models, packs them like a release, measures the accuracy of the packed
model, and writes digests, sizes and accuracy into the catalog.
"""

from __future__ import annotations

import argparse
import gzip
import io
import logging
import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from converters.fs.atomic import publish_bytes, sha256_of
from converters.fs.workdir import work_directory
from converters.inference.export import InferenceModel, run_inference_job
from converters.inference.options import published_options
from converters.process.interpreter import Interpreter
from converters.toolchain.manager import Toolchains
from converters.toolchain.pins import PADDLE
from registry.schema import Digest
from tools.sample_model.recipe import recipe
from zoo.datasets.coco import load_set
from zoo.evaluation.measure import Accuracy, measure_keypoints
from zoo.runner.estimator import PoseEstimator
from zoo.runner.sessions import Session, open_session
from zoo.sample import CATALOG, DATA, IMAGES, NAME
from zoo.sample.figures import HELD_OUT, write_coco
from zoo.settings import Settings, from_environment

_log = logging.getLogger("tools.sample_model.make")

WEIGHTS = f"{NAME}.safetensors"
ARCHIVE = f"{NAME}.tar.gz"


def make(weights: Path, settings: Settings) -> Accuracy:
    """Write the shipped files and the catalog.

    Args:
        weights: Weights written by `tools.sample_model.train`.
        settings: Settings with the location of toolchains and work folders.

    Returns:
        The measured accuracy.

    Raises:
        ConversionError: Paddle failed.
        MissingToolError: A tool is missing on this machine.
    """
    interpreter = Toolchains(settings.toolchains, python=settings.python).ensure(PADDLE, _log.info)
    with work_directory(settings.cache / "work") as folder:
        model = export_model(weights, folder / NAME, interpreter, settings)
        publish_bytes(pack((model.program, model.params, model.config)), DATA / ARCHIVE)
        publish_bytes(weights.read_bytes(), DATA / WEIGHTS)
        write_coco(folder / "images", IMAGES, HELD_OUT)
        _log.info("measuring on %d images", IMAGES)
        with open_session(model.folder, "paddle", interpreter=interpreter) as session:
            accuracy = measure_accuracy(session, folder / "images")
    digests = {name: _digest(DATA / name) for name in (ARCHIVE, WEIGHTS)}
    text = update_catalog(CATALOG.read_text(encoding="utf-8"), digests, accuracy.metrics.AP or 0.0)
    publish_bytes(text.encode(), CATALOG)
    _log.info("%s", accuracy.metrics)
    return accuracy


def export_model(weights: Path, out: Path, interpreter: Interpreter, settings: Settings) -> InferenceModel:
    """Export weights to an inference model with the converter of the package.

    Args:
        weights: Weights of the sample network.
        out: Folder for the model.
        interpreter: Python interpreter with paddle.
        settings: Settings with the location of work folders and logs.
    """
    entry = recipe().entry
    return run_inference_job(
        entry,
        weights,
        published_options(entry),
        out,
        interpreter=interpreter,
        work=settings.cache / "work",
        log=settings.logs / f"{NAME}.log",
        note=_log.info,
    )


def pack(files: Sequence[Path]) -> bytes:
    """Pack files into a gzipped tar below one folder, without times and owners.

    Args:
        files: The files; the archive is sorted by name.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(files, key=lambda path: path.name):
            member = tarfile.TarInfo(f"{NAME}/{path.name}")
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)


def measure_accuracy(session: Session, data: Path) -> Accuracy:
    """Measure the accuracy under the protocol of the entry.

    Args:
        session: The network, in any format.
        data: Folder written by `zoo.sample.figures.write_coco`.
    """
    spec = recipe()
    estimator = PoseEstimator(session, spec.image, spec.output, spec.protocol)
    return measure_keypoints(load_set(data, spec.protocol), [estimator])


def update_catalog(catalog: str, digests: Mapping[str, Digest], accuracy: float) -> str:
    """Replace digests, sizes and accuracy in the text of the catalog.

    Args:
        catalog: The text.
        digests: Digests by the file name at the end of the URL.
        accuracy: AP from 0 to 1; rounded to a tenth of a percent like published figures.
    """
    for name, digest in digests.items():
        shape = rf'(/{re.escape(name)}"\]\n +digest: ){{[^}}]*}}'
        value = f'{{sha256: "{digest.sha256}", size: {digest.size}}}'
        catalog = _replace_once(shape, value, catalog)
    return _replace_once(r"(metric: AP\n +value: )[0-9.]+", f"{100 * accuracy:.1f}", catalog)


def _replace_once(shape: str, value: str, text: str) -> str:
    changed, count = re.subn(shape, lambda found: found[1] + value, text)
    if count != 1:
        raise ValueError(f"{CATALOG}: expected one match of {shape}, found {count}")
    return changed


def _digest(path: Path) -> Digest:
    return Digest(sha256=sha256_of(path), size=path.stat().st_size)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sample_model.make", description="Make the shipped files."
    )
    parser.add_argument(
        "--weights", type=Path, required=True, help="weights written by tools.sample_model.train"
    )
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    _log.setLevel(logging.INFO)
    make(given.weights, from_environment())


if __name__ == "__main__":
    main()
