"""Finding or building the environment a native tool runs in."""

from converters.toolchain.environments import Managed
from converters.toolchain.manager import Toolchains, ToolStatus

__all__ = ["Managed", "ToolStatus", "Toolchains"]
