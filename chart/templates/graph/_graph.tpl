{{/* The applications of the mesh by name, as JSON: mesh.applications and the bundled ones. Call with the chart's
context. */}}
{{- define "istio-teleport.applications" -}}
{{- $applications := dict -}}
{{- range $name, $application := .Values.mesh.applications }}{{ $_ := set $applications $name $application }}{{ end -}}
{{- range $name, $bundled := include "istio-teleport.bundledApplications" . | fromJson -}}
{{- with $bundled.application }}{{ $_ := set $applications $name . }}{{ end -}}
{{- end -}}
{{- toJson $applications -}}
{{- end }}

{{/* The principal of a caller; empty for anyone. A caller that names nothing renders nonsense and no error, for Helm may
come to it before the checks, which tell more. Call with a dict: clusterName, caller,
application (the name of the called service's), applications, gateways. */}}
{{- define "istio-teleport.callerPrincipal" -}}
{{- $caller := .caller -}}
{{- if $caller.service -}}
{{- $application := get .applications ($caller.application | default .application) | default dict -}}
{{- $service := get ($application.services | default dict) $caller.service | default dict -}}
{{- include "istio-teleport.principal" (dict "clusterName" .clusterName "namespace" $application.namespace "serviceAccount" $service.serviceAccount) -}}
{{- else if $caller.gateway -}}
{{- $gateway := get .gateways $caller.gateway | default dict -}}
{{- include "istio-teleport.principal" (dict "clusterName" .clusterName "namespace" $gateway.namespace "serviceAccount" $gateway.serviceAccount) -}}
{{- else -}}
{{- $caller.principal -}}
{{- end -}}
{{- end }}

{{/* What a caller may do, as the operation of an AuthorizationPolicy in JSON: always the ports of the container, then
methods and paths. Call with a dict: service (the called one), caller. */}}
{{- define "istio-teleport.operation" -}}
{{- $caller := .caller -}}
{{- $ports := list -}}
{{- range .service.ports -}}
{{- if or (not $caller.ports) (has .port $caller.ports) -}}
{{- $ports = append $ports (.targetPort | default .port | toString) -}}
{{- end -}}
{{- end -}}
{{- toRawJson (merge (dict "ports" $ports) (pick $caller "methods" "paths")) -}}
{{- end }}
