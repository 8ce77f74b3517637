"""Reader of ncnn models."""
