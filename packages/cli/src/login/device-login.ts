import { DEVICE_GRANT_TYPE, deviceCodeResponseSchema, deviceTokenResponseSchema } from "@aerostack/contracts";
import { devicePendingAnswer } from "../api/answers.ts";
import type { ApiClient } from "../api/api-client.ts";
import { errorFromAnswer } from "../api/api-error.ts";
import { CliError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";

const CLIENT_ID = "aerostack-cli";
/** RFC 8628, 3.5: what "slow_down" adds to the interval. */
const SLOW_DOWN_SECONDS = 5;

/**
 * Logs in through a browser on any machine (RFC 8628): shows an address and a code, and asks the server until somebody
 * approves them there. Answers the key that the server gives.
 */
export async function loginByDevice(context: CommandContext, server: ApiClient): Promise<string> {
  const { terminal, surroundings } = context;
  const { signal, sleep, now } = surroundings;
  const device = await server.call("POST", "/api/auth/device/code", deviceCodeResponseSchema, {
    json: { client_id: CLIENT_ID },
  });
  const { noteStyle: style } = terminal;
  terminal.note(`Open ${style.accent(device.verification_uri_complete)}`);
  terminal.note(`and confirm the code ${style.bold(device.user_code)}.`);
  if (terminal.json) {
    const {
      verification_uri: url,
      verification_uri_complete: completeUrl,
      user_code: code,
      expires_in: expiresIn,
    } = device;
    terminal.document({ event: "confirm", url, completeUrl, code, expiresInSeconds: expiresIn });
  } else await surroundings.openBrowser(device.verification_uri_complete);

  const endsAt = now() + device.expires_in * 1000;
  let intervalSeconds = device.interval;
  return terminal.step(
    "Waiting for you to confirm",
    async () => {
      while (now() < endsAt) {
        await sleep(intervalSeconds * 1000, signal);
        const answer = await askForToken(server, device.device_code);
        if (answer.kind === "key") return answer.key;
        if (answer.kind === "slow_down") intervalSeconds += SLOW_DOWN_SECONDS;
        if (answer.kind === "access_denied") {
          throw new CliError("The log-in was refused in the browser.", { kind: "auth", code: "ACCESS_DENIED" });
        }
        if (answer.kind === "expired_token") break;
      }
      throw new CliError("The code has expired.", {
        kind: "auth",
        code: "EXPIRED_TOKEN",
        fix: "Run `aerostack login` again.",
      });
    },
    () => undefined,
  );
}

type TokenAnswer =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "authorization_pending" | "slow_down" | "expired_token" | "access_denied" };

async function askForToken(server: ApiClient, deviceCode: string): Promise<TokenAnswer> {
  const response = await server.tryOpen("POST", "/api/auth/device/token", {
    json: { grant_type: DEVICE_GRANT_TYPE, device_code: deviceCode, client_id: CLIENT_ID },
  });
  const body = await response.text();
  if (response.ok) return { kind: "key", key: deviceTokenResponseSchema.parse(JSON.parse(body)).api_key };
  const kind = pendingReason(body);
  if (kind === undefined) throw errorFromAnswer(response.status, response.headers, body);
  return { kind };
}

function pendingReason(body: string) {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  const parsed = devicePendingAnswer.safeParse(json);
  const reasons = ["authorization_pending", "slow_down", "expired_token", "access_denied"] as const;
  return parsed.success ? reasons.find((reason) => reason === parsed.data.error) : undefined;
}
