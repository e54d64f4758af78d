import { corsRulesSchema, firewallExceptionSchema, firewallModeSchema, networkRulesSchema } from "@aerostack/contracts";
import { z } from "zod";

/** Of the firewall: `mode` null is what the installation does. */
const firewallSettingsSchema = z.object({
  mode: firewallModeSchema.nullable().default(null),
  inspectFunctionBodies: z.boolean().default(false),
  exceptions: z.array(firewallExceptionSchema).default([]),
});

/** What a project chose for its front door, as it is stored. Every part has the value that changes nothing by default. */
export const frontDoorSettingsSchema = z.object({
  firewall: firewallSettingsSchema.prefault({}),
  network: networkRulesSchema.prefault({}),
  /** Null: as by default. */
  cors: corsRulesSchema.nullable().default(null),
});

export type FrontDoorSettings = z.output<typeof frontDoorSettingsSchema>;
export type FirewallSettings = FrontDoorSettings["firewall"];

/** Of projects that chose nothing. */
export const NO_SETTINGS: FrontDoorSettings = frontDoorSettingsSchema.parse({});
