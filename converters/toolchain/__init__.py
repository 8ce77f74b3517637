"""Finding or building the environment a native tool runs in."""

from converters.toolchain.managed import Managed
from converters.toolchain.toolchains import Toolchains, ToolStatus

__all__ = ["Managed", "ToolStatus", "Toolchains"]
