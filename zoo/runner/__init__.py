"""The reference runner: images in, boxes and key points out, by the protocol a catalog entry states.

Nothing is re-exported here and importing this package costs nothing. Its modules import NumPy at the top,
because every function in them computes with arrays: whoever wants ``import zoo`` to stay light imports them
inside the function that runs a model. OpenCV, onnxruntime and the engines are imported later still, by the
functions that call them.

    images       a path, array or PIL image becomes an image
    geometry     a person's box becomes a region, a region an affine map
    preprocess   image and boxes become input tensors
    sessions     input tensors become output tensors, in this process or a child
    postprocess  output tensors become boxes and key points
    pipeline     all of it behind three callables: Detector, PoseEstimator, Pipeline
    variants     protocols other than the evaluation's, as values
    draw         results on an image
"""
