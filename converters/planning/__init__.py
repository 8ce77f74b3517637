"""Plans the conversion steps from a source to a target format, and executes them."""
