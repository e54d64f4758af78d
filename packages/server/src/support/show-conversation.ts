import type { OperatorConversation, SupportConversation } from "@aerostack/contracts";
import { toIso } from "../kernel/page.ts";
import type { Thread } from "./conversations.ts";
import type { ConversationRow, SupportMessageRow } from "./store.ts";

/** A conversation as the person sees it. */
export function showConversation(row: ConversationRow): SupportConversation {
  return {
    id: row.id,
    topic: row.topic as SupportConversation["topic"],
    subject: row.subject,
    status: row.status as SupportConversation["status"],
    createdAt: toIso(row.created_at),
    updatedAt: toIso(row.updated_at),
  };
}

export function showOperatorConversation(row: ConversationRow): OperatorConversation {
  return { ...showConversation(row), email: row.email, name: row.name, accountId: row.account_id };
}

export function showThread({ conversation, messages }: Thread) {
  return { conversation: showConversation(conversation), messages: messages.map(showMessage) };
}

export function showOperatorThread({ conversation, messages }: Thread) {
  return { conversation: showOperatorConversation(conversation), messages: messages.map(showMessage) };
}

function showMessage(row: SupportMessageRow) {
  return {
    id: row.id,
    author: row.author as "person" | "operator",
    from: row.from_email,
    text: row.text,
    createdAt: toIso(row.created_at),
  };
}
