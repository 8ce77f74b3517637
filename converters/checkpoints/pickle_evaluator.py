"""Evaluator of pickle programs over inert values.

A pickle is a program for a stack evaluator. The evaluator replaces globals by members of an enumeration and
calls by values of this package, and rejects every combination that arrays do not need. It never looks up,
imports or calls an object that the file names. It does not recurse, and it limits stack, nesting, tuples and
instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.pickle_rules import ArrayRules
from converters.checkpoints.pickle_stream import Argument, read_instructions
from converters.checkpoints.pickle_values import ALLOWED_GLOBALS, Value
from registry.errors import IntegrityError

MAX_STACK = 4096  # picklers write dictionaries in batches of 1000 pairs
MAX_MARKS = 8  # a state dict needs three: items, array state and shape
MAX_TUPLE = 32  # extents of an array; all other tuples are shorter

_Action: TypeAlias = Callable[[Argument], None]


def evaluate(data: bytes, errors: CheckpointErrors) -> Value:
    """Evaluate the pickle in ``data`` to inert values.

    Raises:
        IntegrityError: ``unsafe-pickle`` with the global or opcode and its byte offset,
            ``weights-truncated``, ``weights-malformed`` or ``weights-too-large``.
        ConversionError: ``weights-unsupported`` for an unsupported element type.
    """
    evaluator = _Evaluator(len(data), errors)
    for evaluator.offset, name, argument in read_instructions(data, errors):
        evaluator.actions[name](argument)
    return evaluator.result


class _Evaluator:
    """State of the evaluation: stack, memo and one action per opcode."""

    def __init__(self, size: int, errors: CheckpointErrors) -> None:
        self.offset = 0
        self.result: Value = None
        self._errors = errors
        self._rules = ArrayRules(size, errors)
        self._stack: list[Value] = []
        self._below_marks: list[list[Value]] = []
        self._memo: dict[Argument, Value] = {}
        self.actions: dict[str, _Action] = {
            "PROTO": lambda _: None,
            "FRAME": lambda _: None,
            "STOP": lambda _: self._stop(),
            "MARK": lambda _: self._mark(),
            "NONE": lambda _: self._push(None),
            "NEWTRUE": lambda _: self._push(True),
            "NEWFALSE": lambda _: self._push(False),
            "BININT": self._push,
            "BININT1": self._push,
            "BININT2": self._push,
            "BINFLOAT": self._push,
            "BINUNICODE": self._push,
            "SHORT_BINUNICODE": self._push,
            "BINBYTES": self._push,
            "SHORT_BINBYTES": self._push,
            "BYTEARRAY8": self._push,
            "EMPTY_TUPLE": lambda _: self._push(()),
            "TUPLE": lambda _: self._tuple(self._unmark()),
            "TUPLE1": lambda _: self._tuple(self._pop(1)),
            "TUPLE2": lambda _: self._tuple(self._pop(2)),
            "TUPLE3": lambda _: self._tuple(self._pop(3)),
            "EMPTY_DICT": lambda _: self._push({}),
            "SETITEM": lambda _: self._set_items(self._pop(2)),
            "SETITEMS": lambda _: self._set_items(self._unmark()),
            "GLOBAL": self._global,
            "STACK_GLOBAL": lambda _: self._global(self._pop(2)),
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
            "MEMOIZE": lambda _: self._memoize(len(self._memo)),
            "BINPUT": self._memoize,
            "LONG_BINPUT": self._memoize,
            "BINGET": self._recall,
            "LONG_BINGET": self._recall,
        }

    def _unsafe(self, what: str) -> IntegrityError:
        return self._errors.unsafe(what, offset=self.offset)

    def _push(self, value: Value) -> None:
        if len(self._stack) >= MAX_STACK:
            raise self._unsafe(f"a stack of more than {MAX_STACK} values")
        self._stack.append(value)

    def _pop(self, count: int) -> list[Value]:
        self._require(count)
        values = self._stack[-count:]
        del self._stack[-count:]
        return values

    def _require(self, count: int) -> None:
        if len(self._stack) < count:
            raise self._unsafe(f"an opcode that needs {count} values where the stack has {len(self._stack)}")

    def _mark(self) -> None:
        if len(self._below_marks) >= MAX_MARKS:
            raise self._unsafe(f"nesting of more than {MAX_MARKS} marks")
        self._below_marks.append(self._stack)
        self._stack = []

    def _unmark(self) -> list[Value]:
        if not self._below_marks:
            raise self._unsafe("an opcode that needs a mark without one")
        values, self._stack = self._stack, self._below_marks.pop()
        return values

    def _stop(self) -> None:
        [self.result] = self._pop(1)
        if self._stack or self._below_marks:
            raise self._unsafe("STOP with values left on the stack")

    def _memoize(self, index: Argument) -> None:
        self._require(1)
        self._memo[index] = self._stack[-1]

    def _recall(self, index: Argument) -> None:
        if index not in self._memo:
            raise self._unsafe(f"a reference to the undefined memo entry {index}")
        self._push(self._memo[index])

    def _tuple(self, values: list[Value]) -> None:
        if len(values) > MAX_TUPLE:
            raise self._unsafe(f"a tuple of {len(values)} values")
        # An array needs at most two levels. Tuples are short, so both loops are too.
        if any(isinstance(inner, tuple) for value in values if isinstance(value, tuple) for inner in value):
            raise self._unsafe("tuples nested more than two deep")
        self._push(tuple(values))

    def _set_items(self, values: list[Value]) -> None:
        self._require(1)
        target = self._stack[-1]
        if not isinstance(target, dict) or len(values) % 2:
            raise self._unsafe("SETITEMS on something other than a dictionary and pairs")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str):
                raise self._unsafe("a dictionary key that is not text")
            if key in target:
                raise self._errors.malformed(
                    f"the key {shorten(key)} occurs twice, again at byte {self.offset}"
                )
            target[key] = value

    def _global(self, pair: Argument | Sequence[Value]) -> None:
        match pair:
            case (str() as module, str() as name):
                known = ALLOWED_GLOBALS.get((module, name))
                if known is None:
                    raise self._unsafe(f"the global {shorten(f'{module}.{name}')}")
                self._push(known)
            case _:
                raise self._unsafe("STACK_GLOBAL on something other than two texts")

    def _reduce(self) -> None:
        function, arguments = self._pop(2)
        self._push(self._rules.call(function, arguments, self.offset))

    def _build(self) -> None:
        [state] = self._pop(1)
        self._require(1)
        self._rules.build(self._stack[-1], state, self.offset)
