import { text } from "../../command/option.ts";

export const queueOption = text("name", "Queue; by default `default`");
