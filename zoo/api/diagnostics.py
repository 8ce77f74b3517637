"""Python API of ``zoo doctor`` and ``zoo demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.artifacts.workspace import resolver_for
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from zoo.artifacts.resolver import Reporter
    from zoo.demo import Demo
    from zoo.diagnostics.doctor import Diagnosis
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.artifacts.resolver import Reporter
    from zoo.demo import Demo
    from zoo.diagnostics.doctor import Diagnosis


def diagnose(*, net: bool = False, settings: Settings | None = None) -> Diagnosis:
    """What works on this machine and why.

    Args:
        net: Ask the mirrors and the hosts of the catalog as well; no connection is opened otherwise.
        settings: Settings; the environment's by default.

    Raises:
        NetworkError: ``offline``: they are to be asked, and connections are forbidden.
    """
    from zoo.diagnostics.connectivity import check_hosts
    from zoo.diagnostics.doctor import examine

    chosen = settings or from_environment()
    return examine(chosen, resolver_for(chosen).toolchains, check_hosts(chosen) if net else None)


def demo(
    *,
    out: Path | str = "zoo-demo.jpg",
    limit: int | None = None,
    jobs: int = 1,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Demo:
    """The whole job on built-in sample data, without any network beyond this machine's loopback.

    Args:
        out: Where to write the annotated picture.
        limit: Measure accuracy on the first images only; on all of the published figure by default.
        jobs: Images looked at together.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.
    """
    from zoo.artifacts.resolver import Reporter
    from zoo.demo import run

    return run(settings or from_environment(), reporter or Reporter(), out=Path(out), limit=limit, jobs=jobs)
