import { spawnHostAhead } from "@aerostack/datahost/spawn";

// The two processes load at the same time.
spawnHostAhead();
await import("./main.ts");
