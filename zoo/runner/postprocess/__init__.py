"""Convert output tensors to coordinates: heat maps, poses, boxes, suppression."""
