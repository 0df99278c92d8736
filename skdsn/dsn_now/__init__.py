"""DSN Now: the public feed of the stations of the Deep Space Network.

What each dish hears and sends, every few seconds: :func:`parse_feed` reads one answer
of the feed, in any of its four forms, into tidy tables; :func:`to_telemetry` makes the
telemetry frame of them. NASA publishes no definition of the feed; what is known was
learnt from its answers. It is not the monitor data that missions get.
"""

from skdsn.dsn_now._check_feed import check_feed
from skdsn.dsn_now._classifier import make_link_state_classifier
from skdsn.dsn_now._compare_models import compare_link_state_models
from skdsn.dsn_now._contacts import add_beam_counts, contact_groups
from skdsn.dsn_now._encode_feed import encode_feed
from skdsn.dsn_now._features import LinkStateFeatures
from skdsn.dsn_now._labels import link_state_labels
from skdsn.dsn_now._link_states import LinkStateParser
from skdsn.dsn_now._make_dsn_now import make_dsn_now
from skdsn.dsn_now._make_notebook_table import make_notebook_table
from skdsn.dsn_now._mislock import MislockDetector
from skdsn.dsn_now._notebook_csv import read_notebook_csv
from skdsn.dsn_now._parse_config import parse_config
from skdsn.dsn_now._parse_feed import FeedUnavailable, parse_feed
from skdsn.dsn_now._recorder import CONFIG_URL, FEED_URL, FeedRecorder
from skdsn.dsn_now._replay import replay
from skdsn.dsn_now._state_report import link_state_report, plot_link_state_confusion
from skdsn.dsn_now._tables import concat_feeds, split_feeds
from skdsn.dsn_now._telemetry import to_telemetry
from skdsn.dsn_now._telemetry_stream import TelemetryStream
from skdsn.dsn_now._transitions import LinkTransitions, link_transitions

__all__ = [
    "CONFIG_URL",
    "FEED_URL",
    "FeedRecorder",
    "FeedUnavailable",
    "LinkStateFeatures",
    "LinkStateParser",
    "LinkTransitions",
    "MislockDetector",
    "TelemetryStream",
    "add_beam_counts",
    "check_feed",
    "compare_link_state_models",
    "concat_feeds",
    "contact_groups",
    "encode_feed",
    "link_state_labels",
    "link_state_report",
    "link_transitions",
    "make_dsn_now",
    "make_link_state_classifier",
    "make_notebook_table",
    "parse_config",
    "parse_feed",
    "plot_link_state_confusion",
    "read_notebook_csv",
    "replay",
    "split_feeds",
    "to_telemetry",
]
