"""What a detector said: tables of scores and alarms, files, figures.

Scores travel as a table with the index of the telemetry and the columns ``score``
(higher = more anomalous) and ``anomaly`` (0 or 1), as :func:`score_table` and
:meth:`skdsn.streaming.StreamingDetector.update` return it. Figures need matplotlib
(``pip install skdsn[report]``); no global style is touched.
"""

from skdsn.report._comparison import plot_comparison
from skdsn.report._figures import plot_curves, plot_track
from skdsn.report._files import write_metrics, write_report
from skdsn.report._tables import event_table, score_table

__all__ = [
    "event_table",
    "plot_comparison",
    "plot_curves",
    "plot_track",
    "score_table",
    "write_metrics",
    "write_report",
]
