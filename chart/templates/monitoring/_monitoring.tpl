{{/* Labels of PodMonitors and PrometheusRule: the chart's, and those by which the user's Prometheus selects them. */}}
{{- define "istio-teleport.monitoringLabels" -}}
{{- $ours := include "istio-teleport.labels" (dict "root" . "name" "monitoring") | fromYaml -}}
{{- mergeOverwrite (deepCopy .Values.monitoring.labels) $ours | toYaml }}
{{- end }}
