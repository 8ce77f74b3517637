"""Tests LiteRT: runs a model with one addition, x + x."""

_MODEL = """
GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAYAAAA4AAAAAMAAAABAAAABAAAACj///8BAAAAEAAAAAwAFAAQAAwA
CAAEAAwAAAAQAAAAUAAAAFQAAABYAAAAAQAAABQAAAAAAA4AFAAAABAADAALAAQADgAAABAAAAAAAAALDAAAABAAAACA////
AQAAAAEAAAACAAAAAAAAAAAAAAABAAAAAQAAAAEAAAAAAAAAAgAAADAAAAAEAAAA5P///wgAAAAMAAAAAQAAAHkAAAABAAAA
AQAAAAwADAAIAAAAAAAEAAwAAAAIAAAADAAAAAEAAAB4AAAAAQAAAAEAAAABAAAACAAAAAQABAAEAAAA
"""


def main(request: "dict[str, object]") -> "dict[str, object]":
    """Double two."""
    import base64
    import importlib.metadata

    import numpy
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(model_content=base64.b64decode(_MODEL), num_threads=1)
    network.allocate_tensors()
    network.set_tensor(network.get_input_details()[0]["index"], numpy.array([2], dtype="float32"))
    network.invoke()
    answer = network.get_tensor(network.get_output_details()[0]["index"])
    if float(answer[0]) != 4:
        raise RuntimeError("2 + 2 gave " + str(answer))
    return {"version": importlib.metadata.version("ai-edge-litert")}
