import type { Clock } from "@aerostack/kernel";
import { currentCallContext } from "../kernel/call-context.ts";
import type { Happened } from "../notices/templates.ts";
import { deviceName } from "./device-name.ts";

/** When, with what and from where the request that runs came, as an account's owner is told. */
export function happenedNow(clock: Clock): Happened {
  const call = currentCallContext();
  return {
    at: new Date(clock.now()),
    device: deviceName(call?.userAgent ?? null),
    ip: call?.ip ?? "",
    region: call?.region ?? null,
  };
}
