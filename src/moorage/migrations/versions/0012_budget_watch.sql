-- Customers whose budget the provider called spent before we did, and a preset that was lowered because of them.
CREATE TABLE budget_cases (
  workspace_id uuid NOT NULL,
  id uuid NOT NULL,
  channel_id uuid NOT NULL,
  thread_id uuid NOT NULL,
  most integer NOT NULL, -- what we thought the budget to be
  counted integer NOT NULL, -- what had been sent of it
  happened_at timestamptz NOT NULL,
  settled_at timestamptz, -- an admin has decided about it
  PRIMARY KEY (workspace_id, id),
  FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
  FOREIGN KEY (workspace_id, thread_id) REFERENCES threads (workspace_id, id)
);
CREATE INDEX ON budget_cases (workspace_id, channel_id, happened_at) WHERE settled_at IS NULL;

ALTER TABLE channels
  ADD COLUMN budget_lowered_from text,
  ADD COLUMN budget_lowered_at timestamptz,
  ADD CHECK ((budget_lowered_from IS NULL) = (budget_lowered_at IS NULL));
