"""The jobs of menus."""

from datetime import timedelta

from moorage.infra.jobs import JobKind, Schedule

COMPARE_MENUS = JobKind(
    name="channels.compare_menus",
    time_limit=timedelta(minutes=5),
    most_repeats=0,
    safe_twice_because="it writes jobs that only look",
    when_given_up="the next tick, half an hour later, does the same",
)
"""No arguments: every docked channel of a kind with menus. Runs `LiveMenus.compare_all`."""

COMPARE_MENUS_SCHEDULE = Schedule(kind=COMPARE_MENUS, cron="*/30 * * * *")

COMPARE_MENU = JobKind(
    name="channels.compare_menu",
    time_limit=timedelta(seconds=60),
    most_repeats=1,
    safe_twice_because="it writes down what the provider shows now",
    when_given_up="the menu's page shows since when what is live is not known",
)
"""Argument `channel_id`. Runs `LiveMenus.compare_by_job`."""
