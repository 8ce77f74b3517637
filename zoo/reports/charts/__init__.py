"""Charts as positions on an SVG canvas; they know plain values only."""
