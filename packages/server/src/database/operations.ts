import {
  AerostackError,
  dataBatchRequestSchema,
  dataBatchResponseSchema,
  dataQueryRequestSchema,
  dataQueryResponseSchema,
} from "@aerostack/contracts";
import { defineOperation, type Operation } from "../edge/define-operation.ts";
import { type DatabaseService, rowObjects } from "./service.ts";

const TAG = "Data plane: database";
const DATABASE = "main";

/** The SQL that a project's keys may run: rows, never the schema. */
export function createDatabaseOperations(databases: DatabaseService): Operation[] {
  return [
    defineOperation({
      method: "post",
      path: "/v1/db/query",
      summary: "Run one SQL statement",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      body: dataQueryRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: dataQueryResponseSchema },
      errors: ["DB_QUERY_FAILED", "DB_QUERY_TIMEOUT"],
      async handler({ call, body }) {
        const result = await databases.query({ projectId: call.projectId, database: DATABASE }, body, "data");
        const results = rowObjects(result);
        return { results, count: results.length };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/db/batch",
      summary: "Run several SQL statements, one after another",
      description: "A statement that fails does not undo those before it; use a transaction in a function for that.",
      tag: TAG,
      access: "secret",
      permission: "data.write",
      body: dataBatchRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: dataBatchResponseSchema },
      async handler({ call, body }) {
        const address = { projectId: call.projectId, database: DATABASE };
        const results: { results?: Record<string, unknown>[]; success: boolean; error?: string }[] = [];
        for (const statement of body.queries) {
          try {
            const rows = rowObjects(await databases.query(address, statement, "data"));
            results.push({ success: true, results: [...rows] });
          } catch (error) {
            if (!(error instanceof AerostackError) || error.status >= 500) throw error;
            results.push({ success: false, error: error.message });
          }
        }
        return { results, success: results.every((one) => one.success) };
      },
    }),
  ];
}
