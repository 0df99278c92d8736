import pandas as pd
import pytest

from skdsn.datasets import esa_adb_folds
from skdsn.datasets._esa_adb_missions import get_mission
from skdsn.datasets._esa_vocabulary import MISSIONS

START = pd.Timestamp("2000-01-01")


def test_folds_are_those_of_the_benchmark():
    folds = esa_adb_folds("Mission1")
    rows = {
        name: len(pd.date_range(*fold["train+validation"], freq="30s"))
        for name, fold in folds.items()
    }
    assert list(rows.values()) == [262_081, 878_401, 1_840_321, 3_677_761, 7_364_161]
    second = esa_adb_folds("Mission2")
    lengths = [
        len(pd.date_range(*fold["train+validation"], freq="18s"))
        for fold in second.values()
    ]
    assert lengths == [148_801, 729_601, 1_464_001, 3_067_201]


@pytest.mark.parametrize("span", [None, ("2000-01-01", "2000-01-31T00:00:17")])
@pytest.mark.parametrize("mission", ["Mission1", "Mission2"])
def test_parts_of_a_fold_follow_each_other(mission, span):
    step = pd.Timedelta(seconds={"Mission1": 30, "Mission2": 18}[mission])
    for fold in esa_adb_folds(mission, span=span).values():
        assert fold["train"][0] == fold["train+validation"][0] == START
        assert fold["train"][1] + step == fold["validation"][0]
        assert fold["validation"][1] == fold["train+validation"][1]
        assert fold["validation"][1] < fold["test"][0] < fold["test"][1]
        for part in fold.values():
            assert part[0] < part[1]


def test_bad_spans_are_refused():
    with pytest.raises(ValueError, match="span must be two times"):
        esa_adb_folds(span="all")
    with pytest.raises(ValueError, match="must end after it starts"):
        esa_adb_folds(span=("2001", "2000"))
    with pytest.raises(ValueError, match="span must lie between 1678 and 2261"):
        esa_adb_folds(span=("1000", "2000"))
    for span in ((1, 2), ("2000", pd.NaT), 5):
        with pytest.raises(ValueError, match="span must be two times such as"):
            esa_adb_folds(span=span)


@pytest.mark.parametrize("span", [None, ("2000-01-01", "2000-01-31")])
@pytest.mark.parametrize("step", [7, 11, 3600, "90s"])
def test_no_row_is_lost_between_parts_at_any_step(step, span):
    ticks = pd.Timedelta(step if isinstance(step, str) else f"{step}s")
    for fold in esa_adb_folds(step=step, span=span).values():
        last = fold["train"][1]
        assert (last - pd.Timestamp(0)) % ticks == pd.Timedelta(0)
        assert fold["validation"][0] == last + ticks


def test_a_span_may_have_time_zones():
    plain = esa_adb_folds(span=("2000-01-01", "2000-02-01"))
    zoned = esa_adb_folds(span=("2000-01-01T01:00+01:00", "2000-02-01"))
    assert zoned == plain


def test_folds_without_rows_are_left_out():
    folds = list(esa_adb_folds(span=("2000-01-01", "2000-01-01T00:50")))
    assert folds[0] == "10_months"
    with pytest.raises(ValueError, match="no fold has a row in each part"):
        esa_adb_folds(span=("2000-01-01", "2000-01-01T00:00:20"))


@pytest.mark.parametrize("step", [float("inf"), 1e12, "1ns", "1500ns"])
def test_steps_that_no_grid_has_are_refused(step):
    with pytest.raises(ValueError, match="step must be"):
        esa_adb_folds(step=step)


def test_both_tables_of_missions_agree():
    for name in ("Mission1", "Mission2"):
        rules, made = get_mission(name), MISSIONS[name]
        counters = [c.number for c in made.channels if c.kind == "counter"]
        assert tuple(counters) == rules.counters
        assert tuple(c.number for c in made.channels if c.target) == rules.targets
        assert made.lightweight == rules.lightweight
        assert made.step == rules.step
