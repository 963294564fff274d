"""A company that has grown: a hundred thousand customers with all that is kept of them, by a few statements."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import psycopg

ROWS = 100_000
BUSY_THREAD = UUID(int=1)
"""The customer with the long history."""

_FILLS: Sequence[str] = (
    """
    INSERT INTO customers (workspace_id, id, name, created_at)
    SELECT %(workspace)s, row_id(n), 'Customer ' || n, now() FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO customer_identities
           (workspace_id, id, customer_id, channel_id, external_customer_id, created_at, union_id)
    SELECT %(workspace)s, row_id(n), row_id(n), %(channel)s, 'oGrown' || n, now(), 'u' || n / 2
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO threads (workspace_id, id, channel_id, customer_id, external_customer_id, created_at)
    SELECT %(workspace)s, row_id(n), %(channel)s, row_id(n), 'oGrown' || n, now() FROM generate_series(1, %(rows)s) AS n
    """,
    # One in ten is open; of those every second is an agent's, and some wait in a queue.
    """
    INSERT INTO conversations
           (workspace_id, id, thread_id, channel_id, customer_id, state, owner_kind, owner_agent_id, group_id,
            engine_state, opened_at, queued_at, closed_at, waiting_since, last_message_at)
    SELECT %(workspace)s, row_id(n), row_id(n), %(channel)s, row_id(n),
           CASE WHEN n %% 10 = 0 THEN 'open' ELSE 'closed' END,
           CASE WHEN n %% 200 = 0 THEN 'queue' WHEN n %% 20 = 10 THEN 'agent' ELSE 'nobody' END,
           CASE WHEN n %% 20 = 10 THEN %(agent)s::uuid END, %(busy_group)s, '{}',
           now() - n * interval '1 minute', now() - n * interval '1 minute', CASE WHEN n %% 10 <> 0 THEN now() END,
           CASE WHEN n %% 20 = 10 THEN now() END, now() - n * interval '1 minute'
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO assignments (workspace_id, id, conversation_id, owner_kind, agent_id, started_at, ended_at, reason)
    SELECT %(workspace)s, row_id(n), row_id(n), 'agent', %(agent)s, now(),
           CASE WHEN n %% 20 <> 10 THEN now() END, 'idle'
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO messages (workspace_id, id, thread_id, seq, conversation_id, author_kind, content, sent_at, created_at)
    SELECT %(workspace)s, row_id(n), row_id(n), 1, row_id(n), 'customer',
           '{"type": "text", "version": 1, "text": "hello"}', now(), now()
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO messages (workspace_id, id, thread_id, seq, conversation_id, author_kind, content, sent_at, created_at)
    SELECT %(workspace)s, row_id(%(rows)s + n), row_id(1), n, row_id(1), 'customer',
           '{"type": "text", "version": 1, "text": "hello"}', now(), now()
    FROM generate_series(2, %(history)s) AS n
    """,
    # A few go out later.
    """
    INSERT INTO deliveries
           (workspace_id, id, thread_id, channel_id, message_id, seq, state, not_before, created_at, merged_into)
    SELECT %(workspace)s, row_id(n), row_id(n), %(channel)s, row_id(n), 1,
           CASE WHEN n %% 500 = 0 THEN 'queued' ELSE 'sent' END, now() + interval '1 day', now(),
           CASE WHEN n %% 100 = 1 THEN row_id(n + 1) END
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO budgets (workspace_id, id, thread_id, trigger, most, opened_at, ends_at)
    SELECT %(workspace)s, row_id(n), row_id(n), 'message', 20, now(), now() FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO prompts
           (workspace_id, id, thread_id, conversation_id, message_id, choices, state, opened_at, settled_at)
    SELECT %(workspace)s, row_id(n), row_id(n), row_id(n), row_id(n), '[]',
           CASE WHEN n %% 100 = 0 THEN 'open' ELSE 'expired' END, now(), CASE WHEN n %% 100 <> 0 THEN now() END
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO pushes (workspace_id, id, day, channel_id, once_key, external_customer_id, body, received_at,
                        taken_in_at, not_before)
    SELECT %(workspace)s, row_id(n), (now() AT TIME ZONE 'UTC')::date, %(channel)s, 'key ' || n, 'oGrown' || n, '',
           now(), now(), now()
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO decisions (workspace_id, id, thread_id, conversation_id, event, rule, reason, effects, decided_at)
    SELECT %(workspace)s, row_id(n), row_id(n), row_id(n), '{}', 'rule', 'reason', '[]', now()
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO blobs (workspace_id, id, path, media_type, bytes, sha256, created_at)
    SELECT %(workspace)s, row_id(n), 'grown/' || n, 'image/jpeg', 1, '', now() FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO media_files
           (workspace_id, id, thread_id, kind, media_type, size_bytes, name, uploaded_by, sent_at, created_at)
    SELECT %(workspace)s, row_id(n), row_id(n), 'image', 'image/jpeg', 1, 'a.jpg',
           CASE WHEN n %% 2 = 0 THEN %(agent)s::uuid END, CASE WHEN n %% 500 <> 0 THEN now() END, now()
    FROM generate_series(1, %(rows)s) AS n
    """,
    # The provider is down: every file waits for its next try.
    """
    INSERT INTO media_fetches (workspace_id, message_id, thread_id, next_at, created_at)
    SELECT %(workspace)s, row_id(n), row_id(n), now() + interval '1 hour', now()
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO event_log (workspace_id, seq, day, topic, object_id, object_version, audience, payload, created_at)
    SELECT %(workspace)s, seq + n, (now() AT TIME ZONE 'UTC')::date, 'message', row_id(n), 1, '{all}', '{}', now()
    FROM event_counters, generate_series(1, %(rows)s) AS n WHERE workspace_id = %(workspace)s
    """,
    "UPDATE event_counters SET seq = seq + %(rows)s WHERE workspace_id = %(workspace)s",
)


async def grow(admin_url: str, values: Mapping[str, object], *, history: int) -> None:
    """Fill the workspace, channel, agent and `busy_group` of `values`: each customer has a row of everything.

    The administrator may leave out what only takes time here: policies, and the checks of foreign keys.
    """
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as admin:
        await admin.execute("SET session_replication_role = replica")
        await admin.execute("SET TimeZone = 'UTC'")
        await admin.execute(
            """
            CREATE FUNCTION pg_temp.row_id(n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
            RETURN lpad(to_hex(n), 32, '0')::uuid
            """
        )
        for fill in _FILLS:
            query = fill.replace("row_id(", "pg_temp.row_id(")
            await admin.execute(query, {**values, "rows": ROWS, "history": history})  # pyright: ignore[reportArgumentType] -- a test's own words
        await admin.execute("ANALYZE")
