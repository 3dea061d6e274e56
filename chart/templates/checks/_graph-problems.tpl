{{/* What is wrong with the graphs of the mesh, as istio-teleport.problems. Lookups go through dicts, so that the time
grows with the graph and not with its square. */}}
{{- define "istio-teleport.graphProblems" -}}
{{- $problems := list -}}
{{- $applications := include "istio-teleport.applications" . | fromJson -}}
{{- $gateways := .Values.mesh.gateways -}}
{{- $ofNamespace := dict -}}
{{- $bundledApplications := include "istio-teleport.bundledApplications" . | fromJson -}}
{{- /* Application → the values that state its namespace, mode and services. */ -}}
{{- $placesOf := dict -}}
{{- range $name, $_ := $applications }}
{{- $bundled := get $bundledApplications $name | default dict }}
{{- if not $bundled.application }}
{{- $path := printf "mesh.applications.%s" $name }}
{{- $_ := set $placesOf $name (dict "namespace" (printf "%s.namespace" $path) "mode" (printf "%s.mode" $path) "off" "off" "services" dict) }}
{{- else }}
{{- $_ := set $placesOf $name $bundled.places }}
{{- if eq $.Values.istio.injection.scope "pod" }}
{{- $problems = append $problems (printf "%s is true while istio.injection.scope is pod, and the pods of %s do not name the injection template: set it to false, or the scope to namespace." $bundled.enabledBy $bundled.title) }}
{{- end }}
{{- if hasKey $.Values.mesh.applications $name }}
{{- $problems = append $problems (printf "mesh.applications.%s has the name of %s's own graph: rename it, or set %s to false." $name $bundled.title $bundled.enabledBy) }}
{{- end }}
{{- end }}
{{- end }}
{{- if not .Values.mesh.enabled }}
{{- range $applicationName, $application := $applications }}
{{- $places := get $placesOf $applicationName }}
{{- $mode := $application.mode | default "enforce" }}
{{- if ne $mode "off" }}
{{- $problems = append $problems (printf "%s is %s while mesh.enabled is false, with which no policy is rendered: set mesh.enabled to true, or %s to %q." $places.mode $mode $places.mode $places.off) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $applicationName, $application := $applications }}
{{- $places := get $placesOf $applicationName }}
{{- $namespace := $application.namespace }}
{{- if has $namespace (list $.Values.tbot.namespace.name $.Values.mesh.rootNamespace) }}
{{- $problems = append $problems (printf "%s is %s, the namespace of tbot or of Istio: give the application one of its own." $places.namespace $namespace) }}
{{- end }}
{{- if and (eq $.Values.istio.injection.scope "namespace") (not (has $namespace $.Values.istio.injection.namespaces)) }}
{{- $problems = append $problems (printf "%s is %s, which is not in istio.injection.namespaces: add it, or leave the application out until its namespace is in scope." $places.namespace $namespace) }}
{{- end }}
{{- if and $.Values.testApp.enabled (eq $namespace $.Values.testApp.namespace.name) }}
{{- $problems = append $problems (printf "%s is %s, the namespace of the test app: give the application one of its own." $places.namespace $namespace) }}
{{- end }}
{{- with get $ofNamespace $namespace }}
{{- $problems = append $problems (printf "%s is %s, the namespace of application %s: give each application one of its own." $places.namespace $namespace .) }}
{{- end }}
{{- $_ := set $ofNamespace $namespace $applicationName }}
{{- end }}
{{- range $gatewayName, $gateway := $gateways }}
{{- if and $.Values.testApp.enabled (eq $gateway.namespace $.Values.testApp.namespace.name) }}
{{- $problems = append $problems (printf "mesh.gateways.%s.namespace is %s, the namespace of the test app, whose policies would refuse what comes to the gateway: run it in another one." $gatewayName $gateway.namespace) }}
{{- end }}
{{- with get $ofNamespace $gateway.namespace }}
{{- $problems = append $problems (printf "mesh.gateways.%s.namespace is %s, the namespace of application %s, whose policies would refuse what comes to the gateway: run it in another one, or make it a service of the application." $gatewayName $gateway.namespace .) }}
{{- end }}
{{- end }}

{{- /* By path normalization: what no path has any more when a policy sees it. */ -}}
{{- $dots := "(^|/)(\\.|%2[eE]){1,2}(/|$)|\\\\" -}}
{{- $slashes := printf "//|%s" $dots -}}
{{- $unreachable := dict "BASE" $dots "MERGE_SLASHES" $slashes "DECODE_AND_MERGE_SLASHES" (printf "%%(2[fF]|5[cC])|%s" $slashes) -}}
{{- range $applicationName, $application := $applications }}
{{- $places := get $placesOf $applicationName }}
{{- $ofServiceAccount := dict }}
{{- /* "key=value" → the services with that label: service → its labels. */ -}}
{{- $withLabel := dict }}
{{- range $serviceName, $service := $application.services }}
{{- $path := printf "mesh.applications.%s.services.%s" $applicationName $serviceName }}
{{- with get $ofServiceAccount $service.serviceAccount }}
{{- $problems = append $problems (printf "%s.serviceAccount is %s, which service %s has: give each service a ServiceAccount of its own, for it is its identity." $path $service.serviceAccount .) }}
{{- end }}
{{- $_ := set $ofServiceAccount $service.serviceAccount $serviceName }}
{{- range $key, $value := $service.labels }}
{{- $label := printf "%s=%s" $key $value }}
{{- $services := get $withLabel $label | default dict }}
{{- $_ := set $services $serviceName $service.labels }}
{{- $_ := set $withLabel $label $services }}
{{- end }}
{{- end }}

{{- range $serviceName, $service := $application.services }}
{{- $path := get $places.services $serviceName | default (printf "mesh.applications.%s.services.%s" $applicationName $serviceName) }}
{{- /* Only a service with the rarest of these labels can have them all. */ -}}
{{- $candidates := dict }}
{{- range $key, $value := $service.labels }}
{{- $services := get $withLabel (printf "%s=%s" $key $value) }}
{{- if or (not $candidates) (lt (len $services) (len $candidates)) }}{{ $candidates = $services }}{{ end }}
{{- end }}
{{- $found := false }}
{{- range $otherName, $labels := $candidates }}
{{- /* Equal selectors are one mistake, told at the first of the two. */ -}}
{{- $told := and (le $otherName $serviceName) (eq (len $labels) (len $service.labels)) }}
{{- $selected := not (or $found $told) }}
{{- range $key, $value := $service.labels }}
{{- if not (and (hasKey $labels $key) (eq (get $labels $key) $value)) }}{{ $selected = false }}{{ end }}
{{- end }}
{{- if $selected }}
{{- $found = true }}
{{- $problems = append $problems (printf "%s.labels select the pods of service %s, too, which would get both policies: add a label that only this service's pods have." $path $otherName) }}
{{- end }}
{{- end }}

{{- $indexOfPort := dict }}
{{- $indexOfTarget := dict }}
{{- range $index, $port := $service.ports }}
{{- $number := toString $port.port }}
{{- $target := $port.targetPort | default $port.port | toString }}
{{- if hasKey $indexOfPort $number }}
{{- $problems = append $problems (printf "%s.ports[%d].port is %s, which ports[%d] has: list each port once." $path $index $number (get $indexOfPort $number)) }}
{{- else if hasKey $indexOfTarget $target }}
{{- $problems = append $problems (printf "%s.ports[%d] is container port %s, which ports[%d] is: policies match on container ports and cannot tell the two apart; keep one of them." $path $index $target (get $indexOfTarget $target)) }}
{{- end }}
{{- $_ := set $indexOfPort $number $index }}
{{- $_ := set $indexOfTarget $target $index }}
{{- end }}

{{- if and $service.callers (not $service.ports) }}
{{- $problems = append $problems (printf "%s.callers is set, but the service has no ports: list in %s.ports what may be called." $path $path) }}
{{- end }}
{{- $indexOfEdge := dict }}
{{- $operations := dict }}
{{- range $index, $caller := $service.callers }}
{{- $callerPath := printf "%s.callers[%d]" $path $index }}
{{- $problemsBefore := len $problems }}
{{- $kinds := list }}
{{- range list "service" "gateway" "principal" "anyone" }}{{ if hasKey $caller . }}{{ $kinds = append $kinds . }}{{ end }}{{ end }}
{{- if not $kinds }}
{{- $problems = append $problems (printf "%s names nobody: set one of service, gateway, principal and anyone." $callerPath) }}
{{- else if gt (len $kinds) 1 }}
{{- $problems = append $problems (printf "%s sets %s at once: make one entry of each." $callerPath (join " and " $kinds)) }}
{{- else if and $caller.application (not $caller.service) }}
{{- $problems = append $problems (printf "%s.application is set without service: name a service of that application, or remove it." $callerPath) }}
{{- else if and $caller.application (not (hasKey $applications $caller.application)) }}
{{- $problems = append $problems (printf "%s.application is %q, which is not in mesh.applications: add it, or name one that is." $callerPath $caller.application) }}
{{- else if $caller.service }}
{{- $of := $caller.application | default $applicationName }}
{{- if not (hasKey (get $applications $of).services $caller.service) }}
{{- $problems = append $problems (printf "%s.service is %q, which is no service of application %s: add it, or name one that is." $callerPath $caller.service $of) }}
{{- end }}
{{- end }}
{{- if and $caller.gateway (not (hasKey $gateways $caller.gateway)) }}
{{- $problems = append $problems (printf "%s.gateway is %q, which is not in mesh.gateways: add it, or name one that is." $callerPath $caller.gateway) }}
{{- end }}
{{- with $caller.principal }}
{{- if hasPrefix "spiffe://" . }}
{{- $problems = append $problems (printf "%s.principal is %q: leave spiffe:// out, for policies name only the rest." $callerPath .) }}
{{- else if not (regexMatch "^[a-z0-9._-]+(/[A-Za-z0-9._-]+)*/([A-Za-z0-9._-]+|\\*)$" .) }}
{{- $problems = append $problems (printf "%s.principal is %q, which is no SPIFFE ID without spiffe://: write it like example.teleport.sh/ns/shop/sa/web; only the last part may be *." $callerPath .) }}
{{- end }}
{{- $clusterName := $.Values.global.teleport.clusterName }}
{{- /* Istio pilot/pkg/security/trustdomain/bundle.go. */ -}}
{{- if and (hasPrefix "cluster.local/" .) (ne $clusterName "cluster.local") }}
{{- $problems = append $problems (printf "%s.principal is %q, in which Istio takes cluster.local for the mesh's own trust domain: write %s/%s, or remove it." $callerPath . $clusterName (trimPrefix "cluster.local/" .)) }}
{{- end }}
{{- end }}
{{- range $caller.ports }}
{{- if not (hasKey $indexOfPort (toString .)) }}
{{- $problems = append $problems (printf "%s.ports has %s, which is no port of the service: name a port that %s.ports lists." $callerPath (toString .) $path) }}
{{- end }}
{{- end }}
{{- if or $caller.methods $caller.paths }}
{{- $told := false }}
{{- range $service.ports }}
{{- if and (not $told) (eq .protocol "TCP") (or (not $caller.ports) (has .port $caller.ports)) }}
{{- $told = true }}
{{- $problems = append $problems (printf "%s has methods or paths, but may use port %s, which is TCP and has neither: list the other ports in %s.ports, or remove them." $callerPath (toString .port) $callerPath) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $caller.paths (eq $.Values.istio.pathNormalization "NONE") }}
{{- $problems = append $problems (printf "%s.paths is set while istio.pathNormalization is NONE, with which /public/../admin passes for /public/*: set it to MERGE_SLASHES, or remove the paths." $callerPath) }}
{{- end }}
{{- range $pathIndex, $template := $caller.paths }}
{{- /* Istio leaves the braces out; envoy/extensions/path/match/uri_template/v3: path_template has at most 256. */ -}}
{{- if and (contains "{" .) (gt (regexReplaceAll "[{}]" . "" | len) 256) }}
{{- $problems = append $problems (printf "%s.paths[%d] is a template of more than 256 characters, which Envoy refuses: shorten it, or use a prefix." $callerPath $pathIndex) }}
{{- end }}
{{- $never := ternary "" (get $unreachable $.Values.istio.pathNormalization) (eq $.Values.istio.pathNormalization "NONE") }}
{{- with and $never (regexFind $never $template) }}
{{- $problems = append $problems (printf "%s.paths[%d] is %q, which matches no request: istio.pathNormalization %s rewrites %q before policies see the path; write the rewritten path." $callerPath $pathIndex $template $.Values.istio.pathNormalization .) }}
{{- end }}
{{- end }}
{{- if eq (len $problems) $problemsBefore }}
{{- $principal := include "istio-teleport.callerPrincipal" (dict "caller" $caller "clusterName" $.Values.global.teleport.clusterName "application" $applicationName "applications" $applications "gateways" $gateways) }}
{{- $operation := include "istio-teleport.operation" (dict "service" $service "caller" $caller) }}
{{- $_ := set $operations (printf "%t %s" (hasKey $caller "anyone") $operation) true }}
{{- $edge := printf "%s %s" $principal $operation }}
{{- if hasKey $indexOfEdge $edge }}
{{- $problems = append $problems (printf "%s allows what callers[%d] allows: remove one of them." $callerPath (get $indexOfEdge $edge)) }}
{{- end }}
{{- $_ := set $indexOfEdge $edge $index }}
{{- end }}
{{- end }}
{{- /* maxItems of rules in the CRD of AuthorizationPolicy. */ -}}
{{- if gt (len $operations) 512 }}
{{- $problems = append $problems (printf "%s.callers allow %d different sets of ports, methods and paths, and one policy holds at most 512 rules: let callers share them." $path (len $operations)) }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $problems -}}
{{- end }}
