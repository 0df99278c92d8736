"""Dynamic thresholding as one would write it down first: one window, plain loops."""

import math


def mean_and_std(values):
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))


def widened(hits, buffer, n_rows):
    return sorted(
        {
            row
            for hit in hits
            for row in range(max(hit - buffer, 0), min(hit + buffer, n_rows - 1) + 1)
        }
    )


def runs_of(rows):
    runs = []
    for row in rows:
        if runs and row == runs[-1][-1] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def z_scores(errors, used, mean, std, z_grid, buffer, *, max_runs, max_fraction, raw):
    """Score of each acceptable z."""
    scores = {}
    for z in z_grid:
        limit = mean + z * std
        hits = [row for row in used if errors[row] >= limit]
        kept = [errors[row] for row in used if errors[row] < limit]
        if not hits:
            continue
        rows = widened(hits, buffer, len(errors))
        n_runs = len(runs_of(rows))
        if n_runs > max_runs or len(rows) >= max_fraction * len(errors):
            continue
        kept_mean, kept_std = mean_and_std(kept)
        gain = (mean - kept_mean) / mean + (std - kept_std) / std
        scores[z] = gain / (n_runs**2 + len(hits if raw else rows))
    return scores


def best_z(scores):
    """Best z, of equals (up to rounding) the highest."""
    top = max(scores.values())
    return max(z for z, score in scores.items() if math.isclose(score, top))


def pruned(runs, errors, nominal, p):
    """Runs that survive: walk down the peaks, forget marks at each large drop."""
    if p == 0:
        return runs
    down = sorted(runs, key=lambda run: -max(errors[row] for row in run))
    peaks = [max(errors[row] for row in run) for run in down] + [nominal]
    marked = []
    for place in range(len(down)):
        if (peaks[place] - peaks[place + 1]) / peaks[place] < p:
            marked.append(down[place])
        else:
            marked = []
    return [run for run in runs if run not in marked]


def naive_judge(
    errors,
    n_new,
    flagged,
    *,
    z_grid,
    fallback_z=12.0,
    buffer=3,
    max_runs=5,
    max_fraction=0.5,
    p=0.13,
    both_sides=True,
    raw=False,
    exclude_flagged=False,
    n_history=0,
    n_spared=0,
    floor=-math.inf,
):
    """Flags of the last rows of a window, and the threshold of each side."""
    n_rows, first = len(errors), len(errors) - n_new
    known = [row for row in range(n_rows) if not math.isnan(errors[row])]
    used = known
    if exclude_flagged:
        used = [row for row in known if row >= first or not flagged[row]] or known
    if not used or len({errors[row] for row in used}) == 1:
        return [False] * n_new, []
    mean, std = mean_and_std([errors[row] for row in used])
    flags, limits = [False] * n_new, []
    for side in (1, -1) if both_sides else (1,):
        mirrored = [e if side > 0 else 2 * mean - e for e in errors]
        scores = z_scores(
            mirrored,
            used,
            mean,
            std,
            z_grid,
            buffer,
            max_runs=max_runs,
            max_fraction=max_fraction,
            raw=raw,
        )
        limit = mean + (best_z(scores) if scores else fallback_z) * std
        limits.append(limit)
        hits = [
            row
            for row in known
            if row >= n_history and mirrored[row] >= limit and mirrored[row] > floor
        ]
        rows = [row for row in widened(hits, buffer, n_rows) if row >= first + n_spared]
        nominal = [
            mirrored[row]
            for row in known
            if row not in rows and not (row < first and flagged[row])
        ]
        runs = runs_of(rows)
        if p > 0:  # without an error there is no peak
            runs = [run for run in runs if any(row in known for row in run)]
        heights = [-math.inf if math.isnan(e) else e for e in mirrored]
        for run in pruned(runs, heights, max(nominal, default=0.0), p):
            for row in run:
                flags[row - first] = True
    return flags, limits
