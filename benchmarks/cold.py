"""A minimal version of upstream's ``det_keypoint_unite_infer.py`` on one image, from a cold start.

    python benchmarks/cold.py DETECTOR_DIR POSE_DIR IMAGE THREADS ONEDNN

It does the minimum of that script: import paddle, build two predictors, run both, print. Its other imports
and work (trackers, image augmentation, preprocessing and postprocessing) are omitted, in favor of upstream.
"""

import os
import sys

os.environ["FLAGS_enable_pir_api"] = "0"  # noqa: SIM112  paddle's own spelling

import cv2
import numpy as np
from paddle import inference

detector, pose, file, threads, onednn = sys.argv[1:]
pixels = cv2.imread(file)
for folder, size in ((detector, (192, 192)), (pose, (96, 128))):
    config = inference.Config(f"{folder}/model.pdmodel", f"{folder}/model.pdiparams")
    config.disable_gpu()
    config.set_cpu_math_library_num_threads(int(threads))
    if onednn == "0":
        config.disable_mkldnn()
    config.disable_glog_info()
    config.enable_memory_optim()
    predictor = inference.create_predictor(config)
    image = cv2.resize(pixels, size).astype(np.float32).transpose(2, 0, 1)[None] / 255
    handle = predictor.get_input_handle("image")
    handle.reshape(image.shape)
    handle.copy_from_cpu(np.ascontiguousarray(image))
    predictor.run()
    name = predictor.get_output_names()[0]
    print(folder, float(predictor.get_output_handle(name).copy_to_cpu().max()))
