"""The reference runner: images in, boxes and keypoints out, under the protocol of a catalog entry.

Nothing is re-exported here, and importing this package costs nothing. The modules below import NumPy at the
top because every function in them computes with arrays. Code that must keep ``import zoo`` light imports them
inside the function that runs a model. OpenCV, onnxruntime and the engines are imported later still, by the
functions that call them.

    images       a path, array or PIL image becomes an image
    geometry     a person's box becomes a crop region, a region becomes an affine map
    preprocess   an image and boxes become input tensors
    sessions     input tensors become output tensors, in this process or a child process
    postprocess  output tensors become boxes and keypoints
    pipeline     the steps above behind three callables: Detector, PoseEstimator, Pipeline
    protocols    protocols other than the evaluation's, as values
    draw         results drawn on an image
"""
