"""Compare every network of a folder of reference outputs with the networks of the catalog.

    python benchmarks/networks.py ../shared/data/networks_more [NAME ...] [--exported]

The folder has ``check/NAME.json`` (how weights and image are generated, shape and stride of each output),
``check/NAME.npz`` (the outputs of upstream's own network) and ``state_dicts/state_dict_NAME.json`` (names and
shapes). NAME is an entry of the catalog. For each one: whether names and shapes are upstream's, whether the
generated weights have the recorded digest, and the largest difference of an output, absolute and in standard
deviations of that output. ``--exported`` also converts the weights with ``zoo.convert`` and compares the
outputs of the inference model under Paddle Inference. Exit code 1 if a difference exceeds the limit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import registry

LIMIT = 1e-4
"""Largest accepted difference of an output: absolute, or in standard deviations where they are above 1."""

RECIPES = ("a", "b")


@dataclass(frozen=True)
class Reference:
    """One network of the folder.

    Attributes:
        name: Entry of the catalog.
        info: Content of ``check/NAME.json``.
        shapes: Shape by parameter name, in upstream's order.
        arrays: Recorded samples of outputs, by ``recipe/key``.
    """

    name: str
    info: dict[str, Any]
    shapes: dict[str, list[int]]
    arrays: dict[str, np.ndarray]


@dataclass(frozen=True)
class Difference:
    """Largest difference of an output from its reference.

    Attributes:
        key: Recipe and output, for example ``b/scores_8``.
        absolute: Largest absolute difference.
        relative: The same in standard deviations of the output.
    """

    key: str
    absolute: float
    relative: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the limit."""
        return min(self.absolute, self.relative) <= LIMIT


def read_reference(folder: Path, name: str) -> Reference:
    """Read the files of one network."""
    info = json.loads((folder / "check" / f"{name}.json").read_text(encoding="utf-8"))
    shapes = json.loads((folder / "state_dicts" / f"state_dict_{name}.json").read_text(encoding="utf-8"))
    with np.load(folder / "check" / f"{name}.npz") as stored:
        arrays = {key: stored[key] for key in stored.files if key != "info"}
    return Reference(name, info, shapes, arrays)


def normal(name: str, shape: list[int]) -> np.ndarray:
    """Standard normal float32 numbers that depend on the name alone."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal(tuple(shape))
    return drawn.astype(np.float32)


def make_weights(reference: Reference, recipe: str) -> dict[str, np.ndarray]:
    """Generate the weights of a recipe, in the order of the state dict."""
    shapes = reference.shapes
    # Of two names of one parameter, the later one in the state dict determines the values.
    order = {name: position for position, name in enumerate(shapes)}
    drawn_as = {name: max(pair, key=order.__getitem__) for pair in reference.info["aliases"] for name in pair}
    make = _value_a if recipe == "a" else _value_b
    weights = {}
    for name, shape in shapes.items():
        kept = reference.info["kept"].get(name)
        source = drawn_as.get(name, name)
        weights[name] = (
            make(reference, source, shape) if kept is None else np.array(kept, np.float32).reshape(shape)
        )
    return weights


def _value_a(reference: Reference, name: str, shape: list[int]) -> np.ndarray:
    value = normal(name, shape) * np.float32(0.05)
    return np.abs(value) + np.float32(0.5) if name.endswith("._variance") else value


def _value_b(reference: Reference, name: str, shape: list[int]) -> np.ndarray:
    z = normal(name, shape)
    if len(shape) == 4:
        return z * np.float32(1 / np.sqrt(np.prod(shape[1:])))
    t = z * np.float32(0.1)
    prefix, _, kind = name.rpartition(".")
    norm = f"{prefix}._mean" in reference.shapes
    if not norm or kind == "bias":
        return t
    if kind == "weight":
        return 2 + 2 * t
    scale = reference.info["scales_b"][prefix]
    return t * np.float32(np.sqrt(scale)) if kind == "_mean" else (1 + np.abs(t)) * np.float32(scale)


def digest(weights: dict[str, np.ndarray]) -> str:
    """SHA-256 over name, NUL and bytes of every array, as the check files record it."""
    found = hashlib.sha256()
    for name, array in weights.items():
        found.update(name.encode() + b"\0" + np.ascontiguousarray(array, "<f4").tobytes())
    return found.hexdigest()


def run_network(reference: Reference, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Build the network of the entry, load the weights, and return outputs and inner maps by key."""
    import paddle

    from converters.inference.boxes import channels_last
    from converters.inference.soft_argmax import expected_cells
    from converters.networks.build import build

    architecture = registry.load().get(reference.name).architecture
    if architecture is None:
        raise SystemExit(f"{reference.name} has no architecture")
    network = build(architecture)
    expected = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    if expected != reference.shapes:
        raise SystemExit(f"{reference.name}: names and shapes differ from upstream's")
    network.set_state_dict(weights)
    maps: dict[str, Any] = {}

    def record(key: str) -> Any:
        return lambda _, __, out: maps.update(_numbered(key, out))

    backbone = network.backbone.register_forward_post_hook(record("map_backbone"))
    neck = network.neck.register_forward_post_hook(record("map_neck")) if hasattr(network, "neck") else None
    with paddle.no_grad():
        out = network(paddle.to_tensor(normal("image", reference.info["input"])))
        if architecture.kind == "picodet":
            for stride, level in zip(architecture.strides, out, strict=True):
                maps[f"scores_{stride}"] = channels_last(level.scores)
                maps[f"boxes_{stride}"] = channels_last(level.distances)
        elif architecture.depth > 1:
            maps |= {"map_final_conv_0": out, "pose3d": expected_cells(out, architecture.depth)}
        else:
            maps |= {"heatmap": out, "argmax": out.flatten(2).argmax(-1)}
    for hook in filter(None, (backbone, neck)):
        hook.remove()
    return {key: np.asarray(value.numpy()) for key, value in maps.items()}


def _numbered(key: str, out: Any) -> dict[str, Any]:
    maps = out if isinstance(out, list | tuple) else [out]
    return {f"{key}_{position}": value for position, value in enumerate(maps)}


def run_exported(reference: Reference, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Convert the weights with `zoo.convert` and run the inference model with Paddle Inference."""
    from safetensors.numpy import save_file

    import zoo
    from converters.toolchain import Toolchains
    from converters.toolchain.pins import PADDLE
    from zoo.runner.sessions import open_session
    from zoo.settings import from_environment

    settings = from_environment()
    paddle = Toolchains(settings.toolchains, python=settings.python).ensure(PADDLE, print)
    detector = registry.load().get(reference.name).task == "object_detection"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "weights.safetensors")
        save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, file)
        made = zoo.convert(
            file, to="inference", architecture=reference.name, head="raw" if detector else None
        ).path
        with open_session(made, "paddle", interpreter=paddle) as session:
            out = session.run({"image": normal("image", reference.info["input"])})
    keys = {"joints": "pose3d", "heatmaps": "heatmap"}
    return {keys.get(key, key.replace("distances", "boxes")): value for key, value in out.items()}


def compare(reference: Reference, recipe: str, found: dict[str, np.ndarray]) -> list[Difference]:
    """Compare all recorded outputs that were computed."""
    differences = []
    for key, value in found.items():
        described = reference.info["recipes"][recipe]["outputs"].get(key)
        if described is None:
            continue
        if list(value.shape) != described["shape"]:
            raise SystemExit(f"{reference.name}: {key} has shape {value.shape}, not {described['shape']}")
        sample = value.reshape(-1)[:: described["stride"]]
        absolute = float(np.abs(sample - reference.arrays[f"{recipe}/{key}"]).max())
        differences.append(Difference(f"{recipe}/{key}", absolute, absolute / max(described["std"], 1e-30)))
    return differences


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="entries; all of the folder without any")
    parser.add_argument("--exported", action="store_true", help="also compare the exported inference model")
    options = parser.parse_args()
    names = options.names or sorted(file.stem for file in (options.folder / "check").glob("*.json"))
    failed = 0
    print("| network | recipe | form | weights | outputs | max abs | in std | |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        reference = read_reference(options.folder, name)
        for recipe in RECIPES:
            weights = make_weights(reference, recipe)
            same = digest(weights) == reference.info[f"weights_{recipe}_sha256"]
            forms = {"network": run_network(reference, weights)}
            if options.exported:
                forms["exported"] = run_exported(reference, weights)
            for form, found in forms.items():
                differences = compare(reference, recipe, found)
                passed = same and differences and all(each.passed for each in differences)
                failed += not passed
                print(
                    f"| {name} | {recipe} | {form} | {'as recorded' if same else 'DIFFERENT'} "
                    f"| {len(differences)} | {max(each.absolute for each in differences):.1e} "
                    f"| {max(each.relative for each in differences):.1e} | {'ok' if passed else 'FAILED'} |",
                    flush=True,
                )
    print(f"{len(names)} networks, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
