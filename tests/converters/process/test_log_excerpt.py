"""Extraction of error lines from logs of the real tools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.process.log_excerpt import extract_error_lines

LITE_TRUNCATED_PARAMS = """\
Loading topology data from bad/model.pdmodel
Loading params data from bad/model.pdiparams
[F 11/22 11: 2:42.391 ...d/Paddle-Lite/lite/core/model/base/io.cc:54 Read] Check failed: (fread(dst, 1, size, file_) == size): 0!==384 Failed to read 384 bytes.
"""  # noqa: E501
LITE_WITH_WARNINGS = """\
1. Model is successfully loaded!
[W 11/22 10:58:17.887 ...zer/mir/fusion/conv_elementwise_fuser.cc:92 InsertNewNode] elementwise_add_bias_dims not equal to 1, fusion failed
[F 11/22 10:58:22.328 /island/Paddle-Lite/lite/core/kernel.cc GetInputDeclType:34] Check failed: type: no type registered for kernel [conv2d] input argument [SecondInput] with key conv2d/def
"""  # noqa: E501
PADDLE2ONNX_OPSET = """\
\x1b[0;33m2026-11-22 11:04:57 [WARNING]\tThe .pdmodel file is deprecated in paddlepaddle 3.0 and will be removed in the future.\x1b[0m
I1122 11:04:57.679217  8405 program_interpreter.cc:257] New Executor is Running.
[Paddle2ONNX] Start parsing the Paddle model file...
[Paddle2ONNX] Use opset_version = 22 for ONNX export.
[Paddle2ONNX] [ERROR] The Opset Version must be between 7 and 21.
[ERROR][Paddle2ONNX] Due to opset version, the model exporting is aborted.


--------------------------------------
C++ Traceback (most recent call last):
--------------------------------------
0   paddle2onnx::Export(char const*, char const*, char**, int*, int, bool, bool, bool, bool)

----------------------
Error Message Summary:
----------------------
FatalError: `Process abort signal` is detected by the operating system.
  [TimeInfo: *** Aborted at 1795345497 (unix time) try "date -d @1795345497" if you are using GNU date ***]
  [SignalInfo: *** SIGABRT (@0x20d5) received by PID 8405 (TID 0x7f204f629b80) from PID 8405 ***]
"""  # noqa: E501
PADDLE2ONNX_PARAMS = """\
site-packages/paddle/utils/cpp_extension/extension_utils.py:718: UserWarning: No ccache found.
  warnings.warn(warning_message)
\x1b[0;31m2026-11-22 11:02:45 [ERROR]\tFailed to convert PaddlePaddle model: In user code:

    File "<frozen runpy>", line 198, in _run_module_as_main

    File "site-packages/paddle2onnx/command.py", line 195, in <module>
      main()

    UnavailableError: An error occurred while loading model parameters. Please check whether the model file is complete or damaged.
      [Hint: Expected static_cast<bool>(*buffer) == true, but received static_cast<bool>(*buffer):0 != true:1.] (at load_combine_kernel_impl.h:47)
      [operator < load_combine > error].\x1b[0m
\x1b[0;33m2026-11-22 11:02:45 [WARNING]\tIntermediate model and param files will be deleted.\x1b[0m
"""  # noqa: E501


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            LITE_TRUNCATED_PARAMS,
            "Check failed: (fread(dst, 1, size, file_) == size): 0!==384 Failed to read 384 bytes.",
        ),
        (
            LITE_WITH_WARNINGS,
            "Check failed: type: no type registered for kernel [conv2d] input argument [SecondInput] "
            "with key conv2d/def",
        ),
        (
            PADDLE2ONNX_OPSET,
            "The Opset Version must be between 7 and 21.; "
            "Due to opset version, the model exporting is aborted.",
        ),
    ],
)
def test_the_error_lines_are_extracted(log: str, words: str) -> None:
    assert extract_error_lines(log) == words


def test_the_error_inside_a_python_stack_is_found() -> None:
    words = extract_error_lines(PADDLE2ONNX_PARAMS)
    assert words is not None
    assert "UnavailableError: An error occurred while loading model parameters." in words
    assert "command.py" not in words
    assert "deleted" not in words


def test_without_error_lines_the_last_line_is_returned() -> None:
    assert extract_error_lines("Loading topology\nLoading params\n\n") == "Loading params"


@pytest.mark.parametrize(
    "log", ["", "\n\n", "----------------------\n", "I1122 11:04:57.679217  8405 x.cc:257] New\n"]
)
def test_an_empty_log_gives_no_lines(log: str) -> None:
    assert extract_error_lines(log) is None


@given(st.text())
def test_the_excerpt_is_always_one_short_printable_line(log: str) -> None:
    words = extract_error_lines(log)
    assert words is None or (0 < len(words) <= 400 and "\n" not in words and "\x1b" not in words)
