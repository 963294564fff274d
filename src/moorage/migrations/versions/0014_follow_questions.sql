-- A follow reply asks outside of any conversation.
ALTER TABLE prompts ALTER COLUMN conversation_id DROP NOT NULL;
