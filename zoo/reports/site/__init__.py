"""The catalog as a static site: pages, plots and a machine-readable copy, for any server or none."""

from zoo.reports.site.render import File, site_of
from zoo.reports.site.write import write

__all__ = ["File", "site_of", "write"]
