"""Fuzzing of every parser of untrusted input: ``python -m tests.fuzz --seconds 30``.

Each parser runs in a process of its own on changed valid inputs. What is not a ``ZooError`` escapes: another
exception, more processor time or memory than the limits in ``worker``, or the death of the process. The seed
of an input reproduces it.
"""
