"""Exit codes outside the documented range 0 to 7."""

from __future__ import annotations

INTERNAL_ERROR = 70
"""Exit code of a bug in this program (EX_SOFTWARE), outside the documented range on purpose."""


INTERRUPTED = 130
"""Exit code after Ctrl-C, as in a shell: 128 + SIGINT."""
