"""``zoo.load``: an entry as a callable model."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from zoo._utils.extras import requires_extra
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.sources import registry_of
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from zoo.artifacts.formats import Backend, Precision
    from zoo.artifacts.resolver import Reporter
    from zoo.runner.loading import RunConfig
    from zoo.runner.runner import Runner


@requires_extra("run")
def load(
    name: str,
    *,
    backend: Backend = "onnx",
    precision: Precision = "fp32",
    detector: str | None = None,
    box_threshold: float = 0.5,
    threads: int = 1,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Runner:
    """A model ready to run, callable on arrays, paths and PIL images.

    Close it, or use it in a ``with`` statement: an engine may live in a child process.

    Args:
        name: ``name`` or ``name@release``.
        backend: ``onnx``, ``paddle``, ``lite``, ``openvino``, ``ncnn`` or ``tflite``.
        precision: Of the file; OpenVINO, ncnn and LiteRT compute in single precision whatever is stored.
        detector: Entry that finds the persons a pose model looks at; the whole image is one without it.
        box_threshold: Persons must score above this.
        threads: Threads one run may use.
        lite_version: Version of Paddle-Lite.
        build: True converts here whatever is published, False never, None what is not published.
        locked: Refuse what ``zoo.lock`` does not name.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    # Imported here, as in every function below: numpy and the engines are for those who run a model.
    from zoo.runner.loading import load_networks
    from zoo.runner.runner import Runner, require_fit

    choice = _choice(
        "load", backend=backend, precision=precision, threads=threads, lite_version=lite_version, build=build
    )
    chosen = settings or from_environment()
    known = registry_of(chosen)
    entries = [known.get(each) for each in (name, detector) if each is not None]
    require_fit(*entries)
    resources = ExitStack()
    try:
        orders = [(entry, choice) for entry in entries]
        networks = resources.enter_context(
            load_networks(orders, resolver_for(chosen, locked=locked, reporter=reporter))
        )
        finder = networks[1] if detector is not None else None
        return Runner(networks[0], finder, box_threshold=box_threshold, close=resources.close)
    except BaseException:
        resources.close()
        raise


def _choice(function: str, **values: object) -> RunConfig:
    from zoo.runner.loading import RunConfig

    return validate_kwargs(RunConfig, function, values)
