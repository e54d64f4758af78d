import { z } from "zod";
import { emailSchema } from "./accounts.ts";
import { sixDigitsSchema } from "./end-user-factors.ts";

// Log-in of accounts by a code that is sent by mail.

export const sendCodeRequestSchema = z.object({ email: emailSchema });
export const codeLoginRequestSchema = z.object({ email: emailSchema, code: sixDigitsSchema });
