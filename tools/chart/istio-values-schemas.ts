const text = { type: "string", minLength: 1 };
const object = (required: string[], properties: Record<string, object>) => ({
  type: "object",
  required,
  additionalProperties: false,
  properties,
});

/** What Pod Security asks of each container at the level restricted. */
const seccompProfile = object(["seccompProfile"], {
  seccompProfile: object(["type"], { type: { const: "RuntimeDefault" } }),
});

/**
 * What our template may say of the values that Istio's charts take. The charts themselves ignore unknown keys (no
 * values.schema.json in istio/istiod), so a typo in the template would switch off a layer silently.
 * Compiled into compiled-istio-values-schemas.ts by `npm run gen-schema`.
 */
export const ISTIO_VALUES_SCHEMAS = {
  istiod: object(["meshConfig", "sidecarInjectorWebhook"], {
    meshConfig: object(["trustDomain", "rootNamespace", "pathNormalization"], {
      trustDomain: text,
      rootNamespace: text,
      pathNormalization: object(["normalization"], { normalization: text }),
      accessLogFile: text,
      accessLogEncoding: text,
      accessLogFormat: text,
      defaultConfig: {
        ...object([], {
          proxyMetadata: object(["WORKLOAD_IDENTITY_SOCKET_FILE"], { WORKLOAD_IDENTITY_SOCKET_FILE: text }),
          proxyStatsMatcher: object(["inclusionRegexps"], { inclusionRegexps: { type: "array", items: text } }),
        }),
        minProperties: 1,
      },
    }),
    env: object(["DEFAULT_WORKLOAD_CERT_TTL", "MAX_WORKLOAD_CERT_TTL"], {
      DEFAULT_WORKLOAD_CERT_TTL: text,
      MAX_WORKLOAD_CERT_TTL: text,
    }),
    pilot: object(["cni"], { cni: object(["enabled"], { enabled: { const: true } }) }),
    global: object(["proxy"], { proxy: seccompProfile }),
    gateways: seccompProfile,
    sidecarInjectorWebhook: object(["templates"], {
      defaultTemplates: { type: "array", items: text, minItems: 2 },
      templates: { type: "object", additionalProperties: text, minProperties: 1 },
    }),
  }),
  gateway: object(["podAnnotations"], {
    podAnnotations: object(["inject.istio.io/templates"], { "inject.istio.io/templates": text }),
  }),
};
