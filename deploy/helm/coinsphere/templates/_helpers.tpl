{{- define "coinsphere.labels" -}}
app.kubernetes.io/name: coinsphere
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "coinsphere.image" -}}
{{- $registry := ternary (printf "%s/" .root.Values.image.registry) "" (ne .root.Values.image.registry "") -}}
{{- $digest := index .root.Values.image.digest .image -}}
{{- if .tag -}}
{{ $registry }}{{ .image }}:{{ .tag }}
{{- else if $digest -}}
{{ $registry }}{{ .image }}@{{ $digest }}
{{- else -}}
{{ $registry }}{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "coinsphere.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
# Only the folder itself: keys are files that nobody else may read.
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "coinsphere.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "coinsphere.environment" -}}
- {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}   # by which Prometheus asks a pod
- {name: COINSPHERE_HOME, value: /var/lib/coinsphere}
- {name: COINSPHERE_SECRETS_DIR, value: /run/secrets/coinsphere}
- {name: COINSPHERE_BIND_HOST, value: 0.0.0.0}
- {name: COINSPHERE_ENVIRONMENT, value: {{ .root.Values.environment | quote }}}
- {name: COINSPHERE_MARKET, value: {{ .root.Values.market | quote }}}
- {name: COINSPHERE_FRONTEND_URL, value: {{ printf "https://%s" .root.Values.host | quote }}}
- {name: COINSPHERE_API_HOSTS, value: {{ printf "%s,%s-api,%s-stream" .root.Values.host .root.Release.Name .root.Release.Name | quote }}}
- {name: COINSPHERE_SERVICE_HOSTS, value: {{ printf "localhost,$(POD_IP),%s-ml,%s-mlflow,%s-dagster" .root.Release.Name .root.Release.Name .root.Release.Name | quote }}}
- {name: COINSPHERE_ML_URL, value: {{ printf "http://%s-ml:8000" .root.Release.Name | quote }}}
- {name: COINSPHERE_MLFLOW_URL, value: {{ printf "http://%s-mlflow:5000" .root.Release.Name | quote }}}
- {name: COINSPHERE_DAGSTER_URL, value: {{ printf "http://%s-dagster%s:3000" .root.Release.Name (ternary "" "-webserver-read-only" .root.Values.dagster.enabled) | quote }}}
- {name: COINSPHERE_STREAM_URL, value: {{ printf "http://%s-stream:3002" .root.Release.Name | quote }}}
- {name: COINSPHERE_TRUSTED_PROXIES, value: "1"}
{{- range $name, $value := .root.Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "coinsphere.backupEnvironment" -}}
- {name: COINSPHERE_BACKUP_PLACES, value: {{ join "," .Values.backup.places | quote }}}
- {name: COINSPHERE_BACKUP_RECIPIENTS, value: {{ join "," .Values.backup.recipients | quote }}}
- {name: COINSPHERE_JWT_KEYS_DIR, value: /keys/keys}
- {name: COINSPHERE_ENCRYPTION_KEYS_DIR, value: /keys/encryption-keys}
- {name: COINSPHERE_PASSWORD_KEYS_DIR, value: /keys/password-keys}
- {name: COINSPHERE_AUDIT_KEYS_DIR, value: /keys/audit-keys}
- {name: COINSPHERE_AUDIT_ANCHOR_FILE, value: /keys/audit-anchors.jsonl}
{{- end }}

{{- define "coinsphere.secretKeys" -}}
{{- $isPooled := and .root.Values.pooler.enabled (has "api_database_url" .process.secrets) -}}
{{- ternary (append .process.secrets "api_direct_database_url") .process.secrets $isPooled | toJson -}}
{{- end }}

{{- define "coinsphere.secretVolume" -}}
- name: secrets
  secret:
    secretName: {{ .root.Values.secrets.prefix }}{{ .secret }}
    defaultMode: 0440
    items:
    {{- range .keys }}
      - {key: {{ . }}, path: {{ . }}}
    {{- end }}
{{- end }}
