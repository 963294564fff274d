"""Background work of reception."""

from datetime import timedelta

from moorage.infra.jobs import JobKind

PICK_UP_QUEUE = JobKind(
    name="reception.pick_up_queue",
    time_limit=timedelta(seconds=30),
    most_repeats=3,
    safe_twice_because="it gives free seats to who waits; the second run finds no free seat or nobody waiting",
    when_given_up="customers wait until the sweeper looks at the queues, a few seconds later",
)
"""Argument `agent_id`: whose seat fell free. Runs `operations.pick_up_queue`."""
