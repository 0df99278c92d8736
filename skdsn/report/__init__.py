"""What a detector said, and why: tables of scores and alarms, files, figures.

Scores travel as a table with the index of the telemetry and the columns ``score``
(higher = more anomalous) and ``anomaly`` (0 or 1), as :func:`score_table` and
:meth:`skdsn.streaming.StreamingDetector.update` return it. Alarms are listed by
:func:`event_table`, blocks of rows by :func:`window_report`, true incidents by
:func:`incident_table`. Figures need matplotlib
(``pip install skdsn[report]``), draw into the axes they are given and return them; no
global style is touched.
"""

from skdsn.report._adjusted import plot_point_adjusted
from skdsn.report._comparison import plot_comparison
from skdsn.report._confusion import plot_confusion
from skdsn.report._curves import plot_curves, plot_roc
from skdsn.report._errors import affected_channels
from skdsn.report._files import write_metrics, write_report
from skdsn.report._heatmap import plot_heatmap
from skdsn.report._importances import feature_importances, plot_importances
from skdsn.report._incidents import incident_table
from skdsn.report._stages import channel_errors, stage_output
from skdsn.report._tables import event_table, score_table
from skdsn.report._timeline import plot_timeline
from skdsn.report._track import plot_track
from skdsn.report._windows import read_window_report, window_report

__all__ = [
    "affected_channels",
    "channel_errors",
    "event_table",
    "feature_importances",
    "incident_table",
    "plot_comparison",
    "plot_confusion",
    "plot_curves",
    "plot_heatmap",
    "plot_importances",
    "plot_point_adjusted",
    "plot_roc",
    "plot_timeline",
    "plot_track",
    "read_window_report",
    "score_table",
    "stage_output",
    "window_report",
    "write_metrics",
    "write_report",
]
