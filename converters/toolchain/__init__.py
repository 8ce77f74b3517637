"""Finds or builds the environments in which native tools run."""

from converters.toolchain.environments import ManagedEnvironment
from converters.toolchain.manager import Toolchains, ToolStatus

__all__ = ["ManagedEnvironment", "ToolStatus", "Toolchains"]
