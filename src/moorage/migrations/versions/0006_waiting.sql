-- Who waits goes first if their agent left them; agents who lost their connection are away; who serves a customer again.

ALTER TABLE conversations
  ADD COLUMN queue_priority smallint NOT NULL DEFAULT 1, -- smaller goes first: 0 is who had an agent already
  ADD COLUMN queue_reason text;
DROP INDEX conversations_queue;
CREATE INDEX conversations_queue ON conversations (workspace_id, group_id, queue_priority, queued_at, id)
  WHERE owner_kind = 'queue';
-- Whose agent may have left them.
CREATE INDEX conversations_waiting ON conversations (workspace_id, owner_agent_id, waiting_since)
  WHERE owner_kind = 'agent' AND state = 'open' AND waiting_since IS NOT NULL;

ALTER TABLE agents
  ADD COLUMN disconnected_at timestamptz, -- null: connected, or never was
  ADD COLUMN away boolean NOT NULL DEFAULT false; -- not connected for as long as the workspace allows
UPDATE agents SET disconnected_at = coalesce(connected_until, now()) WHERE coalesce(connected_until <= now(), true);
CREATE INDEX agents_disconnected ON agents (disconnected_at) WHERE disconnected_at IS NOT NULL AND NOT away;
CREATE INDEX agents_away ON agents (workspace_id, id) WHERE away;

ALTER TABLE workspaces
  ADD COLUMN agent_away_minutes integer NOT NULL DEFAULT 3 CHECK (agent_away_minutes BETWEEN 1 AND 60),
  ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- Who wrote to the customer after a conversation has their next one first, until then.
ALTER TABLE threads
  ADD COLUMN designated_agent_id uuid,
  ADD COLUMN designated_until timestamptz,
  ADD FOREIGN KEY (workspace_id, designated_agent_id) REFERENCES agents (workspace_id, id);
