"""Background work on the files of conversations."""

from datetime import timedelta

from moorage.infra.jobs import JobKind, Schedule

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
)
FETCH_DUE_SCHEDULE = Schedule(kind=FETCH_DUE_MEDIA, cron="* * * * * */5")

SWEEP_UPLOADS = JobKind(
    name="conversations.sweep_uploads",
    time_limit=timedelta(minutes=5),
    most_repeats=1,
    safe_twice_because="it removes only uploads that are there and were never sent",
    when_given_up="unsent uploads stay until the next run, an hour later",
)
SWEEP_UPLOADS_SCHEDULE = Schedule(kind=SWEEP_UPLOADS, cron="41 * * * *")
