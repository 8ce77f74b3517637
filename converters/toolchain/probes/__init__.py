"""Worker scripts that test the environment of a tool by using the tool."""
