import type { IncomingMessage } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import type { BlockCheck } from "../front-door/blocks/block-check.ts";
import { isLoopbackHost } from "../kernel/config.ts";
import { asRefusal } from "./as-refusal.ts";
import type { RequestAreaReader } from "./request-area.ts";

export interface BlockGateOptions {
  readonly blocks: Pick<BlockCheck, "ofAddress" | "ofProject" | "someOfPlaces">;
  readonly areaOf: RequestAreaReader;
  readonly callerOf: (req: IncomingMessage) => { readonly ip: string };
}

/**
 * The error that refuses a request whose address, or whose project, is blocked. At once while no project is: whose credential
 * is blocked is found out where credentials are.
 */
export type BlockGate = (req: IncomingMessage) => AerostackError | null | Promise<AerostackError | null>;

export function createBlockGate({ blocks, areaOf, callerOf }: BlockGateOptions): BlockGate {
  async function checkProject(req: IncomingMessage): Promise<AerostackError | null> {
    const { projectId } = await areaOf(req);
    return projectId === null ? null : await blocks.ofProject(projectId);
  }

  async function wait(req: IncomingMessage, ofAddress: ReturnType<BlockCheck["ofAddress"]>) {
    try {
      const refused = await ofAddress;
      if (refused !== null) return refused;
      return (await blocks.someOfPlaces()) ? await checkProject(req) : null;
    } catch (cause) {
      return asRefusal(cause);
    }
  }

  return (req) => {
    const { ip } = callerOf(req);
    // This machine itself: probes, and functions that call the platform back.
    const ofAddress = isLoopbackHost(ip) ? null : blocks.ofAddress(ip);
    if (ofAddress instanceof AerostackError) return ofAddress;
    return ofAddress === null && blocks.someOfPlaces() === false ? null : wait(req, ofAddress);
  };
}
