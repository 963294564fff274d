"""Background work of channels."""

from datetime import timedelta

from moorage.infra.jobs import JobKind, Schedule

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
)
"""No arguments: every kind that is docked by authorization. Runs `Comparing.compare_all`."""

COMPARE_ACCOUNTS_SCHEDULE = Schedule(kind=COMPARE_ACCOUNTS, cron="23 3 * * *")
