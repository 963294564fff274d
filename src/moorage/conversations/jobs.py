"""Background work of conversations: files, showing that somebody writes, and what is known of customers."""

from datetime import timedelta

from moorage.infra.jobs import JobKind

FETCH_MEDIA = JobKind(
    name="conversations.fetch_media",
    time_limit=timedelta(seconds=150),
    most_repeats=1,
    safe_twice_because="a fetch is leased, and who comes second finds the file kept",
    when_given_up="the file is tried again when its fetch is due, for as long as the provider keeps it",
)
"""Argument `message_id`: whose file is to be fetched. Runs `MediaFetcher.fetch`."""

SHOW_WRITING = JobKind(
    name="conversations.show_writing",
    time_limit=timedelta(seconds=10),
    most_repeats=0,
    safe_twice_because="the provider refuses to show it while it is shown",
    when_given_up="the customer does not see that somebody writes",
)
"""Argument `thread_id`: whose customer is to see it. Runs `WritingShower.show`."""

HIDE_WRITING = JobKind(
    name="conversations.hide_writing",
    time_limit=timedelta(seconds=10),
    most_repeats=0,
    safe_twice_because="what is not shown is not shown afterwards either",
    when_given_up="the customer sees for some seconds more that somebody writes",
)
"""Argument `thread_id`: whose customer is to see it no longer. Runs `WritingShower.hide`."""

FETCH_DUE_MEDIA = JobKind(
    name="conversations.fetch_due_media",
    time_limit=timedelta(seconds=30),
    most_repeats=0,
    safe_twice_because="what is due is put off in the transaction that writes its job",
    when_given_up="the next run, a few seconds later, finds the same",
    cron="* * * * * */5",
)

SWEEP_UPLOADS = JobKind(
    name="conversations.sweep_uploads",
    time_limit=timedelta(minutes=5),
    most_repeats=1,
    safe_twice_because="it removes only uploads that are there and were never sent",
    when_given_up="unsent uploads stay until the next run, an hour later",
    cron="41 * * * *",
)

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
