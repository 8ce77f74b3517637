"""All steps on the built-in sample model, without network access beyond the loopback interface.

result         the results of the demo, as values
job            fetch, verify, convert, inspect
measuring      compare each format with the inference model and with the published accuracy
contact_sheet  draw the results on the images
"""

from zoo.demo.job import run
from zoo.demo.result import Demo, DemoRow

__all__ = ["Demo", "DemoRow", "run"]
