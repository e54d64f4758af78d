import { AerostackError, type EndUserSettings } from "@aerostack/contracts";
import { createId } from "@aerostack/kernel";
import { z } from "zod";
import type { Background } from "../../kernel/background.ts";
import type { Logger } from "../../kernel/log.ts";
import type { SettingsReader } from "../settings/settings.ts";

/** Calls a function of a project and waits for its whole answer. @throws when it does not answer in time, or at all */
export type CallFunction = (call: {
  readonly projectId: string;
  readonly functionName: string;
  readonly path: string;
  readonly json: unknown;
  readonly requestId: string;
  readonly clientIp: string;
  readonly timeoutMs: number;
}) => Promise<{ readonly status: number; readonly body: Buffer }>;

export type HookData = Readonly<Record<string, unknown>>;

/**
 * What a project's own functions say to sign-ups and log-ins. A function that is asked refuses by an answer of 4xx, or by
 * `{"proceed": false, "message": "…"}`; anything else of 2xx lets it go on. Where it does not answer, or not rightly, the
 * project's setting decides; by default nobody gets in.
 */
export interface EndUserHooks {
  /** @throws AUTH_REFUSED with the function's own message */
  beforeRegister(projectId: string, data: HookData): Promise<void>;
  afterRegister(projectId: string, data: HookData): void;
  /** @throws AUTH_REFUSED */
  beforeLogin(projectId: string, data: HookData): Promise<void>;
  afterLogin(projectId: string, data: HookData): void;
  /**
   * Hands over what an anonymous user has.
   *
   * @returns false where the project has no function for it
   * @throws AUTH_REFUSED: nothing is handed over, and the anonymous user stays
   */
  beforeMerge(projectId: string, data: HookData): Promise<boolean>;
  /** Claims for an access token. @throws AUTH_REFUSED */
  claims(projectId: string, data: HookData): Promise<HookData>;
}

type HookName = Exclude<keyof EndUserSettings["hooks"], "onFailure" | "timeoutMs">;

const EVENTS: Readonly<Record<HookName, string>> = {
  beforeRegister: "auth.register.before",
  afterRegister: "auth.register.after",
  beforeLogin: "auth.login.before",
  afterLogin: "auth.login.after",
  beforeMerge: "auth.merge.before",
  beforeToken: "auth.token.before",
};
const FIRST_CLIENT_ERROR = 400;
const FIRST_SERVER_ERROR = 500;
const MAX_MESSAGE_CHARACTERS = 300;
const MAX_CLAIMS_BYTES = 2_048;
const LOCAL_ADDRESS = "127.0.0.1";

const answerSchema = z.object({
  proceed: z.boolean().optional(),
  message: z.string().optional(),
  claims: z.record(z.string(), z.json()).optional(),
});
type Answer = z.infer<typeof answerSchema>;

export interface EndUserHooksOptions {
  readonly settings: SettingsReader;
  readonly call: CallFunction;
  readonly background: Background;
  readonly now: () => number;
  readonly log: Logger;
  /** A line for the project's own log. */
  readonly logToProject: (projectId: string, message: string) => void;
}

export function createEndUserHooks(options: EndUserHooksOptions): EndUserHooks {
  const { settings, call, background, log, logToProject } = options;

  async function send(projectId: string, name: HookName, data: HookData) {
    const { hooks } = await settings.of(projectId);
    const hook = hooks[name];
    if (hook === null) return null;
    const event = EVENTS[name];
    return await call({
      projectId,
      functionName: hook.function,
      path: hook.path,
      json: { event, data },
      requestId: createId("hook", options.now()),
      clientIp: typeof data.ip === "string" ? data.ip : LOCAL_ADDRESS,
      timeoutMs: hooks.timeoutMs,
    });
  }

  /** @throws AUTH_REFUSED, or anything else when the function does not answer as it should */
  async function read(projectId: string, name: HookName, data: HookData): Promise<Answer> {
    const answer = await send(projectId, name, data);
    if (answer === null) return {};
    if (answer.status >= FIRST_SERVER_ERROR) throw new Error(`the function answered ${answer.status}`);
    const text = answer.body.toString().trim();
    if (answer.status >= FIRST_CLIENT_ERROR) throw refusal(messageIn(text));
    const parsed = answerSchema.parse(text === "" ? {} : JSON.parse(text));
    if (parsed.proceed === false) throw refusal(parsed.message);
    if (Buffer.byteLength(JSON.stringify(parsed.claims ?? {})) > MAX_CLAIMS_BYTES) {
      throw new Error(`the function answered more than ${MAX_CLAIMS_BYTES} bytes of claims`);
    }
    return parsed;
  }

  async function ask(
    projectId: string,
    name: HookName,
    data: HookData,
    whenItFails?: EndUserSettings["hooks"]["onFailure"],
  ): Promise<Answer> {
    try {
      return await read(projectId, name, data);
    } catch (error) {
      if (error instanceof AerostackError && error.code === "AUTH_REFUSED") throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const onFailure = whenItFails ?? (await settings.of(projectId)).hooks.onFailure;
      log.warn({ err: error, projectId }, `the hook ${EVENTS[name]} failed`);
      logToProject(projectId, `The hook ${EVENTS[name]} failed (${onFailure}): ${reason}`);
      if (onFailure === "allow") return {};
      throw new AerostackError("AUTH_REFUSED", {
        message: "The application could not be asked whether it allows this.",
        fix: "Try again in a moment.",
        cause: error,
      });
    }
  }

  function tell(projectId: string, name: HookName, data: HookData): void {
    background.run(`the hook ${EVENTS[name]}`, async () => {
      try {
        await send(projectId, name, data);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        logToProject(projectId, `The hook ${EVENTS[name]} failed: ${reason}`);
      }
    });
  }

  return {
    beforeRegister: async (projectId, data) => void (await ask(projectId, "beforeRegister", data)),
    afterRegister: (projectId, data) => tell(projectId, "afterRegister", data),
    beforeLogin: async (projectId, data) => void (await ask(projectId, "beforeLogin", data)),
    afterLogin: (projectId, data) => tell(projectId, "afterLogin", data),
    async beforeMerge(projectId, data) {
      if ((await settings.of(projectId)).hooks.beforeMerge === null) return false;
      // Whatever the project says of other hooks: a hand-over that failed did not happen.
      await ask(projectId, "beforeMerge", data, "refuse");
      return true;
    },
    claims: async (projectId, data) => (await ask(projectId, "beforeToken", data)).claims ?? {},
  };
}

function refusal(message: string | undefined): AerostackError {
  const text = message?.slice(0, MAX_MESSAGE_CHARACTERS).trim() ?? "";
  return new AerostackError("AUTH_REFUSED", text === "" ? {} : { message: text });
}

/** Functions answer refusals as they like: JSON with a message, or a text. */
function messageIn(text: string): string | undefined {
  try {
    const parsed = z.object({ message: z.string().optional(), error: z.string().optional() }).parse(JSON.parse(text));
    return parsed.message ?? parsed.error;
  } catch {
    return text.startsWith("<") || text.startsWith("{") ? undefined : text;
  }
}
