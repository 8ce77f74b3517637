"""``zoo convert``: options, calibration inputs, and the steps from a source to the requested format."""
