import { describe, expect, it } from "vitest";
import { displayWidth, truncate } from "./display-width.ts";
import { formatAgo, formatBytes, formatDuration, plural } from "./format.ts";
import { printable, printableLine } from "./printable.ts";
import { createStyle, wantsColour } from "./style.ts";
import { formatTable } from "./table.ts";

const plain = createStyle(false);

describe("a table", () => {
  const columns = [{ title: "Name" }, { title: "Size", align: "right" as const }, { title: "Note" }];

  it("aligns its columns and leaves nothing behind the last", () => {
    expect(
      formatTable(
        columns,
        [
          ["a", "12", "first"],
          ["longer", "7", ""],
        ],
        plain,
        undefined,
      ),
    ).toEqual(["Name    Size  Note", "a         12  first", "longer     7"]);
  });

  it("counts what a terminal shows, not characters", () => {
    expect(
      formatTable(
        [{ title: "A" }, { title: "B" }],
        [
          ["日本", "x"],
          ["é", "y"],
        ],
        plain,
        undefined,
      ),
    ).toEqual(["A     B", "日本  x", "é     y"]);
  });

  it("cuts its widest column to fit a terminal", () => {
    const rows = formatTable(columns, [["key", "1", "x".repeat(100)]], plain, 30);
    expect(rows.map(displayWidth).every((width) => width <= 30)).toBe(true);
    expect(rows[1]).toBe(`key      1  ${"x".repeat(17)}…`);
  });
});

describe("foreign text", () => {
  it("cannot steer the terminal", () => {
    expect(printable("a\u001b[31mred\u0007\u009b1m\r\nb\tc")).toBe("a\\x1b[31mred\\x07\\x9b1m\\x0d\nb\tc");
    expect(printableLine("a\nb\tc")).toBe("a\\nb\\tc");
  });
});

describe("colour", () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ TERM: "dumb" }, true, false],
  ])("%j on a terminal: %s → %s", (env, isTty, expected) => {
    expect(wantsColour(env, isTty)).toBe(expected);
  });
});

describe("figures", () => {
  it("are short and have units", () => {
    expect([0, 1023, 1024, 1_234_567, 5e9].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.2 MiB",
      "4.7 GiB",
    ]);
    expect([0.25, 12.4, 1234, 125_000].map(formatDuration)).toEqual(["0.25 ms", "12 ms", "1.2 s", "2 min 5 s"]);
    expect(plural(1, "row")).toBe("1 row");
    expect(plural(1200, "row")).toBe("1,200 rows");
  });

  it("tell times from now", () => {
    const now = Date.UTC(2026, 5, 1, 12);
    const before = (ms: number) => formatAgo(new Date(now - ms).toISOString(), now);
    expect([3_000, 30_000, 180_000, 7_200_000, 172_800_000].map(before)).toEqual([
      "just now",
      "30 s ago",
      "3 min ago",
      "2 h ago",
      "2 d ago",
    ]);
    expect(formatAgo("2026-01-15T00:00:00.000Z", now)).toBe("2026-01-15");
  });
});

describe("truncate", () => {
  it("keeps within the columns with its ellipsis", () => {
    expect(truncate("日本語", 5)).toBe("日本…");
    expect(truncate("abc", 3)).toBe("abc");
  });
});
