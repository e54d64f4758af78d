import type { SqlMigrations } from "../kernel/sql/index.ts";

export interface SupportTables {
  support_conversations: {
    id: string;
    topic: string;
    subject: string;
    status: string;
    /** Where answers go. */
    email: string;
    name: string | null;
    /** Null: the person was not logged in, or the account is gone. */
    account_id: string | null;
    created_at: number;
    /** When its last message came. */
    updated_at: number;
  };
  support_messages: {
    id: string;
    conversation_id: string;
    author: string;
    /** The account of the operator who answered. */
    operator_id: string | null;
    /** The address that a mail came from; null for what was written on a page or over the API. */
    from_email: string | null;
    /** SHA-256 of a mail's Message-ID: what a mail server delivers twice is taken once. */
    mail_hash: string | null;
    /** The Message-ID itself, so that the answer stands below it in the person's mail program. */
    mail_id: string | null;
    text: string;
    created_at: number;
  };
}

export const supportMigrations: SqlMigrations = {
  "0053_support": {
    async up(db, types) {
      await db.schema
        .createTable("support_conversations")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("topic", types.text, (column) => column.notNull())
        .addColumn("subject", types.text, (column) => column.notNull())
        .addColumn("status", types.text, (column) => column.notNull())
        .addColumn("email", types.text, (column) => column.notNull())
        .addColumn("name", types.text)
        .addColumn("account_id", types.text, (column) => column.references("accounts.id").onDelete("set null"))
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .addColumn("updated_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("support_conversations_status")
        .on("support_conversations")
        .columns(["status", "id"])
        .execute();
      await db.schema
        .createIndex("support_conversations_account")
        .on("support_conversations")
        .columns(["account_id", "id"])
        .execute();
      await db.schema
        .createTable("support_messages")
        .addColumn("id", types.text, (column) => column.primaryKey())
        .addColumn("conversation_id", types.text, (column) =>
          column.notNull().references("support_conversations.id").onDelete("cascade"),
        )
        .addColumn("author", types.text, (column) => column.notNull())
        .addColumn("operator_id", types.text, (column) => column.references("accounts.id").onDelete("set null"))
        .addColumn("from_email", types.text)
        .addColumn("mail_hash", types.text, (column) => column.unique())
        .addColumn("mail_id", types.text)
        .addColumn("text", types.text, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("support_messages_conversation")
        .on("support_messages")
        .columns(["conversation_id", "id"])
        .execute();
    },
  },
};
