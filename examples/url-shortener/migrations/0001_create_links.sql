CREATE TABLE links (
  slug TEXT PRIMARY KEY,
  target TEXT NOT NULL,
  visits INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
