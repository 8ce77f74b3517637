"""Find the parameters of a network in a file that a training loop saved.

A loop saves the state dict alone, or next to an optimizer, a moving average of the parameters (EMA) and
counters. The network's own parameters are taken; of two networks, neither is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from converters.checkpoints.errors import CheckpointErrors, shorten
from converters.checkpoints.pickle_values import PendingArray, Value

_NETWORK_KEYS = ("state_dict", "model_state_dict", "model", "network", "net", "params")
_AVERAGE_KEYS = ("ema_state_dict", "ema_model", "model_ema", "state_dict_ema", "ema")
_OTHER_KEYS = re.compile(
    r"(?:optimizer|optim|opt|scheduler|lr|scaler|epoch|last_epoch|iter|iteration|step|global_step|best|loss|metric"
    r"|meta|config|args|version|time|seed|rng|random|ema|average)[a-z_]*",
    re.IGNORECASE,
)
_ACCUMULATOR = re.compile(
    r"_(?:moment|moment[12]|beta[12]_pow_acc|velocity|momentum|mean_square|mean_grad|inf_norm|master_weight"
    r"|fp32_master)_\d+$"
)
"""End of the names that the optimizers of Paddle give their tensors."""

_AVERAGE = re.compile(r"^ema[._]|[._]ema(?:_\d+)?$")


class NetworkState(NamedTuple):
    """Parameters of a network, and what else the file contains.

    Attributes:
        parameters: Values by parameter name.
        ignored: Names of the other values.
    """

    parameters: dict[str, Value]
    ignored: tuple[str, ...]


def find_network(root: Mapping[str, Value], errors: CheckpointErrors) -> NetworkState:
    """Find the state dict of the network in the dictionary of a checkpoint.

    Args:
        root: Content of the file.
        errors: Builds the error.

    Raises:
        ConversionError: ``weights-unsupported`` if several dictionaries could be the network's.
    """
    arrays = [name for name, value in root.items() if _is_array(value)]
    if arrays:
        extra = set(training_tensors(root))
        extra |= {name for name in root if name not in arrays and _OTHER_KEYS.fullmatch(name)}
        return _without(root, extra)
    nested = {name: value for name, value in root.items() if isinstance(value, dict) and _has_array(value)}
    found = [name for name in _NETWORK_KEYS if name in nested] or [
        name for name in _AVERAGE_KEYS if name in nested
    ]
    others = [name for name in nested if name not in found and not _OTHER_KEYS.fullmatch(name)]
    if not found:
        return NetworkState(dict(root), ())
    if len(found) > 1 or others:
        names = ", ".join(shorten(name) for name in [*found, *others][:5])
        raise errors.unsupported(
            f"several dictionaries of arrays: {names}",
            hint="save the state dict of one network: paddle.save(network.state_dict(), FILE)",
        )
    [name] = found
    inner = nested[name]
    own = _without(inner, set(training_tensors(inner)))
    return NetworkState(own.parameters, (*(each for each in root if each != name), *own.ignored))


def training_tensors(names: Iterable[str]) -> list[str]:
    """Return the names of tensors that only training needs: of an optimizer, or a moving average.

    A tensor counts as an average only if the parameter that it averages is there, too.

    Args:
        names: Names of all tensors of a file.
    """
    known = set(names)
    return [
        name
        for name in known
        if _ACCUMULATOR.search(name) or (_AVERAGE.search(name) and _AVERAGE.sub("", name) in known)
    ]


def _without(values: Mapping[str, Value], extra: set[str]) -> NetworkState:
    kept = {name: value for name, value in values.items() if name not in extra}
    return NetworkState(kept, tuple(name for name in values if name in extra))


def _has_array(values: Mapping[str, Value]) -> bool:
    return any(map(_is_array, values.values()))


def _is_array(value: Value) -> bool:
    return isinstance(value, PendingArray) or (
        isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], PendingArray)
    )
