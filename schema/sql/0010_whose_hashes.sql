-- Whose hashes a row holds: those of two machines can be compared where they share the secret.

ALTER TABLE sessions ADD COLUMN secret_ids TEXT;  -- JSON array: ids of the secrets its keyed hashes are made with
ALTER TABLE turns ADD COLUMN secret_ids TEXT;  -- JSON array: ids of the secrets its keyed hashes are made with
