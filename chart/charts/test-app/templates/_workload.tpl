{{/* ServiceAccount and Deployment of one part. Call with a dict: root, name, image, command (or nil), port (or nil). */}}
{{- define "istio-teleport.testApp.workload" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
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
      app.kubernetes.io/name: {{ .name }}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ .name }}
        app.kubernetes.io/part-of: istio-teleport
        {{- with .root.Values.global.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: false
      {{- with include "istio-teleport.imagePullSecrets" (dict "root" .root "own" .root.Values.imagePullSecrets) }}
      {{- nindent 6 . }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "istio-teleport.image" . | quote }}
          imagePullPolicy: {{ .root.Values.imagePullPolicy }}
          {{- with .command }}
          command: {{ toJson . }}
          {{- end }}
          {{- with .port }}
          ports:
            - name: http
              containerPort: {{ . }}
          readinessProbe:
            httpGet:
              path: /headers
              port: http
          {{- end }}
          resources:
            requests:
              cpu: 10m
              memory: 32Mi
            limits:
              memory: 128Mi
          securityContext:
            runAsNonRoot: true
            runAsUser: 65532
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
            seccompProfile:
              type: RuntimeDefault
{{- end }}
