"""Files of universal parameters: their formats, the checks of every point, and where to get them.

`_g1` is the arithmetic, `_formats` and `_ptau` read files, `_lagrange` makes or reorders Lagrange
points, `_checks` proves that all points belong together, `_ceremonies` is the list of the published
files, `_download` gets one, and `_import` puts all this together.
"""
