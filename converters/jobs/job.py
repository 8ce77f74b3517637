"""What conversions by native tools share: a place to work, a child that runs the tool, a proof, a delivery.

A converter reads its source, then works inside ``conversion(…)``: it hands a request to its worker, looks
into what was made, and delivers it. What fails on the way leaves nothing at the target, and the log of the
tool where the error says; a conversion that ends well leaves no log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from converters.fs.atomic import check_writable, publish, sha256_of
from converters.fs.workdir import work_directory
from converters.jobs.output_checks import Proof
from converters.process.interpreter import Interpreter
from converters.process.run import run_worker
from converters.provenance.revisions import ConversionKind
from converters.provenance.statement import provenance, write_provenance
from converters.toolchain import Toolchains
from converters.toolchain.pins import Tool

# The networks of the catalog take seconds and about 1 GiB of address space; what needs far more, hangs.
_SECONDS = 900.0
_MEMORY = 16 << 30


@dataclass(frozen=True)
class Conversion:
    """One conversion under way.

    Attributes:
        kind: ``onnx``, ``openvino``, …: what provenance calls it.
        tool: What converts.
        interpreter: Python that has the tool.
        folder: Private folder, gone afterwards.
        log: Everything the tool prints.
    """

    kind: ConversionKind
    tool: Tool
    interpreter: Interpreter
    folder: Path
    log: Path

    @property
    def proof(self) -> Proof:
        """Refuses what was made unless it is what was asked for."""
        return Proof(str(self.tool), self.log)

    def run(
        self,
        worker: Path,
        request: Mapping[str, JsonValue],
        *,
        hint: str | None = None,
        seconds: float = _SECONDS,
        memory: int = _MEMORY,
        env: Mapping[str, str] | None = None,
    ) -> dict[str, JsonValue]:
        """What ``main(request)`` of a worker script returns; arguments and errors as for ``run_worker``."""
        return run_worker(
            self.interpreter,
            worker,
            request,
            folder=self.folder,
            log=self.log,
            timeout=seconds,
            memory_bytes=memory,
            env=env,
            task=str(self.tool),
            hint=hint,
        )

    def deliver(
        self,
        files: Mapping[str, Path],
        *,
        inputs: Mapping[str, str],
        versions: JsonValue,
        options: Mapping[str, JsonValue],
        changes: Mapping[str, int] | None = None,
    ) -> None:
        """Move what was made to its target, with its provenance beside it.

        Args:
            files: Name in ``folder`` to target. The last one comes last, so that it never stands without the
                others; the provenance lies beside it and is about all of them.
            inputs: File name of each input to its SHA-256.
            versions: Package to version, of all that took part but the interpreter.
            options: Everything that was asked for, defaults included.
            changes: What was changed in the model before the tool read it, to the number of places.
        """
        digests = {target.name: sha256_of(self.folder / name) for name, target in files.items()}
        main = list(files.values())[-1]
        told = versions if isinstance(versions, dict) else {}
        statement = provenance(
            self.kind,
            name=main.name,
            sha256=digests[main.name],
            inputs=inputs,
            tools={package: str(each) for package, each in told.items()}
            | {"cpython": self.interpreter.version},
            options=options,
            changes=changes,
        )
        write_provenance(main, statement.about(digests))
        for name, target in files.items():
            publish(self.folder / name, target)


def tell_difference(difference: JsonValue, note: Callable[[str], None]) -> None:
    """Note how far the outputs of what was made lie from those of the original, on noise.

    Args:
        difference: The largest one, as a share of an output's largest value, as the worker found it; None
            where the original did not run.
        note: Told so.
    """
    if isinstance(difference, float):
        note(f"on noise its outputs differ by at most {difference:.1e} of their largest value")
    else:
        note("its outputs were not compared: the original does not run on noise")


@contextlib.contextmanager
def conversion(
    kind: ConversionKind,
    tool: Tool,
    key: str,
    target: Path,
    doing: str,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Iterator[Conversion]:
    """Get ready to convert: the target is tried, the tool is had, a private folder is made.

    Args:
        kind: As in ``Conversion``.
        tool: What converts.
        key: Name of the conversion, as ``conversion_key`` gives it.
        target: The main file that will be written.
        doing: What is done, in words; noted together with the tool.
        toolchains: Where the tool comes from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment.

    Raises:
        UsageError: ``target`` cannot be written.
        MissingToolError: The tool is not here and cannot be had, or the disk is full.
    """
    check_writable(target)
    interpreter = toolchains.ensure(tool, note)
    note(f"{doing} ({tool})")
    log = work.absolute() / "logs" / f"{kind}-{key[:16]}.log"
    with work_directory(work) as folder:
        yield Conversion(kind, tool, interpreter, folder, log)
    log.unlink(missing_ok=True)
