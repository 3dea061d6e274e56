{{/* The templates here take a dict: root (the subchart's context), name, service (its entry in files/graph.yaml), part
(its entry in files/parts.yaml), image. */}}

{{/* Name of a port, which tells Istio the protocol: http, or tcp- and what it speaks. Istio would otherwise wait for the
client's first bytes, while a MySQL client waits for the server's, and would take a Mongo port for its own Mongo filter.
Call with a dict: port (of the graph), part. */}}
{{- define "istio-teleport.sockShop.portName" -}}
{{ eq .port.protocol "HTTP" | ternary "http" (printf "tcp-%s" .part.tcp) }}
{{- end }}

{{- define "istio-teleport.sockShop.workload" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .service.serviceAccount }}
  namespace: {{ .root.Values.namespace.name | quote }}
  {{- include "istio-teleport.metadata" . | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .root.Values.namespace.name | quote }}
  {{- include "istio-teleport.metadata" . | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- toYaml .service.labels | nindent 6 }}
  template:
    metadata:
      labels:
        {{- toYaml .service.labels | nindent 8 }}
        app.kubernetes.io/part-of: istio-teleport
        {{- with .root.Values.global.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .service.serviceAccount }}
      automountServiceAccountToken: false
      {{- with include "istio-teleport.imagePullSecrets" (dict "root" .root "own" .root.Values.imagePullSecrets) }}
      {{- nindent 6 . }}
      {{- end }}
      # The parts know each other by DNS; variables such as RABBITMQ_PORT could only be mistaken for settings.
      enableServiceLinks: false
      {{- if .part.fileCapability }}
      securityContext:
        sysctls:
          - name: net.ipv4.ip_unprivileged_port_start
            value: "80"
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "istio-teleport.image" . | quote }}
          imagePullPolicy: {{ .root.Values.imagePullPolicy }}
          {{- with .part.env }}
          env:
            {{- range $name, $value := . }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
          {{- end }}
          ports:
            {{- range .service.ports }}
            - name: {{ include "istio-teleport.sockShop.portName" (dict "port" . "part" $.part) }}
              containerPort: {{ .targetPort | default .port }}
            {{- end }}
          startupProbe:
            {{- toYaml .part.probe | nindent 12 }}
            periodSeconds: 5
            failureThreshold: 60
          readinessProbe:
            {{- toYaml .part.probe | nindent 12 }}
            periodSeconds: 5
          livenessProbe:
            {{- toYaml .part.probe | nindent 12 }}
          resources:
            {{- toYaml .part.resources | nindent 12 }}
          securityContext:
            runAsNonRoot: true
            runAsUser: {{ .part.user }}
            runAsGroup: {{ .part.user }}
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: {{ ne (.part.rootFilesystem | default "") "writable" }}
            capabilities:
              drop: [ALL]
              {{- if .part.fileCapability }}
              add: [NET_BIND_SERVICE]
              {{- end }}
            seccompProfile:
              type: RuntimeDefault
          volumeMounts:
            {{- range prepend (.part.writable | default list) "/tmp" }}
            - name: {{ include "istio-teleport.sockShop.volumeName" . }}
              mountPath: {{ . }}
            {{- end }}
      volumes:
        {{- range prepend (.part.writable | default list) "/tmp" }}
        - name: {{ include "istio-teleport.sockShop.volumeName" . }}
          emptyDir: {}
        {{- end }}
{{- end }}

{{/* Name of a writable directory's volume: /var/lib/mysql → var-lib-mysql. */}}
{{- define "istio-teleport.sockShop.volumeName" -}}
{{ trimPrefix "/" . | replace "/" "-" }}
{{- end }}

{{- define "istio-teleport.sockShop.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Values.namespace.name | quote }}
  {{- include "istio-teleport.metadata" . | nindent 2 }}
spec:
  selector:
    {{- toYaml .service.labels | nindent 4 }}
  ports:
    {{- range .service.ports }}
    - name: {{ include "istio-teleport.sockShop.portName" (dict "port" . "part" $.part) }}
      appProtocol: {{ lower .protocol }}
      port: {{ .port }}
      targetPort: {{ .targetPort | default .port }}
    {{- end }}
{{- end }}
