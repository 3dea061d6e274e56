{{/* What is wrong with the values, beyond what the schema can say, as a JSON list: one sentence for each problem, which
names the value and the fix. checks.yaml and our tools read it. Call with the chart's context. */}}
{{- define "istio-teleport.problems" -}}
{{- $problems := list -}}
{{- $t := .Values.global.teleport -}}
{{- if not .Values.enabled }}
{{- $problems = append $problems "enabled is false, which only the condition of a parent chart's dependency reads: remove it, or add the condition to the parent's Chart.yaml." }}
{{- end }}
{{- if not $t.clusterName }}
{{- $problems = append $problems "global.teleport.clusterName is empty: set it to the name of your Teleport cluster, as `tctl status` prints it." }}
{{- end }}
{{- if not $t.proxyAddr }}
{{- $problems = append $problems "global.teleport.proxyAddr is empty: set it to the host:port of your Teleport Proxy Service, for example example.teleport.sh:443." }}
{{- end }}
{{- if gt (last (splitList ":" $t.proxyAddr) | int) 65535 }}
{{- $problems = append $problems (printf "global.teleport.proxyAddr is %q: its port is above 65535; set it to the host:port of your Teleport Proxy Service." $t.proxyAddr) }}
{{- end }}
{{- if and (eq $t.join.type "oidc") (not $t.join.issuer) }}
{{- $problems = append $problems "global.teleport.join.issuer is empty: join type oidc needs the issuer URL of the cluster's ServiceAccount tokens, as `kubectl get --raw /.well-known/openid-configuration` prints it." }}
{{- end }}
{{- if and (ne $t.join.type "oidc") $t.join.issuer }}
{{- $problems = append $problems (printf "global.teleport.join.issuer is set but global.teleport.join.type is %s: remove the issuer or set the type to oidc." $t.join.type) }}
{{- end }}
{{- with $t.cluster }}
{{- range $path, $name := dict "bot.name" $t.bot.name "role.name" $t.role.name "workloadIdentity.name" $t.workloadIdentity.name "join.tokenName" $t.join.tokenName }}
{{- $full := include "istio-teleport.teleportName" (dict "teleport" $t "name" $name) }}
{{- if gt (len $full) 63 }}
{{- $problems = append $problems (printf "global.teleport.%s and global.teleport.cluster make the name %s, which has more than 63 characters: shorten one of them." $path $full) }}
{{- end }}
{{- end }}
{{- $label := get $t.workloadIdentity.labels "cluster" | default . }}
{{- if ne $label . }}
{{- $problems = append $problems (printf "global.teleport.workloadIdentity.labels has cluster: %s while global.teleport.cluster is %s, which sets that label itself: remove it." $label .) }}
{{- end }}
{{- end }}
{{- with $t.workloadIdentity.allowedNamespaces }}
{{- $needed := dict -}}
{{- if $.Values.testApp.enabled }}{{ $_ := set $needed "testApp.namespace.name" $.Values.testApp.namespace.name }}{{ end -}}
{{- $bundled := include "istio-teleport.bundledApplications" $ | fromJson -}}
{{- range $name, $application := include "istio-teleport.applications" $ | fromJson }}
{{- $places := (get $bundled $name | default dict).places | default dict }}
{{- $_ := set $needed ($places.namespace | default (printf "mesh.applications.%s.namespace" $name)) $application.namespace }}
{{- end }}
{{- range $name, $gateway := $.Values.mesh.gateways }}{{ $_ := set $needed (printf "mesh.gateways.%s.namespace" $name) $gateway.namespace }}{{ end -}}
{{- range $index, $namespace := $.Values.istio.injection.namespaces }}{{ $_ := set $needed (printf "istio.injection.namespaces[%d]" $index) $namespace }}{{ end -}}
{{- range $path, $namespace := $needed }}
{{- if not (has $namespace $t.workloadIdentity.allowedNamespaces) }}
{{- $problems = append $problems (printf "%s is %s, which global.teleport.workloadIdentity.allowedNamespaces does not list, so no workload there would get an identity: add it." $path $namespace) }}
{{- end }}
{{- end }}
{{- end }}
{{- $session := include "istio-teleport.seconds" $t.role.maxSessionTTL | int64 -}}
{{- if lt $session 2400 }}
{{- $problems = append $problems (printf "global.teleport.role.maxSessionTTL is %s, less than 40m: tbot renews its credential every 20 minutes, and one missed renewal would end it; raise it." $t.role.maxSessionTTL) }}
{{- end }}
{{- /* YAML cannot hold these, and JSON does not escape them: toYaml gives nothing for a map that has one anywhere. */ -}}
{{- if regexMatch "[\\x7f-\\x84\\x86-\\x9f\\x{feff}\\x{fffe}\\x{ffff}]" (toJson .Values) }}
{{- range include "istio-teleport.controlCharacters" (dict "path" "" "value" .Values) | fromJsonArray }}
{{- $problems = append $problems (printf "%s has a control character, at which Helm would leave out the whole map or list: remove it." .) }}
{{- end }}
{{- end }}
{{- $ttl := include "istio-teleport.seconds" .Values.tbot.credentialTTL | int64 -}}
{{- $renewal := include "istio-teleport.seconds" .Values.tbot.renewalInterval | int64 -}}
{{- if gt $ttl 1209600 }}
{{- $problems = append $problems (printf "tbot.credentialTTL is %s: Teleport issues X.509 SVIDs for at most 336h; lower it." .Values.tbot.credentialTTL) }}
{{- end }}
{{- if gt (mul 3 $renewal) $ttl }}
{{- $problems = append $problems (printf "tbot.renewalInterval is %s, more than a third of tbot.credentialTTL (%s): two breaks of tbot's connection to Teleport would let certificates expire; lower the interval or raise the TTL." .Values.tbot.renewalInterval .Values.tbot.credentialTTL) }}
{{- end }}
{{- /* Envoy gives a connection 5 s to end between two requests: below this, connections would do little else. */ -}}
{{- range $key, $duration := .Values.mesh.connections }}
{{- if and $duration (lt (include "istio-teleport.seconds" $duration | int64) 10) }}
{{- $problems = append $problems (printf "mesh.connections.%s is %s, less than 10s: sidecars would open new connections all the time; raise it, or leave it empty for no limit." $key $duration) }}
{{- end }}
{{- /* Envoy counts nanoseconds in 63 bits. */}}
{{- if and $duration (gt (include "istio-teleport.seconds" $duration | int64) 9223369200) }}
{{- $problems = append $problems (printf "mesh.connections.%s is %s, more than 2562047h, for which Envoy would refuse every listener of every sidecar: lower it, or leave it empty for no limit." $key $duration) }}
{{- end }}
{{- end }}
{{- if and (not .Values.tbot.image.digest) (regexMatch "^v?[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$" .Values.tbot.image.tag) }}
{{- if semverCompare "<18.11.0-0" .Values.tbot.image.tag }}
{{- $problems = append $problems (printf "tbot.image.tag is %s: tbot before 18.11 neither attests native sidecars nor serves issuer chains over SDS; set 18.11.0 or later." .Values.tbot.image.tag) }}
{{- end }}
{{- end }}
{{- range .Values.tbot.extraEnv }}
{{- /* The last five are tbot's environment variables for flags and for another tbot.yaml. */}}
{{- if or (has .name (list "TELEPORT_NODE_NAME" "KUBERNETES_TOKEN_PATH" "TELEPORT_BOT_TOKEN" "TELEPORT_PROXY" "TELEPORT_AUTH_SERVER" "TBOT_CONFIG" "TBOT_CONFIG_PATH")) (and $t.caSecret (eq .name "SSL_CERT_DIR")) }}
{{- $problems = append $problems (printf "tbot.extraEnv sets %s, which the chart sets itself: remove it." .name) }}
{{- end }}
{{- end }}
{{- range $key, $_ := .Values.tbot.podLabels }}
{{- if has $key (list "app.kubernetes.io/name" "app.kubernetes.io/part-of" "sidecar.istio.io/inject") }}
{{- $problems = append $problems (printf "tbot.podLabels sets %s, which the chart sets itself: remove it." $key) }}
{{- end }}
{{- end }}
{{- $labels := list "app.kubernetes.io/name" "app.kubernetes.io/part-of" "app.kubernetes.io/instance" "app.kubernetes.io/managed-by" "helm.sh/chart" "istio-injection" "pod-security.kubernetes.io/enforce" "sidecar.istio.io/inject" -}}
{{- $given := dict "global.commonLabels" .Values.global.commonLabels "tbot.namespace.labels" .Values.tbot.namespace.labels "testApp.namespace.labels" .Values.testApp.namespace.labels -}}
{{- range include "istio-teleport.bundledApplications" . | fromJson }}{{ $_ := set $given .places.namespaceLabels .namespaceLabels }}{{ end -}}
{{- /* Only the istiod of that revision reads an object with this label: policies would be off for all others. */ -}}
{{- if hasKey .Values.global.commonLabels "istio.io/rev" }}
{{- $problems = append $problems "global.commonLabels sets istio.io/rev, with which istiod of any other revision ignores the mesh's policies: set it in the labels of the namespaces." }}
{{- end }}
{{- range $path, $own := $given }}
{{- if and (hasKey $own "istio.io/rev") (empty (get $own "istio.io/rev")) }}
{{- $problems = append $problems (printf "%s sets istio.io/rev to nothing, with which Istio injects no sidecar: name the revision." $path) }}
{{- end }}
{{- range $key, $_ := $own }}
{{- if has $key $labels }}
{{- $problems = append $problems (printf "%s sets %s, which the chart sets itself: remove it." $path $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $path, $own := dict "global.commonAnnotations" .Values.global.commonAnnotations "tbot.podAnnotations" .Values.tbot.podAnnotations }}
{{- range $key, $_ := $own }}
{{- if or (has $key (list "checksum/config" "helm.sh/resource-policy" "istio.io/dry-run")) (hasPrefix "helm.sh/hook" $key) }}
{{- $problems = append $problems (printf "%s sets %s, which the chart sets itself: remove it." $path $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- /* tbot's flags win over tbot.yaml (Teleport lib/tbot/cli/start_legacy.go). */ -}}
{{- range .Values.tbot.extraArgs }}
{{- if regexMatch "^(-[acd]|--(no-)?(debug|oneshot)$|--(config|config-string|log-format|auth-server|proxy-server|token|join-method|ca-pin|certificate-ttl|renewal-interval|diag-addr|data-dir|destination-dir)(=|$))" . }}
{{- $problems = append $problems (printf "tbot.extraArgs has %s, which the chart sets itself: use tbot.debug, tbot.logFormat, tbot.extraConfig or the values of global.teleport." .) }}
{{- end }}
{{- end }}
{{- $volumes := list "config" "join-token" "socket" "teleport-ca" "kubelet-ca" -}}
{{- $ownVolumes := list -}}
{{- range .Values.tbot.extraVolumes }}
{{- if has .name (concat $volumes $ownVolumes) }}
{{- $problems = append $problems (printf "tbot.extraVolumes has the name %s twice, or the chart has a volume of that name: rename it." .name) }}
{{- end }}
{{- $ownVolumes = append $ownVolumes .name }}
{{- end }}
{{- range .Values.tbot.extraVolumeMounts }}
{{- if not (has .name $ownVolumes) }}
{{- $problems = append $problems (printf "tbot.extraVolumeMounts names the volume %s, which is not in tbot.extraVolumes: add it." .name) }}
{{- end }}
{{- $mount := .mountPath }}
{{- $path := printf "%s/" (clean (printf "/%s" $mount) | trimSuffix "/") }}
{{- range $taken := list "/config/" "/var/run/secrets/" (printf "%s/" $.Values.tbot.socket.hostPath) }}
{{- /* /var/run is a link to /run in tbot's image. */}}
{{- $real := regexReplaceAll "^/var/run/" $taken "/run/" }}
{{- if or (hasPrefix $taken $path) (hasPrefix $path $taken) (hasPrefix $real $path) (hasPrefix $real (regexReplaceAll "^/var/run/" $path "/run/")) }}
{{- $problems = append $problems (printf "tbot.extraVolumeMounts mounts at %s, over what the chart mounts at %s: choose another path." $mount (trimSuffix "/" $taken)) }}
{{- end }}
{{- end }}
{{- end }}
{{- $kubelet := .Values.tbot.kubelet -}}
{{- if and $kubelet.caSecret $kubelet.caPath }}
{{- $problems = append $problems "tbot.kubelet has both caSecret and caPath: give one of them." }}
{{- end }}
{{- if and $kubelet.skipVerify (or $kubelet.caSecret $kubelet.caPath) }}
{{- $problems = append $problems "tbot.kubelet.skipVerify is true, with which tbot reads no CA: remove it, or tbot.kubelet.caSecret and caPath." }}
{{- end }}
{{- if and (eq .Values.tbot.dnsPolicy "None") (not .Values.tbot.dnsConfig.nameservers) }}
{{- $problems = append $problems "tbot.dnsPolicy is None, with which Kubernetes requires name servers: list them in tbot.dnsConfig.nameservers." }}
{{- end }}
{{- if and .Values.tbot.resourceQuota.enabled (not .Values.tbot.priorityClassName) }}
{{- $problems = append $problems "tbot.resourceQuota.enabled is true while tbot.priorityClassName is empty: a quota for no class counts nothing; name the class or disable the quota." }}
{{- end }}
{{- if and .Values.monitoring.enabled .Values.tbot.networkPolicy.enabled (not .Values.tbot.networkPolicy.metricsFrom) }}
{{- $problems = append $problems "monitoring.enabled is true while tbot.networkPolicy lets nobody reach tbot's metrics: name your Prometheus in tbot.networkPolicy.metricsFrom." }}
{{- end }}
{{- $service := .Values.tbot.extraConfig.services | default list | first | default dict -}}
{{- $instead := dict "proxy_server" "global.teleport.proxyAddr" "auth_server" "global.teleport.proxyAddr" "onboarding" "global.teleport.join.tokenName" "debug" "tbot.debug" -}}
{{- range $key, $value := omit .Values.tbot.extraConfig "services" }}
{{- if hasKey $instead $key }}
{{- $problems = append $problems (printf "tbot.extraConfig sets %s, which another value sets: use %s." $key (get $instead $key)) }}
{{- else if not (has $key (list "credential_ttl" "renewal_interval")) }}
{{- $problems = append $problems (printf "tbot.extraConfig sets %s, which the chart sets itself or tbot does not know: remove it." $key) }}
{{- end }}
{{- end }}
{{- if ne (get $service "type" | default "workload-identity-api") "workload-identity-api" }}
{{- $problems = append $problems (printf "tbot.extraConfig makes the first service one of type %v, which would leave the mesh without certificates: add it as a further service." $service.type) }}
{{- end }}
{{- $kubernetes := dig "attestors" "kubernetes" dict $service }}
{{- if not (dig "enabled" true $kubernetes) }}
{{- $problems = append $problems "tbot.extraConfig disables the attestor kubernetes of the first service, without which no pod gets a certificate: remove it." }}
{{- end }}
{{- $instead = dict "skip_verify" "tbot.kubelet.skipVerify" "ca_path" "tbot.kubelet.caPath" -}}
{{- range $key, $_ := dig "kubelet" dict $kubernetes }}
{{- if hasKey $instead $key }}
{{- $problems = append $problems (printf "tbot.extraConfig sets %s of the first service's kubelet, which another value sets: use %s." $key (get $instead $key)) }}
{{- end }}
{{- end }}
{{- $instead = dict "listen" "tbot.socket" "selector" "global.teleport.workloadIdentity.name" "credential_ttl" "tbot.credentialTTL" "renewal_interval" "tbot.renewalInterval" -}}
{{- range $key, $_ := $service }}
{{- if hasKey $instead $key }}
{{- $problems = append $problems (printf "tbot.extraConfig sets %s of the first service, which another value sets: use %s." $key (get $instead $key)) }}
{{- end }}
{{- end }}
{{- $capabilities := .Values.tbot.securityContext.capabilities }}
{{- if and .Values.tbot.attestBinary (hasKey .Values.tbot.securityContext "capabilities") (not (and $capabilities (has "SYS_PTRACE" ($capabilities.add | default (ternary list (list "SYS_PTRACE") (hasKey $capabilities "add")))))) }}
{{- $problems = append $problems "tbot.securityContext.capabilities replaces the capability SYS_PTRACE, without which tbot.attestBinary reads no binary: add it there, or disable tbot.attestBinary." }}
{{- end }}
{{- if and .Values.testApp.enabled (has .Values.testApp.namespace.name (list .Values.tbot.namespace.name .Values.mesh.rootNamespace)) }}
{{- $problems = append $problems (printf "testApp.namespace.name is %s, the namespace of tbot or of Istio: give the test app one of its own." .Values.testApp.namespace.name) }}
{{- end }}
{{- /* Directories of the node by which a pod could take the socket over; with the CSI driver also where kubelet and driver
meet, and where volumes are mounted. /var/run is a link to /run on nodes. */ -}}
{{- $socketDir := regexReplaceAll "^/var/run/" .Values.tbot.socket.hostPath "/run/" -}}
{{- $guarded := dict .Values.tbot.socket.hostPath (printf "write to tbot's socket directory %s" .Values.tbot.socket.hostPath) -}}
{{- if or (eq .Values.tbot.socket.mode "csi") .Values.tbot.socket.transition }}
{{- $csi := .Values.tbot.csi -}}
{{- range list "pods" (printf "plugins/%s" $csi.driverName) "plugins_registry" }}
{{- $dir := printf "%s/%s" $csi.kubeletDir . }}
{{- $_ := set $guarded $dir (printf "come between the kubelet and the CSI driver in %s" $dir) }}
{{- end }}
{{- $kubeletDir := regexReplaceAll "^/var/run/" $csi.kubeletDir "/run/" }}
{{- if or (hasPrefix (printf "%s/" $kubeletDir) (printf "%s/" $socketDir)) (hasPrefix (printf "%s/" $socketDir) (printf "%s/" $kubeletDir)) }}
{{- $problems = append $problems (printf "tbot.socket.hostPath is %s, in or above tbot.csi.kubeletDir (%s), and pods would get what the kubelet keeps there with tbot's socket: choose another directory." .Values.tbot.socket.hostPath $csi.kubeletDir) }}
{{- end }}
{{- $account := printf "%s-csi" (.Values.tbot.nameOverride | default "tbot") }}
{{- if eq .Values.tbot.serviceAccount.name $account }}
{{- $problems = append $problems (printf "tbot.serviceAccount.name is %s, the name of the CSI driver's ServiceAccount, which must have no right of tbot's: choose another name." $account) }}
{{- end }}
{{- end }}
{{- range $allowed := .Values.mesh.admission.allowedHostPaths }}
{{- $path := printf "%s/" (regexReplaceAll "^/var/run(/|$)" $allowed "/run${1}") -}}
{{- $through := list -}}
{{- range $dir, $does := $guarded }}
{{- $real := printf "%s/" (regexReplaceAll "^/var/run/" $dir "/run/") }}
{{- if or (hasPrefix $path $real) (hasPrefix $real $path) (hasPrefix "/proc/" $path) }}{{ $through = append $through $does }}{{ end }}
{{- end }}
{{- with $through }}
{{- $problems = append $problems (printf "mesh.admission.allowedHostPaths has %s, through which a pod could %s: allow a narrower path." $allowed (last .)) }}
{{- end }}
{{- end }}
{{- if and .Values.tbot.resourceQuota.enabled (eq .Values.tbot.namespace.name "kube-system") }}
{{- $problems = append $problems "tbot.resourceQuota.enabled is true in the namespace kube-system, where it would limit the cluster's own pods: remove it; that namespace needs none." }}
{{- end }}
{{- $injection := .Values.istio.injection -}}
{{- if and (ne $injection.scope "mesh") .Values.istio.blockIstiodCertificates }}
{{- $problems = append $problems (printf "istio.injection.scope is %s while istio.blockIstiodCertificates is true, with which pods outside the scope get no certificate at all: set istio.blockIstiodCertificates to false until the scope is mesh." $injection.scope) }}
{{- end }}
{{- if and (eq $injection.scope "namespace") (not $injection.namespaces) }}
{{- $problems = append $problems "istio.injection.scope is namespace while istio.injection.namespaces is empty, so no pod gets its identity from Teleport: list the namespaces." }}
{{- end }}
{{- if and (ne $injection.scope "namespace") $injection.namespaces }}
{{- $problems = append $problems (printf "istio.injection.namespaces is set while istio.injection.scope is %s, which reads no list: remove the list, or set the scope to namespace." $injection.scope) }}
{{- end }}
{{- if .Values.testApp.enabled }}
{{- if eq $injection.scope "pod" }}
{{- $problems = append $problems "testApp.enabled is true while istio.injection.scope is pod, and the pods of the test app do not name the injection template: set it to false, or the scope to namespace." }}
{{- else if and (eq $injection.scope "namespace") (not (has .Values.testApp.namespace.name $injection.namespaces)) }}
{{- $problems = append $problems (printf "testApp.namespace.name is %s, which is not in istio.injection.namespaces: add it, or disable the test app." .Values.testApp.namespace.name) }}
{{- end }}
{{- end }}
{{- if and .Values.monitoring.enabled (not .Values.tbot.enabled) }}
{{- $problems = append $problems "monitoring.enabled is true while tbot.enabled is false: there is no tbot to scrape; enable tbot or disable monitoring." }}
{{- end }}
{{- if .Values.watch.enabled }}
{{- if not .Values.tbot.enabled }}
{{- $problems = append $problems "watch.enabled is true while tbot.enabled is false: there is no tbot to look at; enable tbot or disable watch." }}
{{- end }}
{{- if not .Values.watch.image }}
{{- $problems = append $problems "watch.image is empty, and there is no public image: build one from the repository's Dockerfile, and name it." }}
{{- end }}
{{- if not .Values.watch.namespaces }}
{{- $problems = append $problems "watch.namespaces is empty: list the namespaces whose sidecars it may ask, or [\"*\"] for all, in which it may then reach every pod's ports." }}
{{- end }}
{{- if and .Values.watch.keyIds (ne $t.join.type "static_jwks") }}
{{- $problems = append $problems (printf "watch.keyIds is set while global.teleport.join.type is %s, whose token holds no keys: remove it." $t.join.type) }}
{{- end }}
{{- range .Values.watch.extraArgs }}
{{- if regexMatch "^(-n|--(key-ids|event-on|namespace|wait|context|kubeconfig)(=|$))" . }}
{{- $problems = append $problems (printf "watch.extraArgs has %s, which the chart sets itself: use watch.keyIds, watch.namespaces or watch.wait." .) }}
{{- end }}
{{- end }}
{{- end }}
{{- concat $problems (include "istio-teleport.graphProblems" . | fromJsonArray) | default list | toJson -}}
{{- end }}

{{/* Paths of the strings and keys that YAML cannot hold, as a JSON list. Call with a dict: path (of the value), value. */}}
{{- define "istio-teleport.controlCharacters" -}}
{{- $unprintable := "[\\x7f-\\x84\\x86-\\x9f\\x{feff}\\x{fffe}\\x{ffff}]" -}}
{{- $path := .path -}}
{{- $below := list -}}
{{- $paths := list -}}
{{- if kindIs "slice" .value -}}
{{- range $index, $value := .value }}{{ $below = append $below (dict "path" (printf "%s[%d]" $path $index) "value" $value) }}{{ end -}}
{{- else if kindIs "map" .value -}}
{{- range $key, $value := .value -}}
{{- $inner := list $path $key | compact | join "." -}}
{{- if regexMatch $unprintable $key }}{{ $paths = append $paths $inner -}}
{{- /* Helm copies `global` into each subchart's values. */ -}}
{{- else if or (ne $key "global") (not $path) }}{{ $below = append $below (dict "path" $inner "value" $value) }}{{ end -}}
{{- end -}}
{{- else if and (kindIs "string" .value) (regexMatch $unprintable .value) -}}
{{- $paths = append $paths $path -}}
{{- end -}}
{{- range $below }}{{ $paths = concat $paths (include "istio-teleport.controlCharacters" . | fromJsonArray) }}{{ end -}}
{{- toJson $paths -}}
{{- end }}
