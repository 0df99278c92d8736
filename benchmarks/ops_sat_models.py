"""What benchmarks/ops_sat.py compares on segments of OPS-SAT."""

import numpy as np
import pandas as pd
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from skdsn.detectors import AdaptiveSMOTE, SubsequenceNeighborsDetector

# Spread over decades, so compared as logarithms.
POSITIVE = [
    *("var", "std", "diff_var", "diff2_var", "var_div_duration", "var_div_len"),
    *("duration", "len", "len_weighted", "gaps_squared"),
]
FEW = 10  # normal segments of a channel, below which it has no scale of its own


class SegmentFeatures(TransformerMixin, BaseEstimator):
    """Add to the features of a segment its shape and how unusual its channel finds it.

    The shape: how rough the signal is, peaks per sample, samples missing, how two-sided
    it is. `per_channel` adds every feature less the median of the channel, over its
    interquartile range, both of the normal training segments. `table` keeps the columns
    as they came.
    """

    def __init__(self, *, shape=True, per_channel=True, table=True):
        self.shape = shape
        self.per_channel = per_channel
        self.table = table

    def fit(self, X, y=None):
        """Learn what is usual on each channel."""
        normal = np.full(len(X), True) if y is None else np.asarray(y) == 0
        values = self._values(X)[normal]
        groups = values.groupby(_channel(X)[normal])
        known = groups.size() >= FEW
        self.center_ = groups.median()[known]
        self.scale_ = _spread(groups)[known]
        self.usual_ = values.median(), _spread(values)
        return self

    def transform(self, X):
        """Add the columns."""
        values = self._values(X)
        parts = [X, values[values.columns.difference(X.columns)]]
        if not self.table:
            parts = [X.filter(like="channel_")]
        if self.per_channel:
            channel = _channel(X)
            center = self.center_.reindex(channel).fillna(self.usual_[0])
            scale = self.scale_.reindex(channel).fillna(self.usual_[1])
            unusual = (values - center.to_numpy()) / scale.to_numpy()
            parts.append(np.arcsinh(unusual).add_prefix("unusual_"))
        return pd.concat(parts, axis=1)

    def _values(self, X):
        values = X.drop(columns=X.filter(like="channel_").columns).drop(
            columns="sampling"
        )
        values[POSITIVE] = np.log10(values[POSITIVE].clip(lower=1e-30))
        if self.shape:
            peaks = ("n_peaks", "diff_peaks", "diff2_peaks")
            values = values.assign(
                rough=values["diff_var"] - values["var"],
                rougher=values["diff2_var"] - values["diff_var"],
                missing=X["duration"] / X["sampling"] + 1 - X["len"],
                two_sided=X["kurtosis"] - X["skew"] ** 2,
                **{f"{name}_per_sample": X[name] / X["len"] for name in peaks},
            )
        return values


def _channel(X):
    channels = X.filter(like="channel_")
    return channels.columns.to_numpy()[channels.to_numpy().argmax(axis=1)]


def _spread(values):
    """Interquartile range; the standard deviation, or 1, where it is 0."""
    spread = (values.quantile(0.75) - values.quantile(0.25)) / 1.35
    return spread.where(spread > 0, values.std()).where(lambda x: x > 0, 1.0)


class Columns(TransformerMixin, BaseEstimator):
    """Keep the 18 published features only."""

    def fit(self, X, y=None):
        """Note their names."""
        self.kept_ = [name for name in X if not name.startswith(("channel", "samp"))]
        return self

    def transform(self, X):
        """Leave out the others."""
        return X[self.kept_]


FEATURES = {
    "table": Columns(),
    "+ channel": "passthrough",
    "+ shape": SegmentFeatures(per_channel=False),
    "+ per channel": SegmentFeatures(),
}


def classifiers():
    """Name the classifiers; the seed is set later."""
    return {
        "random forest": RandomForestClassifier(300),
        "extra trees": ExtraTreesClassifier(300),
        "histogram boosting": HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=300
        ),
        "gradient boosting": GradientBoostingClassifier(
            n_estimators=300,
            learning_rate=0.05,
            max_depth=5,
            subsample=0.7,
            max_features=0.3,
        ),
        "AdaBoost": AdaBoostClassifier(
            DecisionTreeClassifier(max_depth=3), n_estimators=200, learning_rate=0.5
        ),
    }


def configurations():
    """Declare what is cross-validated, and evaluated on the test segments."""
    models = classifiers()
    declared = {
        "table, logistic regression": make_pipeline(
            Columns(), StandardScaler(), LogisticRegression()
        )
    }
    for features, step in FEATURES.items():
        for name, model in models.items():
            declared[f"{features}, {name}"] = make_pipeline(step, model)
    for features in ("table", "+ per channel"):
        step = FEATURES[features]
        for name in ("random forest", "extra trees", "histogram boosting"):
            model = models[name]
            declared[f"{features}, {name}, weights"] = make_pipeline(
                step, clone(model).set_params(class_weight="balanced")
            )
            declared[f"{features}, {name}, SMOTE"] = make_pipeline(
                step, StandardScaler(), AdaptiveSMOTE(), model
            )
    trees, boosted = models["extra trees"], models["histogram boosting"]
    vectors = CalibratedClassifierCV(SVC(C=3), cv=3, ensemble=False)
    parts = {
        "extra trees": make_pipeline(SegmentFeatures(), trees),
        "histogram boosting": make_pipeline(SegmentFeatures(), boosted),
        "support vectors": make_pipeline(
            SegmentFeatures(table=False), StandardScaler(), vectors
        ),
    }
    declared["+ per channel, support vectors"] = parts["support vectors"]
    declared["+ per channel, extra trees, half of the features"] = make_pipeline(
        SegmentFeatures(), clone(trees).set_params(max_features=0.5)
    )
    for names in (
        ["extra trees", "histogram boosting"],
        ["extra trees", "support vectors"],
        ["extra trees", "histogram boosting", "support vectors"],
    ):
        declared["+ per channel, vote: " + ", ".join(names)] = VotingClassifier(
            [(name, parts[name]) for name in names], voting="soft"
        )
    declared["+ per channel, stacked: all three"] = StackingClassifier(
        list(parts.items()), LogisticRegression(), cv=3
    )
    return declared


def detectors():
    """Declare outlier detectors on the features as published and on our own."""
    models = {
        "isolation forest": IsolationForest(n_estimators=300),
        "local outlier factor": LocalOutlierFactor(20, novelty=True),
        "one-class support vectors": OneClassSVM(nu=0.1),
        "nearest neighbour": SubsequenceNeighborsDetector(
            length=1, scaler="passthrough"
        ),
    }
    return {
        f"{features}, {name}": make_pipeline(*steps, model)
        for features, steps in {
            "table": [Columns(), StandardScaler()],
            "+ shape": [
                SegmentFeatures(per_channel=False),
                Columns(),
                StandardScaler(),
            ],
            # As an array: LocalOutlierFactor would warn of names that it drops itself.
            "per channel": [
                SegmentFeatures(table=False),
                FunctionTransformer(np.asarray),
            ],
        }.items()
        for name, model in models.items()
    }
