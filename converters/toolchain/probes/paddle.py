"""Tests that paddle imports and computes. Runs under any interpreter that has it."""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Add two numbers."""
    import paddle

    total = float(paddle.to_tensor([1.5, 2.5]).sum())
    if total != 4.0:
        raise RuntimeError("1.5 + 2.5 gave " + repr(total))
    return {"version": str(paddle.__version__)}
