"""Errors of the checkpoint readers.

| code | family | when |
|---|---|---|
| ``unsafe-pickle`` | integrity | the pickle needs more than arrays: an unknown global, call or opcode |
| ``weights-too-large`` | integrity | a size, count or depth exceeds a limit that no state dict reaches |
| ``weights-truncated`` | integrity | the file ends early |
| ``weights-malformed`` | integrity | the content is inconsistent |
| ``not-a-checkpoint`` | integrity | the file has another format |
| ``weights-unsupported`` | conversion | the file is valid, but not a flat dictionary of plain arrays |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from registry.errors import ConversionError, IntegrityError

_MAX_CHARACTERS = 80
_DONE = "nothing was executed or written"
_FETCH_AGAIN = "fetch the file again: zoo fetch NAME --weights"


def shorten(text: str) -> str:
    """Quote text from an untrusted file for a message: bounded and without control characters."""
    return ascii(text) if len(text) <= _MAX_CHARACTERS else ascii(text[:_MAX_CHARACTERS]) + "…"


@dataclass(frozen=True, slots=True)
class CheckpointErrors:
    """Builds the errors for one file.

    Attributes:
        path: The file being read; every message names it.
    """

    path: Path

    def unsafe(self, what: str, *, offset: int) -> IntegrityError:
        """Build the error for a pickle that needs more than arrays do."""
        return IntegrityError(
            "unsafe-pickle",
            f"{self.path} is not a plain checkpoint: {what} at byte {offset}",
            expected="only the opcodes that paddle.save writes for arrays",
            found=f"{what} at byte {offset}",
            done=_DONE,
            hint="save the state dict of your own network alone, paddle.save(network.state_dict(), FILE); "
            "do not open a file of another author with paddle.load",
        )

    def too_large(self, what: str, *, limit: int, found: str) -> IntegrityError:
        """Build the error for a limit that no checkpoint of the supported architectures reaches."""
        return IntegrityError(
            "weights-too-large",
            f"{self.path} exceeds a limit for checkpoints: {what}",
            expected=f"at most {limit}",
            found=found,
            done=_DONE,
            hint="save the state dict alone, without an optimizer: paddle.save(network.state_dict(), FILE)",
        )

    def truncated(self, where: str, *, expected: str, found: str) -> IntegrityError:
        """Build the error for a file that ends early."""
        return IntegrityError(
            "weights-truncated",
            f"{self.path} is truncated: it ends {where}",
            expected=expected,
            found=found,
            done=_DONE,
            hint=_FETCH_AGAIN,
        )

    def malformed(
        self, what: str, *, expected: str | None = None, found: str | None = None
    ) -> IntegrityError:
        """Build the error for inconsistent content."""
        return IntegrityError(
            "weights-malformed",
            f"{self.path} is damaged: {what}",
            expected=expected,
            found=found,
            done=_DONE,
            hint=_FETCH_AGAIN,
        )

    def not_a_checkpoint(self, found: str) -> IntegrityError:
        """Build the error for a file that is neither a pickle nor safetensors."""
        return IntegrityError(
            "not-a-checkpoint",
            f"{self.path} is not a training checkpoint",
            expected="a .pdparams pickle or a safetensors file",
            found=found,
            done=_DONE,
            hint=f"see what the file is: zoo inspect {self.path}",
        )

    def unsupported(self, what: str, *, hint: str | None = None) -> ConversionError:
        """Build the error for a valid file that is not a flat dictionary of plain arrays."""
        return ConversionError(
            "weights-unsupported",
            f"{self.path} is not a supported state dict: {what}",
            expected="one flat dictionary from parameter name to array",
            found=what,
            done=_DONE,
            hint=hint or "save the state dict alone: paddle.save(network.state_dict(), 'NAME.pdparams')",
        )
