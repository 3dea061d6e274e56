{{/* Name of the DaemonSet and of what belongs to it. */}}
{{- define "istio-teleport.tbot.name" -}}
{{ .Values.nameOverride | default "tbot" }}
{{- end }}

{{/* Whether the SPIFFE CSI driver is installed ("true"): in the mode csi, and while the mesh moves to or from it. */}}
{{- define "istio-teleport.tbot.installsCSI" -}}
{{- or (eq .Values.socket.mode "csi") .Values.socket.transition -}}
{{- end }}

{{/* tbot.yaml. tbot ignores keys that it does not know: `istio-teleport render` checks this text strictly. */}}
{{- define "istio-teleport.tbot.config" -}}
{{- $extra := .Values.extraConfig -}}
{{- if $extra -}}
{{- $config := include "istio-teleport.tbot.ownConfig" . | fromYaml -}}
{{- $services := list -}}
{{- range $index, $service := $extra.services | default list -}}
{{- if eq $index 0 }}{{ $services = list (mergeOverwrite (first $config.services) (deepCopy $service)) }}{{ else }}{{ $services = append $services $service }}{{ end -}}
{{- end -}}
{{- mergeOverwrite $config (omit $extra "services") (dict "services" ($services | default $config.services)) | toYaml -}}
{{- else -}}
{{- include "istio-teleport.tbot.ownConfig" . -}}
{{- end -}}
{{- end }}

{{/* What the chart's own values make of it. */}}
{{- define "istio-teleport.tbot.ownConfig" -}}
{{- $t := .Values.global.teleport -}}
version: v2
proxy_server: {{ $t.proxyAddr | quote }}
onboarding:
  join_method: kubernetes
  token: {{ include "istio-teleport.teleportName" (dict "teleport" $t "name" $t.join.tokenName) | quote }}
# Nothing on disk: tbot joins anew at each start with its ServiceAccount token.
storage:
  type: memory
diag_addr: 0.0.0.0:3001
services:
  - type: workload-identity-api
    listen: {{ printf "unix://%s/%s" .Values.socket.hostPath .Values.socket.file | quote }}
    selector:
      name: {{ include "istio-teleport.teleportName" (dict "teleport" $t "name" $t.workloadIdentity.name) | quote }}
    credential_ttl: {{ .Values.credentialTTL }}
    renewal_interval: {{ .Values.renewalInterval }}
    attestors:
      kubernetes:
        enabled: true
        kubelet:
          secure_port: 10250
          skip_verify: {{ .Values.kubelet.skipVerify }}
          {{- if .Values.kubelet.caSecret }}
          ca_path: /var/run/secrets/kubelet-ca/ca.crt
          {{- else if .Values.kubelet.caPath }}
          ca_path: {{ .Values.kubelet.caPath | quote }}
          {{- end }}
{{- end }}
