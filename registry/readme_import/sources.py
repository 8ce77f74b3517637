"""Documents from files: one or several, each with its place in the repository it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from registry.errors import NotFoundError, UsageError
from registry.readme_import.consistency import compare_documents, in_tree
from registry.readme_import.draft import ImportedDocument
from registry.readme_import.importer import import_document, with_issues
from registry.readme_import.links import Place
from registry.readme_import.markdown import Issue

MAX_BYTES = 2 * 1024 * 1024
"""Bound on a document; upstream's largest is below a hundred kilobytes."""


@dataclass(frozen=True)
class Origin:
    """Where documents come from.

    Attributes:
        paths: Their paths in the repository, in the order of the files; fewer leave the rest unknown.
        repository: ``owner/name`` on GitHub.
        revision: Commit or branch they were read at.
        release: Release their numbers belong to.
        tree: A checkout of the repository, to look linked configurations up in.
    """

    paths: tuple[str, ...] = ()
    repository: str = "PaddlePaddle/PaddleDetection"
    revision: str | None = None
    release: str | None = None
    tree: Path | None = None

    def place(self, number: int, file: Path) -> Place:
        """The place of the document with that number, counted from 0."""
        path = self.paths[number] if number < len(self.paths) else None
        return Place(path or file.name, path, self.repository, self.revision, self.release)


def import_files(files: Sequence[Path], origin: Origin) -> tuple[ImportedDocument, ...]:
    """Reads documents, and holds them against each other and against a checkout where there is one.

    Args:
        files: Markdown files.
        origin: Where they come from.

    Raises:
        NotFoundError: ``document-not-found``.
        UsageError: ``document-unreadable``, or ``no-model-table``: a file has no table of models.
    """
    read = [import_document(_text(file), origin.place(number, file)) for number, file in enumerate(files)]
    for file, imported in zip(files, read, strict=True):
        if not imported.drafts:
            raise UsageError(
                "no-model-table",
                f"{file}: no table with a column of models and a linked file was found",
                found=f"{len(imported.page.tables)} tables",
                hint="zoo registry import takes a model-zoo README in Markdown",
            )
    if origin.tree is not None:
        read = [_with_issues(imported, tuple(in_tree(imported, origin.tree))) for imported in read]
    if len(read) > 1:
        read[-1] = _with_issues(read[-1], tuple(compare_documents(read)))
    return tuple(read)


def _with_issues(imported: ImportedDocument, more: tuple[Issue, ...]) -> ImportedDocument:
    issues = (*imported.issues, *more)
    return replace(imported, drafts=with_issues(imported.drafts, issues), issues=issues)


def _text(file: Path) -> str:
    if not file.is_file():
        raise NotFoundError(
            "document-not-found",
            f"{file}: no such file",
            expected="a model zoo in Markdown",
            hint="name a README.md of a checkout of PaddleDetection",
        )
    try:
        content = file.read_bytes()
        if len(content) > MAX_BYTES:
            raise UsageError(
                "document-unreadable",
                f"{file}: larger than {MAX_BYTES // 2**20} MiB",
                expected="a model zoo in Markdown",
                hint="name the document itself, or the part of it that holds the tables",
            )
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "document-unreadable",
            f"{file}: cannot be read as text: {error}",
            expected="a model zoo in Markdown, in UTF-8",
            hint=f"file {file}",
        ) from None
