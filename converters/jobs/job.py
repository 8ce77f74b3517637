"""Shared steps of native conversions: work folder, subprocess, output checks, publish.

A converter reads its source and enters ``run_job``. Inside, it sends a request to its worker, checks the
output, and publishes it. A failed job writes nothing to the target and keeps the tool's log, whose path is in
the error. A successful job deletes its log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from converters.fs.atomic import check_writable, publish, sha256_of
from converters.fs.workdir import work_directory
from converters.jobs.output_checks import OutputChecks
from converters.process.interpreter import Interpreter
from converters.process.run import run_worker
from converters.provenance.revisions import ConversionKind
from converters.provenance.statement import provenance, write_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import Tool

# The networks of the catalog take seconds and about 1 GiB of address space; what needs far more, hangs.
_TIMEOUT_SECONDS = 900.0
_MEMORY_BYTES = 16 << 30


@dataclass(frozen=True)
class Job:
    """One conversion in progress.

    Attributes:
        kind: Kind of conversion, as provenance names it: ``onnx``, ``openvino``, …
        tool: The native tool that converts.
        interpreter: Python that has the tool.
        folder: Private work folder, deleted at the end.
        log: File for the output of the tool.
    """

    kind: ConversionKind
    tool: Tool
    interpreter: Interpreter
    folder: Path
    log: Path

    @property
    def checks(self) -> OutputChecks:
        """Checks that reject an output which does not match the request."""
        return OutputChecks(str(self.tool), self.log)

    def run_worker(
        self,
        worker: Path,
        request: Mapping[str, JsonValue],
        *,
        hint: str | None = None,
        timeout: float = _TIMEOUT_SECONDS,
        memory_bytes: int = _MEMORY_BYTES,
        env: Mapping[str, str] | None = None,
    ) -> dict[str, JsonValue]:
        """Call ``main(request)`` of a worker script; arguments and errors as for ``run_worker``."""
        return run_worker(
            self.interpreter,
            worker,
            request,
            folder=self.folder,
            log=self.log,
            timeout=timeout,
            memory_bytes=memory_bytes,
            env=env,
            task=str(self.tool),
            hint=hint,
        )

    def publish(
        self,
        files: Mapping[str, Path],
        *,
        inputs: Mapping[str, str],
        versions: JsonValue,
        options: Mapping[str, JsonValue],
        changes: Mapping[str, int] | None = None,
    ) -> None:
        """Move the output files to their targets and write their provenance next to the last one.

        Args:
            files: File name in ``folder`` to target path. The last file is moved last, so that it never
                exists without the others. The provenance is named after it and covers all of them.
            inputs: File name of each input to its SHA-256.
            versions: Package to version, of all packages that took part; the interpreter is added here.
            options: All options of the conversion, defaults included.
            changes: Edit made to the model before the tool read it, to the number of operators it applies to.
        """
        digests = {target.name: sha256_of(self.folder / name) for name, target in files.items()}
        main = list(files.values())[-1]
        packages = versions if isinstance(versions, dict) else {}
        statement = provenance(
            self.kind,
            name=main.name,
            sha256=digests[main.name],
            inputs=inputs,
            tools={package: str(version) for package, version in packages.items()}
            | {"cpython": self.interpreter.version},
            options=options,
            changes=changes,
        )
        write_provenance(main, statement.about(digests))
        for name, target in files.items():
            publish(self.folder / name, target)


def report_difference(difference: JsonValue, note: Callable[[str], None]) -> None:
    """Report how much the outputs of the converted model differ from those of the original, on noise.

    Args:
        difference: The largest difference that the worker measured, as a share of the largest value of that
            output; None where the original did not run.
        note: Called with the message.
    """
    if isinstance(difference, float):
        note(f"on noise, the outputs differ by at most {difference:.1e} of their largest value")
    else:
        note("the outputs were not compared: the original does not run on noise")


@contextlib.contextmanager
def run_job(
    kind: ConversionKind,
    tool: Tool,
    key: str,
    target: Path,
    task: str,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Iterator[Job]:
    """Prepare a conversion: check that the target is writable, find the tool, create a work folder.

    Args:
        kind: Kind of conversion.
        tool: The native tool that converts.
        key: Cache key of the conversion, from ``conversion_key``; names the log.
        target: The main output file.
        task: Description of the conversion, reported together with the tool.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages.

    Raises:
        UsageError: ``target`` cannot be written.
        MissingToolError: The tool is neither installed nor installable, or the disk is full.
    """
    check_writable(target)
    interpreter = toolchains.ensure(tool, note)
    note(f"{task} ({tool})")
    log = work.absolute() / "logs" / f"{kind}-{key[:16]}.log"
    with work_directory(work) as folder:
        yield Job(kind, tool, interpreter, folder, log)
    log.unlink(missing_ok=True)
