"""The two dictionaries ``paddle.save`` writes for a state dict: arrays by name, and internal names."""

from __future__ import annotations

from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.pickle_evaluator import evaluate
from converters.checkpoints.pickle_values import PendingArray, Value, describe
from converters.checkpoints.stored_array import StoredArray, check_name

INTERNAL_NAMES = "StructuredToParameterName@@"
"""Key of the trailing dictionary from structured to internal parameter name; of no use outside training."""

SPLIT_PARAMETERS = "UnpackBigParamInfor@@"  # spelled as Paddle spells it
"""Key that says that arrays over a gigabyte were cut in pieces (protocols 2 and 3)."""

MAX_EXPANSION = 4
"""All arrays together may take this multiple of the file's size. One array may stand under two names
(the heads of PicoDet v2 hold one parameter under two keys); a file that repeats one array a thousand
times would fill a disk when written out."""


def read_state_dict(data: bytes, errors: CheckpointErrors) -> dict[str, StoredArray]:
    """Arrays by name, in file order, from the bytes of a ``.pdparams`` file.

    Raises:
        IntegrityError: The pickle is unsafe, damaged, or beyond the limits.
        ConversionError: ``weights-unsupported`` when it holds something other than named arrays.
    """
    root = evaluate(data, errors)
    if not isinstance(root, dict):
        raise errors.unsupported(f"it holds {describe(root)}")
    if SPLIT_PARAMETERS in root:
        raise errors.unsupported("it holds parameters of more than a gigabyte, cut in pieces")
    _check_internal_names(root.pop(INTERNAL_NAMES, None), errors)
    arrays = {name: _array(name, value, errors) for name, value in root.items()}
    if not arrays:
        raise errors.unsupported("it holds no arrays")
    needed = sum(len(stored.data) for stored in arrays.values())
    if needed > MAX_EXPANSION * len(data):
        raise errors.too_large(
            "its arrays repeat the same bytes under many names",
            limit=MAX_EXPANSION * len(data),
            found=f"{needed} bytes of arrays in a file of {len(data)}",
        )
    return arrays


def _check_internal_names(names: Value, errors: CheckpointErrors) -> None:
    if names is None:
        return
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise errors.malformed(f"{INTERNAL_NAMES} is not a dictionary from name to name")


def _array(name: str, value: Value, errors: CheckpointErrors) -> StoredArray:
    check_name(name, errors)
    # A Tensor saved outside a state dict comes as (internal name, array).
    match value:
        case (PendingArray() as array) | (str(), PendingArray() as array):
            if array.stored is None:
                raise errors.malformed(f"the array {shorten(name)} has no content")
            return array.stored
    hint = None
    if isinstance(value, dict):
        hint = f"the file nests dictionaries: save the one under {shorten(name)} alone"
    raise errors.unsupported(f"{shorten(name)} holds {describe(value)}", hint=hint)
