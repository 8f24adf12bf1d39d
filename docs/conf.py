"""Sphinx configuration: MyST pages, the furo theme, and any warning is an error in `make docs`."""

from dawndusk import __version__

project = "dawndusk"
author = "The dawndusk authors"
project_copyright = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"dawndusk {release}"
