"""Fitted detectors as files that hold data and no code.

A file is a skops archive of what a detector has learnt, beside a small header. Other
than a pickle it runs nothing when it is read: it holds types that are known here by
name, whose content is checked, and nothing else.
"""

from skdsn.persistence._persist import load, read_header, save

__all__ = ["load", "read_header", "save"]
