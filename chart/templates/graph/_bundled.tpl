{{/* The applications that the chart brings along, by name, as JSON. This is the only place that knows them: whatever reads
graphs takes them for data, as it takes mesh.applications. Of each:
  title        what people call it
  enabledBy    the value that installs it
  application  its entry in the form of mesh.applications; absent while it is not installed
  places       the values that state the parts of that entry, for sentences: namespace, mode, off (the mode without
               policies, as that value spells it), and services by name
Call with the chart's context. */}}
{{- define "istio-teleport.bundledApplications" -}}
{{- $values := .Values.sockShop -}}
{{- $places := dict "namespace" "sockShop.namespace.name" "mode" "sockShop.policies" "off" "none" "services" (dict "front-end" "sockShop.frontEnd") -}}
{{- $sockShop := dict "title" "Sock Shop" "enabledBy" "sockShop.enabled" "places" $places -}}
{{- if $values.enabled -}}
{{- $services := get (.Subcharts.sockShop.Files.Get "files/graph.yaml" | fromYaml) "services" -}}
{{- $_ := set (get $services "front-end") "callers" $values.frontEnd.callers -}}
{{- $mode := eq $values.policies "none" | ternary "off" $values.policies -}}
{{- $_ := set $sockShop "application" (dict "namespace" $values.namespace.name "mode" $mode "services" $services) -}}
{{- end -}}
{{- dict "sock-shop" $sockShop | toJson -}}
{{- end }}
