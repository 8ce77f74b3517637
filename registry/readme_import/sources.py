"""Imports documents from files, each with its location in the upstream repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from registry.errors import NotFoundError, UsageError
from registry.readme_import.consistency import find_differences, find_tree_issues
from registry.readme_import.draft import ImportedDocument
from registry.readme_import.importer import import_document, with_issues
from registry.readme_import.links import DocumentLocation
from registry.readme_import.markdown import Issue

MAX_BYTES = 2 * 1024 * 1024
"""Bound on a document; upstream's largest is below 100 kB."""


@dataclass(frozen=True)
class DocumentOrigin:
    """Origin of documents.

    Attributes:
        paths: Paths in the repository, in the order of the files; files without one have no known location.
        repository: ``owner/name`` on GitHub.
        revision: Commit or branch of the documents.
        release: Release that their numbers belong to.
        tree: Checkout of the repository, to check linked configurations.
    """

    paths: tuple[str, ...] = ()
    repository: str = "PaddlePaddle/PaddleDetection"
    revision: str | None = None
    release: str | None = None
    tree: Path | None = None

    def locate(self, index: int, file: Path) -> DocumentLocation:
        """Return the location of a document by its index."""
        path = self.paths[index] if index < len(self.paths) else None
        return DocumentLocation(path or file.name, path, self.repository, self.revision, self.release)


def import_files(files: Sequence[Path], origin: DocumentOrigin) -> tuple[ImportedDocument, ...]:
    """Import documents and check them against each other and against a checkout, if there is one.

    Args:
        files: Markdown files.
        origin: Origin of the documents.

    Raises:
        NotFoundError: ``document-not-found``.
        UsageError: ``document-unreadable``, or ``no-model-table``: a file has no table of models.
    """
    documents = [
        import_document(_read_text(file), origin.locate(index, file)) for index, file in enumerate(files)
    ]
    for file, imported in zip(files, documents, strict=True):
        if not imported.drafts:
            raise UsageError(
                "no-model-table",
                f"{file}: no table with a column of models and a linked file",
                found=f"{len(imported.page.tables)} tables",
                hint="zoo registry import README.md, with a model-zoo README in Markdown",
            )
    if origin.tree is not None:
        documents = [_add_issues(each, tuple(find_tree_issues(each, origin.tree))) for each in documents]
    if len(documents) > 1:
        documents[-1] = _add_issues(documents[-1], tuple(find_differences(documents)))
    return tuple(documents)


def _add_issues(imported: ImportedDocument, more: tuple[Issue, ...]) -> ImportedDocument:
    issues = (*imported.issues, *more)
    return replace(imported, drafts=with_issues(imported.drafts, issues), issues=issues)


def _read_text(file: Path) -> str:
    if not file.is_file():
        raise NotFoundError(
            "document-not-found",
            f"{file}: no such file",
            expected="a model-zoo README in Markdown",
            hint="pass a README.md of a checkout of PaddleDetection",
        )
    try:
        content = file.read_bytes()
        if len(content) > MAX_BYTES:
            raise UsageError(
                "document-unreadable",
                f"{file}: larger than {MAX_BYTES // 2**20} MiB",
                expected="a model-zoo README in Markdown",
                hint="pass a smaller document, or only the part with the tables",
            )
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "document-unreadable",
            f"{file}: cannot be read as text: {error}",
            expected="a model-zoo README in Markdown, in UTF-8",
            hint=f"file {file}",
        ) from None
