"""Reader of OpenVINO models."""
