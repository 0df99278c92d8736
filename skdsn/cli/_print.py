"""What the commands print."""


def counted(number, noun):
    """Write a number and its noun, such as ``3 tracks``.

    Parameters
    ----------
    number : int
    noun : str

    Returns
    -------
    str
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_report(report):
    """Print the figures of a report, and how they came about.

    Parameters
    ----------
    report : DataFrame
        As :func:`skdsn.metrics.event_report` returns it.
    """
    how = report.attrs
    print(report.to_string(float_format="{:.3f}".format, na_rep="-"))
    print(
        f"\nRows {how['n_rows']:,}, tracks {how['n_tracks']:,}, events "
        f"{how['n_events']:,}. Chance is the mean of {how['n_random']} draws, seed "
        f"{how['seed']}. "
        + ", ".join(f"{name} {number}" for name, number in how["versions"].items())
        + "."
    )


def print_alarms(alarms, most=10):
    """Print the first alarms.

    Parameters
    ----------
    alarms : DataFrame
        As :func:`skdsn.report.event_table` returns it.
    most : int, default=10
    """
    if len(alarms) == 0:
        print("No row is flagged.")
        return
    head = alarms.head(most).to_string(index=False, float_format="{:.3f}".format)
    print(head)
    if len(alarms) > most:
        print(f"... and {len(alarms) - most:,} more")
