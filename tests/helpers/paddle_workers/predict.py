"""Worker of these tests: runs inference models with Paddle Inference, one thread."""

from __future__ import annotations

from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    from paddle import inference

    for job in request["jobs"]:
        config = inference.Config(job["program"], job["params"])
        config.disable_gpu()
        config.disable_mkldnn()
        config.disable_glog_info()
        config.set_cpu_math_library_num_threads(1)
        # Fusing a norm into its convolution rounds differently in each form of program.
        config.switch_ir_optim(False)
        predictor = inference.create_predictor(config)
        names = predictor.get_output_names()
        for inputs, outputs in job["runs"]:
            feeds = np.load(inputs)
            for name in predictor.get_input_names():
                predictor.get_input_handle(name).copy_from_cpu(np.ascontiguousarray(feeds[name]))
            predictor.run()
            np.savez(outputs, **{name: predictor.get_output_handle(name).copy_to_cpu() for name in names})
    return {}
