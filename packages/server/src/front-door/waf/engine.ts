import { normalise } from "./normalise.ts";
import type { Rule, RuleTarget } from "./rule.ts";
import { RULES } from "./rules.ts";

export interface Hit {
  readonly rule: Rule;
  /** Name of the parameter or header; empty for the path. */
  readonly parameter: string;
}

export interface Inspection {
  readonly hits: readonly Hit[];
  /** Of all hits together. */
  readonly score: number;
}

export interface InspectedHead {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** How much of a body is still looked at. */
interface Budget {
  characters: number;
  values: number;
}

export interface EngineOptions {
  readonly paranoia: 1 | 2 | 3;
  readonly rules?: readonly Rule[];
}

/** Of a value; what is longer is looked at in its first part, and its end. */
const MAX_VALUE_CHARACTERS = 8_192;
const MAX_PARAMETERS = 500;
/** Of a body: what comes after so much is not looked at, so that large ones cost no more than middling ones. */
const MAX_BODY_CHARACTERS = 65_536;
const MAX_BODY_VALUES = 5_000;
const MAX_BODY_DEPTH = 32;
/** Fields that hold what people are told to make of anything at all, and what no log may point at. */
const SECRET_FIELD = /pass(?:word|phrase|code)?$|secret|token|credential|private_?key|^(?:pwd|pin|otp|code)$/i;
const MAX_CACHED_AGENTS = 2_000;
/** Letters, digits, and what plain addresses are made of. No dot after a slash or a dot: those are looked at. */
const PLAIN_ADDRESS = /^(?:[\w~=&?,@+-]|\/(?!\.)|\.(?![./]))*$/;
const PLAIN_VALUE = /^[\p{L}\p{N}_ ,.@+!?-]*$/u;
/** What plain characters alone can say that is no good. */
const WORDS =
  /etc\/|proc\/|var\/|document|classloader|wp-|php|cgi-bin|union|select|sleep|aced0005|ro0ab|phpmyadmin|actuator|server-status|backup|dump|\.(?:sql|bak|old|swp|ini|zip|gz|env)|\b(?:or|and)\b|__proto__|__class__|169\.254|constructor|insert|delete|drop|hnap|boaform|manager|console|solr|pma|owa|geoserver|console|struts|telescope|ignition|debug|~$|waitfor|h4si|gasv|having|2130706433|2852039166|where|jndi|boot\.ini|windows|order/i;

/** What fields mostly hold: names of things, times, numbers, short texts. No dot after a slash or a dot, no two slashes. */
const PLAIN_FIELD = /^(?:[\w :,@+!?=#~-]|\/(?![./])|\.(?![./]))*$/;
/** What its characters can say beside `WORDS`. */
const FIELD_WORDS =
  /script|data:|ph(?:p|ar):|expression|cookie|location|encoding|content-|eval|exec|__|runtime|serializ|ruby|python|cmd|powershell|ldap|rmi:/i;

/** Headers whose values are addresses, texts or lists that a program may hand on; the rest is looked at for lookups only. */
const INSPECTED_HEADERS = ["referer", "cookie", "x-forwarded-host", "x-original-url", "x-rewrite-url", "x-api-version"];
const LOOKUP = /\$\{|\(\) ?\{|%24%7b|<script/i;

const isPlainField = (value: string): boolean => PLAIN_FIELD.test(value) && !FIELD_WORDS.test(value);

function first(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}

/** Looks for attacks in requests. It decides nothing: what a hit means is the caller's. */
export function createEngine({ paranoia, rules = RULES }: EngineOptions) {
  const inForce = rules.filter((rule) => rule.paranoia <= paranoia);
  const byTarget = new Map<RuleTarget, readonly Rule[]>(
    (["path", "query", "header", "agent", "body"] as const).map((target) => [
      target,
      inForce.filter(({ targets }) => targets.includes(target)),
    ]),
  );
  const agents = new Map<string, readonly Rule[]>();
  const NONE: readonly Rule[] = [];

  function match(target: RuleTarget, value: string): readonly Rule[] {
    const cut =
      value.length <= MAX_VALUE_CHARACTERS
        ? value
        : `${value.slice(0, MAX_VALUE_CHARACTERS / 2)}${value.slice(-MAX_VALUE_CHARACTERS / 2)}`;
    const text = normalise(cut);
    const unquoted = /["'\\^]/.test(text) ? text.replace(/["'\\^]/g, "") : undefined;
    const found = (byTarget.get(target) ?? NONE).filter(
      ({ pattern, category }) =>
        pattern.test(text) || (category === "command" && unquoted !== undefined && pattern.test(unquoted)),
    );
    return found.length === 0 ? NONE : found;
  }

  function agentRules(agent: string): readonly Rule[] {
    let found = agents.get(agent);
    if (found === undefined) {
      found = match("agent", agent);
      if (agents.size >= MAX_CACHED_AGENTS) agents.clear();
      agents.set(agent, found);
    }
    return found;
  }

  function inspectAddress(url: string, hits: Hit[]): void {
    if (PLAIN_ADDRESS.test(url) && !WORDS.test(url)) return;
    const mark = url.indexOf("?");
    const path = mark === -1 ? url : url.slice(0, mark);
    for (const rule of match("path", path)) hits.push({ rule, parameter: "" });
    if (mark === -1) return;
    for (const pair of url.slice(mark + 1).split("&", MAX_PARAMETERS)) {
      const equals = pair.indexOf("=");
      const name = equals === -1 ? pair : pair.slice(0, equals);
      const value = equals === -1 ? "" : pair.slice(equals + 1);
      for (const part of value === "" || name === "" ? [pair] : [name, value]) {
        if (part === "" || (PLAIN_VALUE.test(part) && !WORDS.test(part))) continue;
        for (const rule of match("query", part.replaceAll("+", " ")))
          hits.push({ rule, parameter: name.slice(0, 100) });
      }
    }
  }

  function inspectHeaders(headers: InspectedHead["headers"], hits: Hit[]): void {
    for (const rule of agentRules(first(headers["user-agent"]))) hits.push({ rule, parameter: "user-agent" });
    for (const name of INSPECTED_HEADERS) {
      const value = headers[name];
      if (value === undefined) continue;
      for (const rule of match("header", first(value))) hits.push({ rule, parameter: name });
    }
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined || name === "user-agent") continue;
      const text = first(value);
      if (!LOOKUP.test(text) || INSPECTED_HEADERS.includes(name)) continue;
      for (const rule of match("header", text)) hits.push({ rule, parameter: name });
    }
  }

  /** Looks at a value and all that is in it, as far as `left` reaches. */
  function inspectValue(value: unknown, parameter: string, hits: Hit[], depth: number, left: Budget): void {
    if (left.characters <= 0 || left.values-- <= 0) return;
    if (typeof value === "string") {
      left.characters -= value.length;
      if ((PLAIN_VALUE.test(value) || isPlainField(value)) && !WORDS.test(value)) return;
      for (const rule of match("body", value)) hits.push({ rule, parameter });
    } else if (typeof value === "object" && value !== null && depth < MAX_BODY_DEPTH) {
      if (Array.isArray(value)) for (const item of value) inspectValue(item, parameter, hits, depth + 1, left);
      else {
        for (const key of Object.keys(value)) {
          if (/[^\w-]|__/.test(key)) {
            for (const rule of match("body", key)) hits.push({ rule, parameter: key.slice(0, 100) });
          }
          if (SECRET_FIELD.test(key)) continue;
          inspectValue((value as Readonly<Record<string, unknown>>)[key], key.slice(0, 100), hits, depth + 1, left);
        }
      }
    }
  }

  const summed = (hits: readonly Hit[]): Inspection | null =>
    hits.length === 0 ? null : { hits, score: hits.reduce((sum, { rule }) => sum + rule.score, 0) };

  return {
    /** What address and headers show; null: nothing. */
    inspectHead(head: InspectedHead): Inspection | null {
      const hits: Hit[] = [];
      inspectAddress(head.url ?? "/", hits);
      inspectHeaders(head.headers, hits);
      return summed(hits);
    },
    /** What a body that was parsed already shows; null: nothing. */
    inspectBody(value: unknown): Inspection | null {
      const hits: Hit[] = [];
      inspectValue(value, "", hits, 0, { characters: MAX_BODY_CHARACTERS, values: MAX_BODY_VALUES });
      return summed(hits);
    },
  };
}

export type Engine = ReturnType<typeof createEngine>;
