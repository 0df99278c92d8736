"""The types that a detector file may hold, by name."""

import importlib
from functools import cache

# Rooms whose public classes are estimators, or splitters that estimators hold.
_ROOMS = (
    "detectors",
    "detectors.recipes",
    "encoders",
    "forecasters",
    "labeling",
    "model_selection",
    "preprocessing",
)
# Functions that recipes name.
_FUNCTIONS = {"categorical_columns"}
# Classes that fitted estimators hold.
_OWN = {
    "skdsn._core.neighbors.Subsequences",
    "skdsn.detectors._patterns.NominalPattern",
    "skdsn.detectors._patterns.Recogniser",
    "skdsn.persistence._stored.Stored",
}
# None of these reads an array without checking its bounds, unless _checks.py or
# _trees.py does so beforehand. Mind that when adding one.
_OTHERS = {
    "imblearn.over_sampling": (
        "ADASYN",
        "BorderlineSMOTE",
        "RandomOverSampler",
        "SMOTE",
    ),
    "imblearn.pipeline": ("Pipeline",),
    "imblearn.under_sampling": ("RandomUnderSampler",),
    "sklearn.calibration": (
        "CalibratedClassifierCV",
        "_CalibratedClassifier",
        "_SigmoidCalibration",
    ),
    "sklearn.compose": ("ColumnTransformer", "make_column_selector"),
    "sklearn.decomposition": ("PCA",),
    "sklearn.dummy": ("DummyClassifier",),
    "sklearn.ensemble": (
        "ExtraTreesClassifier",
        "HistGradientBoostingClassifier",
        "IsolationForest",
        "RandomForestClassifier",
    ),
    "sklearn.ensemble._hist_gradient_boosting.binning": ("_BinMapper",),
    "sklearn.feature_selection": ("VarianceThreshold",),
    "sklearn.isotonic": ("IsotonicRegression",),
    "sklearn.linear_model": ("LogisticRegression",),
    "sklearn.model_selection": ("StratifiedKFold",),
    "sklearn.neighbors": ("NearestNeighbors",),
    "sklearn.pipeline": ("FeatureUnion", "Pipeline"),
    "sklearn.preprocessing": (
        "FunctionTransformer",
        "LabelEncoder",
        "MaxAbsScaler",
        "MinMaxScaler",
        "OneHotEncoder",
        "RobustScaler",
        "StandardScaler",
    ),
    "sklearn.tree": (
        "DecisionTreeClassifier",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
    ),
}


@cache
def known_types():
    """Names of all types and functions that need no trust.

    Returns
    -------
    dict of str to str
        The name by the module that defines it, to the public name, which is stored:
        private modules may be moved.
    """
    names = {name: name for name in _OWN}
    rooms = {f"skdsn.{room}": None for room in _ROOMS}
    for path, members in {**rooms, **_OTHERS}.items():
        module = importlib.import_module(path)
        for name in module.__all__ if members is None else members:
            member = getattr(module, name)
            if isinstance(member, type) or name in _FUNCTIONS:
                names[name_of(member)] = f"{path}.{name}"
    return names


def admitted_types(trusted):
    """Names that a file may hold, and where.

    Parameters
    ----------
    trusted : sequence of str or type
        What a user trusts beside those known.

    Returns
    -------
    dict of str to set of str
        Public names, by the node that skops keeps them in.
    """
    if isinstance(trusted, str | type) or not all(
        isinstance(item, str | type) for item in trusted
    ):
        raise TypeError(
            "trusted must be a list of types or of their names, such as "
            f"['my_package.MyScaler']; got {trusted!r}."
        )
    extra = {item if isinstance(item, str) else name_of(item) for item in trusted}
    names = set(known_types().values())
    functions = {name for name in names if name.rpartition(".")[2] in _FUNCTIONS}
    return {
        "ObjectNode": names - functions | extra,
        "FunctionNode": functions | extra,
        "TypeNode": extra,
    }


def name_of(kind):
    """Name a class or a function by the module that defines it."""
    return f"{kind.__module__}.{kind.__qualname__}"
