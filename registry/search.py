"""Finding entries: filters, and a small safe expression over an entry's numbers."""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping

from registry.errors import UsageError
from registry.schema.entry import Entry

Value = float | str
Facts = Mapping[str, Value | None]

_DEVICE_SHORT = {"snapdragon 865": "sd865", "snapdragon 845": "sd845", "snapdragon 660": "sd660"}
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


def facts(entry: Entry) -> dict[str, Value]:
    """What an expression can ask of an entry.

    Returns:
        ``name``, ``family``, ``task``, ``release``; ``height`` and ``width`` in pixels; ``ap`` in percent,
        the first published figure; ``params_m`` and ``flops_m`` in millions; for each network latency one
        ``<device>_<precision>_ms`` in milliseconds, for example ``sd865_fp16_ms``.
    """
    known: dict[str, Value] = {
        "name": entry.name,
        "release": entry.release,
        "family": entry.family,
        "task": entry.task,
        "height": entry.input.height,
        "width": entry.input.width,
    }
    if entry.accuracy:
        known["ap"] = entry.accuracy[0].value
    for size in entry.complexity:
        known |= {"params_m": size.parameters} if size.parameters else {}
        known |= {"flops_m": size.flops} if size.flops else {}
    for latency in entry.latency:
        if latency.scope == "network":
            known.setdefault(_latency_name(latency.device, latency.precision), latency.milliseconds)
    return known


def _latency_name(device: str, precision: str | None) -> str:
    short = _DEVICE_SHORT.get(device.lower(), re.sub(r"[^a-z0-9]+", "_", device.lower()))
    return f"{short}_{precision or 'unstated'}_ms"


def search(
    entries: Iterable[Entry],
    *,
    task: str | None = None,
    family: str | None = None,
    size: tuple[int, int] | None = None,
    min_ap: float | None = None,
    where: str | None = None,
) -> tuple[Entry, ...]:
    """The entries that meet every given condition, in their given order.

    Args:
        entries: Entries to look through.
        task: Exact task.
        family: Exact family.
        size: Input height and width in pixels.
        min_ap: Least AP or mAP in percent.
        where: Expression over the names of ``facts``: comparisons joined by ``and``, ``or``, ``not`` and
            parentheses. A comparison with a number that an entry lacks is false.

    Raises:
        UsageError: The expression is malformed or asks for an unknown name.
    """
    pool = tuple(entries)
    table = [facts(entry) for entry in pool]
    matches = compile_where(where, {name for row in table for name in row}) if where else None

    def meets(entry: Entry, row: Facts) -> bool:
        return (
            task in (None, entry.task)
            and family in (None, entry.family)
            and size in (None, (entry.input.height, entry.input.width))
            and (min_ap is None or _compare(operator.ge, row.get("ap"), min_ap))
            and (matches is None or matches(row))
        )

    return tuple(entry for entry, row in zip(pool, table, strict=True) if meets(entry, row))


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
        hint = f"did you mean {close[0]}?" if close else None
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
