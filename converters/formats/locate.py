"""Find the files of the artifact at a path: one file, or a program with its parameters.

The format of a file is read from its bytes. Names only pair parameters with their program, because nothing
else on disk connects the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.formats.bounded_io import is_folder, is_regular_file, read_head
from converters.formats.kind import HEAD_BYTES, Kind, reject_placeholder, sniff
from registry.errors import NotFoundError, UsageError

_MAX_NESTING = 4
_MAX_FILES = 2_000
_NAMES_SHOWN = 8
_PARAMS_SUFFIX = ".pdiparams"

_PROGRAMS = frozenset({Kind.PROGRAM, Kind.PIR})
_TWO_FILES = frozenset({Kind.OPENVINO, Kind.NCNN})
_MODELS = frozenset(
    {Kind.NB, Kind.ONNX, Kind.TFLITE, Kind.PICKLE, Kind.SAFETENSORS, Kind.TAR, Kind.TAR_GZ, Kind.ZIP}
)


@dataclass(frozen=True, slots=True)
class Artifact:
    """The files of one artifact.

    Attributes:
        kind: Kind of the main file.
        main: The only file, or the program or graph of a pair.
        params: The parameters or weights of a pair.
    """

    kind: Kind
    main: Path
    params: Path | None = None


def locate_in_folder(folder: Path) -> Artifact:
    """Find the only artifact in a folder, or in its only sub-folder, which archives unpack to.

    Raises:
        NotFoundError: ``artifact-not-found``; the message lists the files that are there.
        UsageError: ``ambiguous-folder`` when the folder contains several.
        IntegrityError: The folder contains a web page, a pointer or an empty file in place of the artifact.
    """
    for _ in range(_MAX_NESTING):
        entries = _list_entries(folder)
        files = [entry for entry in entries if is_regular_file(entry)]
        folders = [entry for entry in entries if is_folder(entry)]
        artifacts = _find_artifacts({path: sniff(read_head(path, HEAD_BYTES)) for path in files})
        if len(artifacts) > 1:
            raise _ambiguous_error(folder, artifacts)
        if artifacts:
            return artifacts[0]
        for path in files:
            reject_placeholder(read_head(path, HEAD_BYTES), str(path))
        if len(folders) != 1:
            raise _not_found_error(folder, entries)
        folder = folders[0]
    raise NotFoundError(
        "artifact-not-found",
        f"found no artifact within {_MAX_NESTING} nested folders",
        found=f"another folder, {folder}",
        hint=f"name the folder with the files: find {folder} -type f",
    )


def locate_file(path: Path) -> Artifact:
    """Find the artifact that a file is, or that it belongs to.

    Raises:
        NotFoundError: The file does not exist.
        UsageError: ``ambiguous-params`` when several programs match the named parameters.
        IntegrityError: The file is a web page, a pointer or an empty file in place of the artifact.
    """
    head = read_head(path, HEAD_BYTES)
    reject_placeholder(head, str(path))
    kind = sniff(head)
    if kind in _TWO_FILES:
        return _pair_with_bin(kind, path)
    # Raw numbers can start with any bytes, so the graph file of the same name decides.
    for sibling in _siblings(path) if path.suffix == ".bin" else ():
        if (graph := sniff(read_head(sibling, HEAD_BYTES))) in _TWO_FILES:
            return _pair_with_bin(graph, sibling)
    if kind in _PROGRAMS:
        return Artifact(kind, path, _find_params(path, _siblings(path)))
    if kind is not Kind.PARAMS:
        return Artifact(kind, path)
    programs = [
        Artifact(other, sibling, path)
        for sibling in _siblings(path)
        if (other := sniff(read_head(sibling, HEAD_BYTES))) in _PROGRAMS
    ]
    if len(programs) > 1:
        raise UsageError(
            "ambiguous-params",
            f"several programs match {path}",
            expected="one program with the same name",
            found=_join_names(artifact.main for artifact in programs),
            hint=f"name the program: zoo inspect {programs[0].main}",
        )
    return programs[0] if programs else Artifact(kind, path)


def _pair_with_bin(kind: Kind, graph: Path) -> Artifact:
    weights = graph.with_suffix(".bin")
    return Artifact(kind, graph, weights if is_regular_file(weights) else None)


def _find_artifacts(kinds: dict[Path, Kind]) -> list[Artifact]:
    """Find all artifacts among the files of one folder, sorted by name."""
    pairs = [_pair_with_bin(kind, path) for path, kind in kinds.items() if kind in _TWO_FILES]
    # Raw numbers can start with any bytes, so their sniffed kind means nothing.
    weights = {artifact.params for artifact in pairs}
    kinds = {path: kind for path, kind in kinds.items() if path not in weights}
    programs = [path for path, kind in kinds.items() if kind in _PROGRAMS]
    unpaired = [path for path, kind in kinds.items() if kind is Kind.PARAMS]
    found: list[Artifact] = pairs
    for program in programs:
        params = _find_params(program, [path for path in kinds if path.stem == program.stem])
        if params is None and len(programs) == len(unpaired) == 1:
            params = unpaired[0]
        found.append(Artifact(kinds[program], program, params))
    paired = {artifact.params for artifact in found}
    found += [Artifact(Kind.PARAMS, path) for path in unpaired if path not in paired]
    # paddle.jit.save writes a pickle of names next to the parameters and named after them. It is not an
    # artifact, even where the parameters are missing.
    owners = {*kinds, *(program.with_suffix(_PARAMS_SUFFIX) for program in programs)}
    name_pickles = {path for path in kinds if path.suffix == ".info" and path.with_suffix("") in owners}
    found += [
        Artifact(kind, path) for path, kind in kinds.items() if kind in _MODELS and path not in name_pickles
    ]
    return found


def _find_params(program: Path, siblings: Iterable[Path]) -> Path | None:
    """Find the parameters of a program: the file with their suffix whatever its content, else by content."""
    others = [path for path in siblings if path != program]
    named = [path for path in others if path.suffix == _PARAMS_SUFFIX]
    return next(
        iter(named),
        next((path for path in others if sniff(read_head(path, HEAD_BYTES)) is Kind.PARAMS), None),
    )


def _siblings(path: Path) -> list[Path]:
    """List the files in the same folder with the same stem and another suffix."""
    try:
        entries = sorted(entry for entry in path.parent.iterdir() if entry.stem == path.stem)
    except OSError:
        # A file can be readable in a folder that cannot be listed.
        return []
    return [entry for entry in entries if entry.name != path.name and is_regular_file(entry)]


def _list_entries(folder: Path) -> list[Path]:
    try:
        entries = sorted(
            entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.name != "__MACOSX"
        )
    except OSError as error:
        raise NotFoundError(
            "path-unreadable", f"cannot read {folder}", found=error.strerror, hint=f"ls -ld {folder}"
        ) from None
    if len(entries) > _MAX_FILES:
        raise UsageError(
            "ambiguous-folder",
            f"{folder} has too many entries for the folder of one model",
            expected=f"at most {_MAX_FILES} entries",
            found=f"{len(entries)}",
            hint="name the model file itself",
        )
    return entries


def _ambiguous_error(folder: Path, artifacts: Sequence[Artifact]) -> UsageError:
    return UsageError(
        "ambiguous-folder",
        f"{folder} contains more than one artifact",
        expected="one model file, or one program with its parameters",
        found=_join_names(artifact.main for artifact in artifacts),
        hint=f"name one of them: zoo inspect {artifacts[0].main}",
    )


def _not_found_error(folder: Path, entries: Sequence[Path]) -> NotFoundError:
    return NotFoundError(
        "artifact-not-found",
        f"{folder} contains no artifact",
        expected="a model file, or a program with its parameters",
        found=_join_names(entries) if entries else "an empty folder",
        hint="name the folder that contains the model, or the model file itself",
    )


def _join_names(paths: Iterable[Path]) -> str:
    names = [path.name for path in paths]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
