"""Which channels of SMAP or MSL are linked, by equal arrays or by their commands."""

import hashlib
from itertools import product
from types import SimpleNamespace

import numpy as np
from scipy import fft

_PARTS = ("train", "test")
# Channels lose rows and round times each in its own way.
_JITTER = 2
# Plans that are repeated on another day give stretches up to 1.5 times as long as a
# channel's own repeats on the 48 public channels, those of the same time 2.6 and more.
_TIMES_LONGER = 2
# Alignments that are looked at: the ones with most commands in common.
_N_SHIFTS = 20


def group_channels(channels):
    """Map each channel to the first one that it is linked to, by way of others too."""
    group_of, seen = {}, {}
    n_rows = max(len(c[f"X_{part}"]) for c in channels.values() for part in _PARTS)
    for name, channel in channels.items():
        parts = [_read_part(channel[f"X_{part}"], n_rows) for part in _PARTS]
        own = max(_longest_shared(*pair) for pair in _pairs_within(parts))
        group_of[name] = name
        for other, (other_parts, other_own) in seen.items():
            if group_of[other] == group_of[name]:
                continue
            # With 1 added, for a lone command that is met again says nothing.
            least = _TIMES_LONGER * (1 + max(own, other_own))
            if _are_linked(parts, other_parts, least):
                _unite(group_of, name, other)
        seen[name] = parts, own
    return group_of


def _unite(group_of, name, other):
    """Name two groups after the channel that came first."""
    both = {group_of[name], group_of[other]}
    first = next(member for member in group_of if member in both)
    for member, group in group_of.items():
        if group in both:
            group_of[member] = first


def _are_linked(parts, others, least):
    """Tell whether parts are the same, or have a stretch longer than `least`."""
    if any(a.digest == b.digest for a, b in zip(parts, others, strict=True)):
        return True
    return any(_longest_shared(a, b) > least for a, b in product(parts, others))


def _pairs_within(parts):
    train, test = parts
    return (train, train), (test, test), (train, test)


def _read_part(X, n_rows):
    """Digest the array of a part, and pack the commands of each row into words."""
    values = np.ascontiguousarray(X.to_numpy())
    commands = values[:, 1:] != 0
    commands &= ~commands.all(axis=0)  # what never ends is no command
    packed = np.packbits(commands, axis=1)
    packed = np.pad(packed, [(0, 0), (0, -packed.shape[1] % 8)])
    words = packed.view(np.uint64)
    near = words.copy()
    for step in range(1, _JITTER + 1):
        near[step:] |= words[:-step]
        near[:-step] |= words[step:]
    commands_before = np.concatenate([[0], commands.sum(axis=1).cumsum()])
    n_lags = fft.next_fast_len(2 * n_rows, real=True)
    return SimpleNamespace(
        digest=(values.shape, hashlib.sha256(values).digest()),
        words=words,
        near=near,
        commands_before=commands_before,
        n_lags=n_lags,
        spectrum=fft.rfft(commands.T.astype(np.float32), n_lags)
        if commands_before[-1]
        else None,
    )


def _longest_shared(a, b):
    """Count the commands of the longest stretch that two parts have in common."""
    if a.spectrum is None or b.spectrum is None:
        return 0
    shifts = np.arange(1 - len(b.words), len(a.words))
    if a is b:
        shifts = shifts[shifts > 3 * _JITTER]  # nearer, every command meets itself
    overlap = np.einsum("cf,cf->f", a.spectrum, b.spectrum.conj())
    n_shared = fft.irfft(overlap, a.n_lags)[shifts]
    best = shifts[np.argsort(n_shared)[-_N_SHIFTS:]]
    return max((_longest_at(a, b, shift) for shift in best.tolist()), default=0)


def _longest_at(a, b, shift):
    """Count with row t of b beside row t + shift of a."""
    first, last = max(shift, 0), min(len(a.words), shift + len(b.words))
    here, there = slice(first, last), slice(first - shift, last - shift)
    alone = (a.words[here] & ~b.near[there]) | (b.words[there] & ~a.near[here])
    breaks = first + np.flatnonzero(alone.any(axis=1))
    starts = np.concatenate([[first], breaks + 1])
    ends = np.concatenate([breaks, [last]])
    return int((a.commands_before[ends] - a.commands_before[starts]).max())
