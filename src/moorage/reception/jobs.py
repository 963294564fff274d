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

HAND_OVER = JobKind(
    name="reception.hand_over",
    time_limit=timedelta(minutes=2),
    most_repeats=5,
    safe_twice_because="it gives away what an agent had at an instant; the second run finds that given away",
    when_given_up="customers who wait, or write, go to the queue by the sweeper, because their agent is away",
)
"""Arguments `agent_id`, `at`: who signed out and when, as ISO 8601. Runs `leaving.hand_over`."""

SETTLE_CHANNEL = JobKind(
    name="reception.settle_channel",
    time_limit=timedelta(minutes=10),
    most_repeats=5,
    safe_twice_because="it does what the channel's present state asks for; the second run finds that done",
    when_given_up="the sweeper ends what nobody can serve; agents see the channel's state where they read it anew",
)
"""Argument `channel_id`: whose state has changed. Runs `settling.settle_channel`."""

END_UNDOCKED = JobKind(
    name="reception.end_undocked",
    time_limit=timedelta(minutes=10),
    most_repeats=5,
    safe_twice_because="it ends what was open at an instant; the second run finds that ended",
    when_given_up="the sweeper ends what is open, unless the account has been docked again",
)
"""Arguments `channel_id`, `at`: what was undocked and when, as ISO 8601. Runs `settling.end_undocked`."""

SHOW_CHANNEL_AGAIN = JobKind(
    name="reception.show_channel_again",
    time_limit=timedelta(minutes=10),
    most_repeats=5,
    safe_twice_because="it tells how things are; what waited and is sent does not wait any more",
    when_given_up="what waits goes out when its customer writes; agents see the change where they read it anew",
)
"""Argument `channel_id`: whose right to send has changed. Runs `settling.show_channel_again`."""

CARRY_OUT_WISH = JobKind(
    name="reception.carry_out_wish",
    time_limit=timedelta(minutes=10),
    most_repeats=8,
    safe_twice_because="what is forgotten or erased is found so by the second run",
    when_given_up="the customer's line says what they wished; the operator finds the failed job and runs it again",
)
"""Arguments `customer_id`, `wish`: who, and `refresh`, `forget_profile` or `erase`. Runs `erasing.Wishes.carry_out`."""
