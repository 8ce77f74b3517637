"""Upstream's model-zoo documents: tables in Markdown, read into drafts and compared with the catalogue."""
