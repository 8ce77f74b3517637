"""Finds entries: filters, and a small safe expression language over the fields of an entry."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from registry.errors import UsageError
from registry.suggest import format_suggestion

if TYPE_CHECKING:
    from registry.schema.entry import Entry
    from registry.schema.figures import Latency
    from registry.schema.pipeline import Pipeline

Value = float | str
Fields = Mapping[str, Value | None]
Item = TypeVar("Item", bound="Entry | Pipeline")

_SHORT_DEVICE_NAMES = {
    **{f"snapdragon {number}": f"sd{number}" for number in (660, 835, 845, 865)},
    "kirin 980": "kirin980",
    "intel core i7-10750h": "i7_10750h",
}
_LATENCY = re.compile(
    r"(?P<device>\w+?)_(?P<precision>fp32|fp16|int8|unstated)(?:_ncnn)?(?:_1t)?(?:_pipeline)?_ms"
)
_COMPARISONS: dict[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
MAX_EXPRESSION = 1000
"""Characters of a ``where`` expression; deep nesting in a longer one would exhaust the parser."""


def collect_fields(entry: Entry | Pipeline) -> dict[str, Value]:
    """Collect the values of an entry that filters and expressions can use.

    Returns:
        ``name``, ``family``, ``task``, ``release``; ``artifacts``, ids joined by spaces; ``height`` and
        ``width`` in pixels, of models; ``ap`` (keypoint AP or box mAP) and ``ap50`` in percent, never of
        private data; ``params_m`` and ``flops_m`` in millions; for each latency at batch size 1
        ``<device>_<precision>_ms`` in milliseconds, for example ``sd865_fp16_ms``, with ``_1t`` before the
        unit for one thread, ``_ncnn`` for that engine, and ``_pipeline`` where pre- and post-processing is
        included.
    """
    fields: dict[str, Value] = {
        "name": entry.name,
        "release": entry.release,
        "family": entry.family,
        "task": entry.task,
    }
    if entry.kind == "model":
        fields["artifacts"] = " ".join(a.id for a in entry.artifacts if a.picked_by_default)
        fields |= {"height": entry.input.height, "width": entry.input.width}
    for figure in entry.accuracy:
        if figure.protocol.kind != "private" and figure.metric != "error":
            fields.setdefault("ap50" if figure.metric == "AP50" else "ap", figure.value)
    for size in entry.complexity if entry.kind == "model" else ():
        fields |= {"params_m": size.parameters} if size.parameters else {}
        fields |= {"flops_m": size.flops} if size.flops else {}
    for latency in entry.latency:
        if latency.batch == 1:
            fields.setdefault(latency_name(latency), latency.milliseconds)
    return fields


def device_name(device: str) -> str:
    """Return the short name of a device for expressions and options: ``sd865`` for Snapdragon 865."""
    plain = device.lower()
    return _SHORT_DEVICE_NAMES.get(plain, re.sub(r"[^a-z0-9]+", "_", plain))


def latency_name(latency: Latency) -> str:
    """Return the name of a latency in expressions, for example ``sd865_fp16_ms``."""
    parts = [
        device_name(latency.device),
        latency.precision or "unstated",
        "ncnn" if latency.engine == "NCNN" else "",
        "1t" if latency.threads == 1 else "",
        "pipeline" if latency.scope == "pipeline" else "",
        "ms",
    ]
    return "_".join(filter(None, parts))


@dataclass(frozen=True)
class Conditions:
    """Conditions that an entry must meet; None and empty conditions match every entry.

    Attributes:
        task: Exact task.
        family: Exact family.
        release: Exact release.
        size: Input height and width in pixels.
        min_ap: Smallest AP or mAP in percent.
        device: Short name of a device that a latency was published for, ``sd865``.
        precision: Precision of a published latency or artifact, ``fp16``.
        artifact: Kind of a published artifact, or a part of its id: ``lite``, ``lite-arm-fp16``.
        where: Expression over the names of ``collect_fields``: comparisons joined by ``and``, ``or``, ``not``
            and parentheses. A comparison with a number that an entry lacks is false.
        sort: Names of ``collect_fields`` to sort by, the first counting most; ``-`` before a name means
            largest first. Entries that lack the value come last.
    """

    task: str | None = None
    family: str | None = None
    release: str | None = None
    size: tuple[int, int] | None = None
    min_ap: float | None = None
    device: str | None = None
    precision: str | None = None
    artifact: str | None = None
    where: str | None = None
    sort: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether every entry matches and the order stays."""
        return self == Conditions()

    def select(self, table: Sequence[Fields]) -> list[int]:
        """Return the indexes of the rows that meet every condition, sorted as requested.

        Args:
            table: Fields of the entries.

        Raises:
            UsageError: The expression is malformed, or a condition names a value that no entry has.
        """
        names = {name for row in table for name in row}
        matches = compile_where(self.where, names) if self.where else None
        self._require_known_values(table, names)
        found = [
            index
            for index, row in enumerate(table)
            if self._matches(row) and (matches is None or matches(row))
        ]
        for key in reversed(self.sort):
            found = _sort(found, table, key)
        return found

    def find_unmet(self, table: Sequence[Fields]) -> tuple[str, ...]:
        """Return the conditions that no row meets even alone.

        The result is empty if every condition is met by some row, but no row meets all.

        Args:
            table: Fields of the entries.

        Raises:
            UsageError: As for ``select``.
        """
        given = {key: value for key, value in vars(self).items() if value is not None and key != "sort"}
        return tuple(key for key, value in given.items() if not Conditions(**{key: value}).select(table))

    def _matches(self, row: Fields) -> bool:
        latencies = [name for name in row if name.endswith("_ms")]
        artifacts = str(row.get("artifacts", "")).split()
        return (
            self.task in (None, row.get("task"))
            and self.family in (None, row.get("family"))
            and self.release in (None, row.get("release"))
            and self.size in (None, (row.get("height"), row.get("width")))
            and (self.min_ap is None or _compare(operator.ge, row.get("ap"), self.min_ap))
            and (self.device is None or self.device in _devices(latencies))
            and (self.precision is None or _has_precision(self.precision, latencies, artifacts))
            and (self.artifact is None or any(_is_id_part(self.artifact, id) for id in artifacts))
        )

    def _require_known_values(self, table: Sequence[Fields], names: set[str]) -> None:
        # A value that no entry has is a typing error, and an empty listing would not show it.
        for key in ("task", "family", "release"):
            known = {str(row[key]) for row in table if key in row}
            _require_known(key, getattr(self, key), known)
        _require_known("device", self.device, _devices(names))
        ids = {id for row in table for id in str(row.get("artifacts", "")).split()}
        if self.artifact is not None and not any(_is_id_part(self.artifact, id) for id in ids):
            _require_known("artifact", self.artifact, ids)
        for key in self.sort:
            _require_known("sort", key.lstrip("-"), names)


def search(entries: Iterable[Item], conditions: Conditions) -> tuple[Item, ...]:
    """Return the entries that meet every condition, in their order unless ``sort`` is given.

    Args:
        entries: Entries to search.
        conditions: Conditions they must meet.

    Raises:
        UsageError: The expression is malformed, or a condition names a value that no entry has.
    """
    pool = tuple(entries)
    return tuple(pool[index] for index in conditions.select([collect_fields(entry) for entry in pool]))


def _sort(indexes: list[int], table: Sequence[Fields], key: str) -> list[int]:
    name, descending = key.lstrip("-"), key.startswith("-")
    present = [index for index in indexes if name in table[index]]
    missing = [index for index in indexes if name not in table[index]]

    def sort_key(index: int) -> tuple[bool, Value | None]:
        # Numbers before texts: the same name may have values of both types in different catalogs.
        return isinstance(table[index][name], str), table[index][name]

    return sorted(present, key=sort_key, reverse=descending) + missing


def _devices(names: Iterable[str]) -> set[str]:
    return {match["device"] for name in names if (match := _LATENCY.fullmatch(name))}


def _has_precision(precision: str, latencies: Iterable[str], artifacts: Iterable[str]) -> bool:
    matches = (_LATENCY.fullmatch(name) for name in latencies)
    timed = any(match["precision"] == precision for match in matches if match)
    return timed or any(precision in id.split("-") for id in artifacts)


def _is_id_part(words: str, artifact: str) -> bool:
    return f"-{words}-" in f"-{artifact}-"


def _require_known(what: str, value: str | None, known: Iterable[str]) -> None:
    if value is None or value in known:
        return
    options = sorted(known)
    raise UsageError(
        "unknown-condition",
        f"no entry has {what} {value!r}",
        expected=f"one of {', '.join(options)}",
        hint=format_suggestion(
            device_name(value) if what == "device" else value,
            options,
            otherwise="zoo list shows the values of all entries",
        ),
    )


def compile_where(expression: str, names: set[str]) -> Callable[[Fields], bool]:
    """Compile an expression to a predicate; no part of it is evaluated as Python.

    Args:
        expression: The expression.
        names: Names it may use.

    Raises:
        UsageError: The expression is malformed or uses an unknown name.
    """
    if len(expression) > MAX_EXPRESSION:
        raise _malformed(expression[:40] + "…", f"longer than {MAX_EXPRESSION} characters")
    try:
        with warnings.catch_warnings():
            # Python would print a warning about the expression, such as an invalid escape in a text.
            warnings.simplefilter("ignore")
            tree = ast.parse(expression.strip(), mode="eval").body
        return _Compiler(expression, names).compile_condition(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _malformed(expression, getattr(error, "msg", None) or str(error)) from None


class _Compiler:
    def __init__(self, expression: str, names: set[str]) -> None:
        self._expression = expression
        self._names = names

    def compile_condition(self, node: ast.expr) -> Callable[[Fields], bool]:
        if isinstance(node, ast.BoolOp):
            parts = [self.compile_condition(value) for value in node.values]
            combine = all if isinstance(node.op, ast.And) else any
            return lambda row: combine(part(row) for part in parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.compile_condition(node.operand)
            return lambda row: not inner(row)
        if isinstance(node, ast.Compare):
            return self._compile_comparison(node)
        raise _malformed(self._expression, f"{ast.unparse(node)!r} is not a comparison")

    def _compile_comparison(self, node: ast.Compare) -> Callable[[Fields], bool]:
        operands = [self._compile_operand(part) for part in (node.left, *node.comparators)]
        tests = []
        for kind in node.ops:
            if type(kind) not in _COMPARISONS:
                raise _malformed(self._expression, "only < <= > >= == != are allowed")
            tests.append(_COMPARISONS[type(kind)])

        def is_met(row: Fields) -> bool:
            values = [operand(row) for operand in operands]
            pairs = zip(tests, values[:-1], values[1:], strict=True)
            return all(_compare(test, left, right) for test, left, right in pairs)

        return is_met

    def _compile_operand(self, node: ast.expr) -> Callable[[Fields], Value | None]:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
            constant = node.value
            return lambda _: constant
        if isinstance(node, ast.Name):
            if node.id not in self._names:
                raise self._unknown_name(node.id)
            name = node.id
            return lambda row: row.get(name)
        raise _malformed(self._expression, f"{ast.unparse(node)!r} is neither a name nor a number")

    def _unknown_name(self, name: str) -> UsageError:
        known = f"one of {', '.join(sorted(self._names))}"
        hint = format_suggestion(name, self._names, otherwise="zoo list --format csv shows the numbers")
        return UsageError(
            "unknown-field", f"{name!r} is not a field of the entries", expected=known, hint=hint
        )


def _compare(test: Callable[[Value, Value], bool], left: Value | None, right: Value | None) -> bool:
    # A missing number meets no condition; a number and a text are unequal and unordered.
    if left is None or right is None or isinstance(left, str) != isinstance(right, str):
        return False
    return test(left, right)


def _malformed(expression: str, reason: str) -> UsageError:
    return UsageError(
        "malformed-filter",
        f"cannot read the filter {expression!r}: {reason}",
        hint="zoo list --where 'ap>=38 and sd865_fp16_ms<10'",
    )
