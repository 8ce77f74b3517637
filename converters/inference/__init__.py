"""Weights to inference model.

`export` is the way in. `worker`, `program`, `graph` and `boxes` run in a child process, under an interpreter
that may have paddle and nothing else: this file imports nothing for their sake, and they import paddle and
numpy at their top.
"""
