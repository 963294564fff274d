"""Background work of channels."""

from datetime import timedelta

from moorage.infra.jobs import JobKind

SETTLE_AUTHORIZATION = JobKind(
    name="channels.settle_authorization",
    time_limit=timedelta(seconds=60),
    most_repeats=3,
    safe_twice_because="an attempt is exchanged under a lease and settled once; the second run finds it done",
    when_given_up="the attempt shows why it failed, and the account is authorized again",
)
"""Argument `attempt_id`: whose code the provider has pushed. Runs `Authorizations.settle_pushed`."""

REFRESH_ACCOUNT = JobKind(
    name="channels.refresh_account",
    time_limit=timedelta(seconds=60),
    most_repeats=5,
    safe_twice_because="it writes down what the provider says now",
    when_given_up="the channel goes on with what was known of the account; authorizing it again reads it anew",
)
"""Argument `channel_id`: whose account has changed. Runs `Accounts.refresh_by_job`."""

COMPARE_ACCOUNTS = JobKind(
    name="channels.compare_accounts",
    time_limit=timedelta(minutes=5),
    most_repeats=2,
    safe_twice_because="it writes down what the provider lists now",
    when_given_up="the installation page shows when the list was last read, and can read it at once",
    cron="23 3 * * *",
)
"""No arguments: every kind that is docked by authorization. Runs `Comparing.compare_all`."""

EXAMINE_DUE = JobKind(
    name="channels.examine_due",
    time_limit=timedelta(minutes=2),
    most_repeats=0,
    safe_twice_because="a channel that was found due is not due again before half an hour",
    when_given_up="the next tick, two minutes later, does the same",
    cron="*/2 * * * *",
)
"""No arguments: every docked channel, of any workspace, that is to be looked at. Runs `Visits.examine_due`."""

EXAMINE_CHANNEL = JobKind(
    name="channels.examine",
    time_limit=timedelta(seconds=60),
    most_repeats=1,
    safe_twice_because="it writes down what the provider says now",
    when_given_up="the channel's health shows what was found before, and when",
)
"""Argument `channel_id`. Runs `Visits.examine_by_job`."""

COMPARE_MENUS = JobKind(
    name="channels.compare_menus",
    time_limit=timedelta(minutes=5),
    most_repeats=0,
    safe_twice_because="it writes jobs that only look",
    when_given_up="the next tick, half an hour later, does the same",
    cron="*/30 * * * *",
)
"""No arguments: every docked channel of a kind with menus. Runs `LiveMenus.compare_all`."""

COMPARE_MENU = JobKind(
    name="channels.compare_menu",
    time_limit=timedelta(seconds=60),
    most_repeats=1,
    safe_twice_because="it writes down what the provider shows now",
    when_given_up="the menu's page shows since when what is live is not known",
)
"""Argument `channel_id`. Runs `LiveMenus.compare_by_job`."""
