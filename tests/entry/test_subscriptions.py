"""Promises of the table of subscriptions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from moorage.channels.events import ChannelStateChanged, ChannelVerificationChanged
from moorage.core.ids import AgentId, ChannelId, WorkspaceId, new_id
from moorage.entry.subscriptions import SUBSCRIPTIONS, Subscription, SubscriptionTable, later, now
from moorage.infra.database import Database, DomainEvent, Fact, Tx
from moorage.infra.jobs import JobKind, JobQueue
from moorage.staff.events import AgentAvailable


@dataclass(frozen=True, slots=True)
class Moored(DomainEvent):
    """A boat came in."""

    name: str


def with_rows(database: Database, *rows: Subscription) -> Database:
    return Database(
        pool=database.pool, clock=database.clock, subscriptions=SubscriptionTable(jobs=JobQueue(), rows=rows)
    )


async def jobs_of(database: Database, name: str) -> list[dict[str, object]]:
    @dataclass
    class Job:
        args: dict[str, object]

    async with database.in_platform() as tx:
        jobs = await tx.rows(Job, "SELECT args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [name])
    return [job.args for job in jobs]


async def test_now_runs_in_the_publishing_transaction(database: Database, workspace: WorkspaceId) -> None:
    async def note(tx: Tx, event: Moored) -> None:
        tx.record(
            Fact(topic="boat.moored", object_id=new_id(), version=1, audience=("all",), payload={"is": event.name})
        )

    async with with_rows(database, now(Moored, note)).in_workspace(workspace) as tx:
        tx.publish(Moored("Anna"))
    async with database.in_workspace(workspace) as tx:
        assert await tx.value("SELECT payload ->> 'is' FROM event_log") == "Anna"


async def test_later_writes_a_job_that_commits_with_the_transaction(database: Database, workspace: WorkspaceId) -> None:
    kind = JobKind(
        name="test.greet_boat",
        time_limit=timedelta(seconds=1),
        most_repeats=0,
        safe_twice_because="it does nothing",
        when_given_up="nothing",
    )
    subscribed = with_rows(database, later(Moored, kind, lambda event: {"name": event.name}))
    async with subscribed.in_workspace(workspace) as tx:
        tx.publish(Moored("Anna"))

    async def publish_and_fail() -> None:
        async with subscribed.in_workspace(workspace) as tx:
            tx.publish(Moored("Berta"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await publish_and_fail()
    assert await jobs_of(database, "test.greet_boat") == [{"workspace_id": str(workspace), "name": "Anna"}]


async def test_agent_who_becomes_available_has_the_queue_picked_up(database: Database, workspace: WorkspaceId) -> None:
    agent_id = AgentId(new_id())
    async with with_rows(database, *SUBSCRIPTIONS).in_workspace(workspace) as tx:
        tx.publish(AgentAvailable(agent_id=agent_id))
    expected = {"workspace_id": str(workspace), "agent_id": str(agent_id)}
    assert expected in await jobs_of(database, "reception.pick_up_queue")


def an_undocking(channel_id: ChannelId) -> DomainEvent:
    return ChannelStateChanged(channel_id=channel_id, state="undocked", reason=None)


@pytest.mark.parametrize(
    ("event", "job"),
    [
        (an_undocking, "reception.settle_channel"),
        (ChannelVerificationChanged, "reception.show_channel_again"),
    ],
)
async def test_change_of_a_channel_is_followed_by_a_job(
    database: Database, workspace: WorkspaceId, event: Callable[[ChannelId], DomainEvent], job: str
) -> None:
    channel_id = ChannelId(new_id())
    async with with_rows(database, *SUBSCRIPTIONS).in_workspace(workspace) as tx:
        tx.publish(event(channel_id))
    assert {"workspace_id": str(workspace), "channel_id": str(channel_id)} in await jobs_of(database, job)


async def test_event_that_nobody_waits_for_has_no_consequences(database: Database, workspace: WorkspaceId) -> None:
    async with with_rows(database, *SUBSCRIPTIONS).in_workspace(workspace) as tx:
        tx.publish(Moored("Anna"))
