import type { MessageKind } from "@aerostack/contracts";
import type { Background } from "../../kernel/background.ts";
import type { Outbox } from "../../kernel/messages/outbox.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { renderMessage } from "./templates.ts";

/** What is sent to one user. */
export interface EndUserMessage {
  readonly projectId: string;
  readonly kind: MessageKind;
  readonly to: string;
  readonly link?: string;
  readonly code?: string;
  /** How long link or code are good for. */
  readonly usefulForMs: number;
}

export interface EndUserMessages {
  /** Resolves when the message is in the outbox. */
  send(message: EndUserMessage): Promise<void>;
  /** Work that ends in a message, or in none: whoever asked is answered before, alike. */
  inBackground(name: string, work: () => Promise<void>): void;
}

export interface EndUserMessagesOptions {
  readonly outbox: Outbox;
  readonly background: Background;
  readonly settings: SettingsReader;
  readonly findProject: (projectId: string) => Promise<{ readonly name: string } | undefined>;
}

const MINUTE_MS = 60_000;

export function createEndUserMessages(options: EndUserMessagesOptions): EndUserMessages {
  const { outbox, background, settings, findProject } = options;
  return {
    async send({ projectId, kind, to, link, code, usefulForMs }) {
      const { appName, templates } = await settings.of(projectId);
      const facts = {
        appName: appName ?? (await findProject(projectId))?.name ?? "",
        minutes: Math.round(usefulForMs / MINUTE_MS),
        ...(link === undefined ? {} : { link }),
        ...(code === undefined ? {} : { code }),
      };
      const { subject, text, html } = renderMessage(kind, facts, templates);
      const isText = kind === "otp-phone";
      await outbox.put({
        projectId,
        kind,
        to,
        usefulForMs,
        text,
        ...(isText ? { channel: "sms" as const, subject: "" } : { channel: "mail" as const, subject, html }),
      });
    },
    inBackground: (name, work) => background.run(name, work),
  };
}
