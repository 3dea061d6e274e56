{{/* URL of a page of the documentation, in this version. Call with a list: the chart's context, the page's path below the
repository's root. The same rule as tools/base/documentation.ts. */}}
{{- define "istio-teleport.page" -}}
{{- $chart := (index . 0).Chart -}}
{{- printf "%s/blob/v%s/%s" $chart.Home $chart.Version (index . 1) -}}
{{- end }}

{{/* Labels of every object. Call with a dict: root (the chart's context), name (app.kubernetes.io/name). */}}
{{- define "istio-teleport.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: istio-teleport
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end }}

{{/* Labels and annotations of every object: the chart's own, and those of the values. Call with a dict: root (the
chart's context), name (app.kubernetes.io/name), and labels and annotations of this object alone (or nil). */}}
{{- define "istio-teleport.metadata" -}}
labels:
  {{- include "istio-teleport.labels" . | nindent 2 }}
  {{- with omit (merge (dict) (.labels | default dict) .root.Values.global.commonLabels) "app.kubernetes.io/name" "app.kubernetes.io/part-of" "app.kubernetes.io/instance" "app.kubernetes.io/managed-by" "helm.sh/chart" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) .root.Values.global.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* An image, from the registry of the values if they name one. Call with a dict: root, image. */}}
{{- define "istio-teleport.image" -}}
{{- $registry := .root.Values.global.imageRegistry -}}
{{- if $registry -}}
{{- printf "%s/%s" $registry (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" .image "") -}}
{{- else -}}
{{- .image -}}
{{- end -}}
{{- end }}

{{/* imagePullSecrets of a pod, or nothing. Call with a dict: root, own (names that are for this pod alone). */}}
{{- define "istio-teleport.imagePullSecrets" -}}
{{- $names := list -}}
{{- range concat .root.Values.global.imagePullSecrets .own -}}
{{- if kindIs "map" . }}{{ $names = append $names .name }}{{ else }}{{ $names = append $names . }}{{ end -}}
{{- end -}}
{{- with uniq $names -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The principal of a workload: its SPIFFE ID without spiffe://, as AuthorizationPolicies name it. Call with a dict:
clusterName, namespace, serviceAccount. */}}
{{- define "istio-teleport.principal" -}}
{{- printf "%s/ns/%s/sa/%s" .clusterName .namespace .serviceAccount -}}
{{- end }}

{{/* Name of a resource in Teleport, with the cluster's suffix: the same rule as tools/teleport/names.ts. Call with a dict:
teleport (global.teleport), name (as the values have it). */}}
{{- define "istio-teleport.teleportName" -}}
{{- list .name .teleport.cluster | compact | join "-" -}}
{{- end }}

{{/* A duration of the values ("90s", "20m", "1h") in seconds, as a string. */}}
{{- define "istio-teleport.seconds" -}}
{{- $unit := substr (int (sub (len .) 1)) -1 . -}}
{{- mul (trimSuffix $unit . | int64) (get (dict "s" 1 "m" 60 "h" 3600) $unit) -}}
{{- end }}

{{/* Metadata of a Namespace that the chart creates: kept at uninstall, with the Pod Security level its pods need.
Call with a dict: root, name, meshed (whether Istio injects sidecars there), level, labels (of the values). */}}
{{- define "istio-teleport.namespaceMetadata" -}}
labels:
  {{- /* Istio takes the revision of istio.io/rev only without istio-injection. */}}
  {{- if not (hasKey .labels "istio.io/rev") }}
  istio-injection: {{ .meshed | ternary "enabled" "disabled" }}
  {{- end }}
  {{- include "istio-teleport.labels" . | nindent 2 }}
  {{- if eq .level "privileged" }}
  # hostPath volumes (tbot's socket) and Istio's init container are refused by the levels baseline and restricted.
  {{- end }}
  pod-security.kubernetes.io/enforce: {{ .level }}
  {{- with merge (dict) .labels .root.Values.global.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  helm.sh/resource-policy: keep
  {{- with .root.Values.global.commonAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The entry of volumeMounts by which a proxy reads tbot's socket directory, in place of Istio's own of the same path. */}}
{{- define "istio-teleport.socketMount" -}}
- name: workload-socket
  mountPath: /var/run/secrets/workload-spiffe-uds
  readOnly: true
{{- end }}

{{/* The entry of volumes with tbot's socket directory, in place of Istio's own of the same name. */}}
{{- define "istio-teleport.socketVolume" -}}
- name: workload-socket
  {{- if eq .Values.tbot.socket.mode "csi" }}
  csi:
    driver: {{ .Values.tbot.csi.driverName | quote }}
    readOnly: true
  {{- else }}
  hostPath:
    path: {{ .Values.tbot.socket.hostPath | quote }}
    type: DirectoryOrCreate
  {{- end }}
{{- end }}

{{/* Whether meshed pods fit the Pod Security level restricted ("true"): without a hostPath and without istio-init. Call
with the chart's context. */}}
{{- define "istio-teleport.fitsRestricted" -}}
{{- and .Values.istio.cni (eq .Values.tbot.socket.mode "csi") (not .Values.tbot.socket.transition) -}}
{{- end }}
