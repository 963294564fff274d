-- Pages that customers open by a signed link, without signing in.

-- How often somebody did something lately. Losing the counts in a crash harms nobody.
CREATE UNLOGGED TABLE use_counts (
  key bytea PRIMARY KEY,
  uses integer NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX use_counts_age ON use_counts (ends_at);
