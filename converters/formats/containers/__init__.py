"""Archives, configuration files and checkpoints."""
