CREATE TABLE runs (
  cron TEXT NOT NULL,
  scheduled_at TEXT NOT NULL,
  PRIMARY KEY (cron, scheduled_at)
);
