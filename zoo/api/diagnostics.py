"""Python API of ``zoo doctor`` and ``zoo demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from zoo.artifacts.resolver import Reporter
    from zoo.demo import Demo
    from zoo.diagnostics.doctor import Diagnosis


def diagnose(*, check_network: bool = False, settings: Settings | None = None) -> Diagnosis:
    """Diagnose this machine: packages, toolchains, cache and, on request, the sources of files.

    Args:
        check_network: Check the mirrors and the hosts of the catalog; otherwise no connection is opened.
        settings: Settings; the environment's by default.

    Raises:
        NetworkError: ``offline``: ``check_network`` is set, and offline mode is on.
    """
    from zoo.artifacts.workspace import toolchains_of
    from zoo.diagnostics.connectivity import check_hosts
    from zoo.diagnostics.doctor import collect_diagnosis

    chosen = settings or from_environment()
    hosts = check_hosts(chosen) if check_network else None
    # Not through the resolver: the diagnosis reports an unusable cache instead of failing with it.
    return collect_diagnosis(chosen, toolchains_of(chosen), hosts)


def demo(
    *,
    out: Path | str = "zoo-demo.jpg",
    limit: int | None = None,
    jobs: int = 1,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Demo:
    """Run fetch, convert, compare and validate on built-in sample data, without a network.

    Args:
        out: Where to write the annotated image.
        limit: Measure accuracy on the first images only; on all images of the published figure by default.
        jobs: Images processed at the same time.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.
    """
    from zoo.artifacts.resolver import Reporter
    from zoo.demo import run

    return run(settings or from_environment(), reporter or Reporter(), out=Path(out), limit=limit, jobs=jobs)
