{{/* The applications bundled with the chart, by name, as JSON. Only this file knows them: all other templates and the tools
read them as data, as they read mesh.applications. Of each:
  title        what people call it
  enabledBy    the value that installs it
  namespaceLabels  labels of its namespace
  createsNamespace  whether the chart creates it
  application  its entry in the form of mesh.applications; absent while it is not installed
  places       for the sentences of the checks, the values that set the parts of that entry: namespace, mode, services by
               name; and off, how that mode's value spells "off"
Call with the chart's context. */}}
{{- define "istio-teleport.bundledApplications" -}}
{{- $values := .Values.sockShop -}}
{{- $places := dict "namespace" "sockShop.namespace.name" "namespaceLabels" "sockShop.namespace.labels" "mode" "sockShop.policies" "off" "none" "services" (dict "front-end" "sockShop.frontEnd") -}}
{{- $sockShop := dict "title" "Sock Shop" "enabledBy" "sockShop.enabled" "namespaceLabels" $values.namespace.labels "createsNamespace" $values.namespace.create "places" $places -}}
{{- if $values.enabled -}}
{{- $services := get (.Subcharts.sockShop.Files.Get "files/graph.yaml" | fromYaml) "services" -}}
{{- $_ := set (get $services "front-end") "callers" $values.frontEnd.callers -}}
{{- $mode := eq $values.policies "none" | ternary "off" $values.policies -}}
{{- $_ := set $sockShop "application" (dict "namespace" $values.namespace.name "mode" $mode "services" $services) -}}
{{- end -}}
{{- dict "sock-shop" $sockShop | toJson -}}
{{- end }}
