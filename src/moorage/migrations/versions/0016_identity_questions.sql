-- Whoever opens a company's link is asked whether that is them, and nothing is bound before they say so.
CREATE TABLE identity_questions (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  channel_id uuid NOT NULL,
  customer_id uuid NOT NULL, -- who opened the link
  digest bytea NOT NULL, -- of the link
  user_id text NOT NULL, -- whom it says they are; empty once it is answered
  attributes jsonb NOT NULL,
  link_expires_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  outcome text CHECK (outcome IN ('bound', 'again', 'conflict', 'declined')), -- null: not answered
  created_at timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
  FOREIGN KEY (workspace_id, customer_id) REFERENCES customers (workspace_id, id)
);
CREATE INDEX identity_questions_age ON identity_questions (workspace_id, created_at);

-- Somebody who says that a link does not mean them is reported like a contradiction, and cannot be bound by it.
ALTER TABLE identity_conflicts
  ADD COLUMN cause text NOT NULL DEFAULT 'contradiction' CHECK (cause IN ('contradiction', 'declined'));
