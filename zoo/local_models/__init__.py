"""Models on disk as entries: what a checkpoint, a folder or a file says, and what the user adds to it."""
