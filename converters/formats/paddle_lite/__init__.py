"""Reader of Paddle-Lite ``.nb`` files."""
