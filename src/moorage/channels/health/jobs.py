"""The jobs of the doctor."""

from datetime import timedelta

from moorage.infra.jobs import JobKind, Schedule

EXAMINE_DUE = JobKind(
    name="channels.examine_due",
    time_limit=timedelta(minutes=2),
    most_repeats=0,
    safe_twice_because="a channel that was found due is not due again before half an hour",
    when_given_up="the next tick, two minutes later, does the same",
)
"""No arguments: every docked channel, of any workspace, that is to be looked at. Runs `Visits.examine_due`."""

EXAMINE_DUE_SCHEDULE = Schedule(kind=EXAMINE_DUE, cron="*/2 * * * *")

EXAMINE_CHANNEL = JobKind(
    name="channels.examine",
    time_limit=timedelta(seconds=60),
    most_repeats=1,
    safe_twice_because="it writes down what the provider says now",
    when_given_up="the channel's health shows what was found before, and when",
)
"""Argument `channel_id`. Runs `Visits.examine_by_job`."""
