"""The whole job on built-in sample data, without any network beyond this machine's loopback.

result     what the demo did, as values
job        fetch, verify, convert, prove
measuring  what each format computes, beside the inference model and the published accuracy
image    what was found, drawn on the images it was found in
"""

from zoo.demo.job import run
from zoo.demo.result import Demo, DemoRow

__all__ = ["Demo", "DemoRow", "run"]
