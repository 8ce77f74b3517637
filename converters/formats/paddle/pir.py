"""Reader of Paddle 3 programs (``.json``): the PIR intermediate representation as JSON.

The key names are those of paddle/fluid/pir/serialize_deserialize/include/schema.h: ``#`` is a name, ``%`` the
number of a value, I and O are operands and results, TT is a type, A are attributes with name N and value AT,
D is the content. Operators are named ``dialect number.name``; ``p`` is a parameter.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from converters.formats.bounded_io import read_bounded
from converters.formats.dataflow import Dataflow
from converters.formats.errors import FormatErrors
from converters.formats.graph import MAX_ENTRIES, MAX_RANK, AttributeValue, Operator, Variable, as_tensor
from converters.formats.inspection import Tensor
from converters.formats.kind import HEAD_BYTES, Kind, require_kind
from registry.errors import IntegrityError

_LIMIT = 1 << 24  # bytes; PP-TinyPose takes about 2 MB, and parsed JSON needs up to thirty times its size
_MAX_DEPTH = 32

_DIALECTS: Mapping[str, str] = MappingProxyType(
    {"0": "builtin", "1": "pd_op", "2": "cf", "3": "custom_op", "4": "pd_dist"}
)
_DTYPES: Mapping[str, str] = MappingProxyType(
    {
        "t_bool": "bool",
        "t_i8": "int8",
        "t_ui8": "uint8",
        "t_i16": "int16",
        "t_i32": "int32",
        "t_i64": "int64",
        "t_index": "int64",
        "t_f16": "float16",
        "t_bf16": "bfloat16",
        "t_f32": "float32",
        "t_f64": "float64",
        "t_c64": "complex64",
        "t_c128": "complex128",
        "t_f8e4m3fn": "float8_e4m3fn",
        "t_f8e5m2": "float8_e5m2",
    }
)
_PARAMETER, _DATA, _FEED, _FETCH = "p", "pd_op.data", "pd_op.feed", "pd_op.fetch"


@dataclass(frozen=True, slots=True)
class PirProgram:
    """A decoded PIR program.

    Attributes:
        path: The file.
        size: Its size in bytes.
        sha256: Digest of its bytes.
        version: Version of the representation; paddle 3.2.2 writes 3.
        operators: Count by operator type over all blocks, without the prefix ``pd_op``, sorted by name;
            parameters, data and fetch are not counted.
        parameters: The parameters in storage order, which is by name.
        inputs: Inputs in program order.
        outputs: Outputs by column.
        dataflow: Operators and the values between them; an unnamed value is called ``%number``.
    """

    path: Path
    size: int
    sha256: str
    version: int
    operators: Mapping[str, int]
    parameters: tuple[Variable, ...]
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    dataflow: Dataflow


def read_pir(path: Path) -> PirProgram:
    """Decode a PIR program.

    Args:
        path: The ``.json`` file.

    Raises:
        NotFoundError: The file does not exist.
        IntegrityError: ``not-a-pir-program`` for another format, other JSON included, ``pir-truncated``
            when the document ends early, ``pir-corrupt``, ``pir-too-large``.
    """
    errors = FormatErrors(path, "pir", "a PIR program")
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.PIR, "not-a-pir-program", str(path))
    document = _parse(data, errors)
    base = document.get("base_code") if isinstance(document, dict) else None
    version = base.get("version") if isinstance(base, dict) else None
    if type(version) is not int:
        raise _invalid_error(errors, "a version number in base_code", version)
    reader = _ProgramReader(errors)
    reader.read_regions(document.get("program"), 0)
    return PirProgram(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        version=version,
        operators=MappingProxyType(dict(sorted(reader.operators.items()))),
        parameters=tuple(reader.parameters[name] for name in sorted(reader.parameters)),
        inputs=tuple(reader.inputs),
        outputs=reader.ordered_outputs(),
        dataflow=Dataflow(
            operators=reader.renamed_operators(),
            inputs=tuple(map(as_tensor, reader.inputs)),
            outputs=tuple(map(as_tensor, reader.ordered_outputs())),
            tensors=reader.tensors,
            parameters=frozenset(reader.parameters),
        ),
    )


def _parse(data: bytes, errors: FormatErrors) -> Any:
    def refuse_constant(text: str) -> NoReturn:
        raise ValueError(f"{text} is not JSON")

    try:
        return json.loads(data, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        if error.msg.startswith("Unterminated") or not data.decode(errors="replace")[error.pos :].strip():
            raise errors.truncated(error.pos, "the end of the JSON document", "the end of the file") from None
        raise errors.corrupt(error.pos, "JSON", error.msg) from None
    except RecursionError:
        raise errors.too_large("JSON nested as deep as a program", "deeper nesting") from None
    except ValueError as error:
        raise errors.corrupt(None, "JSON", str(error)[:120]) from None


def _invalid_error(errors: FormatErrors, expected: str, found: object) -> IntegrityError:
    """Build the error for an invalid document, without a byte position, which parsed JSON does not have."""
    return errors.corrupt(None, expected, ascii(found)[:120])


class _ProgramReader:
    """Collects the contents of a program in one pass over its operators."""

    def __init__(self, errors: FormatErrors) -> None:
        self.errors = errors
        self.operators: Counter[str] = Counter()
        self.parameters: dict[str, Variable] = {}
        self.inputs: list[Variable] = []
        self.outputs: list[tuple[int, Variable]] = []
        self._operators: list[Operator] = []
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[int, str] = {}
        self._aliases: dict[str, str] = {}
        self._seen = 0

    def ordered_outputs(self) -> tuple[Variable, ...]:
        """Outputs by column."""
        return tuple(variable for _, variable in sorted(self.outputs, key=lambda pair: pair[0]))

    def read_regions(self, owner: object, depth: int) -> None:
        """Read the operators in all regions of a program or an operator."""
        if depth > _MAX_DEPTH:
            raise self.errors.too_large(f"regions nested at most {_MAX_DEPTH} deep", "deeper nesting")
        for region in self._objects(owner, "regions"):
            for block in self._objects(region, "blocks"):
                for operator in self._objects(block, "ops"):
                    self._operator(operator)
                    if "regions" in operator:
                        self.read_regions(operator, depth + 1)

    def _objects(self, owner: object, key: str) -> Iterator[dict[str, Any]]:
        entries = owner.get(key) if isinstance(owner, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise _invalid_error(self.errors, f"a list of objects under {key!r}", entries)
        yield from entries

    def _operator(self, operator: dict[str, Any]) -> None:
        self._seen += 1
        if self._seen > MAX_ENTRIES:
            raise self.errors.too_large(f"at most {MAX_ENTRIES} operators", "more")
        name = self._name(operator)
        if name == _PARAMETER:
            self._parameter(operator)
        elif name in {_DATA, _FEED}:
            self.inputs.append(self._io_variable(operator))
            self._name_results(operator, self.inputs[-1].name)
        elif name == _FETCH:
            column = self._attributes(operator).get("col", len(self.outputs))
            self.outputs.append((column if isinstance(column, int) else 0, self._io_variable(operator)))
            # The fetched value is a computed value under another number.
            self._aliases.update(dict.fromkeys(self._value_names(operator, "I"), self.outputs[-1][1].name))
        else:
            kind = name.removeprefix("pd_op.")
            self.operators[kind] += 1
            self._add_operator(kind, operator)

    def _add_operator(self, kind: str, operator: dict[str, Any]) -> None:
        results = self._value_names(operator, "O")
        for name, result in zip(results, _as_list(operator.get("O")), strict=False):
            self._describe(name, result)
        attributes = self._attributes(operator) if isinstance(operator.get("A"), list) else {}
        plain: dict[str, AttributeValue] = {
            name: value for name, value in attributes.items() if isinstance(value, (bool, int, float, str))
        }
        inputs = {"": self._value_names(operator, "I")}
        self._operators.append(
            Operator(kind, MappingProxyType(inputs), {"": results}, MappingProxyType(plain))
        )

    def _value_names(self, operator: dict[str, Any], key: str) -> tuple[str, ...]:
        """Return the names of operands or results; an absent optional operand has the number 0."""
        numbers = [entry.get("%") for entry in _as_list(operator.get(key)) if isinstance(entry, dict)]
        return tuple(self._names.get(n, f"%{n}") for n in numbers if isinstance(n, int) and n > 0)

    def _name_results(self, operator: dict[str, Any], name: str) -> None:
        """Name the results of an operator."""
        for result in _as_list(operator.get("O")):
            number = result.get("%") if isinstance(result, dict) else None
            if isinstance(number, int):
                self._names[number] = name

    def renamed_operators(self) -> tuple[Operator, ...]:
        """Return the operators, with fetched values renamed to the names of the outputs."""

        def renamed(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
            return {"": tuple(self._aliases.get(name, name) for name in names)}

        return tuple(
            replace(operator, inputs=renamed(operator.inputs[""]), outputs=renamed(operator.outputs[""]))
            for operator in self._operators
        )

    def _describe(self, name: str, result: object) -> None:
        kind = result.get("TT") if isinstance(result, dict) else None
        match kind:
            case {"#": "0.t_dtensor", "D": [{"#": str() as element}, list() as dims, *_]} if _is_shape(dims):
                variable = Variable(name, "", _DTYPES.get(element.partition(".")[2]), tuple(dims), False)
                self.tensors[name] = as_tensor(variable)

    def _name(self, operator: dict[str, Any]) -> str:
        name = operator.get("#")
        if not isinstance(name, str) or not name.isprintable() or not name:
            raise _invalid_error(self.errors, "the name of an operator under '#'", name)
        dialect, dot, rest = name.partition(".")
        return f"{_DIALECTS.get(dialect, dialect)}.{rest}" if dot else name

    def _parameter(self, operator: dict[str, Any]) -> None:
        attributes = operator.get("A")
        name = attributes[-1] if isinstance(attributes, list) and attributes else None
        variable = self._value(name, operator.get("O"), persistable=True)
        # The first flag tells whether it is stored: the state of an LSTM is not.
        flags = operator.get("OA")
        if not (isinstance(flags, list) and flags[:1] == [0]):
            self.parameters[variable.name] = variable
        self.tensors[variable.name] = as_tensor(variable)
        self._name_results(operator, variable.name)

    def _io_variable(self, operator: dict[str, Any]) -> Variable:
        results = operator.get("O")
        first = results[0] if isinstance(results, list) and results else results
        return self._value(self._attributes(operator).get("name"), first, persistable=False)

    def _attributes(self, operator: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for entry in self._objects(operator, "A"):
            value = entry.get("AT")
            if isinstance(entry.get("N"), str) and isinstance(value, dict):
                found[entry["N"]] = value.get("D")
        return found

    def _value(self, name: object, result: object, *, persistable: bool) -> Variable:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise _invalid_error(self.errors, "the name of a parameter, input or output", name)
        kind = result.get("TT") if isinstance(result, dict) else None
        match kind:
            case {"#": "0.t_dtensor", "D": [{"#": str() as element}, list() as dims, *_]} if _is_shape(dims):
                dtype = _DTYPES.get(element.partition(".")[2])
                return Variable(name, "dense_tensor", dtype, tuple(dims), persistable)
            case _:
                raise _invalid_error(self.errors, f"a tensor type for {name!r}", kind)


def _as_list(entry: object) -> list[Any]:
    """Return a list: the document holds one operand or result as an object, several as a list."""
    return entry if isinstance(entry, list) else [entry]


def _is_shape(dims: list[Any]) -> bool:
    return len(dims) <= MAX_RANK and all(type(extent) is int and -1 <= extent < 1 << 63 for extent in dims)
