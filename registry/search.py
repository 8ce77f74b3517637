"""Finding entries: filters, and a small safe expression over an entry's numbers."""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from registry.errors import UsageError

if TYPE_CHECKING:
    from registry.schema.entry import Entry
    from registry.schema.figures import Latency
    from registry.schema.pipeline import Pipeline

Value = float | str
Facts = Mapping[str, Value | None]
Listed = TypeVar("Listed", bound="Entry | Pipeline")

_DEVICE_SHORT = {
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
"""Characters of a ``where`` expression: more is a mistake, and deep nesting would exhaust the parser."""


def facts(entry: Entry | Pipeline) -> dict[str, Value]:
    """What an expression can ask of an entry.

    Returns:
        ``name``, ``family``, ``task``, ``release``; ``artifacts``, ids joined by blanks; ``height`` and
        ``width`` in pixels, of models; ``ap`` (keypoint AP or box mAP) and ``ap50`` in percent, never of
        private data; ``params_m`` and ``flops_m`` in millions; for each latency of one input
        ``<device>_<precision>_ms`` in milliseconds, for example ``sd865_fp16_ms``, with ``_1t`` before the
        unit for one thread, ``_ncnn`` for that engine, and ``_pipeline`` where pre- and post-processing is
        included.
    """
    known: dict[str, Value] = {
        "name": entry.name,
        "release": entry.release,
        "family": entry.family,
        "task": entry.task,
    }
    if entry.kind == "model":
        known["artifacts"] = " ".join(a.id for a in entry.artifacts if a.picked_by_default)
        known |= {"height": entry.input.height, "width": entry.input.width}
    for figure in entry.accuracy:
        if figure.protocol.kind != "private" and figure.metric != "error":
            known.setdefault("ap50" if figure.metric == "AP50" else "ap", figure.value)
    for size in entry.complexity if entry.kind == "model" else ():
        known |= {"params_m": size.parameters} if size.parameters else {}
        known |= {"flops_m": size.flops} if size.flops else {}
    for latency in entry.latency:
        if latency.batch == 1:
            known.setdefault(latency_name(latency), latency.milliseconds)
    return known


def device_name(device: str) -> str:
    """Short name of a device, as expressions and options have it: ``sd865`` for Snapdragon 865."""
    plain = device.lower()
    return _DEVICE_SHORT.get(plain, re.sub(r"[^a-z0-9]+", "_", plain))


def latency_name(latency: Latency) -> str:
    """Name of a latency in expressions, for example ``sd865_fp16_ms``."""
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
    """What an entry has to meet; None and empty conditions are met by all.

    Attributes:
        task: Exact task.
        family: Exact family.
        release: Exact release.
        size: Input height and width in pixels.
        min_ap: Least AP or mAP in percent.
        device: Short name of a device that a latency was published for, ``sd865``.
        precision: Arithmetic of a published latency or artifact, ``fp16``.
        artifact: Kind of a published artifact, or a part of its id: ``lite``, ``lite-arm-fp16``.
        where: Expression over the names of ``facts``: comparisons joined by ``and``, ``or``, ``not`` and
            parentheses. A comparison with a number that an entry lacks is false.
        sort: Names of ``facts`` to sort by, the first counting most; ``-`` before a name means largest first.
            Entries that lack the value stand last.
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
        """Whether every entry meets them, in its own place."""
        return self == Conditions()

    def chosen(self, table: Sequence[Facts]) -> list[int]:
        """Places of the rows that meet every condition, in the order asked for.

        Args:
            table: Facts of the entries.

        Raises:
            UsageError: The expression is malformed, or a condition names what no entry knows.
        """
        names = {name for row in table for name in row}
        matches = compile_where(self.where, names) if self.where else None
        self._require(table, names)
        found = [
            place for place, row in enumerate(table) if self._meets(row) and (matches is None or matches(row))
        ]
        for key in reversed(self.sort):
            found = _sorted(found, table, key)
        return found

    def excluding(self, table: Sequence[Facts]) -> tuple[str, ...]:
        """The conditions that no row meets, each taken alone; empty when only several together exclude all.

        Args:
            table: Facts of the entries.

        Raises:
            UsageError: As for ``chosen``.
        """
        given = {key: value for key, value in vars(self).items() if value is not None and key != "sort"}
        return tuple(key for key, value in given.items() if not Conditions(**{key: value}).chosen(table))

    def _meets(self, row: Facts) -> bool:
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
            and (self.artifact is None or any(_is_part(self.artifact, id) for id in artifacts))
        )

    def _require(self, table: Sequence[Facts], names: set[str]) -> None:
        # A word that no entry has is a slip of the pen, and an empty listing would not say so.
        for key in ("task", "family", "release"):
            known = {str(row[key]) for row in table if key in row}
            _known(key, getattr(self, key), known)
        _known("device", self.device, _devices(names))
        ids = {id for row in table for id in str(row.get("artifacts", "")).split()}
        if self.artifact is not None and not any(_is_part(self.artifact, id) for id in ids):
            _known("artifact", self.artifact, ids)
        for key in self.sort:
            _known("sort", key.lstrip("-"), names)


def search(entries: Iterable[Listed], conditions: Conditions) -> tuple[Listed, ...]:
    """The entries that meet every condition, in their given order unless another is asked for.

    Args:
        entries: Entries to look through.
        conditions: What they have to meet.

    Raises:
        UsageError: The expression is malformed, or a condition names what no entry knows.
    """
    pool = tuple(entries)
    return tuple(pool[place] for place in conditions.chosen([facts(entry) for entry in pool]))


def _sorted(places: list[int], table: Sequence[Facts], key: str) -> list[int]:
    name, down = key.lstrip("-"), key.startswith("-")
    having = [place for place in places if name in table[place]]
    lacking = [place for place in places if name not in table[place]]
    # Numbers before texts: a name means one kind of value, but a catalog of many hands may differ.
    return (
        sorted(
            having, key=lambda place: (isinstance(table[place][name], str), table[place][name]), reverse=down
        )
        + lacking
    )


def _devices(names: Iterable[str]) -> set[str]:
    return {match["device"] for name in names if (match := _LATENCY.fullmatch(name))}


def _has_precision(precision: str, latencies: Iterable[str], artifacts: Iterable[str]) -> bool:
    matches = (_LATENCY.fullmatch(name) for name in latencies)
    timed = any(match["precision"] == precision for match in matches if match)
    return timed or any(precision in id.split("-") for id in artifacts)


def _is_part(words: str, artifact: str) -> bool:
    return f"-{words}-" in f"-{artifact}-"


def _known(what: str, value: str | None, known: Iterable[str]) -> None:
    if value is None or value in known:
        return
    options = sorted(known)
    close = difflib.get_close_matches(value.lower(), options, n=1)
    raise UsageError(
        "unknown-condition",
        f"no entry has {what} {value!r}",
        expected=f"one of {', '.join(options)}",
        hint=f"did you mean {close[0]}?" if close else "zoo list shows what there is",
    )


def compile_where(expression: str, names: set[str]) -> Callable[[Facts], bool]:
    """Turns an expression into a predicate; nothing in it is ever evaluated as Python.

    Args:
        expression: The expression.
        names: Names it may use.

    Raises:
        UsageError: The expression is malformed or asks for an unknown name.
    """
    if len(expression) > MAX_EXPRESSION:
        raise _malformed(expression[:40] + "…", f"longer than {MAX_EXPRESSION} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        return _Compiler(expression, names).condition(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _malformed(expression, getattr(error, "msg", None) or str(error)) from None


class _Compiler:
    def __init__(self, expression: str, names: set[str]) -> None:
        self._expression = expression
        self._names = names

    def condition(self, node: ast.expr) -> Callable[[Facts], bool]:
        if isinstance(node, ast.BoolOp):
            parts = [self.condition(value) for value in node.values]
            combine = all if isinstance(node.op, ast.And) else any
            return lambda row: combine(part(row) for part in parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.condition(node.operand)
            return lambda row: not inner(row)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        raise _malformed(self._expression, f"{ast.unparse(node)!r} is not a comparison")

    def _comparison(self, node: ast.Compare) -> Callable[[Facts], bool]:
        operands = [self._operand(part) for part in (node.left, *node.comparators)]
        tests = []
        for kind in node.ops:
            if type(kind) not in _COMPARISONS:
                raise _malformed(self._expression, f"only {'< <= > >= == !='} compare here")
            tests.append(_COMPARISONS[type(kind)])

        def holds(row: Facts) -> bool:
            values = [operand(row) for operand in operands]
            pairs = zip(tests, values[:-1], values[1:], strict=True)
            return all(_compare(test, left, right) for test, left, right in pairs)

        return holds

    def _operand(self, node: ast.expr) -> Callable[[Facts], Value | None]:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
            constant = node.value
            return lambda _: constant
        if isinstance(node, ast.Name):
            if node.id not in self._names:
                raise self._unknown(node.id)
            name = node.id
            return lambda row: row.get(name)
        raise _malformed(self._expression, f"{ast.unparse(node)!r} is neither a name nor a number")

    def _unknown(self, name: str) -> UsageError:
        close = difflib.get_close_matches(name.lower(), sorted(self._names), n=1)
        known = f"one of {', '.join(sorted(self._names))}"
        hint = f"did you mean {close[0]}?" if close else "zoo list --format csv shows the numbers"
        return UsageError(
            "unknown-field", f"{name!r} is not something to filter by", expected=known, hint=hint
        )


def _compare(test: Callable[[Value, Value], bool], left: Value | None, right: Value | None) -> bool:
    # A missing number satisfies nothing; a number and a text are unequal and unordered.
    if left is None or right is None or isinstance(left, str) != isinstance(right, str):
        return False
    return test(left, right)


def _malformed(expression: str, reason: str) -> UsageError:
    return UsageError(
        "malformed-filter",
        f"cannot read the filter {expression!r}: {reason}",
        hint="zoo list --where 'ap>=38 and sd865_fp16_ms<10'",
    )
