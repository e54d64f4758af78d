import { type Agent, request } from "node:http";

export interface Question {
  readonly url: string;
  /** Asked there instead of over TCP. */
  readonly socketPath?: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Keeps connections; without it each question opens one. */
  readonly agent?: Agent;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Asks once and reads the whole answer.
 *
 * @throws when nobody answers in time, or the status is not 200
 */
export async function answerTo(question: Question): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    const outgoing = request(
      question.url,
      {
        method: question.method ?? "GET",
        headers: { ...question.headers },
        agent: question.agent ?? false,
        timeout: question.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        ...(question.socketPath === undefined ? {} : { socketPath: question.socketPath }),
      },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        answer.once("error", reject);
        answer.once("end", () => {
          if (answer.statusCode === 200) resolve(text);
          else reject(new Error(`${question.url}: ${answer.statusCode} ${text}`));
        });
      },
    );
    outgoing.once("timeout", () => outgoing.destroy(new Error(`${question.url}: no answer in time`)));
    outgoing.once("error", reject);
    outgoing.end(question.body);
  });
}
