/**
 * Schema of a project's `state.sqlite`, one entry per version. Times are milliseconds since the epoch. Names of
 * namespaces, queues and buckets lead each primary key, so that each is one stretch of its table.
 */
export const PROJECT_MIGRATIONS: readonly string[] = [
  `CREATE TABLE kv_entries (
     namespace TEXT NOT NULL,
     key TEXT NOT NULL,
     value BLOB NOT NULL,
     metadata TEXT,
     expires_at INTEGER,
     PRIMARY KEY (namespace, key)
   );
   CREATE INDEX kv_entries_by_expiry ON kv_entries (expires_at) WHERE expires_at IS NOT NULL;

   CREATE TABLE queues (
     name TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL,
     backlog_count INTEGER NOT NULL DEFAULT 0,
     backlog_bytes INTEGER NOT NULL DEFAULT 0,
     sent_count INTEGER NOT NULL DEFAULT 0,
     acked_count INTEGER NOT NULL DEFAULT 0,
     retried_count INTEGER NOT NULL DEFAULT 0,
     dead_lettered_count INTEGER NOT NULL DEFAULT 0,
     dropped_count INTEGER NOT NULL DEFAULT 0
   ) WITHOUT ROWID;

   -- AUTOINCREMENT: a number is never used twice, so a late acknowledgement cannot hit another message.
   CREATE TABLE queue_messages (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     queue TEXT NOT NULL,
     nonce TEXT NOT NULL,
     content_type TEXT NOT NULL,
     size INTEGER NOT NULL,
     sent_at INTEGER NOT NULL,
     visible_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0,
     leased INTEGER NOT NULL DEFAULT 0,
     dead_from TEXT
   );
   CREATE INDEX queue_messages_by_visibility ON queue_messages (queue, visible_at, seq);
   CREATE INDEX queue_messages_by_age ON queue_messages (queue, sent_at, seq);

   -- Apart from the rest of the message, which each lease rewrites.
   CREATE TABLE queue_bodies (
     seq INTEGER PRIMARY KEY,
     body BLOB NOT NULL
   );

   CREATE TABLE objects (
     bucket TEXT NOT NULL,
     key TEXT NOT NULL,
     version TEXT NOT NULL,
     size INTEGER NOT NULL,
     etag TEXT NOT NULL,
     checksums TEXT NOT NULL,
     http_metadata TEXT NOT NULL,
     custom_metadata TEXT NOT NULL,
     storage_class TEXT NOT NULL,
     uploaded_at INTEGER NOT NULL,
     PRIMARY KEY (bucket, key)
   );

   -- The bytes of an object in order: one blob, or one for each part of a multipart upload.
   CREATE TABLE object_parts (
     version TEXT NOT NULL,
     part_number INTEGER NOT NULL,
     blob_id TEXT NOT NULL,
     size INTEGER NOT NULL,
     PRIMARY KEY (version, part_number)
   ) WITHOUT ROWID;

   CREATE TABLE object_uploads (
     upload_id TEXT PRIMARY KEY,
     bucket TEXT NOT NULL,
     key TEXT NOT NULL,
     http_metadata TEXT NOT NULL,
     custom_metadata TEXT NOT NULL,
     storage_class TEXT NOT NULL,
     created_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX object_uploads_by_age ON object_uploads (created_at);

   CREATE TABLE object_upload_parts (
     upload_id TEXT NOT NULL,
     part_number INTEGER NOT NULL,
     blob_id TEXT NOT NULL,
     size INTEGER NOT NULL,
     etag TEXT NOT NULL,
     PRIMARY KEY (upload_id, part_number)
   ) WITHOUT ROWID;

   -- How many parts use a blob. A blob that nothing uses stays until it is collected.
   CREATE TABLE object_blobs (
     id TEXT PRIMARY KEY,
     size INTEGER NOT NULL,
     uses INTEGER NOT NULL,
     unused_since INTEGER
   ) WITHOUT ROWID;
   CREATE INDEX object_blobs_unused ON object_blobs (unused_since) WHERE uses = 0;`,

  `ALTER TABLE objects ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0;

   ALTER TABLE object_uploads ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0;
   -- Of a resumable upload: how many bytes it will have, and when it had them. Others are put together of parts.
   ALTER TABLE object_uploads ADD COLUMN length INTEGER;
   ALTER TABLE object_uploads ADD COLUMN finished_at INTEGER;
   CREATE INDEX object_uploads_by_key ON object_uploads (bucket, key, upload_id);
   ALTER TABLE object_upload_parts ADD COLUMN uploaded_at INTEGER NOT NULL DEFAULT 0;

   -- Buckets that were made before they had an object, and what becomes of the objects of any bucket.
   CREATE TABLE object_buckets (
     name TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL,
     lifecycle TEXT NOT NULL DEFAULT '[]'
   ) WITHOUT ROWID;`,

  `-- Messages that are jobs: what became of each, written with what happens to its message.
   CREATE TABLE queue_jobs (
     seq INTEGER PRIMARY KEY,
     nonce TEXT NOT NULL,
     queue TEXT NOT NULL,
     type TEXT NOT NULL,
     data TEXT NOT NULL,
     dedupe_key TEXT,
     status TEXT NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0,
     created_at INTEGER NOT NULL,
     completed_at INTEGER,
     error TEXT
   );
   CREATE INDEX queue_jobs_by_queue ON queue_jobs (queue, seq);
   CREATE INDEX queue_jobs_by_status ON queue_jobs (queue, status, seq);
   CREATE INDEX queue_jobs_by_type ON queue_jobs (queue, type, seq);
   CREATE INDEX queue_jobs_by_end ON queue_jobs (completed_at) WHERE completed_at IS NOT NULL;
   CREATE UNIQUE INDEX queue_jobs_by_key ON queue_jobs (queue, dedupe_key) WHERE dedupe_key IS NOT NULL;`,

  // So that the few failed jobs of a type are found among its millions that completed.
  "CREATE INDEX queue_jobs_by_status_and_type ON queue_jobs (queue, status, type, seq);",

  `ALTER TABLE objects ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
   ALTER TABLE object_uploads ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';`,

  `-- The checksum that an upload's parts have beside their md5, in hex, and what the object of them has: one of the whole
   -- content among its checksums, or one of the parts' checksums (JSON).
   ALTER TABLE object_uploads ADD COLUMN checksum TEXT;
   ALTER TABLE object_upload_parts ADD COLUMN checksum TEXT;
   ALTER TABLE object_parts ADD COLUMN checksum TEXT;
   ALTER TABLE objects ADD COLUMN composite TEXT;`,

  `-- Of resumable uploads: whether the length is only the most that it may be, and what they are to a concatenation.
   ALTER TABLE object_uploads ADD COLUMN is_deferred INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE object_uploads ADD COLUMN concat TEXT;`,
];
