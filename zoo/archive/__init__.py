"""Unpacks untrusted tar and zip archives member by checked member."""
