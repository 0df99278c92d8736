"""The simulated network as the tables of a feed, in each of its forms."""

import numpy as np
import pandas as pd

from skdsn.dsn_now._forms import NOT_SPACECRAFT
from skdsn.dsn_now._make_rows import SITE
from skdsn.dsn_now._make_signal_table import (
    place_in_contact,
    shown,
    signal_columns,
    signal_rows,
)
from skdsn.dsn_now._make_texts import significant, texts
from skdsn.dsn_now._tables import SCHEMA, make_table
from skdsn.dsn_now._vocabulary import ACTIVITIES, COMPLEXES, DISHES, NAMES, NUMBERS

_IS_SPACECRAFT = np.array([name not in NOT_SPACECRAFT for name in NAMES] + [False])
_SITE_NAMES = [site.name for site in COMPLEXES]
_DISH_NAMES = [dish[0] for dish in DISHES]
# A document lists the dishes complex by complex.
_RANK = np.argsort(np.argsort(SITE, kind="stable"), kind="stable")


class Network:
    """All that happened, and its tables in any form.

    Parameters
    ----------
    times : datetime64[ms] ndarray of shape (n_snapshots,)
    plan : Plan
    down, up : Links
    rows : dict of str to dict of ndarray
        ``dishes``, ``down``, ``up``; ``targets`` is a Targets.
    """

    def __init__(self, times, plan, down, up, rows, range_given):
        self.times = times
        self.plan = plan
        self.down = down
        self.up = up
        self.rows = {**rows, "signals": signal_rows(down, up, rows["down"], rows["up"])}
        self.range_given = range_given
        self.rank = _RANK[plan.dish]

    def tables(self, form, keep_placeholders=False, span=(0, None)):
        """Make all tables of a span of snapshots as one form of the feed gives them."""
        first, last = span
        last = len(self.times) if last is None else last
        return {
            "stations": self.stations(form, first, last),
            "dishes": self.dishes(form, first, last),
            "signals": self.signals(form, first, last, keep_placeholders),
            "targets": self.targets(form, first, last),
            "extra": make_table("extra", {name: [] for name in SCHEMA["extra"]}),
        }

    def _where(self, contact, snapshot, form):
        """Columns of time, complex and dish."""
        dish = self.plan.dish[contact]
        return {
            "time": self.stamps(form)[snapshot],
            "complex": texts(SITE[dish], _SITE_NAMES),
            "dish": texts(dish, _DISH_NAMES),
        }

    def stamps(self, form):
        """Give the times of the snapshots, whole seconds since form 2."""
        return self.times if form == 1 else self.times.astype("datetime64[s]")

    def _spacecraft(self, craft):
        """Columns of the spacecraft; none where negative."""
        return {
            "spacecraft": texts(craft, NAMES),
            "spacecraft_id": pd.array(NUMBERS, dtype="Int64").take(
                craft, allow_fill=True
            ),
            "is_spacecraft": _IS_SPACECRAFT[craft],
        }

    def _order(self, contact, snapshot, minor, first, last):
        """Take the rows of a span by snapshot, dish and a number below 1000."""
        rows = np.flatnonzero((snapshot >= first) & (snapshot < last))
        key = snapshot * len(DISHES) + self.rank[contact]
        key = key * 1000 + minor
        return rows[np.argsort(key[rows], kind="stable")]

    def stations(self, form, first, last):
        """Make the table of the stations."""
        n_sites, stamps = len(COMPLEXES), self.stamps(form)[first:last]
        site = np.tile(np.arange(n_sites), len(stamps))
        month = np.repeat(stamps.astype("datetime64[M]").astype(int) % 12, n_sites)
        summer = (month >= 3) & (month <= 9)
        hours = np.array([(place.winter, place.summer) for place in COMPLEXES])
        time = np.repeat(stamps, n_sites)
        return make_table(
            "stations",
            {
                "time": time,
                "complex": texts(site, _SITE_NAMES),
                "location": texts(site, [place.location for place in COMPLEXES]),
                "time_utc": time,
                "time_zone_offset_s": 3600.0 * hours[site, summer.astype(int)],
            },
        )

    def dishes(self, form, first, last):
        """Make the table of the dishes."""
        plan, rows = self.plan, self.rows["dishes"]
        order = self._order(rows["contact"], rows["snapshot"], 0, first, last)
        contact, snapshot = rows["contact"][order], rows["snapshot"][order]
        n_targets = np.bincount(plan.beam_contact, minlength=len(plan))
        has_signal = np.zeros(len(plan), dtype=bool)
        has_signal[self.down.contact] = True
        azimuth, elevation = rows["azimuth_deg"][order], rows["elevation_deg"][order]
        if form == 1:
            azimuth, elevation = np.round(azimuth, 2), np.round(elevation, 2)
        elif form == 2:
            azimuth, elevation = significant(azimuth, 4), significant(elevation, 4)
        else:
            azimuth, elevation = np.round(azimuth), np.round(elevation)
        wind = rows["wind_speed_kmh"][order]
        wind = significant(wind, 4) if form == 2 else np.round(wind, 2 * (form == 1))
        created, updated = self._changes(contact, snapshot)
        if form != 1:
            created = updated = np.full(len(contact), np.datetime64("NaT", "ms"))
        activity = plan.activity[contact] if form == 4 else np.full(len(contact), -1)
        return make_table(
            "dishes",
            {
                **self._where(contact, snapshot, form),
                "azimuth_deg": azimuth,
                "elevation_deg": elevation,
                "wind_speed_kmh": wind,
                "is_mspa": (n_targets > 1)[contact],
                "is_array": plan.is_array[contact],
                "is_ddor": plan.is_ddor[contact],
                "created": created,
                "updated": updated,
                "activity": texts(activity, ACTIVITIES),
                "stowed": (azimuth == 0) & (elevation == 90) & ~has_signal[contact],
                "n_targets": n_targets[contact],
            },
        )

    def created(self):
        """When the record of each contact was made."""
        seconds = self.plan.created
        return self.times[0] + np.round(1000 * seconds).astype("timedelta64[ms]")

    def _changes(self, contact, snapshot):
        """When the record of a dish was made, and last changed."""
        plan = self.plan
        created = self.created()
        updated = (created + np.timedelta64(2345, "ms"))[contact]
        for mark in (plan.receiver, plan.signal):
            inside = (snapshot >= mark[contact]) & (mark[contact] > 0)
            moment = self.times[np.minimum(mark, len(self.times) - 1)][contact]
            later = inside & (moment > updated)
            updated = np.where(later, moment, updated)
        return created[contact], updated

    def targets(self, form, first, last):
        """Make the table of the targets."""
        plan, rows = self.plan, self.rows["targets"]
        contact = plan.beam_contact[rows.beam]
        place = place_in_contact(plan.beam_contact)
        order = self._order(contact, rows.snapshot, place[rows.beam], first, last)
        beam = rows.beam[order]
        known = self.range_given[beam]
        numbers = {}
        for name, values in (
            ("upleg_range_km", rows.upleg),
            ("downleg_range_km", rows.downleg),
            ("rtlt_s", rows.rtlt),
        ):
            values = np.where(known, values[order], np.nan)
            digits = (3 if form == 4 else 4) if name == "rtlt_s" else 4 - (form > 2)
            if form == 1:
                values = np.round(values, 6 if name == "rtlt_s" else 3)
            else:
                values = significant(values, digits)
            numbers[name] = values
        return make_table(
            "targets",
            {
                **self._where(contact[order], rows.snapshot[order], form),
                **self._spacecraft(plan.beam_craft[beam]),
                **numbers,
            },
        )

    def signals(self, form, first, last, keep_placeholders):
        """Make the table of the signals."""
        rows = self.rows["signals"]
        order = self._order(
            rows["contact"], rows["snapshot"], rows["place"], first, last
        )
        order = order[shown(rows, form, keep_placeholders)[order]]
        rows = {name: values[order] for name, values in rows.items()}
        beam = rows["beam"]
        return make_table(
            "signals",
            {
                **self._where(rows["contact"], rows["snapshot"], form),
                "direction": texts(rows["is_up"].astype(int), ["down", "up"]),
                "seq": rows["seq"],
                **self._spacecraft(np.where(beam >= 0, self.plan.beam_craft[beam], -1)),
                **signal_columns(rows, form),
            },
        )
