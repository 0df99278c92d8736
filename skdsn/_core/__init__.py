"""Arithmetic on ``(values, bounds)``: NumPy only, no loop over tracks or rows.

``bounds`` has shape ``(n_tracks + 1,)``: rows ``bounds[i]:bounds[i + 1]`` belong
to track (or gap-free segment) ``i``. Tracks may have any length.
"""
