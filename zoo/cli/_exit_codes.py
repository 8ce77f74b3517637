"""Exit codes outside the contract's 0 to 7."""

from __future__ import annotations

INTERNAL_ERROR = 70
"""Exit code of a bug in this program (EX_SOFTWARE), outside the contract's 0 to 7 on purpose."""


INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""
