"""Which files make up the artifact a path stands for: one file, or a program with its parameters.

What a file is, is read from its bytes. Names serve for one thing only: to find out which parameters go with
which program, because that is all that ties them together on disk.
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
        kind: What the main file is by its first bytes.
        main: The file itself, or the program of a pair.
        params: The parameters of a pair.
    """

    kind: Kind
    main: Path
    params: Path | None = None


def locate_in_folder(folder: Path) -> Artifact:
    """The one artifact in a folder, or in its only sub-folder, as archives unpack to.

    Raises:
        NotFoundError: ``no-artifact``; the message lists what is there instead.
        UsageError: ``ambiguous-folder`` when it holds several.
        IntegrityError: A web page, pointer or empty file stands where the artifact should be.
    """
    for _ in range(_MAX_NESTING):
        entries = _visible(folder)
        files = [entry for entry in entries if is_regular_file(entry)]
        folders = [entry for entry in entries if is_folder(entry)]
        artifacts = _artifacts({path: sniff(read_head(path, HEAD_BYTES)) for path in files})
        if len(artifacts) > 1:
            raise _ambiguous(folder, artifacts)
        if artifacts:
            return artifacts[0]
        for path in files:
            reject_placeholder(read_head(path, HEAD_BYTES), str(path))
        if len(folders) != 1:
            raise _nothing(folder, entries)
        folder = folders[0]
    raise NotFoundError(
        "no-artifact",
        f"no artifact within {_MAX_NESTING} folders",
        found=f"a further folder {folder}",
        hint=f"name the folder that holds the files: find {folder} -type f",
    )


def locate_file(path: Path) -> Artifact:
    """The artifact a file is, or is one half of.

    Raises:
        NotFoundError: Nothing is there.
        UsageError: ``ambiguous-params`` when several programs could go with the named parameters.
        IntegrityError: A web page, pointer or empty file stands where the artifact should be.
    """
    head = read_head(path, HEAD_BYTES)
    reject_placeholder(head, str(path))
    kind = sniff(head)
    if kind in _TWO_FILES:
        return _with_bin(kind, path)
    # Bare numbers begin like anything, also like a program: what lies beside them says what they are.
    for sibling in _siblings(path) if path.suffix == ".bin" else ():
        if (graph := sniff(read_head(sibling, HEAD_BYTES))) in _TWO_FILES:
            return _with_bin(graph, sibling)
    if kind in _PROGRAMS:
        return Artifact(kind, path, _params_beside(path, _siblings(path)))
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
            f"several programs could go with {path}",
            expected="one program of the same name",
            found=_listed(artifact.main for artifact in programs),
            hint=f"name the program: zoo inspect {programs[0].main}",
        )
    return programs[0] if programs else Artifact(kind, path)


def _with_bin(kind: Kind, graph: Path) -> Artifact:
    weights = graph.with_suffix(".bin")
    return Artifact(kind, graph, weights if is_regular_file(weights) else None)


def _artifacts(kinds: dict[Path, Kind]) -> list[Artifact]:
    """All artifacts among the files of one folder, in the order of their names."""
    pairs = [_with_bin(kind, path) for path, kind in kinds.items() if kind in _TWO_FILES]
    # Bare numbers begin like anything.
    weights = {artifact.params for artifact in pairs}
    kinds = {path: kind for path, kind in kinds.items() if path not in weights}
    programs = [path for path, kind in kinds.items() if kind in _PROGRAMS]
    loose = [path for path, kind in kinds.items() if kind is Kind.PARAMS]
    found: list[Artifact] = pairs
    for program in programs:
        beside = _params_beside(program, [path for path in kinds if path.stem == program.stem])
        if beside is None and len(programs) == len(loose) == 1:
            beside = loose[0]
        found.append(Artifact(kinds[program], program, beside))
    taken = {artifact.params for artifact in found}
    found += [Artifact(Kind.PARAMS, path) for path in loose if path not in taken]
    # paddle.jit.save leaves a pickle of names beside the parameters, called after them: it is no artifact,
    # also where the parameters themselves are missing.
    noted = {*kinds, *(program.with_suffix(_PARAMS_SUFFIX) for program in programs)}
    notes = {path for path in kinds if path.suffix == ".info" and path.with_suffix("") in noted}
    found += [Artifact(kind, path) for path, kind in kinds.items() if kind in _MODELS and path not in notes]
    return found


def _params_beside(program: Path, siblings: Iterable[Path]) -> Path | None:
    """The file of the same name that says it is the parameters, whatever it is, or else one that is."""
    others = [path for path in siblings if path != program]
    named = [path for path in others if path.suffix == _PARAMS_SUFFIX]
    return next(
        iter(named),
        next((path for path in others if sniff(read_head(path, HEAD_BYTES)) is Kind.PARAMS), None),
    )


def _siblings(path: Path) -> list[Path]:
    """Files beside this one that have the same name but another suffix."""
    try:
        entries = sorted(entry for entry in path.parent.iterdir() if entry.stem == path.stem)
    except OSError:
        # A file may be readable in a folder that may not be listed.
        return []
    return [entry for entry in entries if entry.name != path.name and is_regular_file(entry)]


def _visible(folder: Path) -> list[Path]:
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
            f"{folder} is no folder of one model",
            expected=f"at most {_MAX_FILES} entries",
            found=f"{len(entries)}",
            hint="name the file itself",
        )
    return entries


def _ambiguous(folder: Path, artifacts: Sequence[Artifact]) -> UsageError:
    return UsageError(
        "ambiguous-folder",
        f"{folder} holds more than one artifact",
        expected="one model file, or one program with its parameters",
        found=_listed(artifact.main for artifact in artifacts),
        hint=f"name one: zoo inspect {artifacts[0].main}",
    )


def _nothing(folder: Path, entries: Sequence[Path]) -> NotFoundError:
    return NotFoundError(
        "no-artifact",
        f"{folder} holds no artifact",
        expected="a model file, or a program with its parameters",
        found=_listed(entries) if entries else "an empty folder",
        hint="name the folder the model lies in, or the file itself",
    )


def _listed(paths: Iterable[Path]) -> str:
    names = [path.name for path in paths]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
