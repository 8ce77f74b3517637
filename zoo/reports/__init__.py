"""Reports about models, and the catalog as a static site.

report         one page: accuracy, latency, parity and provenance of every format of some entries
site           one page per entry of the catalog
charts         charts as positions on a canvas
templates      templates and style sheets that both share
protocol_text  the conditions of an accuracy figure as text
"""
