"""Options and set-up that the commands which run a model share."""

from __future__ import annotations

from typing import Annotated

import typer

Threads = Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Threads of one run of the network.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1, max=64, metavar="N", help="Images processed in parallel. Default: number of processors."
    ),
]
Warmup = Annotated[int, typer.Option("--warmup", min=0, metavar="N", help="Runs before the measurement.")]
Runs = Annotated[int, typer.Option("--runs", min=1, metavar="N", help="Measured runs.")]


Fresh = Annotated[bool, typer.Option("--fresh", help="Measure again instead of using a kept measurement.")]


def limit_opencv_threads() -> None:
    """Limit OpenCV to one thread, because several images are processed in parallel.

    The commands do this, not the Python API: a library must not change this setting for the whole process.
    """
    try:
        import cv2  # heavy: loaded only by the commands that open images
    except ImportError as error:
        from registry.errors import MissingToolError

        raise MissingToolError(
            "opencv-missing",
            "OpenCV is not installed in this Python",
            found=str(error),
            hint="pip install 'paddle-zoo[run]'",
        ) from error
    cv2.setNumThreads(1)
