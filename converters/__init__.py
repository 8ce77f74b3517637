"""How one local artifact becomes another, and how an artifact is read and proven."""
