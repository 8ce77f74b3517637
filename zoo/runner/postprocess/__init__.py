"""Output tensors in, coordinates out: heat maps, poses, boxes, suppression."""
