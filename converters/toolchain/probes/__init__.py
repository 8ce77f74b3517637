"""Worker scripts that prove a tool's environment by using it."""
