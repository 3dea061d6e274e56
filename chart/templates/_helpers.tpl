{{/* Labels of every object. Call with a dict: root (the chart's context), name (app.kubernetes.io/name). */}}
{{- define "istio-teleport.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: istio-teleport
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end }}

{{/* The principal of a workload: its SPIFFE ID without spiffe://, as AuthorizationPolicies name it. Call with a dict:
clusterName, namespace, serviceAccount. */}}
{{- define "istio-teleport.principal" -}}
{{- printf "%s/ns/%s/sa/%s" .clusterName .namespace .serviceAccount -}}
{{- end }}

{{/* A duration of the values ("90s", "20m", "1h") in seconds, as a string. */}}
{{- define "istio-teleport.seconds" -}}
{{- $unit := substr (int (sub (len .) 1)) -1 . -}}
{{- mul (trimSuffix $unit . | int64) (get (dict "s" 1 "m" 60 "h" 3600) $unit) -}}
{{- end }}

{{/* Metadata of a Namespace that the chart creates: kept at uninstall, with the Pod Security level its pods need.
Call with a dict: root, name, meshed (whether Istio injects sidecars there). */}}
{{- define "istio-teleport.namespaceMetadata" -}}
labels:
  istio-injection: {{ .meshed | ternary "enabled" "disabled" }}
  {{- include "istio-teleport.labels" . | nindent 2 }}
  # hostPath volumes (tbot's socket) and Istio's init container are refused by the levels baseline and restricted.
  pod-security.kubernetes.io/enforce: privileged
annotations:
  helm.sh/resource-policy: keep
{{- end }}
