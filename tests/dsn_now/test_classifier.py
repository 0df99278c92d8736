"""From rows of the feed to states of the link, without a leak."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_rows import contact, contacts
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB

from skdsn.dsn_now._classifier import ESTIMATORS, make_link_state_classifier
from skdsn.dsn_now._contacts import add_beam_counts
from skdsn.dsn_now._features import LinkStateFeatures
from skdsn.dsn_now._labels import LabelledRows, link_state_labels
from skdsn.streaming import StreamingDetector

OWN = [
    "dataRate_downsignal",
    "frequency_downsignal",
    "power_downsignal",
    "signalType_downsignal",
    "signalTypeDebug_downsignal",
]
X = contacts()
Y = link_state_labels(X)


def poisoned(rows=slice(None)):
    """Swap the columns of the downlink itself with those of other rows."""
    other = X.copy()
    numbers = np.random.default_rng(0).permutation(len(X))
    for name in OWN:
        values = X[name].to_numpy(dtype=object, copy=True)
        values[rows] = X[name].to_numpy(dtype=object)[numbers][rows]
        other[name] = pd.Series(values, X.index, dtype=X[name].dtype)
    return other


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_columns_of_the_own_signal_change_no_prediction(name):
    model = make_link_state_classifier(name, random_state=0).fit(X, Y)
    told = model.predict(X)
    np.testing.assert_array_equal(model.predict(poisoned()), told)
    np.testing.assert_array_equal(model.predict(X.assign(**dict.fromkeys(OWN))), told)
    again = make_link_state_classifier(name, random_state=0).fit(poisoned(), Y)
    np.testing.assert_array_equal(again.predict(X), told)


def test_they_do_if_that_is_allowed():
    model = make_link_state_classifier(allow_same_time=True, random_state=0).fit(X, Y)
    assert (model.predict(X) == Y).mean() == 1.0
    assert (model.predict(poisoned()) == Y).mean() < 0.95


@pytest.mark.parametrize("own_signal", ["drop", "previous", "same"])
def test_features_depend_on_no_later_row(own_signal):
    stage = LinkStateFeatures(own_signal=own_signal).fit(X)
    rows = slice(40, None)
    first = 41 if own_signal == "previous" else 40
    before, after = stage.transform(X), stage.transform(poisoned(rows))
    pd.testing.assert_frame_equal(before.iloc[:first], after.iloc[:first])


def test_previous_rows_are_those_of_the_same_track():
    stage = LinkStateFeatures(own_signal="previous").fit(X)
    told = stage.transform(X)["own_state"]
    for name in X.index.unique(0):
        assert told.loc[name].tolist() == ["missing", *Y.loc[name].tolist()[:-1]]


def test_time_in_a_state_counts_from_its_first_row():
    out = LinkStateFeatures(own_signal="same").fit_transform(X).loc["DSS14/VGR1/0000"]
    seconds = np.expm1(out["own_log_seconds_in_state"]).round(6).tolist()
    assert seconds[:12] == [0, 30, 60, 90, 120, 150, 0, 30, 60, 90, 0, 30]
    assert out["own_state_before"].iloc[[5, 6, 10]].tolist() == [
        "missing",
        "idle",
        "carrier",
    ]


@pytest.mark.parametrize("own_signal", ["drop", "previous", "same"])
@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(1, 118), max_size=6, unique=True))
def test_any_chunking_equals_one_batch(own_signal, cuts):
    rows = X.iloc[:119]
    stage = LinkStateFeatures(own_signal=own_signal).fit(rows)
    state, parts = None, []
    for numbers in np.split(np.arange(119), sorted(cuts)):
        part, state = stage.stream(rows.iloc[numbers], state)
        state = pickle.loads(pickle.dumps(state))
        parts.append(part)
    pd.testing.assert_frame_equal(pd.concat(parts), stage.transform(rows))


def test_rows_and_names_are_kept():
    stage = LinkStateFeatures(own_signal="same").fit(X)
    out = stage.transform(X)
    assert out.index.equals(X.index)
    assert out.columns.tolist() == stage.get_feature_names_out().tolist()
    alone = stage.transform(X.loc[["DSS14/MVN/0002"]])
    pd.testing.assert_frame_equal(alone, out.loc[["DSS14/MVN/0002"]])


def test_the_beam_is_counted_at_each_snapshot():
    shared = pd.concat(
        [
            contact("DSS14/MRO/0001", "2019-01-01"),
            contact("DSS14/MVN/0001", "2019-01-01"),
            contact("DSS14/MVN#1/0001", "2019-01-01").iloc[:5],
            contact("DSS63/MRO/0001", "2019-01-01").iloc[10:],
        ]
    )
    found = add_beam_counts(shared)
    assert set(found["n_targets"].loc["DSS14/MRO/0001"]) == {2.0}
    assert set(found["n_targets"].loc["DSS63/MRO/0001"]) == {1.0}
    dishes = found["n_dishes"].loc["DSS14/MRO/0001"].tolist()
    assert dishes == [1.0] * 10 + [2.0] * 20
    assert found.index.equals(shared.index)
    unknown = shared.assign(name_target=None, spacecraft_downsignal=None)
    assert add_beam_counts(unknown)["n_dishes"].isna().all()
    with pytest.raises(ValueError, match="'DSS'"):
        add_beam_counts(shared.drop(columns="DSS"))
    assert "n_dishes" in LinkStateFeatures().fit(found).get_feature_names_out()


def test_a_table_of_a_later_form_has_features_too():
    later = X.drop(columns=["created", *OWN[:2], OWN[4], "signalTypeDebug_upsignal"])
    out = LinkStateFeatures(own_signal="same").fit_transform(later)
    assert set(out["own_state"]) == {"none", "carrier", "data"}
    assert "log_seconds_since_created" not in out


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (X.to_numpy(dtype=object), "takes a frame"),
        (pd.DataFrame({"a": [1.0]}), "none of the columns"),
    ],
    ids=["array", "foreign"],
)
def test_what_has_no_columns_of_the_feed_is_refused(rows, message):
    with pytest.raises((TypeError, ValueError), match=message):
        LinkStateFeatures().fit(rows)


def test_encoders_learn_from_labelled_training_rows_only():
    train = X.iloc[:120].copy()
    train["DSS"] = np.where(np.arange(120) < 90, "DSS14", "DSS43")
    train["windSpeed"] = np.where(np.arange(120) < 90, 1.0, 1e6)
    labels = Y.iloc[:120].where(np.arange(120) < 90)
    model = make_link_state_classifier("logistic").fit(train, labels)
    encoder = model["encode"].named_transformers_
    assert "DSS43" not in np.concatenate(encoder["texts"].categories_)
    medians = encoder["numbers"][0].statistics_
    assert medians.max() < 1e5
    assert model["labelled"].n_unlabelled_ == 30
    assert len(model.predict(train)) == 120


def test_what_was_never_seen_is_told_all_the_same():
    model = make_link_state_classifier("naive_bayes").fit(X, Y)
    new = X.assign(DSS="DSS60", name_target="NEW", windSpeed=1e4, rtlt=np.nan)
    assert set(model.predict(new)) <= set(Y)


def test_a_classifier_of_ones_own_and_a_copy_of_it():
    model = make_link_state_classifier(GaussianNB(), horizon="1min", previous=True)
    labels = link_state_labels(X, horizon="1min")
    model = clone(model).fit(X, labels)
    known = labels.notna()
    told = model.predict(X)
    assert (told[known] == labels[known]).mean() > 0.6
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), told)


def test_a_lost_lock_can_be_streamed():
    labels = link_state_labels(X, horizon="2min", target="lost")
    model = make_link_state_classifier("logistic", horizon="2min").fit(X, labels)
    stream = StreamingDetector(model)
    parts = [stream.update(X.iloc[i : i + 7]) for i in range(0, len(X), 7)]
    scores = pd.concat(parts)["score"].to_numpy()
    np.testing.assert_allclose(scores, model.predict_proba(X)[:, 1])
    known = (labels != -1).to_numpy()
    soon = scores[known][labels[known] == 1]
    assert soon.mean() > 0.8


@pytest.mark.parametrize("wrong", [{"estimator": "trees"}, {"stride": 0}])
def test_parameters_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make_link_state_classifier(**wrong)


# Labels


def test_labels_are_missing_where_the_string_is():
    rows = X.iloc[:3].assign(signalTypeDebug_downsignal=["IDLE OFF 0 UNC", None, ""])
    assert link_state_labels(rows).fillna("?").tolist() == ["idle", "?", "?"]


@settings(deadline=None, max_examples=25)
@given(
    steps=st.lists(st.sampled_from([5, 10, 30, 900]), min_size=2, max_size=12),
    states=st.lists(st.sampled_from(["idle", "carrier", "locked"]), min_size=13),
    ahead=st.sampled_from([5, 20, 60]),
)
def test_labels_ahead_are_those_of_a_search_by_hand(steps, states, ahead):
    states = states[: len(steps) + 1]
    times = np.concatenate([[0], np.cumsum(steps)])
    rows = contact("DSS14/MRO/0001", "2019-01-01", states=states)
    rows.index = pd.MultiIndex.from_product(
        [["DSS14/MRO/0001"], pd.Timestamp("2019-01-01") + pd.to_timedelta(times, "s")]
    )
    told = link_state_labels(rows, horizon=ahead).astype(object)
    lost = link_state_labels(rows, horizon=ahead, target="lost")
    gaps = np.flatnonzero(np.diff(times) > 600)
    for i, now in enumerate(times):
        end = next((gap for gap in gaps if gap >= i), len(times) - 1)
        seen = times[end] >= now + ahead
        within = [j for j in range(i, end + 1) if times[j] <= now + ahead]
        expected = states[within[-1]] if seen else np.nan
        assert told.iloc[i] == expected or (pd.isna(told.iloc[i]) and not seen)
        gone = any(states[j] != "locked" for j in within)
        expected = -1 if states[i] != "locked" or not (seen or gone) else int(gone)
        assert lost.iloc[i] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "lost"}, "needs a horizon"),
        ({"target": "found"}, "'state' or 'lost'"),
        ({"horizon": 0}, "positive"),
    ],
)
def test_labels_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        link_state_labels(X, **options)
    with pytest.raises(ValueError, match="no column 'signalTypeDebug_downsignal'"):
        link_state_labels(X.drop(columns=OWN))


def test_the_sampler_takes_every_so_many_labelled_rows():
    labels = Y.where(np.arange(len(Y)) % 2 == 0)
    rows, taken = LabelledRows(stride=3).fit_resample(X, labels)
    assert rows.index.equals(X.index[::6])
    assert taken.tolist() == Y.iloc[::6].tolist()
    with pytest.raises(ValueError, match="None of the 4 rows"):
        LabelledRows().fit_resample(X.iloc[:4], [-1, None, np.nan, -1])
