"""What all figures share: matplotlib when it is needed, axes, legends, colours."""

EVENT, FLAG, CHANCE = "tab:orange", "tab:red", "gray"


def figure_class():
    """Import matplotlib when it is needed, and never pyplot, which has global state."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib: pip install skdsn[report]"
        ) from error
    return Figure


def take_axes(ax, figsize):
    """Check the axes to draw into, or make a figure of that size with new ones."""
    new_figure = figure_class()
    if ax is None:
        return new_figure(figsize=figsize, layout="constrained").subplots()
    if not hasattr(ax, "hlines"):
        raise TypeError(
            "ax must be the Axes to draw into, such as figure.subplots(); got "
            f"{type(ax).__name__}."
        )
    return ax


def add_legend(ax, **options):
    """Add a legend in which names are no formulas, though they may hold dollars."""
    legend = ax.legend(**options)
    for text in legend.get_texts():
        text.set_parse_math(False)


def shorten(name, most=40):
    """Shorten a name that would push the axes out of the figure."""
    name = str(name)
    return name if len(name) <= most else f"{name[: most - 1]}…"
