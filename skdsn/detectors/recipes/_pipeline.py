"""How a recipe becomes a Pipeline."""

from imblearn.pipeline import Pipeline


def as_detector(steps, overrides):
    """Make a Pipeline of steps, with steps and parameters put in their place.

    Parameters
    ----------
    steps : list of (str, estimator)
    overrides : dict

    Returns
    -------
    imblearn.pipeline.Pipeline
    """
    detector = Pipeline(steps)
    names = {name.partition("__")[0] for name in overrides}
    # Steps, and parameters of the Pipeline itself, such as memory.
    known = {*detector.named_steps, *detector.get_params(deep=False)}
    unknown = sorted(names - known)
    if unknown:
        raise TypeError(
            f"The recipe has no parameter or step {unknown[0]!r}; its steps are "
            f"{', '.join(detector.named_steps)}."
        )
    for name, value in overrides.items():
        if isinstance(value, type):
            raise TypeError(
                f"{name}={value.__name__} is a class; give an instance of it, such as "
                f"{value.__name__}()."
            )
    detector.set_params(**{k: v for k, v in overrides.items() if "__" not in k})
    for name, value in overrides.items():
        if "__" not in name:
            continue
        step = detector.named_steps[name.partition("__")[0]]
        if not hasattr(step, "set_params"):
            raise ValueError(
                f"{name}={value!r} sets a parameter of a step that is replaced by "
                f"{step!r}; leave one of the two out."
            )
    detector.set_params(**{k: v for k, v in overrides.items() if "__" in k})
    return detector.set_output(transform="pandas")
