import pandas as pd
import pytest

from skdsn.datasets import esa_adb_folds

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
