// Imports run one way (ARCHITECTURE.md): edge → what is built on it → what a project has → who, what, how much →
// how anybody proves who they are → kernel.
const layers = [
  { name: "kernel", path: "^packages/server/src/kernel/" },
  { name: "identity", path: "^packages/server/src/identity/" },
  {
    name: "base",
    path: "^packages/server/src/(accounts|notices|teams|projects|plans|keys|usage|audit|legal|logs|front-door)/",
  },
  {
    name: "project",
    path: "^packages/server/src/(database|collections|timetravel|cache|queue|storage|search|realtime|endusers|functions)/",
  },
  {
    name: "built",
    path: "^packages/server/src/(gateway|ai|knowledge|mcp|agents|marketplace|billing|privacy|support|abuse|domains|setup|rpc)/",
  },
  { name: "edge", path: "^packages/server/src/edge/" },
];

const downwardOnly = layers.flatMap((layer, index) => {
  const above = layers.slice(index + 1).map((other) => other.path);
  return above.length === 0
    ? []
    : [
        {
          name: `${layer.name}-imports-nothing-above`,
          severity: "error",
          from: { path: layer.path, pathNot: "\\.test\\.ts$" },
          // Routes are declared with the edge's own helpers; what they import there knows no capability.
          to: { path: above, pathNot: "^packages/server/src/edge/define-(route|operation)" },
        },
      ];
});

module.exports = {
  forbidden: [
    {
      name: "no-circles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    ...downwardOnly,
    {
      name: "another-capability-is-used-through-its-service",
      severity: "error",
      comment: "A store belongs to its capability.",
      from: { path: "^packages/server/src/([^/]+)/", pathNot: "\\.test\\.ts$" },
      to: {
        path: "^packages/server/src/(?!kernel/)([^/]+)/(store|[a-z-]+-store)\\.ts$",
        pathNot: "^packages/server/src/$1/",
      },
    },
    {
      name: "processes-know-only-contracts-and-kernel",
      severity: "error",
      comment: "The data host and the runtime are told everything; they never reach into the server.",
      from: { path: "^packages/(datahost|runtime|kernel|contracts|sdk)/" },
      to: { path: "^packages/(server|cli)/" },
    },
    {
      name: "the-data-host-loads-no-schemas",
      severity: "error",
      comment: "It is started again while calls wait: contracts with zod are more than half of what it would load.",
      from: {
        path: "^packages/(kernel|datahost)/src/",
        pathNot: "(\\.test\\.ts$|test-support|\\.contract\\.ts$)",
      },
      to: { path: "^packages/contracts/src/index\\.ts$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "contracts-import-nothing-of-ours",
      severity: "error",
      from: { path: "^packages/contracts/" },
      to: { path: "^packages/(?!contracts/)" },
    },
    {
      name: "cli-speaks-http",
      severity: "error",
      comment: "The CLI is a client like any other; it may start the server as a process, not import it.",
      from: { path: "^packages/cli/" },
      to: { path: "^packages/(server|datahost|runtime)/" },
    },
    {
      name: "declared-dependencies-only",
      severity: "error",
      from: {
        path: "^packages/",
        pathNot: "(\\.test\\.ts$|test-support|/testing\\.ts$|\\.contract\\.ts$|/templates/)",
      },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(node_modules|/templates/|/fixtures/|dist/)" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default"] },
  },
};
