"""Reader of the state dicts of ``paddle.save``: arrays by name and a dictionary of internal names."""

from __future__ import annotations

from typing import NamedTuple

from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.pickle_evaluator import evaluate
from converters.checkpoints.pickle_values import PendingArray, Value, describe
from converters.checkpoints.stored_array import StoredArray, check_name
from converters.checkpoints.training_state import find_network

INTERNAL_NAMES = "StructuredToParameterName@@"
"""Key of the last dictionary, from structured to internal parameter names, which only training needs."""

SPLIT_PARAMETERS = "UnpackBigParamInfor@@"  # spelled as Paddle spells it
"""Key that marks arrays of more than a gigabyte stored in parts (protocols 2 and 3)."""

MAX_EXPANSION = 4
"""Largest total size of the arrays, as a multiple of the file size.

Two names can share one array (the heads of PicoDet v2 have one parameter under two keys). A file that repeats
one array a thousand times would fill a disk when it is converted.
"""


class StateDict(NamedTuple):
    """The state dict of a network.

    Attributes:
        arrays: Arrays by name, in file order.
        ignored: Names of other values, of an optimizer for example.
    """

    arrays: dict[str, StoredArray]
    ignored: tuple[str, ...]


def read_state_dict(data: bytes, errors: CheckpointErrors) -> StateDict:
    """Read the state dict of a network from the bytes of a ``.pdparams`` file.

    Raises:
        IntegrityError: The pickle is unsafe or damaged, or exceeds a limit.
        ConversionError: ``weights-unsupported`` when it contains something other than named arrays.
    """
    root = evaluate(data, errors)
    if not isinstance(root, dict):
        raise errors.unsupported(f"it contains {describe(root)}")
    if SPLIT_PARAMETERS in root:
        raise errors.unsupported("it contains parameters of more than a gigabyte, stored in parts")
    _check_internal_names(root.pop(INTERNAL_NAMES, None), errors)
    parameters, ignored = find_network(root, errors)
    _check_internal_names(parameters.pop(INTERNAL_NAMES, None), errors)
    for name in ignored:
        check_name(name, errors)
    arrays = {name: _array(name, value, errors) for name, value in parameters.items()}
    if not arrays:
        raise errors.unsupported("it contains no arrays")
    needed = sum(len(stored.data) for stored in arrays.values())
    if needed > MAX_EXPANSION * len(data):
        raise errors.too_large(
            "its arrays repeat the same bytes under many names",
            limit=MAX_EXPANSION * len(data),
            found=f"{needed} bytes of arrays in a file of {len(data)}",
        )
    return StateDict(arrays, ignored)


def _check_internal_names(names: Value, errors: CheckpointErrors) -> None:
    if names is None:
        return
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise errors.malformed(f"{INTERNAL_NAMES} is not a dictionary from name to name")


def _array(name: str, value: Value, errors: CheckpointErrors) -> StoredArray:
    check_name(name, errors)
    # A Tensor saved outside a state dict is stored as (internal name, array).
    match value:
        case (PendingArray() as array) | (str(), PendingArray() as array):
            if array.stored is None:
                raise errors.malformed(f"the array {shorten(name)} has no content")
            return array.stored
    hint = None
    if isinstance(value, dict):
        hint = f"the file nests dictionaries: save only the one under {shorten(name)}"
    raise errors.unsupported(f"{shorten(name)} is {describe(value)}", hint=hint)
