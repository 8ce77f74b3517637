"""Reads annotated image sets in the COCO layout."""
