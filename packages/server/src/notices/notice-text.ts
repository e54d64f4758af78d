import type { NoticeTemplate } from "./templates.ts";

/**
 * What a message says, in one language. `{{name}}` stands for a fact of the template, `{{name|date}}` for the day of one;
 * `{{product}}` and `{{origin}}` for the installation.
 */
export interface NoticeText {
  readonly subject: string;
  readonly before: readonly string[];
  /** Labels and facts of a short table; a row whose fact is null is left out. */
  readonly facts?: readonly (readonly [label: string, value: string])[];
  /** True: the fact `code` stands for itself. */
  readonly showsCode?: true;
  /** What the button says: it leads to the fact `link`, else to the template's page of the dashboard. */
  readonly action?: string;
  readonly after: readonly string[];
}

/** Everything that messages to accounts say in one language. */
export interface NoticeTexts {
  readonly templates: Readonly<Record<NoticeTemplate, NoticeText>>;
  readonly footer: readonly string[];
}
