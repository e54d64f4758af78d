import { describe, expect, test } from "vitest";
import { type EtagMatch, meetsCondition, type ObjectCondition } from "./object-condition.ts";

const UPLOADED = 1_000_500;
const object = { etag: "abc", uploadedAt: UPLOADED };
const strong = (value: string): EtagMatch => ({ type: "strong", value });
const weak = (value: string): EtagMatch => ({ type: "weak", value });
const any: EtagMatch = { type: "wildcard" };
const condition = (parts: Partial<ObjectCondition>): ObjectCondition => ({ secondsGranularity: false, ...parts });

describe("meetsCondition", () => {
  test.each<[Partial<ObjectCondition>, boolean, boolean]>([
    [{}, true, true],
    [{ etagMatches: [strong("abc")] }, true, false],
    [{ etagMatches: [strong("x"), strong("abc")] }, true, false],
    [{ etagMatches: [strong("x")] }, false, false],
    [{ etagMatches: [weak("abc")] }, false, false],
    [{ etagMatches: [any] }, true, false],
    [{ etagDoesNotMatch: [strong("abc")] }, false, true],
    [{ etagDoesNotMatch: [weak("abc")] }, false, true],
    [{ etagDoesNotMatch: [strong("x")] }, true, true],
    [{ etagDoesNotMatch: [any] }, false, true],
    [{ uploadedBefore: UPLOADED + 1 }, true, true],
    [{ uploadedBefore: UPLOADED }, false, true],
    [{ uploadedAfter: UPLOADED - 1 }, true, false],
    [{ uploadedAfter: UPLOADED }, false, false],
    [{ uploadedAfter: UPLOADED - 1, secondsGranularity: true }, false, false],
    [{ uploadedBefore: UPLOADED + 400, secondsGranularity: true }, false, true],
    [{ uploadedBefore: UPLOADED + 500, secondsGranularity: true }, true, true],
    // An etag decides over the time that goes with it.
    [{ etagMatches: [strong("abc")], uploadedBefore: 0 }, true, false],
    [{ etagDoesNotMatch: [strong("x")], uploadedAfter: UPLOADED * 2 }, true, false],
    [{ etagMatches: [strong("abc")], etagDoesNotMatch: [strong("abc")] }, false, false],
  ])("%j: an object %s, none %s", (parts, whenThere, whenNot) => {
    expect(meetsCondition(condition(parts), object)).toBe(whenThere);
    expect(meetsCondition(condition(parts), undefined)).toBe(whenNot);
  });
});
