-- Questions with choices that wait for an answer, and accounts that cannot show choices to tap.

CREATE TABLE prompts (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  thread_id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  message_id uuid NOT NULL, -- the question
  choices jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'answered', 'expired', 'replaced')),
  opened_at timestamptz NOT NULL,
  expires_at timestamptz, -- null: with the conversation
  settled_at timestamptz,
  chosen_id text,
  answered_by uuid, -- the customer's message
  PRIMARY KEY (workspace_id, id),
  CHECK ((state = 'open') = (settled_at IS NULL)),
  CHECK ((state = 'answered') = (chosen_id IS NOT NULL)),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id),
  FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id),
  FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id),
  FOREIGN KEY (workspace_id, answered_by) REFERENCES messages (workspace_id, id)
);
-- A newer question replaces the one before it.
CREATE UNIQUE INDEX prompts_open ON prompts (workspace_id, thread_id) WHERE state = 'open';

-- The provider has refused choices of the account: until then they go out as numbered texts at once.
ALTER TABLE channels ADD COLUMN choices_refused_until timestamptz;

-- When the customer was last shown that somebody is writing.
ALTER TABLE threads ADD COLUMN typing_shown_at timestamptz;
