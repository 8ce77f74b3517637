"""Exports trained weights as inference models.

`export` is the entry point. `worker`, `program`, `graph` and `boxes` run in a child process, whose
interpreter may have paddle and nothing else. Therefore this file imports nothing, and they import paddle and
numpy at the top.
"""
