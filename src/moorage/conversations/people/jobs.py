"""Background work on what is known of customers."""

from datetime import timedelta

from moorage.infra.jobs import JobKind

READ_PROFILE = JobKind(
    name="conversations.read_profile",
    time_limit=timedelta(seconds=60),
    most_repeats=2,
    safe_twice_because="it writes down what the provider tells now",
    when_given_up="the customer keeps the name that is known; their next contact after a day asks again",
)
"""Argument `customer_id`. Runs `Profiles.read`."""

PUSH_REMARK = JobKind(
    name="conversations.push_remark",
    time_limit=timedelta(seconds=60),
    most_repeats=5,
    safe_twice_because="it writes the remark name that counts now, and the provider keeps one",
    when_given_up="the name counts here; beside it stands that the provider has not taken it yet",
)
"""Argument `customer_id`. Runs `Remarks.push`."""
