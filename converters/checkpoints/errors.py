"""The ways a checkpoint is turned down, worded once.

| code | family | when |
|---|---|---|
| ``unsafe-pickle`` | integrity | the pickle asks for more than arrays: a foreign global, call or opcode |
| ``weights-too-large`` | integrity | a limit on size, count or depth that no state dict reaches |
| ``weights-truncated`` | integrity | the bytes end too early |
| ``weights-malformed`` | integrity | the bytes contradict themselves |
| ``not-a-checkpoint`` | integrity | the bytes are something else altogether |
| ``weights-unsupported`` | conversion | sound, but not a flat dictionary of plain arrays |
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from registry.errors import ConversionError, IntegrityError

_SHOWN_CHARACTERS = 80
_REFUSED = "nothing was executed or written"


def shorten(text: str) -> str:
    """Text out of an untrusted file, bounded and free of control characters, ready for a terminal."""
    return ascii(text) if len(text) <= _SHOWN_CHARACTERS else ascii(text[:_SHOWN_CHARACTERS]) + "…"


@dataclass(frozen=True, slots=True)
class CheckpointErrors:
    """Builds the errors about one file.

    Attributes:
        path: The file that is being read; every message names it.
    """

    path: Path

    def unsafe(self, what: str, *, offset: int) -> IntegrityError:
        """The pickle asks for something that arrays do not need."""
        return IntegrityError(
            "unsafe-pickle",
            f"{self.path} is not a plain checkpoint: {what} at byte {offset}",
            expected="only the instructions that paddle.save writes for arrays",
            found=f"{what} at byte {offset}",
            done=_REFUSED,
            hint="weights of your own: save the state dict alone, paddle.save(network.state_dict(), FILE); "
            "weights of others: do not open this file with paddle.load",
        )

    def too_large(self, what: str, *, limit: int, found: str) -> IntegrityError:
        """A limit was passed that no checkpoint of these networks comes near."""
        return IntegrityError(
            "weights-too-large",
            f"{self.path} is beyond what a checkpoint of these networks can be: {what}",
            expected=f"at most {limit}",
            found=found,
            done=_REFUSED,
            hint="save the state dict alone, without an optimizer: paddle.save(network.state_dict(), FILE)",
        )

    def truncated(self, where: str, *, expected: str, found: str) -> IntegrityError:
        """The file ends before its content does."""
        return IntegrityError(
            "weights-truncated",
            f"{self.path} is cut off: it ends {where}",
            expected=expected,
            found=found,
            done=_REFUSED,
            hint="get the file again: `zoo fetch NAME --weights`",
        )

    def malformed(
        self, what: str, *, expected: str | None = None, found: str | None = None
    ) -> IntegrityError:
        """The file contradicts itself."""
        return IntegrityError(
            "weights-malformed",
            f"{self.path} is damaged: {what}",
            expected=expected,
            found=found,
            done=_REFUSED,
            hint="get the file again: `zoo fetch NAME --weights`",
        )

    def foreign(self, what: str) -> IntegrityError:
        """The file is neither a pickle nor safetensors."""
        return IntegrityError(
            "not-a-checkpoint",
            f"{self.path} holds no training checkpoint",
            expected="a .pdparams pickle or a safetensors file",
            found=what,
            done=_REFUSED,
            hint=f"`zoo inspect {self.path}` shows what other kinds of artifact are",
        )

    def unsupported(self, what: str, *, hint: str | None = None) -> ConversionError:
        """The file is sound but holds something other than a flat dictionary of plain arrays."""
        return ConversionError(
            "weights-unsupported",
            f"{self.path} is not a state dict this project can use: {what}",
            expected="one flat dictionary from parameter name to array",
            found=what,
            done=_REFUSED,
            hint=hint or "save the state dict alone: paddle.save(network.state_dict(), 'NAME.pdparams')",
        )
