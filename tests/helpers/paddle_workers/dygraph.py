"""Worker of these tests: an untrained network in dynamic graph mode, its weights, and what it computes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    import json

    import numpy as np
    import paddle

    from converters.networks.build import build

    paddle.seed(0)
    spec = json.loads(json.dumps(request["network"]), object_hook=lambda members: SimpleNamespace(**members))
    network = build(spec)
    rng = np.random.default_rng(0)
    for name, parameter in network.state_dict().items():
        # Statistics of a trained norm are neither 0 nor 1, so that a mistake in their use shows.
        if name.endswith("_variance"):
            parameter.set_value(rng.uniform(0.5, 1.5, parameter.shape).astype("float32"))
        if name.endswith("_mean"):
            parameter.set_value(rng.normal(0, 0.1, parameter.shape).astype("float32"))
    paddle.save(network.state_dict(), request["weights"])
    images = np.load(request["images"])
    with paddle.no_grad():
        result = network(paddle.to_tensor(images))
    if spec.kind == "lite_hrnet":
        arrays = {"heatmaps": result.numpy()}
    else:
        arrays = {}
        for stride, level in zip(spec.strides, result, strict=True):
            for kind in ("scores", "distances"):
                flat = getattr(level, kind).numpy()
                flat = flat.reshape(*flat.shape[:2], -1).transpose(0, 2, 1)
                arrays[f"{kind}_{stride}"] = flat
    np.savez(request["outputs"], **arrays)
    return {}
