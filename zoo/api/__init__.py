"""The Python API: one function for each command; each returns a frozen result.

Each name is imported on first use, so that a command imports only what it needs.
"""

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.api.artifacts import (
        compare_artifacts,
        convert,
        convert_source,
        draw,
        inspect,
        lock,
        plan_conversion,
        verify,
    )
    from zoo.api.cache import cache_info, prune
    from zoo.api.diagnostics import demo, diagnose
    from zoo.api.fetching import fetch, fetch_many, plan
    from zoo.api.reports import report
    from zoo.api.results import diff_results, export_results, list_results, prune_results, show_result
    from zoo.api.signing import sign, verify_signature
    from zoo.api.transfer import bundle, import_bundle, mirror
    from zoo.catalogs.queries import compare_models, complexity, info, list_models, model_info
    from zoo.evaluation.bench import bench
    from zoo.evaluation.compare import compare, compare_model
    from zoo.evaluation.validate import validate
    from zoo.runner.load import load

__all__ = [
    "bench",
    "bundle",
    "cache_info",
    "compare",
    "compare_artifacts",
    "compare_model",
    "compare_models",
    "complexity",
    "convert",
    "convert_source",
    "demo",
    "diagnose",
    "diff_results",
    "draw",
    "export_results",
    "fetch",
    "fetch_many",
    "import_bundle",
    "info",
    "inspect",
    "list_models",
    "list_results",
    "load",
    "lock",
    "mirror",
    "model_info",
    "plan",
    "plan_conversion",
    "prune",
    "prune_results",
    "report",
    "show_result",
    "sign",
    "validate",
    "verify",
    "verify_signature",
]


def __getattr__(name: str) -> object:  # noqa: PLR0912 (one branch for each module)
    module: ModuleType
    match name:
        case "fetch" | "fetch_many" | "plan":
            from zoo.api import fetching as module
        case "list_models" | "model_info" | "info" | "compare_models" | "complexity":
            from zoo.catalogs import queries as module
        case "bench":
            from zoo.evaluation import bench as module
        case "compare" | "compare_model":
            from zoo.evaluation import compare as module
        case "validate":
            from zoo.evaluation import validate as module
        case "load":
            from zoo.runner import load as module
        case "demo" | "diagnose":
            from zoo.api import diagnostics as module
        case "cache_info" | "prune":
            from zoo.api import cache as module
        case "bundle" | "import_bundle" | "mirror":
            from zoo.api import transfer as module
        case "report":
            from zoo.api import reports as module
        case "list_results" | "show_result" | "diff_results" | "export_results" | "prune_results":
            from zoo.api import results as module
        case "sign" | "verify_signature":
            from zoo.api import signing as module
        case _ if name in __all__:
            from zoo.api import artifacts as module
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
