"""What a file has already and ``zoo convert`` cannot change in it: refused, not left out of account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.errors import UsageError

if TYPE_CHECKING:
    from converters.plan import Have
    from zoo.conversion_request import ConvertRequest


def refuse_what_is_fixed(have: Have, request: ConvertRequest) -> None:
    """Passes when everything that was asked for can still be given to what is there.

    Args:
        have: What is there.
        request: What is asked for.

    Raises:
        UsageError: ``graph-is-fixed``, ``ir-version-is-fixed``, ``opset-is-fixed``; ``bad-combination``: an
            architecture is named beside a file that holds its own.
    """
    # Leaving an output out on the way to ncnn takes no other graph.
    no_argmax = request.to == "ncnn" and request.argmax is False
    shaping = request.model_copy(update={"argmax": None}) if no_argmax else request
    if have != "weights" and shaping.shapes_the_graph:
        raise UsageError(
            "graph-is-fixed",
            "form, head, batch and normalisation of an inference model cannot be changed",
            hint="start from the weights: zoo convert NAME or zoo convert FILE.pdparams --network NAME",
        )
    if have == "onnx" and request.ir_version is not None:
        raise _kept_by_onnx("ir-version-is-fixed", "the IR version", "--ir-version")
    if have == "onnx" and request.opset is not None:
        raise _kept_by_onnx("opset-is-fixed", "the opset", "--opset")
    if request.network is not None and not _network_counts(have, request):
        raise UsageError(
            "bad-combination",
            "--network says which architecture bare weights have, and nothing about this conversion",
            expected="--network beside weights that become a model, or with --calibration",
            found=f"--network {request.network}",
            hint="leave out --network",
        )


def _network_counts(have: Have, request: ConvertRequest) -> bool:
    # Pictures are prepared for calibration as the network takes them, which no model file says.
    return (have == "weights" and request.to != "safetensors") or request.calibration is not None


def _kept_by_onnx(code: str, what: str, flag: str) -> UsageError:
    return UsageError(
        code,
        f"an ONNX file keeps {what} it has",
        expected="a checkpoint or an inference model",
        done="nothing was converted",
        hint=f"leave out {flag}, or start from the model the ONNX file was made of",
    )
