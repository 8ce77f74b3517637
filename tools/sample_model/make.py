"""Makes the shipped files of the sample entry from trained weights, and states what they are.

    python -m tools.sample_model.make --weights trained/weights.safetensors

Exports the weights as upstream's models were exported, packs them as a release would be packed, measures the
accuracy of what was packed, and writes digests, sizes and accuracy into the catalog.
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
from converters.inference.export import InferenceModel, export
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
        weights: What `tools.sample_model.train` wrote.
        settings: Where the store is: environments and work in progress live there.

    Returns:
        What was measured.

    Raises:
        ConversionError: Paddle failed.
        MissingToolError: Something is missing on this machine.
    """
    interpreter = Toolchains(settings.toolchains, python=settings.python).ensure(PADDLE, _log.info)
    with work_directory(settings.cache / "work") as folder:
        model = exported(weights, folder / NAME, interpreter, settings)
        publish_bytes(packed((model.program, model.params, model.config)), DATA / ARCHIVE)
        publish_bytes(weights.read_bytes(), DATA / WEIGHTS)
        write_coco(folder / "images", IMAGES, HELD_OUT)
        _log.info("measuring on %d images", IMAGES)
        with open_session(model.folder, "paddle", interpreter=interpreter) as session:
            accuracy = measured(session, folder / "images")
    digests = {name: _digest(DATA / name) for name in (ARCHIVE, WEIGHTS)}
    text = stated(CATALOG.read_text(encoding="utf-8"), digests, accuracy.metrics.AP or 0.0)
    publish_bytes(text.encode(), CATALOG)
    _log.info("%s", accuracy.metrics)
    return accuracy


def exported(weights: Path, out: Path, interpreter: Interpreter, settings: Settings) -> InferenceModel:
    """The inference model of some weights, by the converter anybody's weights go through.

    Args:
        weights: Weights of the sample network.
        out: Folder for the model.
        interpreter: Python with paddle.
        settings: Where work in progress and logs go.
    """
    entry = recipe().entry
    return export(
        entry,
        weights,
        published_options(entry),
        out,
        interpreter=interpreter,
        work=settings.cache / "work",
        log=settings.logs / f"{NAME}.log",
        note=_log.info,
    )


def packed(files: Sequence[Path]) -> bytes:
    """A gzipped tar of some files below one folder, without times, owners or any other trace.

    Args:
        files: In any order; the archive has them by name.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(files, key=lambda path: path.name):
            member = tarfile.TarInfo(f"{NAME}/{path.name}")
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)


def measured(session: Session, data: Path) -> Accuracy:
    """Accuracy under the entry's protocol.

    Args:
        session: The network, in any format.
        data: What `zoo.sample.figures.write_coco` wrote.
    """
    wanted = recipe()
    estimator = PoseEstimator(session, wanted.image, wanted.output, wanted.protocol)
    return measure_keypoints(load_set(data, wanted.protocol), [estimator])


def stated(catalog: str, digests: Mapping[str, Digest], accuracy: float) -> str:
    """The catalog's text with new figures; everything else stays as it was written.

    Args:
        catalog: The text.
        digests: By the file name at the end of an address.
        accuracy: AP from 0 to 1; rounded to a tenth of a percent, as such figures are published.
    """
    for name, digest in digests.items():
        shape = rf'(/{re.escape(name)}"\]\n +digest: ){{[^}}]*}}'
        value = f'{{sha256: "{digest.sha256}", size: {digest.size}}}'
        catalog = _replaced(shape, value, catalog)
    return _replaced(r"(metric: AP\n +value: )[0-9.]+", f"{100 * accuracy:.1f}", catalog)


def _replaced(shape: str, value: str, text: str) -> str:
    changed, count = re.subn(shape, lambda found: found[1] + value, text)
    if count != 1:
        raise ValueError(f"{CATALOG}: expected one place that looks like {shape}, found {count}")
    return changed


def _digest(path: Path) -> Digest:
    return Digest(sha256=sha256_of(path), size=path.stat().st_size)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sample_model.make", description="Make the shipped files."
    )
    parser.add_argument("--weights", type=Path, required=True, help="what tools.sample_model.train wrote")
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    _log.setLevel(logging.INFO)
    make(given.weights, from_environment())


if __name__ == "__main__":
    main()
