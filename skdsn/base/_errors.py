"""What all stages that emit errors share: targets, scaling, output columns."""

from abc import abstractmethod
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skdsn._core.segments import difference
from skdsn._sklearn import (
    MAX_GAP,
    NAMES,
    HasMethods,
    Interval,
    StrOptions,
    check_feature_names_in,
)
from skdsn.base._labels import read_labels
from skdsn.base._stages import RowTransformer

TARGET_CONSTRAINTS = {
    "targets": [StrOptions({"predictability", "variance"}), *NAMES],
    "n_targets": [None, Interval(Integral, 1, None, closed="left")],
    "inputs_only": NAMES,
    "scaler": [None, StrOptions({"passthrough"}), HasMethods(["fit", "transform"])],
    "passthrough": ["boolean"],
    "max_gap": MAX_GAP,
}

# Rows scaled at a time: the scaler works in float64, the stage in float32.
_BLOCK = 65_536
# Largest scaled value: its square is still a float32.
_LARGEST = 1e18
# Largest value that a scaler can take the square of, and add some up.
_LARGEST_RAW = 1e150


class ErrorTransformer(RowTransformer):
    """Base of the stages that tell by how much target channels are not as expected.

    A subclass has constructor parameters `targets`, `n_targets`, `inputs_only`,
    `scaler` and `passthrough`, learns in ``_learn(rows, labels)`` from
    ``self._scale(rows.data)``, and puts its absolute errors, in scaled units, into
    ``_table``. Rows labelled 1 are for it to leave out. Scaler and targets are
    learnt here, without them. Where there is a parameter `known_inputs`, columns that
    are known beforehand, ``known_indices_`` tells where they are.
    """

    _min_features = 1
    scaler: object = None
    known_inputs: tuple = ()
    learn_unlabelled = True
    _has_classifier = False
    _default_scaler: type = StandardScaler

    def _fit(self, rows, y):
        self._learn(rows, self._prepare(rows, y))

    def _prepare(self, rows, y):
        """Learn targets and scaler; return the labels."""
        labels = self._read_labels(y, rows.tracks)
        n_rows, n_features = rows.data.shape
        if n_features < self._min_features:
            raise ValueError(
                f"{type(self).__name__} predicts some channels from the others and "
                f"needs at least {self._min_features} features; got "
                f"{n_features} feature(s)."
            )
        if n_rows < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 rows to learn from; got "
                f"{n_rows} sample(s)."
            )
        if max(float(rows.data.max()), -float(rows.data.min())) > _LARGEST_RAW:
            row, column = np.argwhere(np.abs(rows.data) > _LARGEST_RAW)[0]
            raise ValueError(
                f"Column {check_feature_names_in(self)[column]!r} holds "
                f"{rows.data[row, column]:g} in row {row}, too large for "
                f"{type(self).__name__} to learn from; replace such values by NaN and "
                "impute them."
            )
        normal = np.ones(n_rows, dtype=bool) if labels is None else labels != 1
        if not normal.any():
            raise ValueError(
                f"y labels every row as anomalous, but {type(self).__name__} learns "
                "from normal or unlabelled rows."
            )
        names = check_feature_names_in(self)
        self.target_indices_ = self._choose_targets(rows, normal, names)
        if len(self.target_indices_) == 0:
            raise ValueError(
                f"{type(self).__name__} has no target to predict; name one in targets, "
                "or leave a column out of inputs_only."
            )
        self.targets_ = [str(names[i]) for i in self.target_indices_]
        self.known_indices_ = self._find_known(names)
        taken = set(names) & set(self._own_names())
        if self.passthrough and taken:
            raise ValueError(
                f"X has a column {min(taken)!r}, as {type(self).__name__} names one of "
                "its outputs; rename the column, or set passthrough=False."
            )
        self.scaler_ = None
        if self.scaler != "passthrough":
            scaler = (
                self._default_scaler() if self.scaler is None else clone(self.scaler)
            )
            if isinstance(scaler, RowTransformer):  # which reads labels itself
                self.scaler_ = scaler.fit(rows.data, labels)
            else:
                nominal = rows.data if normal.all() else rows.data[normal]
                self.scaler_ = scaler.fit(nominal)
        return labels

    def _read_labels(self, y, tracks):
        """Labels 0, 1 and -1: what is seldom is not to be learnt as if it were usual.

        To a head that classifies it is normal all the same.
        """
        labels = read_labels(y, tracks, unlabelled=True, rare=not self._has_classifier)
        if labels is None:
            return None
        if not self.learn_unlabelled and (labels == 0).any():
            labels = np.where(labels < 0, np.int8(1), labels)
        return np.minimum(labels, 1)

    def _find_known(self, names):
        known = np.flatnonzero([name in set(self.known_inputs) for name in names])
        both = np.intersect1d(known, self.target_indices_)
        if len(both):
            raise ValueError(
                f"Column {names[both[0]]!r} is named in targets and in known_inputs; "
                "what is known beforehand needs no forecast, so name it in one only."
            )
        return known

    def _choose_targets(self, rows, normal, names):
        if not isinstance(self.targets, str):
            position = {name: i for i, name in enumerate(names)}
            unknown = [name for name in self.targets if name not in position]
            if unknown:
                raise ValueError(
                    f"Target {unknown[0]!r} is no column of X; the columns are "
                    f"{list(names[:10])}."
                )
            chosen = sorted({position[name] for name in self.targets})
            return np.array(chosen, dtype=np.int64)
        most = self._most_targets(len(names))
        values, bounds = rows.data, rows.tracks.bounds
        excluded = self._never_targets()
        # Channels of two levels (flags, one-hot columns) only if nothing else is left.
        eligible = [i for i, name in enumerate(names) if name not in excluded]
        measured = [i for i in eligible if _many_levels(values[normal, i])]
        if not measured:
            return np.array(eligible[:1], dtype=np.int64)
        if len(measured) <= most:
            return np.array(measured)
        if self.targets == "predictability":
            return self._most_predictable(values, bounds, normal, measured, most)
        variance = [values[normal, i].var() for i in measured]
        order = np.argsort(-np.array(variance), kind="stable")[:most]
        return np.sort(np.array(measured)[order])

    def _never_targets(self):
        """Names of the columns that no rule may choose."""
        return set(self.inputs_only) | set(self.known_inputs)

    def _most_predictable(self, values, bounds, normal, columns, most):
        """Columns that vary most slowly: by the share of variance above one row."""
        steady = normal.copy()  # no step from or to an anomalous row
        steady[1:] &= normal[:-1]
        score = []
        for i in columns:
            step = difference(values[:, i], bounds)[steady]
            change = step @ step / max(1, len(step))
            score.append(1 - change / (2 * values[normal, i].var()))
        order = np.argsort(-np.array(score), kind="stable")[:most]
        return np.sort(np.array(columns)[order])

    def _most_targets(self, n_features):
        return n_features if self.n_targets is None else self.n_targets

    def _scale(self, values):
        """Scaled values in float32, made block by block."""
        scaled = np.empty(values.shape, dtype=np.float32)
        for begin in range(0, len(values), _BLOCK):
            block = values[begin : begin + _BLOCK]
            if self.scaler_ is not None:
                block = self.scaler_.transform(block)
            if np.abs(block).max() > _LARGEST:
                self._refuse_large(values, begin, block)
            scaled[begin : begin + _BLOCK] = block
        return scaled

    def _refuse_large(self, values, begin, block):
        row, column = np.argwhere(np.abs(block) > _LARGEST)[0]
        raise ValueError(
            f"Column {check_feature_names_in(self)[column]!r} holds "
            f"{values[begin + row, column]:g} in row {begin + row}, too far from the "
            f"training rows for {type(self).__name__}; replace such values by NaN and "
            "impute them."
        )

    def _table(self, scaled, *parts):
        """Put what the stage emits, errors last, and the input side by side."""
        columns = [*parts, self._total(parts[-1])[:, None]]
        if self.passthrough:
            columns.append(scaled)
        return np.concatenate(columns, axis=1, dtype=np.float32, casting="same_kind")

    def _total(self, errors):
        """One figure for the errors of a row."""
        return huber(errors).mean(axis=1)

    def _own_names(self):
        return [*(f"error_{name}" for name in self.targets_), "error"]

    def _names_out(self, names):
        return [*self._own_names(), *(names if self.passthrough else [])]

    @abstractmethod
    def _learn(self, rows, labels):
        """Learn from validated rows; see the class."""


def _many_levels(values):
    # The first rows usually settle it, so that no million values are sorted.
    return len(np.unique(values[:1000])) > 2 or len(np.unique(values)) > 2


def huber(errors):
    """Huber function with delta 1 of absolute errors."""
    small = np.minimum(errors, 1)
    return 0.5 * small**2 + (errors - small)
