/** What is read of an answer of Prometheus, compiled into compiled-prometheus-schema.ts by `npm run gen-schema`. */
export const PROMETHEUS_ANSWER_SCHEMA = {
  type: "object",
  required: ["status"],
  properties: {
    status: { enum: ["success", "error"] },
    error: { type: "string" },
    warnings: { type: "array", items: { type: "string" } },
    data: {
      type: "object",
      required: ["resultType", "result"],
      properties: {
        resultType: { const: "vector" },
        result: {
          type: "array",
          items: {
            type: "object",
            required: ["metric", "value"],
            properties: {
              metric: { type: "object", additionalProperties: { type: "string" } },
              value: {
                type: "array",
                minItems: 2,
                maxItems: 2,
                items: [{ type: "number" }, { type: "string" }],
                additionalItems: false,
              },
            },
          },
        },
      },
    },
  },
};
